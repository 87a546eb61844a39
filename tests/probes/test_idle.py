"""A guest that waits halts: the monitor uses next to no processor time (no busy polling)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

from unibuild.machine.console import Text
from unibuild.machine.machine import Machine
from unibuild.machine.run import RunOptions, prepare

pytestmark = [pytest.mark.network, pytest.mark.boot]

SECONDS = 3.0
MOST_BUSY = 0.1
"""The part of the time for which the monitor may run; emulating a loop would take all of it."""


def processor_seconds(process: int) -> float:
    """Return the time that ``process`` has had a processor so far (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("image", "arguments", "ready"),
    [
        ("network", (), b"got=ready"),  # poll on sockets
        ("echo", ("threads",), b"got=ready"),  # accept
        ("echo", ("epoll",), b"got=ready"),
        ("input", (), b"waiting"),  # read of the console
    ],
    ids=["poll", "accept", "epoll", "console"],
)
def test_waiting_costs_nothing(image: str, arguments: tuple[str, ...], ready: bytes) -> None:
    done = unibuild("build", f"//tests/probes:{image}", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    console = bytearray()
    manifest = ROOT / "unibuild-out/tests/probes" / f"{image}.manifest.json"
    prepared = prepare(manifest, RunOptions(accelerator="tcg", arguments=arguments))

    def listen(event: object) -> None:
        if isinstance(event, Text):
            console.extend(event.data)

    with Machine(prepared.command, listen) as machine:
        deadline = time.monotonic() + 30
        while ready not in console and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ready in console
        time.sleep(1)
        begin = processor_seconds(machine.process_id)
        time.sleep(SECONDS)
        busy = processor_seconds(machine.process_id) - begin
        assert machine.running
    assert busy < MOST_BUSY * SECONDS
