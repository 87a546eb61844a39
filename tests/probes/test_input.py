"""What reaches a program on its standard input, from a pipe of the host."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

from unibuild.machine.run import RunOptions, run_image

pytestmark = [pytest.mark.network, pytest.mark.boot]


PATIENCE = 60.0


@pytest.fixture(scope="module")
def manifest() -> Path:
    done = unibuild("build", "//tests/probes:input", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return ROOT / "unibuild-out/tests/probes/input.manifest.json"


def run(
    manifest: Path, pieces: tuple[bytes, ...], pause: float, after: bytes = b""
) -> tuple[int | None, list[str]]:
    """Boot the image while ``pieces`` come in, the first one when the console shows ``after``.

    Returns the image's status and the lines of its console.
    """
    reading, writing = os.pipe()
    console = bytearray()

    def type_in() -> None:
        deadline = time.monotonic() + PATIENCE
        while after not in console and time.monotonic() < deadline:
            time.sleep(0.02)
        for piece in pieces:
            time.sleep(pause)
            os.write(writing, piece)
        os.close(writing)

    typist = threading.Thread(target=type_in)
    typist.start()
    with os.fdopen(reading, "rb") as source:
        options = RunOptions(accelerator="tcg", input=source, timeout=PATIENCE)
        outcome = run_image(manifest, options, console.extend, print)
    typist.join()
    return outcome.status, console.decode().replace("\r\n", "\n").splitlines()


def test_lines_arrive_until_the_input_ends(manifest: Path) -> None:
    status, lines = run(manifest, (b"first\nsec", b"ond\r", b"x" * 100 + b"\n"), 0.2, b"waiting")
    assert lines == [
        "waiting",
        "line 1 is [first]",
        "line 2 is [second]",
        f"line 3 is [{'x' * 100}]",
        "probe input expect=3 got=3",
    ]
    assert status == 0


def test_what_came_before_the_boot_is_not_lost(manifest: Path) -> None:
    text = b"".join(b"line of some length, number %d\n" % i for i in range(200))
    status, lines = run(manifest, (text,), 0.0)
    # Whether the program had to wait depends on how soon the monitor hands on the first byte.
    assert [line for line in lines if line != "waiting"][:2] == [
        "line 1 is [line of some length, number 0]",
        "line 2 is [line of some length, number 1]",
    ]
    assert lines[-1] == "probe input expect=3 got=200"
    assert status == 1


def test_no_input_at_all_is_the_end_of_input(manifest: Path) -> None:
    status, lines = run(manifest, (), 0.0)
    assert lines[-1] == "probe input expect=3 got=0"
    assert status == 1
