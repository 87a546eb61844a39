"""What a remote server says of itself, for ``doctor``: one line, or the error a build would meet.

This speaks to the server in the command's own process, which no build may do: a process that used
gRPC cannot be forked. Nothing may be built after it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unibuild.store.remote.capabilities import Capabilities
    from unibuild.store.remote.settings import Connection, Remote


def cache_state(remote: Remote, function_name: str) -> str:
    """Return what the cache is and can; raises ``UnibuildError`` when it cannot be used."""
    connection = remote.cache
    if connection is None:
        return "none is configured"
    if connection.is_bucket:
        asyncio.run(_probe_folder(connection, function_name))
        return f"{connection.url}, a folder to read from"
    capabilities = asyncio.run(_negotiated(connection, function_name, execution=False))
    writes = "takes results" if capabilities.update else "takes no results from us"
    uploads = "" if remote.upload or not capabilities.update else " (upload is off)"
    return f"{_described(connection, capabilities)}, {writes}{uploads}"


def engine_state(remote: Remote, function_name: str) -> str:
    """Return what the engine is; raises ``UnibuildError`` when it cannot be used."""
    if remote.execution is None:
        return "none is configured"
    capabilities = asyncio.run(_negotiated(remote.execution, function_name, execution=True))
    return f"{_described(remote.execution, capabilities)}, runs actions"


def _described(connection: Connection, capabilities: Capabilities) -> str:
    low, high = (
        ".".join(map(str, version[:2])) for version in (capabilities.low, capabilities.high)
    )
    functions = " and ".join(capabilities.functions)
    zstd = "zstd" if capabilities.zstd else "no zstd"
    versions = low if low == high else f"{low} to {high}"
    return f"{connection.url}, API {versions}, {functions}, {zstd}"


async def _negotiated(
    connection: Connection, function_name: str, *, execution: bool
) -> Capabilities:
    from unibuild.store.remote.capabilities import negotiate
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.diagnosis import explain
    from unibuild.store.remote.services import RemoteCallError

    channel = Channel(connection)
    try:
        return await negotiate(channel, function_name, execution=execution)
    except RemoteCallError as error:
        raise await explain(channel, error) from None
    finally:
        await channel.close()


async def _probe_folder(connection: Connection, function_name: str) -> None:
    from unibuild.model.errors import HostError
    from unibuild.store.digests import DigestFunction
    from unibuild.store.remote.bucket import Folder
    from unibuild.store.remote.credentials import Credentials
    from unibuild.store.remote.redaction import Redactor
    from unibuild.store.remote.services import RemoteCallError

    credentials = Credentials(connection, Redactor())
    try:
        await Folder(connection, DigestFunction(function_name), credentials).probe()
    except RemoteCallError as error:
        raise HostError(
            id="remote-unreachable",
            cause=f"{connection.url} cannot be read: {error}",
            hint=f"see that url in [{connection.setting}] is right, and that it may be read",
        ) from None
