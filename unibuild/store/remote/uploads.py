"""Blobs from the local cache, and results, to a server.

Publications wait in a queue and are worked on by many at a time: one lookup of what the server lacks,
few batches for what is small, streams for what is large, then the results whose blobs are all there,
many at once and not awaited one by one. What the server is known to have is never asked about again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from unibuild.store.files import read_whole
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_action_result
from unibuild.store.remote.lanes import BATCH_BYTES, BATCH_COUNT, Lanes
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from unibuild.store.cache import Cache
    from unibuild.store.digests import Digest
    from unibuild.store.reapi import ActionResult
    from unibuild.store.remote.requests import Publish
    from unibuild.store.remote.services import BlobService
    from unibuild.store.remote.totals import Totals
    from unibuild.store.remote.tree_transfer import TreeTransfer

    Source = bytes | str | None  # the bytes, the path of a file, or a blob of the local cache
    Wanted = dict[Digest, Source]

SMALL = 1 << 19  # bytes up to which a blob goes in a batch
GATHER = 0.2  # seconds in which publications come together
_AT_ONCE = 256  # publications worked on together
_RESULTS = 64  # in flight at once: servers sync each to disk
_STREAMS = 2


class Uploads:
    """Stores blobs on one server; ``failed`` is told of faults."""

    def __init__(
        self,
        cache: Cache,
        blobs: BlobService,
        trees: TreeTransfer,
        totals: Totals,
        failed: Callable[[RemoteCallError], None],
    ) -> None:
        """Take bytes from ``cache`` and ``trees``."""
        self._cache = cache
        self._blobs = blobs
        self._trees = trees
        self._totals = totals
        self._failed = failed
        self._known: set[bytes] = set()
        self._known_trees: set[Digest] = set()
        self._flying: dict[Digest, asyncio.Future[bool]] = {}

    async def store(self, wanted: Wanted) -> set[Digest]:
        """Have the server hold all of ``wanted``; return what could not be stored."""
        loop = asyncio.get_running_loop()
        mine: Wanted = {}
        others: dict[Digest, asyncio.Future[bool]] = {}
        for digest, source in wanted.items():
            if bytes.fromhex(digest.hash) in self._known:
                continue
            flying = self._flying.get(digest)
            if flying is not None:
                others[digest] = flying
            else:
                mine[digest] = source
                self._flying[digest] = loop.create_future()
        lost = set(mine)
        try:
            if mine:
                lost = await self._store(mine)
        finally:
            for digest in mine:
                self._flying.pop(digest).set_result(digest not in lost)
                if digest not in lost:
                    self._known.add(bytes.fromhex(digest.hash))
        return lost | {digest for digest, flying in others.items() if not await flying}

    async def tree(self, tree: Digest, root: Digest) -> Wanted | None:
        """Return what is to be stored for a tree; None when it is not in the local cache."""
        if tree in self._known_trees:
            return {}
        found = await self._trees.contents(tree, root)
        return None if found is None else dict(found)

    def tree_stored(self, tree: Digest) -> None:
        """Note that all of a tree is on the server."""
        self._known_trees.add(tree)

    async def _store(self, wanted: Wanted) -> set[Digest]:
        try:
            missing = await self._blobs.find_missing(wanted)
        except RemoteCallError as error:
            self._failed(error)
            return set(wanted)
        lost: set[Digest] = set()
        large = [digest for digest in missing if digest.size > SMALL]
        small = [digest for digest in missing if digest.size <= SMALL]
        lanes = Lanes(_STREAMS)
        for digest in large:
            lanes.submit(partial(self._send_large, digest, wanted[digest], lost))
        for batch in self._batches(small, wanted, lost):
            try:
                await self._blobs.write(batch)
            except RemoteCallError as error:
                self._failed(error)
                lost |= set(batch)
            else:
                self._count(batch)
        await lanes.drain()
        return lost

    def _batches(
        self, small: Iterable[Digest], wanted: Wanted, lost: set[Digest]
    ) -> Iterator[dict[Digest, bytes]]:
        batch: dict[Digest, bytes] = {}
        size = 0
        for digest in small:
            data = self._read(digest, wanted[digest])
            if data is None:
                lost.add(digest)
                continue
            if batch and (size + digest.size > BATCH_BYTES or len(batch) >= BATCH_COUNT):
                yield batch
                batch, size = {}, 0
            batch[digest] = data
            size += digest.size
        if batch:
            yield batch

    def _read(self, digest: Digest, source: Source) -> bytes | None:
        """Return right bytes: what another made of a file meanwhile is none of its digest."""
        if isinstance(source, bytes):
            return source
        path = source or self._local_path(digest)
        data = None if path is None else read_whole(path)
        return data if data is not None and self._cache.function.of(data) == digest else None

    def _local_path(self, digest: Digest) -> str | None:
        content = self._cache.content
        for executable in (False, True):
            path = content.path(digest, executable=executable)
            with contextlib.suppress(FileNotFoundError):
                if os.stat(path).st_size == digest.size:
                    return path
        return None

    async def _send_large(self, digest: Digest, source: Source, lost: set[Digest]) -> None:
        origin = source or self._local_path(digest)
        try:
            if origin is None:
                lost.add(digest)
            elif isinstance(origin, bytes):
                await self._blobs.write({digest: origin})
            else:
                await self._blobs.write_file(digest, origin)
        except RemoteCallError as error:
            lost.add(digest)
            if not isinstance(origin, str) or await self._is_right(digest, origin):
                self._failed(error)  # else the server refused wrong bytes, as it should
        except FileNotFoundError:
            lost.add(digest)
        if digest not in lost:
            self._count([digest])

    async def _is_right(self, digest: Digest, path: str) -> bool:
        try:
            return await asyncio.to_thread(self._cache.function.of_file, path) == digest
        except OSError:
            return False

    def _count(self, stored: Iterable[Digest]) -> None:
        for digest in stored:
            self._totals.uploaded += 1
            self._totals.uploaded_bytes += digest.size


class _Ready:
    """A publication made ready: the result, and all blobs that have to be there before it."""

    __slots__ = ("action", "needs", "publication", "result", "trees")

    def __init__(self, publication: Publish, action: Digest, result: ActionResult) -> None:
        self.publication = publication
        self.action = action
        self.result = result
        self.needs: set[Digest] = set()
        self.trees: list[Digest] = []


class Publications:
    """Results on their way to a server, in the background; ``put`` stores one after its blobs."""

    def __init__(
        self,
        cache: Cache,
        uploads: Callable[[], Awaitable[Uploads | None]],
        put: Callable[[Publish, Digest, ActionResult], Awaitable[bool]],
        totals: Totals,
    ) -> None:
        """Store blobs through what ``uploads`` returns; None: nothing can be stored now."""
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
        self._queue.append(publication)
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._work())

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
        ready = []
        for publication in batch:
            prepared = await self._prepare(uploads, publication, wanted)
            if prepared is not None:
                ready.append(prepared)
        lost = await uploads.store(wanted)
        for prepared in ready:
            if self._stopped or not lost.isdisjoint(prepared.needs):
                continue
            for tree in prepared.trees:
                uploads.tree_stored(tree)
            self._puts.submit(partial(self._finish, prepared))

    async def _prepare(
        self, uploads: Uploads, publication: Publish, wanted: Wanted
    ) -> _Ready | None:
        function = self._cache.function
        try:
            result = decode_action_result(publication.result)
        except MalformedMessageError:
            return None
        if result.exit_code:
            return None
        prepared = _Ready(publication, function.of(publication.action), result)
        messages = (publication.action, publication.command, *publication.directories)
        needs: Wanted = {function.of(message): message for message in messages}
        needs |= {item.digest: None for item in result.files}
        for item in result.directories:
            tree = await uploads.tree(item.tree, item.root)
            if tree is None:
                return None
            needs |= tree
            prepared.trees.append(item.tree)
        prepared.needs = set(needs)
        wanted |= needs
        return prepared

    async def _finish(self, prepared: _Ready) -> None:
        if not self._stopped and await self._put(
            prepared.publication, prepared.action, prepared.result
        ):
            self._totals.published += 1
