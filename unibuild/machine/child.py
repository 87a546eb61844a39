"""Child processes that cannot outlive us: whatever ends this process ends them as well."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 2.0


def start(command: Sequence[str], *, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start ``command`` with pipes for its output, away from the terminal's signals.

    The child has a process group of its own, so that Ctrl-C reaches only us; on Linux the kernel
    kills it when the thread that called this ends, however that happens.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def bind_to_parent() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return subprocess.Popen(
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
        preexec_fn=bind_to_parent,  # noqa: PLW1509 - it only calls prctl and getppid
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """End ``process`` and wait until it is gone; politely first, then not. Idempotent."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
