"""What a server can do, asked before anything else, and whether that fits the workspace.

The workspace's digest function decides: a server that lacks it is a ``UserError``, never a mixture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.remote.messages import DIGEST_FUNCTIONS, ZSTD
from unibuild.store.remote.messages_server import (
    GET_CAPABILITIES,
    ServerCapabilities,
    decode_capabilities,
    encode_capabilities_request,
)
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.messages_server import Version

BATCH_LIMIT = 4_000_000
"""Bytes of blobs in one batch: what real servers take of a 4 MiB message, whatever they announce."""

_LOWEST_LIMIT = 1 << 10
_FIRST_ANSWER = 10.0  # seconds
_FIRST_ATTEMPTS = 2
_MAJOR = 2
_WORKSPACE_FUNCTIONS = ("blake3", "sha256")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the client uses of a server; ``functions`` are names in lower case.

    ``batch_limit`` is in bytes of blobs, already bounded; ``blob_limit`` 0 means none. ``zstd`` is
    for streams and batch reads, ``zstd_batches`` for batch writes.
    """

    functions: tuple[str, ...]
    low: Version
    high: Version
    update: bool = False
    batch_limit: int = BATCH_LIMIT
    blob_limit: int = 0
    zstd: bool = False
    zstd_batches: bool = False
    execution: bool = False


async def negotiate(channel: Channel, function: str, *, execution: bool = False) -> Capabilities:
    """Return the server's capabilities; ``UserError`` when it cannot serve this workspace.

    ``execution`` asks for a server that runs actions rather than one that keeps results. Raises
    ``RemoteCallError`` when there is no answer for a passing reason, or one that needs diagnosis.
    """
    request = encode_capabilities_request(channel.instance)
    seconds = min(_FIRST_ANSWER, channel.connection.timeout)
    encoded = await channel.unary(GET_CAPABILITIES, request, seconds=seconds, most=_FIRST_ATTEMPTS)
    try:
        server = decode_capabilities(encoded)
    except MalformedMessageError as error:
        raise RemoteCallError("INTERNAL", "GetCapabilities", "no such message") from error
    capabilities = _understood(server, execution=execution)
    _check(channel, capabilities, function, execution=execution)
    return capabilities


def _understood(server: ServerCapabilities, *, execution: bool) -> Capabilities:
    names = {value: name for name, value in DIGEST_FUNCTIONS.items()}
    numbers = server.functions
    if execution and server.executor_functions:
        numbers = server.executor_functions
    limit = server.batch_limit if server.batch_limit > 0 else BATCH_LIMIT
    return Capabilities(
        functions=tuple(names.get(value, str(value)) for value in numbers),
        low=server.low,
        high=server.high,
        update=server.update,
        batch_limit=max(min(limit, BATCH_LIMIT), _LOWEST_LIMIT),
        blob_limit=max(server.blob_limit, 0),
        zstd=ZSTD in server.compressors,
        zstd_batches=ZSTD in server.update_compressors,
        execution=server.execution,
    )


def _check(channel: Channel, capabilities: Capabilities, function: str, *, execution: bool) -> None:
    connection = channel.connection
    if capabilities.low[0] > _MAJOR or 0 < capabilities.high[0] < _MAJOR:
        low, high = (".".join(map(str, v)) for v in (capabilities.low, capabilities.high))
        raise UserError(
            id="remote-api-version",
            setting=f"{connection.setting}.url",
            cause=f"{connection.url} speaks Remote Execution API {low} to {high}; unibuild speaks 2",
            hint=f"give another server in [{connection.setting}]",
        )
    if not execution and not capabilities.functions:
        raise UserError(
            id="remote-no-cache",
            setting=f"{connection.setting}.url",
            cause=f"{connection.url} keeps no results: it announces no cache",
            hint=f"give a server with a content-addressed storage in [{connection.setting}]",
        )
    if execution and not capabilities.execution:
        raise UserError(
            id="remote-no-execution",
            setting=f"{connection.setting}.url",
            cause=f"{connection.url} runs no actions: execution is not enabled there",
            hint="give a server with workers as url in [execution.remote], or use --exec=local",
        )
    if function not in capabilities.functions:
        raise _function_error(connection.url, capabilities.functions, function)


def _function_error(url: str, functions: tuple[str, ...], function: str) -> UserError:
    usable = [name for name in _WORKSPACE_FUNCTIONS if name in functions]
    hint = (
        f'write digest = "{usable[0]}" in WORKSPACE.toml, or give a server with {function}'
        if usable
        else f"give a server with {function}"
    )
    return UserError(
        id="remote-digest-function",
        setting="digest",
        cause=f"the workspace's digest function is {function}; {url} has only "
        + (", ".join(functions) or "none"),
        hint=hint,
    )
