"""Messages of ``ContentAddressableStorage`` and ``google.bytestream.ByteStream``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.protobuf import blob, fields, message, number, string, varint
from unibuild.store.reapi import encode_digest
from unibuild.store.remote.messages import (
    REAPI,
    Status,
    data,
    decode_status,
    digest,
    digests,
    encode_status,
    integer,
    numbers,
    signed_number,
    text,
    unpacked,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.store.digests import Digest

_CAS = REAPI + "ContentAddressableStorage/"
FIND_MISSING = _CAS + "FindMissingBlobs"
BATCH_UPDATE = _CAS + "BatchUpdateBlobs"
BATCH_READ = _CAS + "BatchReadBlobs"
READ = "/google.bytestream.ByteStream/Read"
WRITE = "/google.bytestream.ByteStream/Write"
QUERY_WRITE_STATUS = "/google.bytestream.ByteStream/QueryWriteStatus"


class FindMissingRequest(NamedTuple):
    """``FindMissingBlobsRequest``."""

    instance: str = ""
    digests: tuple[Digest, ...] = ()
    function: int = 0


class Update(NamedTuple):
    """``BatchUpdateBlobsRequest.Request``: ``data`` in the form that ``compressor`` gives it."""

    digest: Digest
    data: bytes
    compressor: int = 0


class BatchUpdateRequest(NamedTuple):
    """``BatchUpdateBlobsRequest``."""

    instance: str = ""
    updates: tuple[Update, ...] = ()
    function: int = 0


class BatchReadRequest(NamedTuple):
    """``BatchReadBlobsRequest``."""

    instance: str = ""
    digests: tuple[Digest, ...] = ()
    compressors: tuple[int, ...] = ()
    function: int = 0


class BatchRead(NamedTuple):
    """``BatchReadBlobsResponse.Response``."""

    digest: Digest
    data: bytes = b""
    status: Status = Status()
    compressor: int = 0


class ReadRequest(NamedTuple):
    """``google.bytestream.ReadRequest``."""

    resource: str
    offset: int = 0
    limit: int = 0


class WriteRequest(NamedTuple):
    """``google.bytestream.WriteRequest``; only the first of a stream has to name its resource."""

    resource: str = ""
    offset: int = 0
    finish: bool = False
    data: bytes = b""


def encode_find_missing(request: FindMissingRequest) -> bytes:
    """Return a ``FindMissingBlobsRequest``."""
    return string(1, request.instance) + digests(2, request.digests) + number(3, request.function)


def decode_find_missing(encoded: bytes) -> FindMissingRequest:
    """Return a ``FindMissingBlobsRequest``."""
    instance, asked, function = "", [], 0
    for field, value in fields(encoded):
        if field == 1:
            instance = text(value)
        elif field == 2:  # noqa: PLR2004 - numbers of the .proto
            asked.append(digest(value))
        elif field == 3:  # noqa: PLR2004
            function = integer(value)
    return FindMissingRequest(instance, tuple(asked), function)


def encode_missing(missing: Iterable[Digest]) -> bytes:
    """Return a ``FindMissingBlobsResponse``."""
    return digests(2, missing)


def decode_missing(encoded: bytes) -> list[Digest]:
    """Return the digests of a ``FindMissingBlobsResponse``."""
    return [digest(value) for field, value in fields(encoded) if field == 2]  # noqa: PLR2004


def encode_batch_update(request: BatchUpdateRequest) -> bytes:
    """Return a ``BatchUpdateBlobsRequest``."""
    parts = [string(1, request.instance)]
    parts += [
        message(
            2,
            message(1, encode_digest(update.digest))
            + blob(2, update.data)
            + number(3, update.compressor),
        )
        for update in request.updates
    ]
    parts.append(number(5, request.function))
    return b"".join(parts)


def decode_batch_update(encoded: bytes) -> BatchUpdateRequest:
    """Return a ``BatchUpdateBlobsRequest``."""
    instance, updates, function = "", [], 0
    for field, value in fields(encoded):
        if field == 1:
            instance = text(value)
        elif field == 2:  # noqa: PLR2004
            parts = dict(fields(data(value)))
            updates.append(Update(digest(parts.get(1)), data(parts.get(2)), integer(parts.get(3))))
        elif field == 5:  # noqa: PLR2004
            function = integer(value)
    return BatchUpdateRequest(instance, tuple(updates), function)


def encode_updated(statuses: Iterable[tuple[Digest, Status]]) -> bytes:
    """Return a ``BatchUpdateBlobsResponse``."""
    return b"".join(
        message(1, message(1, encode_digest(name)) + message(2, encode_status(status)))
        for name, status in statuses
    )


def decode_updated(encoded: bytes) -> list[tuple[Digest, Status]]:
    """Return digests and statuses of a ``BatchUpdateBlobsResponse``."""
    found = []
    for field, value in fields(encoded):
        if field == 1:
            parts = dict(fields(data(value)))
            found.append((digest(parts.get(1)), decode_status(data(parts.get(2)))))
    return found


def encode_batch_read(request: BatchReadRequest) -> bytes:
    """Return a ``BatchReadBlobsRequest``."""
    return (
        string(1, request.instance)
        + digests(2, request.digests)
        + numbers(3, request.compressors)
        + number(4, request.function)
    )


def decode_batch_read(encoded: bytes) -> BatchReadRequest:
    """Return a ``BatchReadBlobsRequest``."""
    instance, asked, function = "", [], 0
    compressors: tuple[int, ...] = ()
    for field, value in fields(encoded):
        if field == 1:
            instance = text(value)
        elif field == 2:  # noqa: PLR2004
            asked.append(digest(value))
        elif field == 3:  # noqa: PLR2004
            compressors += unpacked(value)
        elif field == 4:  # noqa: PLR2004
            function = integer(value)
    return BatchReadRequest(instance, tuple(asked), compressors, function)


def encode_batch_reads(reads: Iterable[BatchRead]) -> bytes:
    """Return a ``BatchReadBlobsResponse``."""
    return b"".join(
        message(
            1,
            message(1, encode_digest(read.digest))
            + blob(2, read.data)
            + message(3, encode_status(read.status))
            + number(4, read.compressor),
        )
        for read in reads
    )


def decode_batch_reads(encoded: bytes) -> list[BatchRead]:
    """Return the parts of a ``BatchReadBlobsResponse``."""
    found = []
    for field, value in fields(encoded):
        if field != 1:
            continue
        parts = dict(fields(data(value)))
        said = parts.get(3)
        status = decode_status(data(said)) if said else Status()
        found.append(
            BatchRead(digest(parts.get(1)), data(parts.get(2)), status, integer(parts.get(4)))
        )
    return found


def encode_read(request: ReadRequest) -> bytes:
    """Return a ``ReadRequest``."""
    return (
        string(1, request.resource)
        + signed_number(2, request.offset)
        + signed_number(3, request.limit)
    )


def decode_read(encoded: bytes) -> ReadRequest:
    """Return a ``ReadRequest``."""
    parts = dict(fields(encoded))
    return ReadRequest(text(parts.get(1)), integer(parts.get(2)), integer(parts.get(3)))


def encode_chunk(chunk: bytes) -> bytes:
    """Return a ``ReadResponse``."""
    return blob(10, chunk)


def decode_chunk(encoded: bytes) -> bytes:
    """Return the data of a ``ReadResponse``."""
    return b"".join([data(value) for field, value in fields(encoded) if field == 10])  # noqa: PLR2004


def encode_write(request: WriteRequest) -> bytes:
    """Return a ``WriteRequest``; a chunk of megabytes is copied once."""
    parts = [
        string(1, request.resource),
        signed_number(2, request.offset),
        number(3, request.finish),
    ]
    if request.data:
        parts += [varint(10 << 3 | 2), varint(len(request.data)), request.data]
    return b"".join(parts)


def decode_write(encoded: bytes) -> WriteRequest:
    """Return a ``WriteRequest``."""
    parts = dict(fields(encoded))
    return WriteRequest(
        text(parts.get(1)), integer(parts.get(2)), bool(parts.get(3)), data(parts.get(10))
    )


def encode_committed(size: int) -> bytes:
    """Return a ``WriteResponse``."""
    return signed_number(1, size)


def decode_committed(encoded: bytes) -> int:
    """Return the committed size of a ``WriteResponse``, which may be -1."""
    return integer(dict(fields(encoded)).get(1))


def encode_query(resource: str) -> bytes:
    """Return a ``QueryWriteStatusRequest``."""
    return string(1, resource)


def decode_query(encoded: bytes) -> str:
    """Return the resource of a ``QueryWriteStatusRequest``."""
    return text(dict(fields(encoded)).get(1))
