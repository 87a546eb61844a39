"""What a remote server says of itself, for ``doctor``: one line, or the error a build would meet.

This speaks to the server in the command's own process, which no build may do: a process that used
gRPC cannot be forked. Nothing may be built after it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unibuild.store.remote.inquiry import ServerState
    from unibuild.store.remote.settings import Connection, Remote

_LET_GO_SECONDS = 0.1


def cache_state(remote: Remote, function_name: str) -> str:
    """Return what the cache is and can; raises ``UnibuildError`` when it cannot be used."""
    from unibuild.store.remote.inquiry import describe

    connection = remote.cache
    if connection is None:
        return "none is configured"
    if connection.is_bucket:
        asyncio.run(_probe_folder(connection, function_name))
        return f"{connection.url}, a folder to read from"
    state = describe(connection, function_name)
    writes = {True: "we may write", False: "we may not write", None: "whether we may write is open"}
    upload = "on" if remote.upload else "off"
    return f"{_described(connection, state)}, {writes[state.writable]}, upload is {upload}"


def engine_state(remote: Remote, function_name: str) -> str:
    """Return what the engine is; raises ``UnibuildError`` when it cannot be used."""
    from unibuild.store.remote.inquiry import describe

    if remote.execution is None:
        return "none is configured"
    state = describe(remote.execution, function_name, execution=True)
    return f"{_described(remote.execution, state)}, runs actions"


def _described(connection: Connection, state: ServerState) -> str:
    functions = " and ".join(state.functions)
    zstd = "zstd" if state.zstd else "no zstd"
    return f"{connection.url}, API {state.api}, {functions}, {zstd}"


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
    finally:
        # obstore's threads abort a process that ends while they still let go of a call.
        await asyncio.sleep(_LET_GO_SECONDS)
