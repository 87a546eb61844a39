"""The server under examination: raw calls, so that nothing hides how it behaves, and random content.

The calls go through unibuild's own ``Channel``, one attempt each. Random content makes every run its
own: nothing that an earlier run left on the server can make a check pass.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Iterable
from dataclasses import dataclass, field

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.reapi import ActionResult, encode_action, encode_command
from unibuild.store.remote import messages_content as content
from unibuild.store.remote import messages_results as results
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.content_streams import blob_name, upload_name
from unibuild.store.remote.messages import DIGEST_FUNCTIONS, Packed, Status
from unibuild.store.remote.messages_server import ServerCapabilities
from unibuild.store.remote.services import RemoteCallError
from unibuild.store.remote.settings import Remote

CALL_SECONDS = 20
BATCH_LIMIT = 4_000_000
LARGE_MESSAGE = 32 << 20
CHUNK = 1 << 20


class EndedEarlyError(Exception):
    """Raised by an upload's source in order to break the upload off."""


@dataclass
class Subject:
    """One server; ``may_write`` is found out before the checks that write."""

    channel: Channel
    function: DigestFunction
    remote: Remote
    capabilities: ServerCapabilities = field(default_factory=ServerCapabilities)
    may_write: bool = True
    kept: list[Digest] = field(default_factory=list)

    @property
    def number(self) -> int:
        """The digest function's number in requests."""
        return DIGEST_FUNCTIONS[self.function.name]

    @property
    def instance(self) -> str:
        """The instance name."""
        return self.channel.instance

    @property
    def batch_limit(self) -> int:
        """How many bytes a batch may have: what is announced, or what fits in 4 MiB."""
        announced = self.capabilities.batch_limit
        return min(announced, BATCH_LIMIT) if announced > 0 else BATCH_LIMIT

    def blob(self, size: int) -> tuple[Digest, bytes]:
        """Return random bytes and their digest."""
        data = os.urandom(size)
        return self.function.of(data), data

    async def call(self, method: str, request: bytes, channel: Channel | None = None) -> bytes:
        """Return the answer to one attempt."""
        return await (channel or self.channel).unary_once(method, request, seconds=CALL_SECONDS)

    async def missing(self, digests: Iterable[Digest]) -> list[Digest]:
        """Return what FindMissingBlobs answers."""
        request = content.FindMissingRequest(self.instance, tuple(digests), self.number)
        answer = await self.call(content.FIND_MISSING, content.encode_find_missing(request))
        return content.decode_missing(answer)

    async def update(
        self, updates: Iterable[content.Update], channel: Channel | None = None
    ) -> dict[Digest, Status]:
        """Return the status that BatchUpdateBlobs gives each blob."""
        request = content.BatchUpdateRequest(self.instance, tuple(updates), self.number)
        encoded = content.encode_batch_update(request)
        return dict(content.decode_updated(await self.call(content.BATCH_UPDATE, encoded, channel)))

    async def store(self, *blobs: tuple[Digest, bytes]) -> None:
        """Have blobs stored that fit into one batch; raises ``RemoteCallError`` unless they are."""
        check(await self.update(content.Update(*blob) for blob in blobs))

    async def store_large(self, *blobs: tuple[Digest, bytes]) -> None:
        """Have blobs stored in one message, which may be longer than unibuild ever sends."""
        large = Channel(self.channel.connection, maximum=LARGE_MESSAGE)
        try:
            check(await self.update([content.Update(*blob) for blob in blobs], large))
        finally:
            await large.close()

    async def batch(
        self, digests: Iterable[Digest], compressors: tuple[int, ...] = ()
    ) -> dict[Digest, content.BatchRead]:
        """Return what BatchReadBlobs answers, by digest."""
        request = content.BatchReadRequest(self.instance, tuple(digests), compressors, self.number)
        answer = await self.call(content.BATCH_READ, content.encode_batch_read(request))
        return {read.digest: read for read in content.decode_batch_reads(answer)}

    async def read(
        self, digest: Digest, *, offset: int = 0, limit: int = 0, zstd: bool = False
    ) -> bytes:
        """Return what ByteStream.Read answers, as it comes."""
        name = blob_name(self.instance, self.function.name, digest, zstd=zstd)
        request = content.encode_read(content.ReadRequest(name, offset, limit))
        parts = [
            content.decode_chunk(part)
            async for part in self.channel.stream(content.READ, request, seconds=CALL_SECONDS)
        ]
        return b"".join(parts)

    async def write(
        self, digest: Digest, data: bytes, *, zstd: bool = False, finish: bool = True
    ) -> int:
        """Return the committed size of a whole upload, or of one that never says it is complete."""
        name = self.upload_name(digest, zstd=zstd)
        requests = upload(name, data, finish=finish)
        answer = await self.channel.upload(content.WRITE, requests, seconds=CALL_SECONDS)
        return content.decode_committed(answer)

    def upload_name(self, digest: Digest, *, zstd: bool = False) -> str:
        """Return a new resource name for an upload."""
        return upload_name(self.instance, self.function.name, digest, zstd=zstd)

    async def put(
        self, action: Digest, result: ActionResult, auxiliary: tuple[Packed, ...] = ()
    ) -> None:
        """Store a result."""
        encoded = results.encode_result(result, auxiliary)
        request = results.UpdateResultRequest(self.instance, action, encoded, self.number)
        await self.call(results.UPDATE_RESULT, results.encode_update_result(request))

    async def get(self, action: Digest, *, inline: tuple[str, ...] = ()) -> results.ServedResult:
        """Return a result as it is served; a ``RemoteCallError`` NOT_FOUND when there is none."""
        request = results.GetResultRequest(
            self.instance, action, True, True, inline, function=self.number
        )
        answer = await self.call(results.GET_RESULT, results.encode_get_result(request))
        return results.decode_result(answer)

    async def action(self, *outputs: str) -> Digest:
        """Store a new action, of which each has its own name, and return its digest."""
        command = encode_command(["probe", os.urandom(8).hex()], (), outputs)
        root = b""
        action = encode_action(self.function.of(command), self.function.of(root))
        named = [(self.function.of(data), data) for data in (command, root, action)]
        await self.store(*[(digest, data) for digest, data in named if data])
        return named[-1][0]


async def upload(name: str, data: bytes, *, finish: bool = True) -> AsyncGenerator[bytes]:
    """Yield the requests of a Write of ``data``."""
    for start in range(0, max(len(data), 1), CHUNK):
        part = data[start : start + CHUNK]
        last = finish and start + CHUNK >= len(data)
        yield content.encode_write(
            content.WriteRequest(name if not start else "", start, last, part)
        )


def check(statuses: dict[Digest, Status]) -> None:
    """Raise the first status that is no success."""
    for digest, status in statuses.items():
        if status.code:
            text = f"{digest.size} bytes: {status.message}"
            raise RemoteCallError(status.name, "BatchUpdateBlobs", text)


async def refusal(call: Awaitable[object]) -> RemoteCallError | None:
    """Return the error with which a call was refused, None when it was not."""
    try:
        await call
    except RemoteCallError as error:
        return error
    return None


def said(error: RemoteCallError) -> str:
    """Return what an error says, in a line of bounded length."""
    return " ".join(f"{error.code} {error.detail}".split())[:160]
