"""An image booted by ``unibuild run``, in the background, for as long as a test asks it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.command import ROOT

STOP_SECONDS = 10


@contextmanager
def booted(label: str, *options: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start ``unibuild run label options`` in ``cwd``; Ctrl-C it at the end, by its process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "unibuild", "run", label, *options],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
