"""How much of an address of a Linux program is drawn: at least 28 bits, each with both values.

The vDSO stands for all that the kernel places by itself: a program that is position independent, its
interpreter, the stack.
"""

from __future__ import annotations

import re

import pytest
from support.command import ROOT, unibuild

from unibuild.machine.console import Event, Text
from unibuild.machine.machine import Machine
from unibuild.machine.run import RunOptions, prepare

pytestmark = [pytest.mark.network, pytest.mark.boot]

BOOTS = 24
"""A bit that is drawn has the same value in all of them once in eight million times."""
SECONDS = 20
PAGE_BITS = 12
BITS = 28


def boot() -> dict[str, int]:
    manifest = ROOT / "unibuild-out/tests/linux/memory/protections_boots.manifest.json"
    console: list[Event] = []
    prepared = prepare(manifest, RunOptions(accelerator="tcg"))
    with Machine(prepared.command, console.append) as machine:
        machine.wait(SECONDS)
    text = b"".join(one.data for one in console if isinstance(one, Text)).decode("utf-8", "replace")
    return {
        name: int(at, 16)
        for name, at in re.findall(r"^(\w+)=0x([0-9a-f]+)\r?$", text, re.MULTILINE)
    }


@pytest.fixture(scope="module")
def boots() -> list[dict[str, int]]:
    done = unibuild("build", "//tests/linux/memory:protections_boots", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [boot() for _ in range(BOOTS)]


@pytest.mark.parametrize("name", ["mmap", "stack", "vdso"])
def test_bits_are_drawn(boots: list[dict[str, int]], name: str) -> None:
    addresses = [one[name] for one in boots]
    ones = 0
    zeroes = 0
    for address in addresses:
        ones |= address
        zeroes |= ~address
    drawn = ones & zeroes
    wanted = ((1 << BITS) - 1) << PAGE_BITS
    assert drawn & wanted == wanted, f"{drawn:#x}"
