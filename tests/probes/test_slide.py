"""Where an image runs, at the ends of what can be drawn: the entry code with the draw replaced.

The boot file is changed in two instructions: the mixed time stamp becomes a number, and the processor's
generator gives zero. So the first and last places of both halves are booted, and such at which the
image begins in the last page of a table.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

from unibuild.image import manifest as manifests
from unibuild.machine import child, monitor

pytestmark = [pytest.mark.network, pytest.mark.boot]

MIX = bytes.fromhex("69f0b179379e")  # imul esi, eax, 0x9e3779b1
DRAW = bytes.fromhex("0fc7f0")  # rdrand eax
ZERO_WITH_CARRY = bytes.fromhex("31c0f9")  # xor eax, eax; stc
LINK_ADDRESS, PAGE, HALF = 0x100000, 4096, 1 << 30
PLACES = 0x3F800
SECONDS = 20


@pytest.fixture(scope="module")
def probes() -> Path:
    done = unibuild("build", "//tests/probes:page_tables", "//tests/probes:layout", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return ROOT / "unibuild-out" / "tests" / "probes"


def drawn(image: bytes, number: int) -> bytes:
    """The boot file that draws ``number`` of 2^32."""
    assert image.count(MIX) == 1
    assert image.count(DRAW) >= 1
    fixed = (
        b"\xbe" + number.to_bytes(4, "big") + b"\x90"
    )  # mov esi, …; nop: the swap of bytes follows
    return image.replace(MIX, fixed).replace(DRAW, ZERO_WITH_CARRY, 1)


def run(manifest: Path, image: Path) -> str:
    """Boot ``image`` as ``manifest`` says; return the console."""
    content = manifests.read(manifest)
    command = monitor.command_line(content, monitor.Start(image, content["memory"], "tcg"))
    process = child.start(command)
    try:
        return process.communicate(timeout=SECONDS)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode("utf-8", "replace")
    finally:
        child.stop(process)


NUMBERS = [0, 1 << 14, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


@pytest.mark.parametrize("number", [*NUMBERS, *(0x10000000 + (i << 13) * 255 for i in range(3))])
def test_protections_hold_wherever_it_runs(probes: Path, tmp_path: Path, number: int) -> None:
    image = tmp_path / "image.elf"
    image.write_bytes(drawn((probes / "page_tables.elf").read_bytes(), number))
    console = run(probes / "page_tables.manifest.json", image)
    assert "got=wx:0,alias:0,low:0,enforced:1" in console, console
    assert "[unibuild] exit 0" in console


def test_the_whole_range_is_used_and_nothing_beyond(probes: Path, tmp_path: Path) -> None:
    found = []
    for number in NUMBERS:
        image = tmp_path / "image.elf"
        image.write_bytes(drawn((probes / "layout.elf").read_bytes(), number))
        console = run(probes / "layout.manifest.json", image)
        match = re.search(r"^text=0x([0-9a-f]+)\r?$", console, re.MULTILINE)
        assert match, console
        found.append(int(match[1], 16))
    lowest, next_page, end_of_low, start_of_high, highest = found
    assert lowest < next_page < end_of_low < start_of_high < highest
    base = (1 << 64) - 2 * HALF
    assert base + LINK_ADDRESS <= lowest < base + 2 * LINK_ADDRESS
    assert start_of_high - lowest == HALF
    assert highest - end_of_low == HALF
    assert (end_of_low - lowest) // PAGE > PLACES - 1024
    assert end_of_low < base + HALF
