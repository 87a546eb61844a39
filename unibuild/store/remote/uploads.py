"""Blobs from the local cache to one server: what it lacks of what is wanted, each once.

One lookup for many blobs, few batches for what is small, streams for what is large. What the server is
known to have is never asked about again; what is on its way for one request is on its way for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.files import read_whole
from unibuild.store.remote.lanes import BATCH_BYTES, BATCH_COUNT, Lanes, spawn
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from unibuild.store.cache import Cache
    from unibuild.store.digests import Digest
    from unibuild.store.remote.services import BlobService
    from unibuild.store.remote.totals import Totals
    from unibuild.store.remote.tree_transfer import TreeTransfer

    Source = bytes | str | None  # the bytes, the path of a file, or a blob of the local cache
    Wanted = dict[Digest, Source]

SMALL = 1 << 19  # bytes up to which a blob goes in a batch
_STREAMS = 2


class Stored(NamedTuple):
    """How storing went: what nobody has, what the server did not take, and its last fault."""

    gone: frozenset[Digest] = frozenset()
    refused: frozenset[Digest] = frozenset()
    error: RemoteCallError | None = None

    @property
    def lacks(self) -> frozenset[Digest]:
        """What is not on the server."""
        return self.gone | self.refused


class _Work:
    """The outcome of one round of storing, while it goes on."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.gone: set[Digest] = set()
        self.refused: set[Digest] = set()
        self.error: RemoteCallError | None = None

    def refuse(self, digests: Iterable[Digest], error: RemoteCallError) -> None:
        self.refused.update(digests)
        self.error = error


class Uploads:
    """Stores blobs on one server."""

    def __init__(
        self, cache: Cache, blobs: BlobService, trees: TreeTransfer, totals: Totals
    ) -> None:
        """Take bytes from ``cache`` and ``trees``."""
        self._cache = cache
        self._blobs = blobs
        self._trees = trees
        self._totals = totals
        self._known: set[bytes] = set()
        self._known_trees: set[Digest] = set()
        self._flying: dict[Digest, asyncio.Future[bool]] = {}
        self._flying_trees: dict[Digest, asyncio.Task[Stored]] = {}

    async def store(self, wanted: Mapping[Digest, Source]) -> Stored:
        """Have the server hold all of ``wanted``."""
        loop = asyncio.get_running_loop()
        others: dict[Digest, asyncio.Future[bool]] = {}
        work = _Work({})
        for digest, source in wanted.items():
            if bytes.fromhex(digest.hash) in self._known:
                continue
            flying = self._flying.get(digest)
            if flying is not None:
                others[digest] = flying
            else:
                work.wanted[digest] = source
                self._flying[digest] = loop.create_future()
        done = False
        try:
            if work.wanted:
                await self._store(work)
            done = True
        finally:
            for digest in work.wanted:
                there = done and digest not in work.gone and digest not in work.refused
                self._flying.pop(digest).set_result(there)
                if there:
                    self._known.add(bytes.fromhex(digest.hash))
        for digest, flying in others.items():
            if not await flying:
                work.refuse([digest], work.error or RemoteCallError("ABORTED", "upload"))
        return Stored(frozenset(work.gone), frozenset(work.refused), work.error)

    async def store_tree(self, tree: Digest, root: Digest) -> Stored:
        """Have the server hold a tree: its message, every directory's, and all files."""
        if tree in self._known_trees:
            return Stored()
        flying = self._flying_trees.get(tree)
        if flying is None:
            flying = spawn(self._store_tree(tree, root))
            flying.add_done_callback(lambda _: self._flying_trees.pop(tree))
            self._flying_trees[tree] = flying
        return await asyncio.shield(flying)

    def forget(self, lost: Iterable[Digest] | None) -> None:
        """Believe no longer that ``lost`` are on the server; None: nothing is known any more."""
        self._known_trees.clear()
        if lost is None:
            self._known.clear()
        else:
            self._known -= {bytes.fromhex(digest.hash) for digest in lost}

    async def _store_tree(self, tree: Digest, root: Digest) -> Stored:
        contents = await self._trees.contents(tree, root)
        if contents is None:
            return Stored(gone=frozenset({root}))
        stored = await self.store(contents)
        if not stored.lacks:
            self._known_trees.add(tree)
        return stored

    async def _store(self, work: _Work) -> None:
        try:
            missing = await self._blobs.find_missing(work.wanted)
        except RemoteCallError as error:
            work.refuse(work.wanted, error)
            return
        lanes = Lanes(_STREAMS)
        for digest in missing:
            if digest.size > SMALL:
                lanes.submit(partial(self._send_large, digest, work))
        for batch in self._batches([d for d in missing if d.size <= SMALL], work):
            try:
                await self._blobs.write(batch)
            except RemoteCallError as error:
                work.refuse(batch, error)
            else:
                self._count(batch)
        await lanes.drain()

    def _batches(self, small: Iterable[Digest], work: _Work) -> Iterator[dict[Digest, bytes]]:
        batch: dict[Digest, bytes] = {}
        size = 0
        for digest in small:
            data = self._read(digest, work.wanted[digest])
            if data is None:
                work.gone.add(digest)
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

    async def _send_large(self, digest: Digest, work: _Work) -> None:
        origin = work.wanted[digest] or self._local_path(digest)
        try:
            if origin is None:
                work.gone.add(digest)
                return
            if isinstance(origin, bytes):
                await self._blobs.write({digest: origin})
            else:
                await self._blobs.write_file(digest, origin)
        except RemoteCallError as error:
            if isinstance(origin, str) and not await self._is_right(digest, origin):
                work.gone.add(digest)  # wrong bytes, which the server was right to refuse
            else:
                work.refuse([digest], error)
        except FileNotFoundError:
            work.gone.add(digest)
        else:
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
