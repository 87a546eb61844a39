"""The page tables of a running image with a Linux program, as the processor sees them.

QEMU lists every mapping with its rights. Nothing of the kernel's half may be the program's to reach,
no page may be writable and executable, and no memory that is executable at one address may be
writable at another.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

from unibuild.machine.console import Event, Text
from unibuild.machine.machine import Machine
from unibuild.machine.run import RunOptions, prepare

_LINE = re.compile(r"(?P<at>[0-9a-f]{16}): (?P<memory>[0-9a-f]{16}) (?P<flags>\S{9})")
_PAGE = 4096
_LARGE = 2 << 20
_UPPER_HALF = 1 << 63
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Mapping:
    """One entry of the page tables."""

    at: int
    memory: int
    size: int
    user: bool
    writable: bool
    executable: bool


@pytest.fixture(scope="module")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> list[Mapping]:
    built = unibuild("build", "//tests/linux/core:page_tables", cwd=ROOT)
    assert built.returncode == 0, built.stderr
    manifest = ROOT / "unibuild-out/tests/linux/core/page_tables.manifest.json"
    monitor = tmp_path_factory.mktemp("monitor") / "socket"
    ready = threading.Event()
    output = bytearray()

    def listen(event: Event) -> None:
        if isinstance(event, Text):
            output.extend(event.data)
            if b"ready\n" in output:
                ready.set()

    options = RunOptions(monitor_options=("-qmp", f"unix:{monitor},server=on,wait=off"))
    with Machine(prepare(manifest, options).command, listen):
        assert ready.wait(_SECONDS), output
        return [_mapping(match) for match in _LINE.finditer(_ask(monitor, "info tlb"))]


def _ask(monitor: Path, question: str) -> str:
    """Put a question to QEMU's monitor by its protocol for machines; return the answer."""
    commands = [
        {"execute": "qmp_capabilities"},
        {"execute": "human-monitor-command", "arguments": {"command-line": question}},
    ]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(str(monitor))
        with connection.makefile("rw", encoding="utf-8") as stream:
            stream.readline()
            answer: dict[str, object] = {}
            for command in commands:
                stream.write(json.dumps(command) + "\n")
                stream.flush()
                answer = {}
                while "return" not in answer:
                    answer = json.loads(stream.readline())
                    assert "error" not in answer, answer
            return str(answer["return"])


def _mapping(match: re.Match[str]) -> Mapping:
    flags = match["flags"]
    return Mapping(
        at=int(match["at"], 16),
        memory=int(match["memory"], 16),
        size=_LARGE if "P" in flags else _PAGE,
        user="U" in flags,
        writable="W" in flags,
        executable="X" not in flags,
    )


def test_the_halves_are_the_programs_and_the_kernels(mappings: list[Mapping]) -> None:
    assert any(one.user for one in mappings)
    assert any(not one.user for one in mappings)
    wrong = [one for one in mappings if one.user != (one.at < _UPPER_HALF)]
    assert not wrong


def test_no_page_is_writable_and_executable(mappings: list[Mapping]) -> None:
    assert any(one.executable and one.user for one in mappings)
    assert not [one for one in mappings if one.writable and one.executable]


def test_nothing_executable_is_writable_elsewhere(mappings: list[Mapping]) -> None:
    executable = {one.memory for one in mappings if one.executable}
    writable = {
        page
        for one in mappings
        if one.writable
        for page in range(one.memory, one.memory + one.size, _PAGE)
    }
    assert executable
    assert not executable & writable


def test_the_lowest_addresses_are_nobodys(mappings: list[Mapping]) -> None:
    assert min(one.at for one in mappings) >= 1 << 16
