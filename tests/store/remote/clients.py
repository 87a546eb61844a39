"""A client of one server, as a courier puts it together, and blobs to try it with."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.remote.settings import Connection

if TYPE_CHECKING:
    from unibuild.store.remote.capabilities import Capabilities
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.content import RemoteContent
    from unibuild.store.remote.results import RemoteResults

SHA256 = DigestFunction("sha256")


@dataclass
class Client:
    """What speaks to one server; ``notes`` is what a person would have been told."""

    channel: Channel
    capabilities: Capabilities
    content: RemoteContent
    results: RemoteResults
    notes: list[str] = field(default_factory=list)


@asynccontextmanager
async def connected(
    url: str,
    function: DigestFunction = SHA256,
    *,
    compress: bool = True,
    capabilities: Capabilities | None = None,
    require_signed: tuple[str, ...] = (),
    signer: Any = None,
    **settings: Any,
) -> AsyncIterator[Client]:
    """Connect to ``url``; ``settings`` are those of ``Connection``."""
    # gRPC is imported in the process that uses it.
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.content import RemoteContent
    from unibuild.store.remote.inquiry import introduce
    from unibuild.store.remote.results import RemoteResults

    connection = Connection(url, **settings)
    if capabilities is None:
        channel, capabilities = await introduce(connection, function.name)
    else:
        channel = Channel(connection)
    notes: list[str] = []
    content = RemoteContent(channel, capabilities, function, note=notes.append, compress=compress)
    results = RemoteResults(
        channel, function, content, require_signed=require_signed, signer=signer
    )
    try:
        yield Client(channel, capabilities, content, results, notes)
    finally:
        content.close()
        await channel.close()


def blob(size: int, seed: int = 0, *, compressible: bool = True) -> bytes:
    """Return bytes that are the same in every run."""
    source = random.Random(seed)
    if not compressible:
        return source.randbytes(size)
    words = [source.randbytes(8) for _ in range(200)]
    text = b"".join(source.choices(words, k=min(size, 1 << 16) // 8 + 1))
    return (text * (size // len(text) + 1))[:size]


def named(*blobs: bytes, function: DigestFunction = SHA256) -> dict[Digest, bytes]:
    """Return blobs by their digests."""
    return {function.of(data): data for data in blobs}
