"""One running machine: a monitor process, its console as events, its end as an outcome.

A machine is started by the thread that will wait for it and ends at the latest with that thread
(see ``child``). Console events arrive on a thread of their own, in order; ``wait`` returns only
after the last one was delivered.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Self

from unibuild.machine import child
from unibuild.machine.console import (
    ConsoleParser,
    Event,
    Exit,
    Fault,
    Frame,
    Identity,
    MappedFile,
    MissingCall,
)
from unibuild.machine.monitor import monitor_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

FAULT_STATUS = 134
"""128 + SIGABRT, as a shell reports a program that aborted."""
_END_OF_INPUT = b"\x04"
"""What a terminal sends for Ctrl-D; the guest's console takes it for the end of input."""
_GRACE_SECONDS = 2.0
_MOST_COMPLAINT = 65536


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a machine ended. ``status`` is the program's, 134 after a fault, None when time ran out.

    ``identity`` is what the image said of itself before its program started, None if it did not.
    """

    status: int | None
    fault: str = ""
    frames: tuple[Frame, ...] = ()
    seconds: float = 0.0
    identity: Identity | None = None
    files: tuple[MappedFile, ...] = ()
    missing: tuple[MissingCall, ...] = ()


class Machine:
    """A started machine; use it as a context manager, so that it is stopped whatever happens."""

    def __init__(
        self,
        command: Sequence[str],
        listener: Callable[[Event], None],
        source: BinaryIO | None = None,
    ) -> None:
        """Start ``command``; ``listener`` gets every console event, ``source`` feeds the console."""
        self._listener = listener
        self._status: int | None = None
        self._fault = ""
        self._identity: Identity | None = None
        self._frames: list[Frame] = []
        self._files: list[MappedFile] = []
        self._missing: list[MissingCall] = []
        self._complaint = bytearray()
        self._started = time.monotonic()
        stdin = subprocess.PIPE if source is not None else subprocess.DEVNULL
        self._process = child.start(command, stdin=stdin)
        self._reader = threading.Thread(target=self._read_console, daemon=True)
        self._errors = threading.Thread(target=self._read_complaint, daemon=True)
        self._reader.start()
        self._errors.start()
        if source is not None:
            threading.Thread(target=self._feed, args=(source,), daemon=True).start()

    @property
    def process_id(self) -> int:
        """The monitor's process id."""
        return self._process.pid

    @property
    def identity(self) -> Identity | None:
        """What the image has said of itself so far."""
        return self._identity

    @property
    def running(self) -> bool:
        """Tell whether the console is still open."""
        return self._reader.is_alive()

    def __enter__(self) -> Self:
        """Return the machine itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the machine."""
        self.stop()

    def stop(self) -> None:
        """End the monitor and wait until it is gone. Idempotent."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join(_GRACE_SECONDS)
        self._errors.join(_GRACE_SECONDS)
        child.stop(self._process)

    def wait(self, timeout: float | None = None) -> Outcome:
        """Wait until the machine ends, at most ``timeout`` seconds, then make sure it is gone.

        Raises the error of ``monitor.monitor_error`` when it ended without telling a status.
        """
        self._reader.join(timeout)
        late = self._reader.is_alive()
        if not late:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
        ended = self._process.poll()
        self.stop()
        seconds = time.monotonic() - self._started
        status = FAULT_STATUS if self._fault and self._status is None else self._status
        if status is not None or late:
            return Outcome(
                status,
                self._fault if status is not None else "",
                tuple(self._frames) if status is not None else (),
                seconds,
                self._identity,
                tuple(self._files),
                tuple(self._missing),
            )
        raise monitor_error(ended or 0, self._complaint.decode("utf-8", "replace"))

    def _read_console(self) -> None:
        parser = ConsoleParser()
        stream = self._process.stdout
        while stream is not None:
            chunk = os.read(stream.fileno(), 65536)
            for event in parser.feed(chunk) if chunk else parser.end():
                self._note(event)
                self._listener(event)
            if not chunk or self._status is not None:
                return

    def _note(self, event: Event) -> None:
        match event:
            case Identity():
                self._identity = self._identity or event
            case Exit(status):
                self._status = status
            case Fault(text):
                self._fault = self._fault or text
            case Frame():
                self._frames.append(event)
            case MappedFile():
                self._files.append(event)
            case MissingCall():
                self._missing.append(event)

    def _read_complaint(self) -> None:
        stream = self._process.stderr
        while stream is not None and (chunk := os.read(stream.fileno(), 4096)):
            if len(self._complaint) < _MOST_COMPLAINT:
                self._complaint += chunk

    def _feed(self, source: BinaryIO) -> None:
        stream = self._process.stdin
        with contextlib.suppress(OSError, ValueError):
            while stream is not None and (chunk := os.read(source.fileno(), 4096)):
                stream.write(chunk)
                stream.flush()
            if stream is not None:
                stream.write(_END_OF_INPUT)
                stream.flush()
