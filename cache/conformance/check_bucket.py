"""A folder behind a URL: what little it has to do, and who may write to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.store import HTTPStore

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.reapi import ActionResult, OutputFile
from unibuild.store.remote.bucket import BucketContent, BucketResults, Folder
from unibuild.store.remote.credentials import Credentials
from unibuild.store.remote.redaction import Redactor
from unibuild.store.remote.services import RemoteCallError
from unibuild.store.remote.settings import Connection

from .registry import Area
from .subject import refusal, said
from .verdicts import Finding, differs, fails, not_offered, passes

if TYPE_CHECKING:
    from obstore.store import ClientConfig

SIZES = (1, 1000, 100_000, (5 << 20) + 3)
HTTP = ("http", "https")
SIGNED = "`require_signed` tells results of known people from others'"


@dataclass
class Bucket:
    """One folder; ``may_write`` is found out before the checks that write."""

    connection: Connection
    function: DigestFunction
    folder: Folder
    may_write: bool = True


SERVER: Area[Bucket] = Area("server", [])
AREA: Area[Bucket] = Area("bucket", [])


def bucket(connection: Connection, function: DigestFunction) -> Bucket:
    """Prepare one; a setting that cannot work is a ``UserError``."""
    folder = Folder(connection, function, Credentials(connection, Redactor()))
    return Bucket(connection, function, folder)


@SERVER.check("it answers, and says of what is not there that it is not", writes=False)
async def answers(subject: Bucket) -> Finding:
    """A lookup of a result that nobody stored."""
    await subject.folder.probe()
    return passes()


@AREA.check("this client may write", writes=False)
async def writable(subject: Bucket) -> Finding:
    """Only ``cache push --to`` does, and only to s3: and file:."""
    subject.may_write = False
    if subject.connection.scheme in HTTP:
        return not_offered("folders behind http: are only read; checks that write are left out")
    error = await refusal(_store(subject, 10))
    if error is not None:
        return not_offered(f"{said(error)}; checks that have to write are left out")
    subject.may_write = True
    return passes()


async def _store(subject: Bucket, size: int) -> tuple[Digest, bytes]:
    data = os.urandom(size)
    digest = subject.function.of(data)
    await BucketContent(subject.folder).write({digest: data})
    return digest, data


@AREA.check("gives back what was stored, of several sizes")
async def round_trip(subject: Bucket) -> Finding:
    """Written whole, found by its size, read."""
    content = BucketContent(subject.folder)
    for size in SIZES:
        digest, data = await _store(subject, size)
        if await content.find_missing([digest]):
            return fails(f"{size} bytes were stored and are not found")
        if (await content.read([digest])).get(digest) != data:
            return fails(f"{size} bytes came back changed", "takes the blob for missing")
    return passes()


@AREA.check("a blob that is not there is told from a fault", writes=False)
async def missing(subject: Bucket) -> Finding:
    """Some stores answer 403 instead of 404 to who may not list the bucket."""
    absent = subject.function.of(os.urandom(100))
    if await BucketContent(subject.folder).find_missing([absent]) == {absent}:
        return passes()
    return fails("something is served")


@AREA.check("a result comes back, and a second one replaces it")
async def results(subject: Bucket) -> Finding:
    """As after a rebuild that gave something else."""
    service = BucketResults(subject.folder, BucketContent(subject.folder))
    action = subject.function.of(os.urandom(100))
    for size in (2000, 3000):
        digest, _ = await _store(subject, size)
        stored = ActionResult((OutputFile("out/file", digest, True),), (), 0, b"said\n")
        await service.put(action, stored)
        if await service.get(action) != (stored, ""):
            return fails("it comes back changed")
    return passes()


@AREA.check("whoever has no credentials cannot write", writes=False)
async def anonymous(subject: Bucket) -> Finding:
    """The same folder, written to without keys and headers."""
    if subject.connection.scheme == "file":
        return not_offered("the folder's own permissions decide")
    try:
        await _write_without_credentials(subject)
    except Exception as error:  # noqa: BLE001 -- obstore's many refusals, and ours
        refused = error.code if isinstance(error, RemoteCallError) else type(error).__name__
        if refused in {"UNAVAILABLE", "GenericError"}:
            return differs(f"it did not work ({refused}), for whatever reason", SIGNED)
        return passes(refused)
    return fails("anybody who reaches it may write", SIGNED)


def _client(connection: Connection) -> ClientConfig:
    options: ClientConfig = {"allow_http": connection.scheme == "http"}
    if connection.ca:
        options["root_certificate"] = Path(connection.ca).read_bytes()
    return options


async def _write_without_credentials(subject: Bucket) -> None:
    connection, data = subject.connection, os.urandom(50)
    path = subject.folder.blob(subject.function.of(data))
    if connection.scheme in HTTP:
        store = HTTPStore.from_url(connection.url, client_options=_client(connection))
        await store.put_async(path, data)
        return
    url, _, query = connection.url.partition("?")
    words = [word for word in query.split("&") if word and not word.startswith("anonymous=")]
    stranger = replace(connection, url=f"{url}?{'&'.join([*words, 'anonymous=true'])}")
    await bucket(stranger, subject.function).folder.write(path, data)
