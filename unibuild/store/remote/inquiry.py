"""Getting to know a server: the first call, its capabilities, and what is wrong if that fails.

``introduce`` is how a courier connects; ``describe`` is the same for a person who only asks, from a
process without an event loop (and which will not fork afterwards: gRPC does not survive that).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError
from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.remote.capabilities import negotiate
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.diagnosis import explain
from unibuild.store.remote.messages import DIGEST_FUNCTIONS
from unibuild.store.remote.messages_content import (
    BATCH_UPDATE,
    BatchUpdateRequest,
    Update,
    decode_updated,
    encode_batch_update,
)
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from unibuild.store.remote.capabilities import Capabilities
    from unibuild.store.remote.settings import Connection

_REFUSALS = ("PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED")


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a server says of itself: ``api`` as ``2.0..2.3``; ``writable`` None when that is unclear."""

    api: str
    functions: tuple[str, ...]
    zstd: bool
    writable: bool | None
    execution: bool


async def introduce(
    connection: Connection, function: str, *, execution: bool = False
) -> tuple[Channel, Capabilities]:
    """Return an open channel and what its server can do.

    Raises ``UserError`` for a wrong setting, ``RemoteCallError`` with a readable detail otherwise.
    """
    channel = Channel(connection)
    try:
        return channel, await negotiate(channel, function, execution=execution)
    except RemoteCallError as error:
        found = await explain(channel, error)
        await channel.close()
        if isinstance(found, UserError):
            raise found from None
        raise RemoteCallError(error.code, error.method, found.cause) from None
    except BaseException:
        await channel.close()
        raise


def describe(connection: Connection, function: str, *, execution: bool = False) -> ServerState:
    """Return a server's state, asked now; ``UserError`` or ``HostError`` when there is none."""
    return asyncio.run(_describe(connection, function, execution=execution))


async def _describe(connection: Connection, function: str, *, execution: bool) -> ServerState:
    channel = Channel(connection)
    try:
        capabilities = await negotiate(channel, function, execution=execution)
        writable = await _may_write(channel, function) if capabilities.update else False
    except RemoteCallError as error:
        raise await explain(channel, error) from None
    finally:
        await channel.close()
    low, high = (".".join(map(str, v)) for v in (capabilities.low, capabilities.high))
    return ServerState(
        api=f"{low}..{high}",
        functions=capabilities.functions,
        zstd=capabilities.zstd,
        writable=writable,
        execution=capabilities.execution,
    )


async def _may_write(channel: Channel, function: str) -> bool | None:
    """Try to store the empty blob, which every server has already."""
    empty = Digest(DigestFunction(function).hash(b""), 0)
    request = BatchUpdateRequest(
        channel.instance, (Update(empty, b""),), DIGEST_FUNCTIONS[function]
    )
    try:
        answer = await channel.unary(BATCH_UPDATE, encode_batch_update(request), most=1)
        statuses = [status.name for _digest, status in decode_updated(answer)]
    except RemoteCallError as error:
        return False if error.code in _REFUSALS else None
    except ValueError:
        return None
    if any(name in _REFUSALS for name in statuses):
        return False
    return True if statuses == ["OK"] else None
