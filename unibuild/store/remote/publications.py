"""Results on their way to a server, in the background, each after all that it names.

Publications wait in a queue and are worked on by many at a time: their blobs are stored together, then
the results whose blobs are all there, many at once and not awaited one by one. A result whose blobs
cannot all be stored is never put.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_action_result
from unibuild.store.remote.history import pack
from unibuild.store.remote.lanes import Lanes, spawn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from unibuild.store.cache import Cache
    from unibuild.store.digests import Digest
    from unibuild.store.reapi import ActionResult
    from unibuild.store.remote.requests import Publish
    from unibuild.store.remote.services import RemoteCallError
    from unibuild.store.remote.totals import Totals
    from unibuild.store.remote.uploads import Uploads, Wanted

GATHER = 0.2  # seconds in which publications come together
_AT_ONCE = 256  # publications worked on together
_MANY = 2000  # publications that may wait with all their messages
_RESULTS = 64  # in flight at once: servers sync each to disk


class Ready(NamedTuple):
    """A publication made ready: its result, and the blobs that have to be there before it.

    ``packed`` is the blob that holds its Directory messages, for its history. ``own`` is as in
    ``Publish``.
    """

    history: str
    action: Digest
    result: ActionResult
    needs: frozenset[Digest]
    own: bool = True
    packed: Digest | None = None


class Publications:
    """Results on their way to a server, in the background; ``put`` stores one after its blobs."""

    def __init__(
        self,
        cache: Cache,
        uploads: Callable[[], Awaitable[Uploads | None]],
        put: Callable[[Ready], Awaitable[bool]],
        failed: Callable[[RemoteCallError], None],
        totals: Totals,
    ) -> None:
        """Store blobs through what ``uploads`` returns; None: nothing can be stored now."""
        self._failed = failed
        self._cache = cache
        self._uploads = uploads
        self._put = put
        self._totals = totals
        self._queue: deque[Publish] = deque()
        self._puts = Lanes(_RESULTS)
        self._pump: asyncio.Task[None] | None = None
        self._working = 0
        self._hurry = asyncio.Event()
        self._stopped = False

    @property
    def pending(self) -> int:
        """How many results are not stored yet."""
        return len(self._queue) + self._working + self._puts.busy

    def add(self, publication: Publish) -> None:
        """Store a result in the background."""
        if self._stopped:
            return
        if len(self._queue) > _MANY:  # a slow server: memory matters more than histories
            publication = publication._replace(directories=())
        self._queue.append(publication)
        if self._pump is None:
            self._pump = spawn(self._work())

    def stop(self) -> None:
        """Give up: nothing more is uploaded."""
        self._stopped = True
        self._queue.clear()

    async def drain(self) -> None:
        """Wait until all is stored, without gathering more first."""
        self._hurry.set()
        while self._pump is not None:
            await self._pump
        await self._puts.drain()

    async def _work(self) -> None:
        try:
            while self._queue:
                if not self._hurry.is_set() and len(self._queue) < _AT_ONCE:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._hurry.wait(), GATHER)
                uploads = await self._uploads()
                count = min(len(self._queue), _AT_ONCE)
                batch = [self._queue.popleft() for _ in range(count)]
                self._working = count
                if uploads is not None:
                    await self._store(uploads, batch)
                self._working = 0
        finally:
            self._working = 0
            self._pump = None

    async def _store(self, uploads: Uploads, batch: list[Publish]) -> None:
        wanted: Wanted = {}
        prepared = [self._prepare(publication, wanted) for publication in batch]
        packed = self._pack(batch, wanted)
        stored = await uploads.store(wanted)
        if packed in stored.lacks:
            packed = None
        faults = {stored.error}
        for ready in prepared:
            if ready is None or not stored.lacks.isdisjoint(ready.needs):
                continue
            complete = True
            for item in ready.result.directories:
                tree = await uploads.store_tree(item.tree, item.root)
                faults.add(tree.error)
                complete = complete and not tree.lacks
            if complete and not self._stopped:
                self._puts.submit(partial(self._finish, ready._replace(packed=packed)))
        for error in faults - {None}:
            if error is not None:
                self._failed(error)

    def _prepare(self, publication: Publish, wanted: Wanted) -> Ready | None:
        function = self._cache.function
        try:
            result = decode_action_result(publication.result)
        except MalformedMessageError:
            return None
        if result.exit_code:
            return None
        messages = (publication.action, publication.command)
        needs: Wanted = {function.of(message): message for message in messages}
        needs |= {item.digest: None for item in result.files}
        wanted |= needs
        action = function.of(publication.action)
        return Ready(publication.history, action, result, frozenset(needs), publication.own)

    def _pack(self, batch: list[Publish], wanted: Wanted) -> Digest | None:
        """Add the Directory messages of all publications with a history as one blob."""
        messages = [
            m for publication in batch if publication.history for m in publication.directories
        ]
        if not messages:
            return None
        data = pack(messages)
        packed = self._cache.function.of(data)
        wanted[packed] = data
        return packed

    async def _finish(self, ready: Ready) -> None:
        if not self._stopped and await self._put(ready):
            self._totals.published += 1
