"""From settings to the services of one courier: what is behind each of its two servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from unibuild.store.digests import DigestFunction
    from unibuild.store.remote.services import BlobService, ResultService
    from unibuild.store.remote.settings import Connection, Remote


class CacheSide(NamedTuple):
    """What a cache's server offers."""

    blobs: BlobService
    results: ResultService


async def connect_cache(
    connection: Connection, remote: Remote, function: DigestFunction
) -> CacheSide:
    """Connect to the cache's server; raises ``RemoteCallError`` or ``UnibuildError``."""
    raise RemoteCallError("UNAVAILABLE", "connect", f"{connection.url} {remote} {function.name}")
