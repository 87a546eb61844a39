"""Whole directories between the servers and the local cache, by the digest of their Tree message.

A tree is assembled aside, hashed as a whole and moved in by ``TreeStore.keep``. Work on files is done
in one thread with a cache opened for it, so that small requests go on meanwhile.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from unibuild.store.cache import Cache
from unibuild.store.files import copy_new
from unibuild.store.layout import remove_tree
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.remote.downloads import SMALL
from unibuild.store.remote.lanes import BATCH_BYTES, BATCH_COUNT, spawn
from unibuild.store.remote.requests import Blob
from unibuild.store.remote.tree_messages import TreeFile, outline, tree_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from unibuild.store.digests import Digest
    from unibuild.store.remote.downloads import Downloads
    from unibuild.store.remote.tree_messages import Outline

    Places = dict[Digest, list[TreeFile]]

T = TypeVar("T")

_GROUPS = 3  # of files under way at once
_MODES = (0o644, 0o755)


class TreeTransfer:
    """Brings trees into the local cache, and lists what is in those that are there."""

    def __init__(
        self,
        cache: Cache,
        root: str,
        downloads: Downloads,
        note: Callable[[str], None],
        unwritten: Callable[[OSError], None],
    ) -> None:
        """Share the cache at ``root``; messages are read from ``cache``, bytes from ``downloads``."""
        self._cache = cache
        self._root = root
        self._downloads = downloads
        self._note = note
        self._unwritten = unwritten
        self._thread = ThreadPoolExecutor(1, "trees")
        self._own: Cache | None = None
        self._coming: dict[Digest, asyncio.Task[bool]] = {}

    def close(self) -> None:
        """Give the scratch space back; work under way is given up."""
        if self._own is not None:
            self._own.close()

    async def bring(self, blob: Blob) -> bool:
        """Bring a tree; False when it cannot be had or has another root than ``blob`` says."""
        coming = self._coming.get(blob.digest)
        if coming is None:
            coming = spawn(self._bring(blob.digest))
            self._coming[blob.digest] = coming
        try:
            if not await coming:
                return False
        finally:
            self._coming.pop(blob.digest, None)
        return blob.root is None or await self.root(blob.digest) == blob.root

    async def root(self, tree: Digest) -> Digest | None:
        """Return the digest of a tree's root ``Directory``; the message is brought if need be."""
        message = await self._message(tree)
        try:
            return None if message is None else tree_root(message, self._cache.function)
        except MalformedMessageError:
            return None

    async def contents(self, tree: Digest, root: Digest) -> dict[Digest, bytes | str | None] | None:
        """Return all blobs of a tree: messages as bytes, files as paths.

        Files of a tree that is not here are None: perhaps the server has them. Nothing when not even
        the message can be had, or when the tree has another root.
        """
        message = await self._message(tree)
        if message is None:
            return None
        return await self._run(partial(self._list, tree, root, message))

    def _list(
        self, tree: Digest, root: Digest, message: bytes
    ) -> dict[Digest, bytes | str | None] | None:
        cache = self._cache_of_thread()
        try:
            described = outline(message, cache.function)
        except MalformedMessageError:
            return None
        if described.root != root:
            return None
        place = cache.trees.directory(tree)
        found: dict[Digest, bytes | str | None] = {tree: message, **described.messages}
        for file in described.files:
            found.setdefault(file.digest, None if place is None else f"{place}/{file.path}")
        return found

    async def _message(self, tree: Digest) -> bytes | None:
        if not self._cache.content.contains(tree):
            await self._downloads.bring([Blob(tree)])
        return self._cache.content.read(tree)

    async def _bring(self, tree: Digest) -> bool:
        if self._cache.trees.contains(tree):
            return True
        message = await self._message(tree)
        if message is None:
            return False
        aside = ""
        try:
            described = await self._run(partial(outline, message, self._cache.function))
            aside = await self._run(partial(self._lay_out, described))
            if not await self._fill(aside, described):
                return False
            return await self._run(partial(self._keep, aside, described, message))
        except MalformedMessageError:
            return False
        except OSError as error:
            self._unwritten(error)
            return False
        finally:
            if aside:
                await self._run(partial(remove_tree, aside))

    def _lay_out(self, described: Outline) -> str:
        aside = self._cache_of_thread().session.scratch()
        os.mkdir(aside)
        for path in described.directories:
            os.mkdir(f"{aside}/{path}")
        return aside

    async def _fill(self, aside: str, described: Outline) -> bool:
        """Bring all files to their places below ``aside``; False when one cannot be had."""
        places: Places = {}
        for file in described.files:
            places.setdefault(file.digest, []).append(file)
        free = asyncio.Semaphore(_GROUPS)

        async def limited(group: list[Digest]) -> bool:
            async with free:
                if group[0].size > SMALL:
                    return await self._fill_large(aside, places[group[0]])
                found = await self._downloads.read(group)
                if len(found) < len(group):
                    return False
                await self._run(partial(_write_files, aside, places, found))
                return True

        jobs = [asyncio.ensure_future(limited(group)) for group in _groups(places)]
        try:
            for job in jobs:
                if not await job:
                    return False
            return True
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _fill_large(self, aside: str, files: list[TreeFile]) -> bool:
        first = f"{aside}/{files[0].path}"
        if not await self._downloads.read_to(files[0].digest, first):
            return False
        for file in files[1:]:
            await self._run(
                partial(copy_new, first, f"{aside}/{file.path}", _MODES[file.executable])
            )
        os.chmod(first, _MODES[files[0].executable])
        return True

    def _keep(self, aside: str, described: Outline, message: bytes) -> bool:
        for path, target in described.links:
            os.symlink(target, f"{aside}/{path}")
        return self._cache_of_thread().trees.keep(aside, message)

    def _cache_of_thread(self) -> Cache:
        if self._own is None:
            self._own = Cache(self._root, self._cache.function.name, self._note)
        return self._own

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _groups(digests: Iterable[Digest]) -> Iterator[list[Digest]]:
    """Yield digests in groups that are brought together: small ones by many, large ones alone."""
    group: list[Digest] = []
    size = 0
    for digest in digests:
        if digest.size > SMALL:
            yield [digest]
            continue
        if group and (size + digest.size > BATCH_BYTES or len(group) >= BATCH_COUNT):
            yield group
            group, size = [], 0
        group.append(digest)
        size += digest.size
    if group:
        yield group


def _write_files(aside: str, places: Places, found: dict[Digest, bytes]) -> None:
    for digest, data in found.items():
        for file in places[digest]:
            descriptor = os.open(
                f"{aside}/{file.path}",
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW,
                _MODES[file.executable],
            )
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
