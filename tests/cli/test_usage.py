from __future__ import annotations

from pathlib import Path

import pytest
from support.types import Run

import unibuild
from unibuild.cli.verbs import VERBS


def test_help_lists_every_verb(run: Run) -> None:
    result = run("help")
    assert result.returncode == 0
    assert result.stderr == ""
    for name in VERBS:
        assert f"\n  {name} " in result.stdout


def test_no_arguments_is_help(run: Run) -> None:
    assert run().stdout == run("--help").stdout


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_verb_has_help(run: Run, name: str) -> None:
    result = run("help", name)
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: unibuild {name}")


def test_version(run: Run) -> None:
    assert run("version").stdout == f"unibuild {unibuild.__version__}\n"


def test_unknown_verb_suggests_the_near_one(run: Run) -> None:
    result = run("bulid", "//a")
    assert result.returncode == 2
    assert result.stderr == (
        "error[unknown-verb]: there is no verb 'bulid'\nhint: did you mean 'build'?\n"
    )


def test_unknown_verb_without_a_near_one(run: Run) -> None:
    result = run("zzzzzz")
    assert result.returncode == 2
    assert "'unibuild help' lists the verbs" in result.stderr


def test_bad_option_is_one_error(run: Run) -> None:
    result = run("build", "--jobs", "many", "//a")
    assert result.returncode == 2
    assert result.stderr.startswith("error[bad-usage]: --jobs wants a number")
    assert "Traceback" not in result.stderr


def test_outside_a_workspace(run: Run) -> None:
    result = run("build", "//a")
    assert result.returncode == 2
    assert result.stderr.startswith("error[no-workspace]:")


def test_directory_that_does_not_exist(run: Run, tmp_path: Path) -> None:
    result = run("-C", str(tmp_path / "nowhere"), "build", "//a")
    assert result.returncode == 2
    assert result.stderr.startswith("error[bad-directory]:")
