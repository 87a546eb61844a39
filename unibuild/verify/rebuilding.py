"""Starting a rebuild, following what it does, and ending it.

    with Rebuild.start(bench.rebuild_command, request, folder) as rebuild:
        while rebuild.running:
            for action in rebuild.actions(): …
        log = rebuild.finish()

Rules of use: ``folder`` is a new one's path or an empty folder; the request, what the process printed
and nothing else go there. The process is a session of its own and ends with the one who started it.
Leaving the ``with`` block ends it, whatever happened.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Self

from unibuild.execution import execution_log
from unibuild.model.errors import HostError
from unibuild.verify.rebuild import error_file, read_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from unibuild.execution.execution_log import ExecutionLog, LoggedAction
    from unibuild.verify.rebuild import RebuildRequest

_PATIENCE = 5.0  # seconds that an orderly end may take
_REQUEST, _PRINTED = "request.json", "printed"
_SHOWN_LINES = 20


class Rebuild:
    """One rebuild, running or ended; ``started`` is of ``time.monotonic``."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, printed: Path) -> None:
        """Follow ``process``, which writes ``log``; ``start`` makes one."""
        self.log = log
        self.started = time.monotonic()
        self.seconds = 0.0
        self._process = process
        self._printed = printed
        self._reader = execution_log.Reader(log)
        self._seen: list[LoggedAction] = []

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        request: RebuildRequest,
        folder: Path,
        *,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> Self:
        """Start ``command`` on ``request``; ``prefix`` is put before it.

        ``environment`` is the process's whole environment (None: this process's), ``directory``
        where it starts. Raises a ``HostError`` when ``prefix`` cannot be started.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for old in (request.log, error_file(request.log)):
            old.unlink(missing_ok=True)
        request.write(folder / _REQUEST)
        line = [*prefix, *command, str(folder / _REQUEST)]
        with (folder / _PRINTED).open("wb") as printed:
            try:
                process = subprocess.Popen(
                    line,
                    stdin=subprocess.PIPE,  # its closing tells the rebuild to end
                    stdout=printed,
                    stderr=printed,
                    env=None if environment is None else dict(environment),
                    cwd=directory,
                    start_new_session=True,
                )
            except OSError as error:
                raise HostError(
                    id="rebuild-not-started",
                    cause=f"{line[0]} cannot be started: {error.strerror}",
                ) from error
        return cls(process, request.log, folder / _PRINTED)

    @property
    def running(self) -> bool:
        """Tell whether the process has not ended."""
        if self._process.poll() is None:
            return True
        self.seconds = self.seconds or time.monotonic() - self.started
        return False

    def wait(self, seconds: float) -> None:
        """Wait until the process ends, at most ``seconds``."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def actions(self) -> list[LoggedAction]:
        """Return the actions that were logged since the last call, without waiting."""
        new = self._reader.new()
        self._seen += new
        return new

    @property
    def so_far(self) -> ExecutionLog:
        """The log of what was read by now."""
        return execution_log.ExecutionLog.of(self._seen)

    def stop(self) -> None:
        """End the process in its orderly way, else at once; ended, it is left alone."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.running:
                break
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
            self.wait(_PATIENCE)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def finish(self) -> ExecutionLog:
        """Wait for the end and return the whole log; raise what the build raised."""
        status = self._process.wait()
        self.stop()
        self.actions()
        if status:
            raised = read_errors(self.log)
            raise raised if raised is not None else self._silent_end(status)
        return self.so_far

    def _silent_end(self, status: int) -> HostError:
        text = self._printed.read_bytes().decode(errors="replace").splitlines()
        how = f"with exit status {status}" if status > 0 else f"by signal {-status}"
        return HostError(
            id="rebuild-ended",
            cause=f"a rebuild ended {how} and said no reason",
            detail=tuple(text[-_SHOWN_LINES:]),
        )

    def __enter__(self) -> Self:
        """Return the rebuild."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process if it has not."""
        self.stop()
