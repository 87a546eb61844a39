"""Blobs and trees from the servers into the local cache.

Small blobs of many requests come in few batches, large ones as streams; what several requests want is
brought once. A blob is written aside and renamed, so it is there wholly or not at all.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from unibuild.store.files import READ_ONLY, READ_ONLY_EXECUTABLE, remove, write_new
from unibuild.store.layout import Layout
from unibuild.store.remote.lanes import Gatherer, Lanes
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from unibuild.store.cache import Cache
    from unibuild.store.digests import Digest
    from unibuild.store.remote.requests import Blob
    from unibuild.store.remote.services import BlobService
    from unibuild.store.remote.totals import Totals

    Done = Callable[[tuple[Digest, ...]], None]
    Sources = Callable[[], Awaitable[list[BlobService]]]

SMALL = 1 << 19  # bytes up to which a blob comes in a batch
_BATCHES = 3
_STREAMS = 3
_TURN = 32  # files written before others get a turn


class Order:
    """One request: how much of it is open, and what could not be had."""

    __slots__ = ("_done", "_missing", "_open")

    def __init__(self, count: int, done: Done) -> None:
        """Call ``done`` with what is missing once ``count`` blobs are settled."""
        self._open = count
        self._missing: list[Digest] = []
        self._done = done

    def settle(self, digest: Digest, there: bool) -> None:
        """Take note that one blob is there, or cannot be had."""
        if not there:
            self._missing.append(digest)
        self._close_one()

    def _close_one(self) -> None:
        self._open -= 1
        if not self._open:
            self._done(tuple(self._missing))

    def settle_all(self, missing: tuple[Digest, ...]) -> None:
        """Take note that a part of the request is settled, but for what is ``missing``."""
        self._missing += missing
        self._close_one()


class Downloads:
    """Brings blobs; ``sources`` are asked in order, ``failed`` and ``unwritten`` are told of faults."""

    def __init__(
        self,
        cache: Cache,
        sources: Sources,
        totals: Totals,
        failed: Callable[[RemoteCallError], None],
        unwritten: Callable[[OSError], None],
    ) -> None:
        """Bring blobs into ``cache``."""
        self._cache = cache
        self._sources = sources
        self._totals = totals
        self._failed = failed
        self._unwritten = unwritten
        self._wanted: dict[Digest, list[tuple[Order, bool]]] = {}
        self._small = Gatherer(_BATCHES, self._bring_batch)
        self._large = Lanes(_STREAMS)

    def fetch(self, blobs: Iterable[Blob], done: Done) -> None:
        """Bring files, and call ``done`` with those that could not be had."""
        asked = tuple(blobs)
        order = Order(len(asked), done)
        if not asked:
            done(())
        for blob in asked:
            digest, executable = blob.digest, blob.executable
            waiting = self._wanted.get(digest)
            if waiting is not None:
                waiting.append((order, executable))
            elif self._cache.content.contains(digest):
                order.settle(digest, True)
            else:
                self._wanted[digest] = [(order, executable)]
                if digest.size <= SMALL:
                    self._small.add(digest)
                else:
                    self._large.submit(partial(self._bring_large, digest))

    async def bring(self, blobs: Iterable[Blob]) -> tuple[Digest, ...]:
        """Bring files and return those that could not be had."""
        future: asyncio.Future[tuple[Digest, ...]] = asyncio.get_running_loop().create_future()
        self.fetch(blobs, future.set_result)
        return await future

    async def read(self, digests: list[Digest]) -> dict[Digest, bytes]:
        """Return the verified bytes of small blobs, as far as any server has them."""
        found: dict[Digest, bytes] = {}
        for source in await self._sources():
            left = [digest for digest in digests if digest not in found]
            if not left:
                break
            try:
                found.update(await source.read(left))
            except RemoteCallError as error:
                self._failed(error)
        self._totals.downloaded += len(found)
        self._totals.downloaded_bytes += sum(map(len, found.values()))
        return found

    async def read_to(self, digest: Digest, path: str) -> bool:
        """Write the verified bytes of a large blob to the new file ``path``."""
        for source in await self._sources():
            try:
                there = await source.read_to(digest, path)
            except RemoteCallError as error:
                self._failed(error)
                remove(path)
                continue
            if there:
                self._totals.downloaded += 1
                self._totals.downloaded_bytes += digest.size
                return True
        return False

    async def _bring_batch(self, batch: list[Digest]) -> None:
        found = await self.read(batch)
        for count, digest in enumerate(batch, 1):
            data = found.pop(digest, None)
            there = data is not None and self._write(digest, data)
            for order, _ in self._wanted.pop(digest):
                order.settle(digest, there)
            if count % _TURN == 0:
                await asyncio.sleep(0)

    def _write(self, digest: Digest, data: bytes) -> bool:
        content = self._cache.content
        try:
            for executable in {executable for _, executable in self._wanted[digest]}:
                aside = self._cache.session.scratch()
                write_new(aside, data, READ_ONLY_EXECUTABLE if executable else READ_ONLY)
                Layout.publish(aside, content.path(digest, executable=executable))
        except OSError as error:
            self._unwritten(error)
            return False
        return True

    async def _bring_large(self, digest: Digest) -> None:
        aside = self._cache.session.scratch()
        there = False
        try:
            there = await self.read_to(digest, aside)
            if there:
                executable = self._wanted[digest][0][1]
                self._cache.content.adopt(aside, digest, executable=executable)
        except OSError as error:
            there = False
            self._unwritten(error)
            remove(aside)
        for order, _ in self._wanted.pop(digest):
            order.settle(digest, there)
