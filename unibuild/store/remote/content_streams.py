"""One blob as a ByteStream: chunks through zstd, hash and file, in threads beside the event loop.

While one chunk is hashed or compressed in a thread, the next one is on the wire. A receiver never
holds more than a chunk, whatever the compressed bytes claim: output is counted as it appears.
Resource names: remote_execution.proto, "ContentAddressableStorage".
"""

from __future__ import annotations

import asyncio
import os
import uuid
from typing import TYPE_CHECKING, Protocol

import zstandard

from unibuild.store.remote.messages_content import WriteRequest, encode_write
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncGenerator, Iterator
    from concurrent.futures import Executor

    from unibuild.store.digests import Digest, DigestFunction

CHUNK = 1 << 20
"""Bytes of a file read, and at most sent, at a time."""

LEVEL = 1
"""Of zstd: links between a team's machines are slower than anything that a level could save."""

PROBE = 1 << 16
"""Bytes of a blob's start that tell whether to compress it."""

_WORTH = 0.9
_INFERRED = frozenset({"sha256", "sha1", "md5", "sha384", "sha512", "murmur3", "vso"})


class WrongBytesError(Exception):
    """The bytes are not those that the digest names."""


class Source(Protocol):
    """Where the bytes of an upload come from."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


def blob_name(instance: str, function: str, digest: Digest, *, zstd: bool = False) -> str:
    """Return the resource name of a blob to read."""
    kind = "compressed-blobs/zstd" if zstd else "blobs"
    infix = "" if function in _INFERRED else f"{function}/"
    name = f"{kind}/{infix}{digest.hash}/{digest.size}"
    return f"{instance}/{name}" if instance else name


def upload_name(instance: str, function: str, digest: Digest, *, zstd: bool = False) -> str:
    """Return a resource name to write a blob to, new with each call."""
    name = f"uploads/{uuid.uuid4()}/{blob_name('', function, digest, zstd=zstd)}"
    return f"{instance}/{name}" if instance else name


class Receiver:
    """Takes the chunks of one download to a file, or keeps them; counts and hashes what comes out."""

    def __init__(
        self, function: DigestFunction, digest: Digest, descriptor: int, *, zstd: bool
    ) -> None:
        """Write to ``descriptor``; -1 keeps the bytes instead."""
        self._hasher = function.hasher(b"")
        self._digest = digest
        self._descriptor = descriptor
        self._kept: list[bytes] = []
        self._size = 0
        self._writer = (
            zstandard.ZstdDecompressor().stream_writer(self, write_size=CHUNK) if zstd else None  # type: ignore[arg-type]
        )

    def take(self, chunk: bytes) -> None:
        """Take the next chunk off the wire. Raises ``WrongBytesError`` as soon as that is certain."""
        if self._writer is None:
            self.write(chunk)
            return
        try:
            self._writer.write(chunk)
        except zstandard.ZstdError:
            raise WrongBytesError from None

    def write(self, part: bytes) -> int:
        """Take content that is no longer compressed."""
        self._size += len(part)
        if self._size > self._digest.size:
            raise WrongBytesError
        self._hasher.update(part)
        if self._descriptor < 0:
            self._kept.append(bytes(part))
        else:
            _write_all(self._descriptor, part)
        return len(part)

    def finish(self) -> bytes:
        """Return the kept bytes once they are known to be right, else ``WrongBytesError``."""
        if self._size != self._digest.size or self._hasher.hexdigest() != self._digest.hash:
            raise WrongBytesError
        return b"".join(self._kept)


def _write_all(descriptor: int, part: bytes) -> None:
    view = memoryview(part)
    while view:
        view = view[os.write(descriptor, view) :]


class Sender:
    """Makes the requests of one upload, reading and compressing one chunk ahead."""

    def __init__(
        self, name: str, source: Source, size: int, *, zstd: bool, threads: int = 2
    ) -> None:
        """Send ``size`` bytes of ``source`` to the resource ``name``."""
        self._name = name
        self._source = source
        self._left = size
        self._compressor = None
        if zstd:
            workers = threads if size >= 4 * CHUNK else 0
            compressor = zstandard.ZstdCompressor(level=LEVEL, threads=workers)
            self._compressor = compressor.compressobj(size=size)
        self.sent = 0

    async def requests(
        self, loop: AbstractEventLoop, pool: Executor | None
    ) -> AsyncGenerator[bytes]:
        """Yield the encoded ``WriteRequest``s; a source that became shorter is an error."""
        ahead = loop.run_in_executor(pool, self._next)
        try:
            while True:
                chunk, last = await ahead
                if not last:
                    ahead = loop.run_in_executor(pool, self._next)
                for part, end in _parts(chunk):
                    name = "" if self.sent else self._name
                    request = encode_write(WriteRequest(name, self.sent, last and end, part))
                    self.sent += len(part)
                    yield request
                if last:
                    return
        finally:
            await asyncio.wait({ahead})  # the thread must be done with the source
            ahead.exception()

    def _next(self) -> tuple[bytes, bool]:
        """Return the next chunk for the wire and whether it is the last one."""
        parts: list[bytes] = []
        size = 0
        while size < CHUNK // 2:
            data = self._source.read(min(CHUNK, self._left)) if self._left else b""
            self._left -= len(data)
            if not data and self._left:
                raise RemoteCallError("FAILED_PRECONDITION", "Write", "the file became shorter")
            last = not self._left
            if self._compressor is not None:
                data = self._compressor.compress(data)
                if last:
                    data += self._compressor.flush()
            parts.append(data)
            size += len(data)
            if last:
                return b"".join(parts), True
        return b"".join(parts), False


def _parts(chunk: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield a chunk in messages of at most ``CHUNK``: a compressor may hand out many at once."""
    for start in range(0, len(chunk) or 1, CHUNK):
        yield chunk[start : start + CHUNK], start + CHUNK >= len(chunk)


def is_worth_compressing(start: bytes) -> bool:
    """Whether the first bytes of a blob promise that compression saves anything."""
    return len(zstandard.ZstdCompressor(level=LEVEL).compress(start)) < _WORTH * len(start)
