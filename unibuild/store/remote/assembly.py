"""From settings to the services of one courier: what is behind each of its two servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.remote.history import Histories

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.store.digests import DigestFunction
    from unibuild.store.remote.assets import RemoteAssets
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.services import BlobService, ResultService
    from unibuild.store.remote.settings import Connection, Remote
    from unibuild.store.remote.signatures import Signer

    Note = Callable[[str], None]


class Wire:
    """Bytes that crossed the wire, over all channels of a courier."""

    def __init__(self) -> None:
        """Start without a channel."""
        self._channels: list[Channel] = []

    def add(self, channel: Channel) -> None:
        """Count what ``channel`` sends and receives."""
        self._channels.append(channel)

    @property
    def received(self) -> int:
        """Bytes of messages received."""
        return sum(channel.received for channel in self._channels)

    @property
    def sent(self) -> int:
        """Bytes of messages sent."""
        return sum(channel.sent for channel in self._channels)


class CacheSide(NamedTuple):
    """What a cache offers; ``writable``: whether it takes results from anybody at all.

    A bucket has no ``assets``.
    """

    blobs: BlobService
    results: ResultService
    histories: Histories
    writable: bool
    assets: RemoteAssets | None = None


class EngineSide(NamedTuple):
    """What a server that runs actions offers; ``blobs`` is its own storage."""

    channel: Channel
    blobs: BlobService


async def connect_cache(
    connection: Connection,
    remote: Remote,
    function: DigestFunction,
    wire: Wire,
    note: Note,
    keep: Callable[[bytes], object],
) -> CacheSide:
    """Connect to the cache's server; raises ``RemoteCallError`` or ``UnibuildError``.

    ``keep`` is given messages that results name and that belong into the local cache.
    """

    def signer() -> Signer:
        from unibuild.store.remote.signatures import Signer

        return Signer(remote.signing_key)

    if connection.is_bucket:
        return await _open_bucket(connection, remote, function, signer)
    from unibuild.store.remote.assets import RemoteAssets
    from unibuild.store.remote.content import RemoteContent
    from unibuild.store.remote.inquiry import introduce
    from unibuild.store.remote.results import RemoteResults

    channel, capabilities = await introduce(connection, function.name)
    wire.add(channel)
    content = RemoteContent(channel, capabilities, function, note=note, compress=remote.compress)
    results = RemoteResults(
        channel,
        function,
        content,
        require_signed=remote.require_signed,
        signer=signer,
        keep=keep,
    )
    histories = Histories(results, content, function)
    assets = RemoteAssets(channel, function)
    return CacheSide(content, results, histories, capabilities.update, assets)


async def connect_engine(
    connection: Connection, remote: Remote, function: DigestFunction, wire: Wire, note: Note
) -> EngineSide:
    """Connect to the server that runs actions; raises ``RemoteCallError`` or ``UnibuildError``."""
    from unibuild.store.remote.content import RemoteContent
    from unibuild.store.remote.inquiry import introduce

    channel, capabilities = await introduce(connection, function.name, execution=True)
    wire.add(channel)
    content = RemoteContent(channel, capabilities, function, note=note, compress=remote.compress)
    return EngineSide(channel, content)


async def _open_bucket(
    connection: Connection,
    remote: Remote,
    function: DigestFunction,
    signer: Callable[[], Signer],
) -> CacheSide:
    from unibuild.store.remote.bucket import BucketContent, BucketResults, Folder
    from unibuild.store.remote.credentials import Credentials
    from unibuild.store.remote.redaction import Redactor

    folder = Folder(connection, function, Credentials(connection, Redactor()))
    await folder.probe(create=remote.upload)
    content = BucketContent(folder)
    results = BucketResults(folder, content, require_signed=remote.require_signed, signer=signer)
    histories = Histories(results, content, function)
    return CacheSide(content, results, histories, connection.scheme in ("s3", "file"))
