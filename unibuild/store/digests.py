"""Digests: the names of all bytes, as the Remote Execution API defines them (hash and size).

A workspace chooses one digest function before its first action, since it names everything; the
default is BLAKE3, the other is SHA-256. Hashes are lower-case hexadecimal, 64 digits for both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = 1 << 15
CHUNK = 1 << 20
HASH_LENGTH = 64


class Digest(NamedTuple):
    """``Digest`` of the Remote Execution API: the hash in hexadecimal and the size in bytes."""

    hash: str
    size: int


class Hasher(Protocol):
    """The part of ``hashlib``'s interface that both functions share."""

    def update(self, data: bytes, /) -> object:
        """Take more bytes in."""

    def hexdigest(self) -> str:
        """Return the hash of all bytes so far."""


class DigestFunction:
    """A hash function by its name in ``WORKSPACE.toml``: ``blake3`` or ``sha256``."""

    __slots__ = ("hasher", "name")

    def __init__(self, name: str) -> None:
        """Load the function; an unknown name is a ``UserError``."""
        self.name = name
        self.hasher: Callable[[bytes], Hasher] = _load(name)

    def hash(self, data: bytes) -> str:
        """Return the hash of ``data``."""
        return self.hasher(data).hexdigest()

    def of(self, data: bytes) -> Digest:
        """Return the digest of ``data``."""
        return Digest(self.hasher(data).hexdigest(), len(data))

    def of_descriptor(self, descriptor: int) -> Digest:
        """Return the digest of a regular file from the position of ``descriptor`` to its end."""
        data = os.read(descriptor, SMALL)
        hasher = self.hasher(data)
        size = len(data)
        if size < SMALL:  # the whole of most files; a regular file gives less only at its end
            return Digest(hasher.hexdigest(), size)
        while data:
            data = os.read(descriptor, CHUNK)
            hasher.update(data)
            size += len(data)
        return Digest(hasher.hexdigest(), size)

    def of_file(self, path: str) -> Digest:
        """Return the digest of the file at ``path``; raises ``OSError`` as ``open`` does."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return self.of_descriptor(descriptor)
        finally:
            os.close(descriptor)


def _load(name: str) -> Callable[[bytes], Hasher]:
    if name == "blake3":
        try:
            from blake3 import blake3
        except ImportError as error:
            raise HostError(
                id="no-blake3",
                cause="the Python package blake3 cannot be imported",
                hint='install it, or set digest_function = "sha256" in WORKSPACE.toml',
            ) from error
        return blake3
    if name == "sha256":
        from hashlib import sha256

        return sha256
    raise UserError(
        id="unknown-digest-function",
        cause=f"there is no digest function {name!r}",
        hint='write "blake3" or "sha256"',
    )
