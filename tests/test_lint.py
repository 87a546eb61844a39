"""Linters, type checker and formatters, run as tests: any finding is a failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent


def run(*command: str) -> None:
    done = subprocess.run(
        [str(TOOLS / command[0]), *command[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]


def c_files() -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.c", "*.h"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--quiet", "."),
        ("ruff", "format", "--check", "--quiet", "--diff", "."),
        ("mypy",),
    ],
    ids=["ruff", "format", "mypy"],
)
def test_python(command: tuple[str, ...]) -> None:
    run(*command)


def test_c_is_formatted() -> None:
    files = c_files()
    assert files
    run("clang-format", "--dry-run", "--Werror", "--style=file", *files)


@pytest.mark.parametrize("script", ["ub", "check", ".ci/run", ".ci/environment.sh"])
def test_shell_is_understood_by_the_smallest_shell(script: str) -> None:
    done = subprocess.run(["/bin/sh", "-n", script], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
