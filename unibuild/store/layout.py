"""Where a cache keeps what, and how its users do not get into each other's way.

    <cache>/CACHEDIR.TAG            tells backup programs to leave the cache out
    <cache>/<function>/blobs/ab/…   files by hash; ``<hash>.x`` is the same bytes, executable
    <cache>/<function>/trees/ab/…   unpacked directories by the hash of their Tree message
    <cache>/<function>/actions/ab/… results by the hash of their Action
    <cache>/<function>/inputs/ab/…  what an action with a depfile really read
    <cache>/sessions/<name>/        scratch of one running build, on the same file system as blobs

Rules of use: nothing appears under its final name before it is complete (write aside, rename). A
session directory holds a file ``lease`` that its owner keeps locked (flock) as long as it lives;
when the lock is free the owner is gone, however it ended, and anyone may remove the directory. The
time of last use of an entry is its access time, set explicitly at most once in ``TOUCH_INTERVAL``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING, Self

from unibuild.model.errors import HostError

if TYPE_CHECKING:
    from types import TracebackType

TOUCH_INTERVAL = 3600
FIXED_TIME = 315532800  # 1980-01-01, the time of SOURCE_DATE_EPOCH; every stored file has it
FIXED_TIME_NS = FIXED_TIME * 10**9
KINDS = ("blobs", "trees", "actions", "inputs")
_TAG = (
    b"Signature: 8a477f597d28d172789f06886806bc55\n"
    b"# This directory is a cache of unibuild; it can be deleted at any time.\n"
)


class Layout:
    """The directories of one cache for one digest function."""

    __slots__ = ("base", "function_name", "root", "sessions")

    def __init__(self, root: str, function_name: str) -> None:
        """Name the places; ``prepare`` makes them."""
        self.root = os.path.abspath(root)
        self.function_name = function_name
        self.base = f"{self.root}/{function_name}"
        self.sessions = f"{self.root}/sessions"

    def path(self, kind: str, key: str) -> str:
        """Return where the entry ``key`` of ``kind`` is kept."""
        return f"{self.base}/{kind}/{key[:2]}/{key}"

    @staticmethod
    def publish(aside: str, path: str) -> None:
        """Give a complete file or directory its final name, in place of a file of that name."""
        try:
            os.rename(aside, path)
        except FileNotFoundError:  # the first entry of its shard
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.rename(aside, path)

    def prepare(self) -> None:
        """Make the directories that exist in every cache."""
        tag = f"{self.root}/CACHEDIR.TAG"
        if os.path.exists(tag) and os.path.isdir(f"{self.base}/{KINDS[-1]}"):
            return
        try:
            os.makedirs(self.sessions, exist_ok=True)
            for kind in KINDS:
                os.makedirs(f"{self.base}/{kind}", exist_ok=True)
            with open(tag, "wb") as file:
                file.write(_TAG)
        except OSError as error:
            raise HostError(
                id="cache-not-writable",
                cause=f"the cache {self.root} cannot be written: {error.strerror}",
                hint="set UNIBUILD_CACHE to a directory of your own",
            ) from error


class Session:
    """One process's use of a cache: scratch space, and protection from collection while it lives."""

    def __init__(self, layout: Layout) -> None:
        """Remove what dead sessions left, then open a session of this process."""
        layout.prepare()
        remove_dead_sessions(layout)
        self.path, self._lease = _new_session(layout)
        self._count = 0

    def scratch(self) -> str:
        """Return a new path in the session's directory; nothing is there yet."""
        self._count += 1
        return f"{self.path}/{self._count}"

    def close(self) -> None:
        """Remove the scratch space and give up the protection."""
        if self._lease >= 0:
            remove_tree(self.path)
            os.close(self._lease)
            self._lease = -1

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session."""
        self.close()


def _new_session(layout: Layout) -> tuple[str, int]:
    while True:
        path = f"{layout.sessions}/{os.getpid()}-{time.monotonic_ns():x}"
        try:
            os.mkdir(path)
            return path, _locked_lease(path)
        except (FileExistsError, FileNotFoundError):
            continue  # the name is taken, or this process stood still and was taken for dead


def _locked_lease(path: str) -> int:
    # Lock first, name second: a lease that can be seen is always locked by its living owner.
    descriptor = os.open(f"{path}/lease.new", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.rename(f"{path}/lease.new", f"{path}/lease")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


_BIRTH = 2  # seconds a session may take from making its directory to having its lease


def living_sessions(layout: Layout) -> list[tuple[str, float]]:
    """Return the path and start time (seconds since the epoch) of every session that lives."""
    return [(path, start) for path, start, alive in _sessions(layout) if alive]


def remove_dead_sessions(layout: Layout) -> None:
    """Delete the scratch of processes that were killed, and end what still works in it.

    A sandbox dies with its build, except when the build is killed in the very instant in which the
    sandbox is being set up; such an orphan is known by the scratch path on its command line.
    """
    for path, _, alive in _sessions(layout):
        if not alive:
            _end_orphans(f"{path}/".encode())
            remove_tree(path)


def _end_orphans(mark: bytes) -> None:
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(int(name))
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if mark in file.read():
                        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)


def _sessions(layout: Layout) -> list[tuple[str, float, bool]]:
    found: list[tuple[str, float, bool]] = []
    try:
        names = sorted(os.listdir(layout.sessions))
    except FileNotFoundError:
        return found
    for name in names:
        path = f"{layout.sessions}/{name}"
        try:
            lease = os.open(f"{path}/lease", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            try:
                start = os.stat(path).st_mtime
            except OSError:
                continue
            found.append((path, start, time.time() - start < _BIRTH))
            continue
        try:
            start = os.fstat(lease).st_mtime
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            found.append((path, start, True))
        else:
            found.append((path, start, False))
        finally:
            os.close(lease)
    return found


def remove_tree(path: str) -> None:
    """Delete a directory tree, whatever modes its directories have; a missing one is fine."""
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
    except OSError:
        for directory, _, _ in os.walk(path):
            os.chmod(directory, 0o700)
        shutil.rmtree(path, ignore_errors=True)
