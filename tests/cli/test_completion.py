from __future__ import annotations

import shutil
import subprocess

import pytest
from support.types import Run

from unibuild.cli.completion import candidates


def test_verbs() -> None:
    assert candidates(["b"]) == ["build"]
    assert "explain" in candidates([""])


def test_options_of_a_verb() -> None:
    assert candidates(["build", "--key"]) == []
    assert candidates(["build", "--keep"]) == ["--keep-going"]


def test_outside_a_workspace_there_are_no_labels(run: Run) -> None:
    result = run("completion", "--words", "build", "//")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_accepts_the_script(run: Run, shell: str) -> None:
    script = run("completion", shell)
    assert script.returncode == 0
    assert script.stdout
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    check = subprocess.run([program, "-n"], input=script.stdout, text=True, check=False)
    assert check.returncode == 0


def test_actions_of_a_verb_and_their_options() -> None:
    assert candidates(["cache", "pu"]) == ["pull", "push"]
    assert candidates(["cache", "push", "--remote-c"]) == ["--remote-cache"]
    assert candidates(["build", "--on"]) == ["--only-action"]
