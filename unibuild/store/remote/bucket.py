"""A folder behind a URL as a cache: a bucket, a web server's directory, a mounted share.

The layout is that of Bazel's HTTP caches, so their servers do as well, and so does any web server
over a copy of the folder; below ``blake3/`` for a workspace of that function:

    cas/HASH      a blob                ac/HASH      an encoded ActionResult, signed

Builds read; only ``cache push --to`` writes, and only to ``s3`` and ``file``. Rules of use: the same
trust as for a server, that is none: bytes are hashed before anybody sees them, and reading stops
where a blob should have ended. Credentials of S3 are those of its usual clients (``AWS_ACCESS_KEY_ID``
…, a role of the machine), read by ``obstore``; ``region``, ``endpoint`` and ``anonymous=true`` may
stand in the URL's query.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from unibuild.store.digests import Digest
from unibuild.store.remote import bucket_settings, trust
from unibuild.store.remote.patience import ATTEMPTS, CallError, Patience
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Collection,
        Coroutine,
        Iterable,
        Mapping,
    )
    from typing import BinaryIO

    from obstore.store import ClientConfig, HTTPStore, LocalStore, S3Store

    from unibuild.store.digests import DigestFunction
    from unibuild.store.reapi import ActionResult
    from unibuild.store.remote.credentials import Credentials
    from unibuild.store.remote.services import BlobService
    from unibuild.store.remote.settings import Connection
    from unibuild.store.remote.signatures import Signer

    Store = HTTPStore | LocalStore | S3Store

T = TypeVar("T")

WRITABLE = ("s3", "file")
AT_ONCE = 64
LARGEST_RESULT = 16 << 20
_CHUNK = 1 << 20
_PROBES = 2
_BATCH = 1024
_STATUS = re.compile(r"\b(?:status|Server returned)[^0-9\n]{0,40}(\d{3})\b")
_REASONS = (  # what obstore's text holds, and what to say of it: its text may quote what is secret
    ("kind: Connect", "no connection"),
    ("kind: Timeout", "no answer in time"),
    ("certificate", "its certificate is not believed"),
    ("MissingCredentials", "no credentials"),
    ("Permission denied", "permission denied"),
    ("No space left", "no space left"),
)


class Folder:
    """One bucket: names of things in it, and calls that end in a value, nothing or one error."""

    def __init__(
        self,
        connection: Connection,
        function: DigestFunction,
        credentials: Credentials,
        patience: Patience | None = None,
    ) -> None:
        """Prepare; raises ``UserError`` when the settings cannot work. Nothing is asked yet."""
        self._options, self._client = bucket_settings.understood(connection)
        self.connection = connection
        self.function = function
        self._prefix = "" if function.name == "sha256" else f"{function.name}/"
        self._credentials = credentials
        self._patience = patience or Patience()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._store: Store | None = None
        self._generation = -1

    def blob(self, digest: Digest) -> str:
        """Return the path of a blob."""
        return f"{self._prefix}cas/{digest[0]}"

    def result(self, action: Digest) -> str:
        """Return the path of a result."""
        return f"{self._prefix}ac/{action[0]}"

    async def probe(self, *, create: bool = False) -> None:
        """Ask for something that is not there; raises ``RemoteCallError`` unless that is the answer.

        ``create``: a local folder that is not there is made at the first write.
        """
        is_folder = os.path.isdir(self._place)  # noqa: ASYNC240 - it is a local one, asked once
        if self.connection.scheme == "file" and not is_folder and not create:
            raise RemoteCallError("NOT_FOUND", "HEAD", f"there is no folder {self._place}")
        await self.size(self.result(Digest("0" * 64, 0)), most=_PROBES)

    async def size(self, path: str, *, most: int = ATTEMPTS["UNAVAILABLE"]) -> int | None:
        """Return the size of what is at ``path``, or nothing."""

        async def head(store: Store) -> int:
            return int((await store.head_async(path))["size"])

        return await self._call("HEAD", head, most)

    async def read(self, path: str, most: int) -> bytes | None:
        """Return what is at ``path``, or nothing when there is nothing or more than ``most`` bytes."""

        async def get(store: Store) -> bytes | None:
            return b"".join([part async for part in _parts(store, path, most)])

        return await self._call("GET", get)

    async def read_to(
        self, path: str, most: int, begin: Callable[[], Callable[[bytes], None]]
    ) -> bool:
        """Hand what is at ``path`` over bit by bit, to what ``begin`` returns; False for nothing.

        When reading breaks off, it begins again.
        """

        async def get(store: Store) -> bool:
            take = begin()
            async for part in _parts(store, path, most):
                take(part)
            return True

        return bool(await self._call("GET", get))

    async def write(self, path: str, data: bytes | Path) -> None:
        """Put bytes or a file at ``path``: whole, or not at all."""
        if self.connection.scheme not in WRITABLE:
            detail = f"a folder behind {self.connection.scheme}: is only read"
            raise RemoteCallError("UNIMPLEMENTED", "PUT", detail)

        async def put(store: Store) -> None:
            await store.put_async(path, data)

        await self._call("PUT", put)

    async def _call(
        self,
        method: str,
        operation: Callable[[Store], Awaitable[T]],
        most: int = ATTEMPTS["UNAVAILABLE"],
    ) -> T | None:
        async def attempt() -> T | None:
            async with self._slots:
                return await self._attempt(method, operation)

        return await self._patience.persist(method, attempt, most)

    async def _attempt(self, method: str, operation: Callable[[Store], Awaitable[T]]) -> T | None:
        from obstore import exceptions

        store, generation = await self._opened()
        began = time.monotonic()
        try:
            return await operation(store)
        except (FileNotFoundError, exceptions.NotFoundError, _TooLongError):
            return None
        except exceptions.UnauthenticatedError as error:
            if self._credentials.can_refresh and generation == self._generation:
                await self._credentials.refresh(generation)
                raise RemoteCallError("ABORTED", method, "the token is no longer good") from error
            raise RemoteCallError("UNAUTHENTICATED", method, _reason(error)) from error
        except (exceptions.PermissionDeniedError, PermissionError) as error:
            raise RemoteCallError("PERMISSION_DENIED", method, _reason(error)) from error
        except (exceptions.BaseError, OSError) as error:
            raise CallError("UNAVAILABLE", method, _reason(error), began=began) from error

    async def _opened(self) -> tuple[Store, int]:
        """Return the store with headers that are good now, and the count of their renewals."""
        headers: tuple[tuple[str, str], ...] = ()
        if self.connection.scheme in ("http", "https"):
            headers = await self._credentials.headers()
        generation = self._credentials.generation
        if self._store is None or generation != self._generation:
            self._store = self._open(dict(headers))
            self._generation = generation
        return self._store, generation

    @property
    def _place(self) -> str:
        return urlsplit(self.connection.url).path

    def _open(self, headers: Mapping[str, str]) -> Store:
        from obstore.store import HTTPStore, LocalStore, S3Store

        url = self.connection.url.partition("?")[0]
        if self.connection.scheme == "file":
            return LocalStore(self._place, automatic_cleanup=False, mkdir=True)
        client: ClientConfig = {**self._client}
        if headers:
            client["default_headers"] = dict(headers)
        once = {"max_retries": 0}  # ``Patience`` tries again, and knows when to stop
        if self.connection.scheme == "s3":
            options = {k: v for k, v in self._options.items() if k != "anonymous"}
            if self._options.get("anonymous") == "true":
                options["skip_signature"] = "true"
            return S3Store.from_url(url, config=options, client_options=client, retry_config=once)  # type: ignore[arg-type]
        return HTTPStore.from_url(url, client_options=client, retry_config=once)  # type: ignore[arg-type]


class BucketContent:
    """Blobs of a ``Folder``: a ``BlobService``."""

    def __init__(self, folder: Folder) -> None:
        """Read from and write to ``folder``."""
        self._folder = folder
        self._empty = folder.function.of(b"")

    async def find_missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Return those that are not there, or not of their size."""
        wanted = [digest for digest in dict.fromkeys(digests) if digest != self._empty]
        sizes = await _all(self._folder.size(self._folder.blob(digest)) for digest in wanted)
        return {digest for digest, size in zip(wanted, sizes, strict=True) if size != digest[1]}

    async def read(self, digests: Iterable[Digest]) -> Mapping[Digest, bytes]:
        """Return verified bytes; what is missing or wrong is left out."""
        wanted = list(dict.fromkeys(digests))
        found = await _all(self._read(digest) for digest in wanted)
        return {
            digest: data for digest, data in zip(wanted, found, strict=True) if data is not None
        }

    async def _read(self, digest: Digest) -> bytes | None:
        if digest == self._empty:
            return b""
        data = await self._folder.read(self._folder.blob(digest), digest[1])
        return data if data is not None and self._folder.function.of(data) == digest else None

    async def read_to(self, digest: Digest, path: str) -> bool:
        """Write the verified bytes to the new file ``path``; False: missing or wrong, no file.

        Raises ``OSError`` when the file cannot be written.
        """
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        right = False
        try:
            with os.fdopen(descriptor, "wb") as file:
                sink = _Sink(file, self._folder.function)
                right = digest == self._empty or (
                    await self._folder.read_to(self._folder.blob(digest), digest[1], sink.begin)
                    and sink.digest() == digest
                )
        except _DiskError as full:
            raise full.error from None
        finally:
            if not right:
                os.unlink(path)
        return right

    async def write(self, blobs: Mapping[Digest, bytes]) -> None:
        """Store blobs held in memory."""
        await _all(self._folder.write(self._folder.blob(d), data) for d, data in blobs.items())

    async def write_file(self, digest: Digest, path: str) -> None:
        """Store the bytes of a file."""
        await self._folder.write(self._folder.blob(digest), Path(path))


class BucketResults:
    """Results in a ``Folder``: a ``ResultService``."""

    def __init__(
        self,
        folder: Folder,
        content: BlobService,
        *,
        require_signed: Collection[str] = (),
        signer: Callable[[], Signer] | None = None,
    ) -> None:
        """Demand one of ``require_signed``, if any; use ``signer``, made at the first ``put``."""
        self._folder = folder
        self._content = content
        self._demanded = frozenset(require_signed)
        self._make_signer = signer
        self._signer: Signer | None = None

    async def get(self, action: Digest) -> tuple[ActionResult, str] | None:
        """Return the result and who signed it, or nothing for one that is missing or no good."""
        data = await self._folder.read(self._folder.result(action), LARGEST_RESULT)
        if data is None:
            return None
        function = self._folder.function
        return await trust.accept(data, action, function, self._demanded, self._content)

    async def put(self, action: Digest, result: ActionResult, *, own: bool = True) -> None:
        """Store a result whose blobs are all stored, signed by us when it is our ``own``."""
        if own and self._signer is None and self._make_signer is not None:
            self._signer = self._make_signer()
        signer = self._signer if own else None
        data = trust.seal(self._folder.function.name, action, result, signer)
        await self._folder.write(self._folder.result(action), data)


class _Sink:
    """A file that is written from its beginning, perhaps more than once, and hashed meanwhile."""

    def __init__(self, file: BinaryIO, function: DigestFunction) -> None:
        self._file = file
        self._function = function
        self._hasher = function.hasher(b"")
        self._size = 0

    def begin(self) -> Callable[[bytes], None]:
        self._hasher = self._function.hasher(b"")
        self._size = 0
        self._file.seek(0)
        self._file.truncate()
        return self._take

    def _take(self, part: bytes) -> None:
        self._hasher.update(part)
        self._size += len(part)
        try:
            self._file.write(part)
        except OSError as error:
            raise _DiskError(error) from error

    def digest(self) -> Digest:
        try:
            self._file.flush()
        except OSError as error:
            raise _DiskError(error) from error
        return Digest(self._hasher.hexdigest(), self._size)


class _TooLongError(Exception):
    """More bytes came than there can be."""


class _DiskError(Exception):
    """Our own disk, not the folder's: carries the ``OSError``."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


async def _parts(store: Store, path: str, most: int) -> AsyncIterator[bytes]:
    found = await store.get_async(path)
    size = 0
    async for part in found.stream(min_chunk_size=_CHUNK):
        size += len(part)
        if size > most:
            raise _TooLongError
        yield bytes(part)


async def _all(calls: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """Return what all calls return, in order; the first error cancels the others."""
    found: list[T] = []
    calls = iter(calls)
    while batch := [asyncio.ensure_future(call) for call in islice(calls, _BATCH)]:
        try:
            found += await asyncio.gather(*batch)
        except BaseException:
            for task in batch:
                task.cancel()
            await asyncio.gather(*batch, return_exceptions=True)
            raise
    return found


def _reason(error: Exception) -> str:
    """Return why a call failed, in words of our own."""
    text = str(error)
    status = _STATUS.search(text)
    if status:
        return f"HTTP status {status[1]}"
    return next((said for mark, said in _REASONS if mark in text), type(error).__name__)
