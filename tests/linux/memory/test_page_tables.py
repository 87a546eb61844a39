"""The page tables of a running image with a Linux program, as QEMU's monitor reads them.

No page of the upper half is the program's, none of the lower the kernel's; no memory is writable and
executable, not even by two addresses; nothing is mapped low.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

from unibuild.image import manifest as manifests
from unibuild.machine import monitor

pytestmark = [pytest.mark.network, pytest.mark.boot]

SECONDS = 20
UPPER_HALF = 1 << 63
LOWEST = 0x10000
SMALL = 4096
LARGE = 2 << 20
# monitor command `info tlb`: virtual, physical, no-execute, large … user, writable
_PAGE = re.compile(
    r"^([0-9a-f]{16}): ([0-9a-f]{16}) ([X-])[G-]([P-])[D-][A-][C-][T-]([U-])([W-])", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Page:
    address: int
    memory: int
    size: int
    executable: bool
    user: bool
    writable: bool


def ask(path: Path, question: str) -> str:
    """Send one command to QEMU's monitor; return what it prints until it is ready again."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(str(path))
        connection.sendall(question.encode() + b"\n")
        while answer.count(b"(qemu)") < 2:
            piece = connection.recv(1 << 16)
            if not piece:
                break
            answer += piece
    return answer.decode("utf-8", "replace").replace("\r", "")


def read_console(path: Path, word: str) -> str:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        console = path.read_text("utf-8", "replace") if path.exists() else ""
        if word in console:
            return console
        time.sleep(0.05)
    return console


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Page]:
    label = "//tests/linux/memory:idle_waits"
    done = unibuild("build", label, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    built = ROOT / "unibuild-out/tests/linux/memory"
    folder = tmp_path_factory.mktemp("monitor")
    content = manifests.read(built / "idle_waits.manifest.json")
    start = monitor.Start(built / "idle_waits.elf", content["memory"], "tcg")
    command = [
        *monitor.command_line(content, start),
        "-monitor",
        f"unix:{folder}/ask,server,nowait",
    ]
    with (folder / "console").open("wb") as console:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console)
    try:
        assert "ready" in read_console(folder / "console", "ready")
        answer = ask(folder / "ask", "info tlb")
    finally:
        process.kill()
        process.wait()
    return [
        Page(
            int(at, 16),
            int(memory, 16),
            LARGE if large == "P" else SMALL,
            never != "X",
            user == "U",
            writable == "W",
        )
        for at, memory, never, large, user, writable in _PAGE.findall(answer)
    ]


def test_halves(pages: list[Page]) -> None:
    program = [page for page in pages if page.address < UPPER_HALF]
    kernel = [page for page in pages if page.address >= UPPER_HALF]
    assert program
    assert kernel
    assert all(page.user for page in program)
    assert not any(page.user for page in kernel)
    assert all(page.address >= LOWEST for page in program)


def test_nothing_is_writable_and_executable(pages: list[Page]) -> None:
    assert not [page for page in pages if page.writable and page.executable]
    code = {page.memory for page in pages if page.executable}
    written = {
        memory
        for page in pages
        if page.writable
        for memory in range(page.memory, page.memory + page.size, SMALL)
    }
    assert code
    assert not code & written


def test_all_kinds_are_there(pages: list[Page]) -> None:
    program = [page for page in pages if page.user]
    assert any(page.executable for page in program)
    assert any(page.writable for page in program)
    assert any(not page.writable and not page.executable for page in program)
