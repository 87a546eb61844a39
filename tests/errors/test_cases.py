"""Every folder of ``cases`` is a workspace with a mistake in it, and exactly what is said about it.

A case holds the workspace, ``command`` (the arguments after ``unibuild``, as a shell would split
them) and ``expected.txt`` (standard error, then the exit code). The real command line runs in a copy
of the folder. To accept what it says now: ``UNIBUILD_ACCEPT=1 pytest tests/errors``, then read the
difference before you commit it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from support.command import unibuild

CASES = Path(__file__).parent / "cases"


_SUMMARY = re.compile(r"^\d+ actions? failed;.*\n", re.MULTILINE)


def _cases() -> list[object]:
    folders = sorted(path for path in CASES.iterdir() if path.is_dir())
    return [
        pytest.param(path.name, marks=[pytest.mark.network] if (path / "network").exists() else [])
        for path in folders
    ]


def _said(case: str, folder: Path) -> str:
    """Return what unibuild says about the workspace of ``case``, copied to ``folder``.

    A case with a file ``network`` needs a package, so it shares the machine's cache; what it says
    before its error (fetching, building) and how much was done is left out.
    """
    workspace = folder / "workspace"
    shutil.copytree(CASES / case, workspace, symlinks=True)
    command = (workspace / "command").read_text()
    shared = (workspace / "network").exists()
    for name in ("command", "expected.txt", "network"):
        (workspace / name).unlink(missing_ok=True)
    own = {"HOME": str(folder), "UNIBUILD_CACHE": str(folder / "cache")}
    done = unibuild(*shlex.split(command), cwd=workspace, environment={} if shared else own)
    assert done.stdout == ""
    said = done.stderr.replace(str(workspace), "WORKSPACE")
    if shared:
        said = _SUMMARY.sub("", said[max(said.find("error["), 0) :])
    return f"{said}exit code {done.returncode}\n"


@pytest.mark.parametrize("case", _cases())
def test_a_mistake_gets_exactly_this_error(case: str, tmp_path: Path) -> None:
    said = _said(case, tmp_path)
    expected = CASES / case / "expected.txt"
    if os.environ.get("UNIBUILD_ACCEPT"):
        expected.write_text(said)
    assert said == (expected.read_text() if expected.exists() else "")


def test_every_case_is_a_mistake_of_the_user() -> None:
    for folder in CASES.iterdir():
        text = (folder / "expected.txt").read_text()
        codes = ("1", "2") if (folder / "network").exists() else ("2",)
        assert "Traceback" not in text, folder.name
        assert text.startswith("error["), folder.name
        assert text.endswith(tuple(f"exit code {code}\n" for code in codes)), folder.name
