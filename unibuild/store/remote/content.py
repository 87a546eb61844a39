"""Blobs on a server of the Remote Execution API: ``RemoteContent`` is a ``BlobService``.

Many small blobs go in batches, each large one as a stream. Every byte is hashed before it is handed
on; wrong ones are a miss, said once. The empty blob is everywhere and never asked for. Work that takes
more than a moment (hashing, compressing, files) is done in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from unibuild.store.digests import Digest
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.remote import content_batches as batches
from unibuild.store.remote.content_streams import (
    PROBE,
    Receiver,
    Sender,
    WrongBytesError,
    blob_name,
    is_worth_compressing,
    upload_name,
)
from unibuild.store.remote.messages import DIGEST_FUNCTIONS, ZSTD
from unibuild.store.remote.messages_content import (
    BATCH_READ,
    BATCH_UPDATE,
    FIND_MISSING,
    READ,
    WRITE,
    BatchReadRequest,
    FindMissingRequest,
    ReadRequest,
    decode_chunk,
    decode_committed,
    decode_missing,
    encode_batch_read,
    encode_find_missing,
    encode_read,
)
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from unibuild.store.digests import DigestFunction
    from unibuild.store.remote.capabilities import Capabilities
    from unibuild.store.remote.channel import Channel

LOOKUPS = 50_000
"""Digests in one ``FindMissingBlobs``, which stays below 4 MiB."""

BATCHES, STREAMS = 3, 2
"""How many of each are under way at once, in each direction; one may hold a few megabytes."""

THREADS = 4
SLOWEST = 1 << 20
"""Bytes a second: a stream that moves may take as long as that needs, beyond a call's time-out."""
LONGEST = 24 * 3600.0
"""Seconds that any stream may take."""

_INLINE = 1 << 17  # bytes hashed without asking a thread
_WHOLE = 1 << 14  # smaller streams are not compressed


class RemoteContent:
    """A ``BlobService`` over one channel. Wrong bytes are reported through ``note``, once."""

    def __init__(
        self,
        channel: Channel,
        capabilities: Capabilities,
        function: DigestFunction,
        *,
        note: Callable[[str], None],
        compress: bool = True,
    ) -> None:
        """Use zstd where the server has it, unless ``compress`` is false."""
        self._channel = channel
        self._function = function
        self._number = DIGEST_FUNCTIONS[function.name]
        self._batch_limit = capabilities.batch_limit
        self._blob_limit = capabilities.blob_limit
        self._zstd = compress and capabilities.zstd
        self._zstd_batches = compress and capabilities.zstd_batches
        self._note = note
        self._noted = False
        # Apart, so that a build that waits for bytes never queues behind its own uploads.
        self._lookups = asyncio.Semaphore(BATCHES)
        self._reads, self._read_streams = asyncio.Semaphore(BATCHES), asyncio.Semaphore(STREAMS)
        self._writes, self._write_streams = asyncio.Semaphore(BATCHES), asyncio.Semaphore(STREAMS)
        self._pool = ThreadPoolExecutor(THREADS, "content")

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def find_missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Return those of ``digests`` that are not there."""
        asked = [digest for digest in dict.fromkeys(digests) if digest.size]
        parts = [asked[start : start + LOOKUPS] for start in range(0, len(asked), LOOKUPS)]
        found = await asyncio.gather(*[self._find_missing(part) for part in parts])
        return set[Digest]().union(*found)

    async def _find_missing(self, asked: list[Digest]) -> set[Digest]:
        request = FindMissingRequest(self._channel.instance, tuple(asked), self._number)
        async with self._lookups:
            answer = await self._channel.unary(FIND_MISSING, encode_find_missing(request))
        try:
            return set(decode_missing(answer)).intersection(asked)
        except MalformedMessageError as error:
            raise RemoteCallError("INTERNAL", "FindMissingBlobs", str(error)) from None

    async def read(self, digests: Iterable[Digest]) -> Mapping[Digest, bytes]:
        """Return verified bytes; what is missing or wrong is left out."""
        asked = dict.fromkeys(digests)
        found = {digest: b"" for digest in asked if self._is_empty(digest)}
        wanted = [digest for digest in asked if digest.size]
        small, large = batches.grouped(wanted, lambda digest: digest.size, self._batch_limit)
        jobs = [self._read_batch(group) for group in small]
        jobs += [self._read_whole(digest) for digest in large]
        for part in await asyncio.gather(*jobs):
            found.update(part)
        return found

    async def _read_batch(self, group: Sequence[Digest]) -> Mapping[Digest, bytes]:
        request = BatchReadRequest(
            self._channel.instance, tuple(group), (ZSTD,) if self._zstd else (), self._number
        )
        async with self._reads:
            answer = await self._channel.unary(BATCH_READ, encode_batch_read(request))
        if len(answer) > _INLINE:
            loop = asyncio.get_running_loop()
            taken = await loop.run_in_executor(
                self._pool, batches.take_reads, answer, group, self._function
            )
        else:
            taken = batches.take_reads(answer, group, self._function)
        for digest in taken.wrong:
            self._wrong(digest)
        return taken.found

    async def _read_whole(self, digest: Digest) -> Mapping[Digest, bytes]:
        found = await self._read_stream(digest, "")
        return {} if found is None else {digest: found}

    async def read_to(self, digest: Digest, path: str) -> bool:
        """Write the verified bytes to the new file ``path``."""
        if not digest.size:
            return self._is_empty(digest) and _make_empty(path)
        return await self._read_stream(digest, path) is not None

    async def _read_stream(self, digest: Digest, path: str) -> bytes | None:
        """Return the bytes, or write them to ``path``; None: missing or wrong, and no file."""

        async def attempt() -> bytes:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600) if path else -1
            try:
                return await self._receive(digest, descriptor)
            except BaseException:
                if path:
                    os.unlink(path)
                raise
            finally:
                if path:
                    os.close(descriptor)

        async with self._read_streams:
            try:
                return await self._channel.patience.persist("Read", attempt)
            except WrongBytesError:
                self._wrong(digest)
            except RemoteCallError as error:
                if error.code not in ("NOT_FOUND", "DATA_LOSS", "OUT_OF_RANGE"):
                    raise
        return None

    async def _receive(self, digest: Digest, descriptor: int) -> bytes:
        loop = asyncio.get_running_loop()
        name = blob_name(self._channel.instance, self._function.name, digest, zstd=self._zstd)
        receiver = Receiver(self._function, digest, descriptor, zstd=self._zstd)
        stream = self._channel.stream(
            READ, encode_read(ReadRequest(name)), seconds=self._seconds(digest)
        )
        behind: asyncio.Future[None] | None = None
        try:
            async with contextlib.aclosing(stream):
                async for answer in stream:
                    chunk = _chunk(answer)
                    if behind is not None:
                        await behind
                    behind = loop.run_in_executor(self._pool, receiver.take, chunk)
        except RemoteCallError as error:
            raise self._without_zstd(error, "UNIMPLEMENTED", "INVALID_ARGUMENT") from None
        finally:
            if behind is not None:  # the thread must be done with the descriptor
                await asyncio.wait({behind})
                behind.exception()
        if behind is not None:
            await behind
        return receiver.finish()

    async def write(self, blobs: Mapping[Digest, bytes]) -> None:
        """Store blobs held in memory, batched."""
        wanted = [digest for digest in blobs if digest.size]
        small, large = batches.grouped(wanted, lambda digest: digest.size, self._batch_limit)
        jobs = [self._write_batch({digest: blobs[digest] for digest in group}) for group in small]
        jobs += [self._write_stream(digest, blobs[digest]) for digest in large]
        for outcome in await asyncio.gather(*jobs, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _write_batch(self, blobs: dict[Digest, bytes]) -> None:
        async with self._writes:
            left = dict(blobs)

            async def attempt() -> None:
                request = await asyncio.get_running_loop().run_in_executor(
                    self._pool,
                    batches.make_update,
                    self._channel.instance,
                    left,
                    self._number,
                    self._zstd_batches,
                )
                answer = await self._channel.unary_once(BATCH_UPDATE, request)
                fault = batches.take_updated(answer, left)
                if fault is not None:
                    code, detail = fault
                    said = self._channel.redactor.clean(detail)
                    raise RemoteCallError(code, "BatchUpdateBlobs", said)

            await self._channel.patience.persist("BatchUpdateBlobs", attempt)

    async def write_file(self, digest: Digest, path: str) -> None:
        """Store the bytes of a file, streamed."""
        if digest.size:
            await self._write_stream(digest, path)

    async def _write_stream(self, digest: Digest, origin: str | bytes) -> None:
        if self._blob_limit and digest.size > self._blob_limit:
            raise RemoteCallError(
                "OUT_OF_RANGE", "Write", f"the server takes blobs up to {self._blob_limit} bytes"
            )

        async def attempt() -> None:
            with _opened(origin) as source:
                await self._send(digest, source)

        async with self._write_streams:
            await self._channel.patience.persist("Write", attempt)

    async def _send(self, digest: Digest, source: io.RawIOBase | io.BytesIO) -> None:
        loop = asyncio.get_running_loop()
        zstd = self._zstd and digest.size >= _WHOLE
        if zstd:
            zstd = is_worth_compressing(source.read(PROBE) or b"")
            source.seek(0)
        name = upload_name(self._channel.instance, self._function.name, digest, zstd=zstd)
        sender = Sender(name, source, digest.size, zstd=zstd)
        try:
            answer = await self._channel.upload(
                WRITE, sender.requests(loop, self._pool), seconds=self._seconds(digest)
            )
            committed = decode_committed(answer)
        except RemoteCallError as error:
            raise self._without_zstd(error, "UNIMPLEMENTED") from None
        except MalformedMessageError as error:
            raise RemoteCallError("INTERNAL", "Write", str(error)) from None
        right = {digest.size, -1, sender.sent} if zstd else {digest.size}
        if committed not in right:
            raise RemoteCallError(
                "ABORTED", "Write", f"{committed} bytes of {digest.size} were committed"
            )

    def _without_zstd(self, error: RemoteCallError, *codes: str) -> RemoteCallError:
        """Return ``error``, or have a server that announced zstd but has none be tried without."""
        if not self._zstd or error.code not in codes:
            return error
        self._zstd = False
        return RemoteCallError("ABORTED", error.method, error.detail)

    def _seconds(self, digest: Digest) -> float:
        return min(self._channel.connection.timeout + digest.size / SLOWEST, LONGEST)

    def _is_empty(self, digest: Digest) -> bool:
        return digest == self._function.of(b"")

    def _wrong(self, digest: Digest) -> None:
        """Report wrong bytes, the first time."""
        if not self._noted:
            self._noted = True
            self._note(
                f"{self._channel.connection.url} gave wrong bytes for blob {digest.hash[:16]}…; "
                "they are not used, and neither is any other that does not match its digest"
            )


def _opened(origin: str | bytes) -> io.RawIOBase | io.BytesIO:
    return io.BytesIO(origin) if isinstance(origin, bytes) else open(origin, "rb", 0)


def _chunk(answer: bytes) -> bytes:
    try:
        return decode_chunk(answer)
    except MalformedMessageError:
        raise WrongBytesError from None


def _make_empty(path: str) -> bool:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return True
