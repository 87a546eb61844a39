"""Content-addressed storage: blobs by digest, never handed out unless their bytes match.

``ContentStore`` is what a build needs of a store; ``LocalStore`` keeps blobs as files that are
linked into input roots and outputs. A blob is verified the first time a process uses it; wrong
bytes are dropped, reported, and treated as missing, so that their producer runs again.

The executable bit is part of an inode, not of a link, so an executable blob is a second file
``<hash>.x`` beside the first, made when first wanted.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Protocol

from unibuild.store.digests import Digest
from unibuild.store.files import (
    READ_ONLY,
    READ_ONLY_EXECUTABLE,
    copy_new,
    read_whole,
    remove,
    seal,
    touch,
    write_new,
)
from unibuild.store.layout import FIXED_TIME_NS, TOUCH_INTERVAL, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.store.digests import DigestFunction
    from unibuild.store.layout import Session


class ContentStore(Protocol):
    """Bytes by digest; ``False`` and ``None`` mean missing, which is ordinary at any time."""

    def contains(self, digest: Digest) -> bool:
        """Tell whether the blob is there, without reading it."""

    def read(self, digest: Digest) -> bytes | None:
        """Return the verified bytes."""

    def put_bytes(self, data: bytes) -> Digest:
        """Store bytes."""

    def adopt(self, path: str, digest: Digest, *, executable: bool) -> None:
        """Take over the file at ``path``, whose digest the caller has just computed."""

    def put_copy(self, path: str) -> Digest:
        """Store a copy of the file at ``path`` and return the digest of what was copied."""

    def file(self, digest: Digest, *, executable: bool = False) -> str | None:
        """Return the path of a verified read-only file with these bytes and that mode."""


class LocalStore:
    """A ``ContentStore`` in a directory; any number of processes may use it at once."""

    def __init__(
        self,
        layout: Layout,
        function: DigestFunction,
        session: Session,
        note: Callable[[str], None],
    ) -> None:
        """Use the cache at ``layout``; ``note`` is told of corrupt blobs."""
        self.function = function
        self._blobs = f"{layout.base}/blobs"
        self._session = session
        self._note = note
        self._verified: set[str] = set()
        self._touch_before = time.time() - TOUCH_INTERVAL

    def path(self, digest: Digest, *, executable: bool = False) -> str:
        """Return where the blob is or would be."""
        name = digest[0]
        return (
            f"{self._blobs}/{name[:2]}/{name}.x"
            if executable
            else f"{self._blobs}/{name[:2]}/{name}"
        )

    def contains(self, digest: Digest) -> bool:
        """Tell whether the blob is there in either mode, and mark it as used."""
        for executable in (False, True):
            path = self.path(digest, executable=executable)
            try:
                found = os.stat(path)
            except FileNotFoundError:
                continue
            if found.st_atime < self._touch_before:
                touch(path)
            if found.st_size == digest[1]:
                return True
        return False

    def trust(self, digest: Digest, *, executable: bool) -> None:
        """Believe a blob that a process of this very build verified and moved in just now."""
        self._verified.add(self.path(digest, executable=executable))

    def read(self, digest: Digest) -> bytes | None:
        """Return the verified bytes, or nothing."""
        path = self.file(digest)
        return None if path is None else read_whole(path)

    def put_bytes(self, data: bytes) -> Digest:
        """Store bytes; storing them again costs one lookup."""
        digest = self.function.of(data)
        if self.file(digest) is None:
            aside = self._session.scratch()
            write_new(aside, data, READ_ONLY)
            self._publish(aside, self.path(digest))
        return digest

    def adopt(self, path: str, digest: Digest, *, executable: bool) -> None:
        """Move a file in, which must be on the cache's file system and written by nobody any more."""
        seal(path, executable=executable)
        self._publish(path, self.path(digest, executable=executable))

    def put_copy(self, path: str) -> Digest:
        """Copy a file in; the digest is that of the copy, whatever happens to the original."""
        aside = self._session.scratch()
        copy_new(path, aside, READ_ONLY)
        digest = self.function.of_file(aside)
        self._publish(aside, self.path(digest))
        return digest

    def file(self, digest: Digest, *, executable: bool = False) -> str | None:
        """Return the path of the blob in that mode, made from the other mode if need be."""
        path = self.path(digest, executable=executable)
        if self._intact(path, digest):
            return path
        other = self.path(digest, executable=not executable)
        if not self._intact(other, digest):
            return None
        aside = self._session.scratch()
        try:
            copy_new(other, aside, READ_ONLY_EXECUTABLE if executable else READ_ONLY)
        except FileNotFoundError:
            return None
        if self.function.of_file(aside) != digest:
            remove(aside)
            return None
        self._publish(aside, path)
        return path

    def _publish(self, aside: str, path: str) -> None:
        Layout.publish(aside, path)
        self._verified.add(path)

    def _intact(self, path: str, digest: Digest) -> bool:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return False
        if found.st_atime < self._touch_before:
            touch(path)
        if (
            found.st_size == digest[1]
            and found.st_mtime_ns == FIXED_TIME_NS
            and path in self._verified
        ):
            return True
        try:
            right = self.function.of_file(path) == digest
        except FileNotFoundError:
            return False
        if not right:
            remove(path)
            self._verified.discard(path)
            self._note(f"stored blob {digest[0]} was corrupt; it is dropped and made again")
            return False
        if found.st_mtime_ns != FIXED_TIME_NS:  # touched by hand: right bytes, wrong time
            seal(path, executable=path.endswith(".x"))
        self._verified.add(path)
        return True
