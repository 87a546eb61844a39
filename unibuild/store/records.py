"""Small checked files by key: each ends with the hash of what precedes it.

A record that does not match its own hash (a flipped byte, a file cut short by a crash of the
machine) is dropped, reported and treated as missing.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from unibuild.store.digests import HASH_LENGTH
from unibuild.store.files import READ_ONLY, read_whole, remove, touch, write_new
from unibuild.store.layout import TOUCH_INTERVAL, Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.store.digests import DigestFunction
    from unibuild.store.layout import Session

CHECK_BYTES = HASH_LENGTH // 2


def checked(data: bytes, function: DigestFunction) -> bytes:
    """Return ``data`` followed by its hash."""
    return data + bytes.fromhex(function.hash(data))


def check(data: bytes, function: DigestFunction) -> bytes | None:
    """Return what ``checked`` was given, or nothing when the bytes do not match."""
    body, found = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
    return body if found == bytes.fromhex(function.hash(body)) else None


class Records:
    """Checked files of one kind in a cache; any number of processes may use them at once."""

    def __init__(
        self,
        layout: Layout,
        kind: str,
        function: DigestFunction,
        session: Session,
        note: Callable[[str], None],
    ) -> None:
        """Use the records of ``kind`` at ``layout``; ``note`` is told of corrupt ones."""
        self._base = f"{layout.base}/{kind}"
        self._kind = kind
        self._function = function
        self._session = session
        self._note = note
        self._touch_before = time.time() - TOUCH_INTERVAL

    def get(self, key: str) -> bytes | None:
        """Return the record, or nothing."""
        path = f"{self._base}/{key[:2]}/{key}"
        data = read_whole(path)
        if data is None:
            return None
        body = check(data, self._function)
        if body is None:
            remove(path)
            self._note(f"stored record {self._kind}/{key} was corrupt; it is dropped")
            return None
        try:
            if os.stat(path).st_atime < self._touch_before:
                touch(path)
        except FileNotFoundError:
            pass  # collected since; the bytes are right all the same
        return body

    def put(self, key: str, data: bytes) -> None:
        """Store a record in place of any older one."""
        aside = self._session.scratch()
        write_new(aside, checked(data, self._function), READ_ONLY)
        Layout.publish(aside, f"{self._base}/{key[:2]}/{key}")

    def drop(self, key: str) -> None:
        """Forget a record."""
        remove(f"{self._base}/{key[:2]}/{key}")
