"""What a courier does for each kind of request: which service it asks, and how it answers.

Whatever a server does wrong ends here: as a miss for the build, and as one notice for a person.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from unibuild.model.errors import UnibuildError
from unibuild.store.reapi import decode_action_result, encode_action_result
from unibuild.store.remote import assembly
from unibuild.store.remote.downloads import Downloads, Order
from unibuild.store.remote.engine_work import EngineWork
from unibuild.store.remote.gate import DECISION, PATIENCE, Gate
from unibuild.store.remote.lanes import Lanes
from unibuild.store.remote.notices import CONNECT, READ, WRITE, Notices
from unibuild.store.remote.publications import Publications
from unibuild.store.remote.requests import (
    Blob,
    Cancel,
    Execute,
    Executed,
    Fetch,
    FetchAsset,
    Fetched,
    FindHistory,
    Found,
    History,
    Lookup,
    Publish,
    PushAsset,
    Statistics,
)
from unibuild.store.remote.services import RemoteCallError
from unibuild.store.remote.totals import Totals
from unibuild.store.remote.tree_transfer import TreeTransfer
from unibuild.store.remote.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.store.cache import Cache
    from unibuild.store.remote.assembly import CacheSide
    from unibuild.store.remote.publications import Ready
    from unibuild.store.remote.requests import Reply
    from unibuild.store.remote.services import BlobService
    from unibuild.store.remote.settings import Connection, Remote

_LOOKUPS = 64  # in flight at once
_TREES = 2
_ASSETS = 4
_NO_WRITER = ("PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED")


class Errands:
    """All that one courier has to do."""

    def __init__(
        self, remote: Remote, cache: Cache, root: str, send: Callable[[Reply], None]
    ) -> None:
        """Connect to the servers of ``remote``, and answer through ``send``.

        ``cache`` is open at ``root``.
        """
        self._remote = remote
        self._local = cache
        self._send = send
        self._notices = notices = Notices(send, required=remote.required)
        self._totals = Totals()
        self._told = Statistics()
        self._wire = assembly.Wire()
        self._lookups = Lanes(_LOOKUPS)
        self._cache: Gate[CacheSide] | None = None
        if remote.cache is not None:
            self._cache = Gate(
                partial(
                    assembly.connect_cache,
                    remote.cache,
                    remote,
                    cache.function,
                    self._wire,
                    notices.wrong_bytes,
                    self._keep,
                ),
                partial(self._unconnected, remote.cache),
                PATIENCE if remote.required else DECISION,
            )
        self._downloads = Downloads(
            cache, self._sources, self._totals, self._unread, notices.unwritten
        )
        self._trees = TreeTransfer(cache, root, self._downloads, notices.local, notices.unwritten)
        self._tree_lanes = Lanes(_TREES)
        self._asset_lanes = Lanes(_ASSETS)
        self._uploads: dict[tuple[str, str], Uploads] = {}
        self._publications = Publications(
            cache, self._stores, self._put, self._unwritable, self._totals
        )
        self._engine: EngineWork | None = None
        if remote.execution is not None:
            self._engine = EngineWork(
                remote.execution,
                remote,
                cache,
                self._wire,
                notices,
                self._totals,
                self._uploads_to,
                partial(self._unconnected, remote.execution),
                self._keep,
            )
        self._doing: dict[type, Callable[..., None]] = {
            Lookup: self._lookup,
            Fetch: self._fetch,
            Publish: self._publish,
            Execute: self._execute,
            FetchAsset: self._fetch_asset,
            PushAsset: self._push_asset,
            FindHistory: self._find_history,
            Cancel: self._cancel,
        }

    def take(self, request: object) -> None:
        """Begin to work on a request."""
        self._doing[type(request)](request)

    def moved(self) -> bool:
        """Tell whether the statistics changed since the last time this was asked."""
        now = self.statistics()
        moved, self._told = now != self._told, now
        return moved

    def statistics(self) -> Statistics:
        """Return the totals so far."""
        return self._totals.statistics(
            self._wire.received,
            self._wire.sent,
            self._publications.pending + self._asset_lanes.busy,
        )

    async def finish(self) -> None:
        """Wait until all that was asked is done."""
        if self._cache is not None:
            self._cache.hurry()
        await self._lookups.drain()
        await self._publications.drain()
        await self._store_histories()
        await self._asset_lanes.drain()
        if self._engine is not None:
            await self._engine.drain()

    def close(self) -> None:
        """Give scratch space back."""
        self._trees.close()

    def _keep(self, data: bytes) -> None:
        """Take bytes that came along with a result into the local cache, as a help for later."""
        try:
            self._local.content.put_bytes(data)
        except OSError as error:
            self._notices.unwritten(error)

    def _unconnected(self, connection: Connection, error: RemoteCallError | UnibuildError) -> None:
        if isinstance(error, UnibuildError):
            self._notices.misused(error, connection)
        else:
            self._notices.failed(error, connection, CONNECT)

    # Results.

    def _lookup(self, request: Lookup) -> None:
        self._lookups.submit(partial(self._look_up, request))

    async def _look_up(self, request: Lookup) -> None:
        side = None if self._cache is None else await self._cache.enter()
        found = None
        if side is not None and self._remote.cache is not None:
            try:
                found = await side.results.get(request.action)
            except RemoteCallError as error:
                self._notices.failed(error, self._remote.cache, READ)
        if found is None:
            self._totals.misses += 1
            self._send(Found(request.token, None))
        else:
            self._totals.hits += 1
            self._send(Found(request.token, encode_action_result(found[0]), found[1]))

    # Blobs.

    def _fetch(self, request: Fetch) -> None:
        files = [blob for blob in request.blobs if not blob.tree]
        trees = [blob for blob in request.blobs if blob.tree]
        order = Order(1 + len(trees), lambda missing: self._send(Fetched(request.token, missing)))
        self._downloads.fetch(files, order.settle_all)
        for blob in trees:
            self._tree_lanes.submit(partial(self._bring_tree, blob, order))

    async def _bring_tree(self, blob: Blob, order: Order) -> None:
        order.settle(blob.digest, await self._trees.bring(blob))

    async def _sources(self) -> list[BlobService]:
        side = None if self._cache is None else await self._cache.enter()
        found = [] if side is None else [side.blobs]
        engine = None if self._engine is None else await self._engine.blobs()
        if engine is not None and not (found and self._is_one_server()):
            found.append(engine)
        return found

    def _is_one_server(self) -> bool:
        cache, execution = self._remote.cache, self._remote.execution
        return cache is not None and execution is not None and _place(cache) == _place(execution)

    def _unread(self, error: RemoteCallError) -> None:
        if self._remote.cache is not None:
            self._notices.failed(error, self._remote.cache, READ)

    # Uploads.

    def _publish(self, request: Publish) -> None:
        if self._remote.upload and self._remote.cache is not None:
            self._publications.add(request)

    async def _stores(self) -> Uploads | None:
        side = None if self._cache is None else await self._cache.enter_late()
        if side is None or self._remote.cache is None:
            return None
        if not side.writable:
            self._unwritable(RemoteCallError("PERMISSION_DENIED", "GetCapabilities"))
            return None
        return self._uploads_to(self._remote.cache, side.blobs)

    def _uploads_to(self, connection: Connection, blobs: BlobService) -> Uploads:
        """Return what stores blobs at ``connection``; one knowledge for each server."""
        place = _place(connection)
        if place not in self._uploads:
            self._uploads[place] = Uploads(self._local, blobs, self._trees, self._totals)
        return self._uploads[place]

    def _unwritable(self, error: RemoteCallError) -> None:
        if self._remote.cache is not None:
            self._notices.failed(error, self._remote.cache, WRITE)
        if error.code in _NO_WRITER:
            self._publications.stop()

    async def _put(self, ready: Ready) -> bool:
        side = None if self._cache is None else await self._cache.enter()
        if side is None:
            return False
        try:
            if not ready.own and await side.results.get(ready.action) is not None:
                return True  # what is there may be signed
            await side.results.put(ready.action, ready.result, own=ready.own)
        except RemoteCallError as error:
            self._unwritable(error)
            return False
        except UnibuildError as error:  # the key that signs
            self._notices.refuse(error, "cache.remote.signing_key")
            self._publications.stop()
            return False
        if ready.history:
            side.histories.note(ready.history, ready.action, ready.packed)
        return True

    async def _store_histories(self) -> None:
        side = None if self._cache is None else self._cache.now
        if side is not None and self._remote.upload and side.writable:
            try:
                await side.histories.store()
            except RemoteCallError as error:
                self._unwritable(error)

    # Executions.

    def _execute(self, request: Execute) -> None:
        if self._engine is None:
            self._send(Executed(request.token, None, "no remote engine is set"))
        else:
            self._engine.execute(request, partial(self._executed, request))

    def _executed(self, request: Execute, executed: Executed) -> None:
        """Answer, and remember the step's last action where cache and engine share their blobs."""
        side = None if self._cache is None else self._cache.now
        cache, engine = self._remote.cache, self._remote.execution
        shared = cache is not None and engine is not None and _place(cache) == _place(engine)
        good = executed.result is not None and not decode_action_result(executed.result).exit_code
        if good and request.history and side is not None and shared:
            side.histories.note(request.history, self._local.function.of(request.action))
        self._send(executed)

    def _cancel(self, request: Cancel) -> None:
        if self._engine is not None:
            self._engine.cancel(request.token)

    # Assets and history.

    def _fetch_asset(self, request: FetchAsset) -> None:
        self._asset_lanes.submit(partial(self._bring_asset, request))

    async def _bring_asset(self, request: FetchAsset) -> None:
        """Bring an external file: by its digest, else by asking for it by its name first."""
        blob = Blob(request.digest)
        missing = await self._downloads.bring([blob])
        side = None if self._cache is None else await self._cache.enter()
        if missing and side is not None and side.assets is not None:
            try:
                if await side.assets.fetch(request.purl, request.digest):
                    missing = await self._downloads.bring([blob])
            except RemoteCallError as error:
                self._unread(error)
        self._send(Fetched(request.token, missing))

    def _push_asset(self, request: PushAsset) -> None:
        if self._remote.upload:
            self._asset_lanes.submit(partial(self._keep_asset, request))

    async def _keep_asset(self, request: PushAsset) -> None:
        uploads = await self._stores()
        side = None if self._cache is None else self._cache.now
        if uploads is None or side is None or side.assets is None:
            return
        stored = await uploads.store({request.digest: None})
        error = stored.error
        if not stored.lacks:
            try:
                await side.assets.push(request.purl, request.digest)
            except RemoteCallError as fault:
                error = fault
        if error is not None:
            self._unwritable(error)

    def _find_history(self, request: FindHistory) -> None:
        self._asset_lanes.submit(partial(self._read_history, request))

    async def _read_history(self, request: FindHistory) -> None:
        side = None if self._cache is None else await self._cache.enter()
        found = History(request.token, None)
        if side is not None:
            try:
                found = await side.histories.find(*request[1:])
            except RemoteCallError as error:
                self._unread(error)
        self._send(found._replace(token=request.token))


def _place(connection: Connection) -> tuple[str, str]:
    return connection.url, connection.instance
