"""Every folder of ``cases`` is a workspace with a mistake in it, and exactly what is said about it.

A case holds the workspace, ``command`` (the arguments after ``unibuild``, as a shell would split
them) and ``expected.txt`` (standard error, then the exit code). The real command line runs in a copy
of the folder. To accept what it says now: ``UNIBUILD_ACCEPT=1 pytest tests/errors``, then read the
difference before you commit it.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest
from support.command import unibuild

CASES = Path(__file__).parent / "cases"


def _cases() -> list[str]:
    return sorted(path.name for path in CASES.iterdir() if path.is_dir())


def _said(case: str, folder: Path) -> str:
    """Return what unibuild says about the workspace of ``case``, copied to ``folder``."""
    workspace = folder / "workspace"
    shutil.copytree(CASES / case, workspace, symlinks=True)
    command = (workspace / "command").read_text()
    for name in ("command", "expected.txt"):
        (workspace / name).unlink(missing_ok=True)
    environment = {"HOME": str(folder), "UNIBUILD_CACHE": str(folder / "cache")}
    done = unibuild(*shlex.split(command), cwd=workspace, environment=environment)
    assert done.stdout == ""
    said = done.stderr.replace(str(workspace), "WORKSPACE")
    return f"{said}exit code {done.returncode}\n"


@pytest.mark.parametrize("case", _cases())
def test_a_mistake_gets_exactly_this_error(case: str, tmp_path: Path) -> None:
    said = _said(case, tmp_path)
    expected = CASES / case / "expected.txt"
    if os.environ.get("UNIBUILD_ACCEPT"):
        expected.write_text(said)
    assert said == (expected.read_text() if expected.exists() else "")


def test_every_case_is_a_mistake_of_the_user() -> None:
    for case in _cases():
        text = (CASES / case / "expected.txt").read_text()
        assert "Traceback" not in text, case
        assert text.startswith("error["), case
        assert text.endswith("exit code 2\n"), case
