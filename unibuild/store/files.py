"""File operations that a store is made of: whole files, copies that share blocks, safe links."""

from __future__ import annotations

import contextlib
import fcntl
import os
from time import time_ns

from unibuild.store.layout import FIXED_TIME_NS

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file of the same file system
_COPY_CHUNK = 1 << 26
READ_ONLY, READ_ONLY_EXECUTABLE = 0o444, 0o555


def read_whole(path: str) -> bytes | None:
    """Return the bytes of a file, or nothing when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        data = os.read(descriptor, 1 << 16)
        if len(data) < 1 << 16:
            return data
        parts = [data]
        while data:
            data = os.read(descriptor, 1 << 22)
            parts.append(data)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def write_new(path: str, data: bytes, mode: int) -> None:
    """Write a file that does not exist yet, with exactly ``mode`` and the fixed time."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fchmod(descriptor, mode)
        os.utime(descriptor, ns=(time_ns(), FIXED_TIME_NS))
    finally:
        os.close(descriptor)


def copy_new(source: str, destination: str, mode: int) -> None:
    """Copy a file to a path that does not exist yet, sharing blocks where the file system can."""
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        writing = os.open(destination, flags, 0o600)
        try:
            _copy_bytes(reading, writing)
            os.fchmod(writing, mode)
            os.utime(writing, ns=(time_ns(), FIXED_TIME_NS))
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _copy_bytes(reading: int, writing: int) -> None:
    size = os.fstat(reading).st_size
    if size > 1 << 16:
        try:
            fcntl.ioctl(writing, _FICLONE, reading)
        except OSError:
            pass
        else:
            return
        with contextlib.suppress(OSError):
            while os.copy_file_range(reading, writing, _COPY_CHUNK):
                pass
    # Small files, and whatever the two faster ways left over.
    while data := os.read(reading, 1 << 16):
        view = memoryview(data)
        while view:
            view = view[os.write(writing, view) :]


def seal(path: str, *, executable: bool) -> None:
    """Give a finished file the mode and time that every stored file has."""
    os.chmod(path, READ_ONLY_EXECUTABLE if executable else READ_ONLY)
    os.utime(path, ns=(time_ns(), FIXED_TIME_NS))


def touch(path: str) -> None:
    """Record that a stored entry is used now: access time only; a missing one is fine."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        os.utime(path, ns=(time_ns(), FIXED_TIME_NS))


def remove(path: str) -> None:
    """Delete a file; a missing one is fine."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
