"""Child processes of a build: started without a fork where possible, awaited without threads.

Each child is a leader of its own session, so that a Ctrl-C of the terminal reaches only the build,
which then ends every child itself. Output goes to an anonymous memory file, not to a pipe: nobody
has to read it while the child runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OUTPUT_LIMIT = 1 << 20  # bytes of a child's output that are shown
UMASK = 0o022
WRITE_LIMIT = 1 << 26  # bytes that a child may print; it lives in memory
_ALL_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP)


class Child:
    """A running or ended child; ``status`` is the exit status, negative for a signal."""

    __slots__ = (
        "deadline",
        "descriptor",
        "ended",
        "log",
        "pid",
        "started",
        "status",
        "timed_out",
        "token",
    )

    def __init__(self, token: int, pid: int, log: int, timeout: int) -> None:
        """Watch process ``pid``, which writes to the memory file ``log``."""
        self.token = token
        self.pid = pid
        self.log = log
        self.started = time.monotonic()
        self.deadline = self.started + timeout if timeout else float("inf")
        self.descriptor = os.pidfd_open(pid)
        self.ended = self.started
        self.status = 0
        self.timed_out = False

    def kill(self) -> None:
        """End the child and its session at once; a sandbox ends with its first process."""
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Forget what the child printed."""
        os.close(self.log)

    def output(self) -> bytes:
        """Return what the child printed, its middle left out when it is very long."""
        size = os.lseek(self.log, 0, os.SEEK_CUR)  # all that wrote to it share one position
        if size <= OUTPUT_LIMIT:
            return os.pread(self.log, size, 0)
        half = OUTPUT_LIMIT // 2
        return os.pread(self.log, half, 0) + b"\n[...]\n" + os.pread(self.log, half, size - half)


class Processes:
    """All running children of a build."""

    def __init__(self) -> None:
        """Start with none."""
        self.running: dict[int, Child] = {}
        self._poll = select.poll()
        self._inherited = _inheritable_descriptors()
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        # A signal between Python's last look for signals and the wait would otherwise not end it.
        self._woken, waking = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._poll.register(self._woken, select.POLLIN)
        self._waking_before = signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        self._waking = waking
        self._watched = -1
        self._expecting_room = False

    def spawn(
        self, token: int, arguments: list[str], environment: Mapping[str, str], timeout: int
    ) -> Child:
        """Start a program; raises ``OSError`` when it cannot be started."""
        log = _memory_file()
        with _uninterrupted(), fixed_umask():
            return self._spawn(token, log, arguments, environment, timeout)

    def _spawn(
        self,
        token: int,
        log: int,
        arguments: list[str],
        environment: Mapping[str, str],
        timeout: int,
    ) -> Child:
        try:
            pid = os.posix_spawn(
                arguments[0],
                arguments,
                environment,
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, self._null, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                    *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in self._inherited),
                ),
                setsid=True,
                setsigdef=_ALL_SIGNALS,
                setsigmask=(),
            )
        except OSError:
            os.close(log)
            raise
        return self._watch(Child(token, pid, log, timeout))

    def fork(self, token: int, function: Callable[[], None], timeout: int) -> Child:
        """Run ``function`` in a forked child; its status is 0 when it returned, 1 when it raised."""
        log = _memory_file()
        die_with_parent = _death_signal()
        parent = os.getpid()
        with _uninterrupted() as before:
            pid = os.fork()
            if pid:
                return self._watch(Child(token, pid, log, timeout))
            status = 1
            try:
                os.setsid()
                os.umask(UMASK)
                for number in _ALL_SIGNALS:
                    signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                die_with_parent()
                if os.getppid() != parent:
                    os._exit(1)
                os.dup2(self._null, 0)
                os.dup2(log, 1)
                os.dup2(log, 2)
                for descriptor in self._inherited:
                    os.close(descriptor)
                function()
                status = 0
            finally:
                os._exit(status)

    def _watch(self, child: Child) -> Child:
        self.running[child.descriptor] = child
        self._poll.register(child.descriptor, select.POLLIN)
        return child

    def watch(self, descriptor: int) -> None:
        """Have ``wait`` return also when ``descriptor``, a courier's, is ready."""
        self._watched = descriptor
        self._poll.register(descriptor, select.POLLIN)

    def expect_room(self, expected: bool) -> None:
        """Say whether the watched descriptor is also ready when it can be written to."""
        if expected is not self._expecting_room:
            self._expecting_room = expected
            events = select.POLLIN | select.POLLOUT if expected else select.POLLIN
            self._poll.modify(self._watched, events)

    def wait(self) -> list[Child]:
        """Wait until at least one child has ended and return those that have; kill late ones.

        When the watched descriptor is ready, that may be none.
        """
        while self.running or self._watched >= 0:
            now = time.monotonic()
            deadlines = [child.deadline for child in self.running.values()]
            nearest = min(deadlines, default=float("inf"))
            limit = None if nearest == float("inf") else max(0, int((nearest - now) * 1000) + 1)
            ready = [number for number, _ in self._poll.poll(limit)]
            if self._woken in ready:
                ready.remove(self._woken)
                os.read(self._woken, 512)
            if ready:
                return [self._reap(number) for number in ready if number != self._watched]
            now = time.monotonic()
            for child in self.running.values():
                if child.deadline <= now:
                    child.timed_out = True
                    child.deadline = float("inf")
                    child.kill()
        return []

    def _reap(self, descriptor: int) -> Child:
        child = self.running.pop(descriptor)
        self._poll.unregister(descriptor)
        # Before the wait, while the number cannot be used again: what an unsandboxed action left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        _, status = os.waitpid(child.pid, 0)
        os.close(descriptor)
        child.ended = time.monotonic()
        child.status = os.waitstatus_to_exitcode(status)
        return child

    def close(self) -> None:
        """End every child and wait for it."""
        with _uninterrupted():
            for child in self.running.values():
                child.kill()
            for descriptor in list(self.running):
                self._reap(descriptor).close()
        signal.set_wakeup_fd(self._waking_before)
        for descriptor in (self._null, self._woken, self._waking):
            os.close(descriptor)


def _memory_file() -> int:
    """Return a file in memory that takes ``WRITE_LIMIT`` bytes; a write beyond them is refused."""
    descriptor = os.memfd_create("output", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, WRITE_LIMIT)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    return descriptor


@contextlib.contextmanager
def fixed_umask() -> Iterator[None]:
    """Make what an action sees and makes independent of the user's file mode mask."""
    before = os.umask(UMASK)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[set[signal.Signals]]:
    """Hold signals back, so that no child can be started and yet be unknown; yields the old mask."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL_SIGNALS)
    try:
        yield before  # type: ignore[misc]
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _inheritable_descriptors() -> list[int]:
    """Return what this process was given open by its own parent; actions must not get it."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself is closed again
            if int(name) > 2 and os.get_inheritable(int(name)):  # noqa: PLR2004 - standard streams
                found.append(int(name))
    return found


def _death_signal() -> Callable[[], None]:
    """Return a function that makes the calling process die with its parent (prctl(2))."""
    import ctypes

    prctl = ctypes.CDLL(None).prctl

    def apply() -> None:
        prctl(1, signal.SIGKILL, 0, 0, 0)

    return apply
