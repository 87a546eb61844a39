"""Cases of a public test suite (Open POSIX Test Suite 1.5.2): they pass on Linux, and in an image.

`cases.txt` has those that concern a kernel, pass on Linux and take less than half a second; every one is a
boot of its own. What an image does not have (message queues, several users, real-time scheduling,
other processes) is left out there.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

from unibuild.machine.machine import Machine
from unibuild.machine.run import RunOptions, prepare

PACKAGE = Path(__file__).parent
OUTPUT = ROOT / "unibuild-out/tests/linux/posix"
PASS = 0
_SECONDS = 30


def _cases() -> dict[str, list[str]]:
    cases: dict[str, list[str]] = defaultdict(list)
    for case in (PACKAGE / "cases.txt").read_text().split():
        cases[case.partition("/")[0]].append(case)
    return cases


@cache
def _build() -> str:
    built = unibuild("build", "//tests/linux/posix:all", cwd=ROOT)
    return built.stderr if built.returncode else ""


def _on_linux(case: str, folder: Path) -> int:
    ended = subprocess.run(
        [OUTPUT / "conformance", case],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=_SECONDS,
    )
    return ended.returncode


def _in_an_image(case: str) -> int | None:
    options = RunOptions(arguments=(case,), accelerator="tcg")
    prepared = prepare(OUTPUT / "conformance-image.manifest.json", options)
    with Machine(prepared.command, lambda _: None) as machine:
        return machine.wait(_SECONDS).status


@pytest.mark.parametrize(("interface", "cases"), _cases().items())
def test_conformance(interface: str, cases: list[str], tmp_path: Path) -> None:
    assert not _build(), interface
    linux = {case: _on_linux(case, tmp_path) for case in cases}
    assert linux == dict.fromkeys(cases, PASS)
    assert {case: _in_an_image(case) for case in cases} == linux
