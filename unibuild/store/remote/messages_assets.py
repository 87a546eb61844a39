"""Messages of the Remote Asset API (build/bazel/remote/asset/v1): blobs by URI and qualifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.protobuf import fields, message, number, string
from unibuild.store.reapi import encode_digest
from unibuild.store.remote.messages import (
    Status,
    data,
    decode_status,
    digest,
    encode_status,
    integer,
    text,
)

if TYPE_CHECKING:
    from unibuild.store.digests import Digest

FETCH_BLOB = "/build.bazel.remote.asset.v1.Fetch/FetchBlob"
PUSH_BLOB = "/build.bazel.remote.asset.v1.Push/PushBlob"

Pairs = tuple[tuple[str, str], ...]


class FetchBlobRequest(NamedTuple):
    """``FetchBlobRequest``; ``timeout`` in seconds, 0 for the server's own."""

    instance: str
    uris: tuple[str, ...]
    qualifiers: Pairs = ()
    timeout: int = 0
    function: int = 0


class FetchBlobResponse(NamedTuple):
    """``FetchBlobResponse``."""

    status: Status = Status()
    uri: str = ""
    qualifiers: Pairs = ()
    digest: Digest | None = None
    function: int = 0


class PushBlobRequest(NamedTuple):
    """``PushBlobRequest``; its answer is an empty message."""

    instance: str
    uris: tuple[str, ...]
    qualifiers: Pairs
    digest: Digest
    function: int = 0


def encode_fetch_blob(request: FetchBlobRequest) -> bytes:
    """Return a ``FetchBlobRequest``."""
    return (
        string(1, request.instance)
        + (message(2, number(1, request.timeout)) if request.timeout else b"")
        + b"".join(message(4, uri.encode()) for uri in request.uris)
        + _encode_qualifiers(5, request.qualifiers)
        + number(6, request.function)
    )


def decode_fetch_blob(encoded: bytes) -> FetchBlobRequest:
    """Return a ``FetchBlobRequest``."""
    parts = dict(fields(encoded))
    timeout = integer(dict(fields(data(parts.get(2)))).get(1))
    return FetchBlobRequest(
        text(parts.get(1)),
        _texts(encoded, 4),
        _qualifiers(encoded, 5),
        timeout,
        integer(parts.get(6)),
    )


def encode_fetched_blob(response: FetchBlobResponse) -> bytes:
    """Return a ``FetchBlobResponse``."""
    status = encode_status(response.status)
    return (
        (message(1, status) if status else b"")
        + string(2, response.uri)
        + _encode_qualifiers(3, response.qualifiers)
        + (message(5, encode_digest(response.digest)) if response.digest else b"")
        + number(6, response.function)
    )


def decode_fetched_blob(encoded: bytes) -> FetchBlobResponse:
    """Return a ``FetchBlobResponse``."""
    parts = dict(fields(encoded))
    return FetchBlobResponse(
        decode_status(data(parts.get(1))),
        text(parts.get(2)),
        _qualifiers(encoded, 3),
        digest(parts[5]) if 5 in parts else None,  # noqa: PLR2004 - numbers of the .proto
        integer(parts.get(6)),
    )


def encode_push_blob(request: PushBlobRequest) -> bytes:
    """Return a ``PushBlobRequest``."""
    return (
        string(1, request.instance)
        + b"".join(message(2, uri.encode()) for uri in request.uris)
        + _encode_qualifiers(3, request.qualifiers)
        + message(5, encode_digest(request.digest))
        + number(8, request.function)
    )


def decode_push_blob(encoded: bytes) -> PushBlobRequest:
    """Return a ``PushBlobRequest``."""
    parts = dict(fields(encoded))
    return PushBlobRequest(
        text(parts.get(1)),
        _texts(encoded, 2),
        _qualifiers(encoded, 3),
        digest(parts.get(5)),
        integer(parts.get(8)),
    )


def _encode_qualifiers(field: int, qualifiers: Pairs) -> bytes:
    return b"".join(
        message(field, string(1, name) + string(2, value)) for name, value in qualifiers
    )


def _qualifiers(encoded: bytes, wanted: int) -> Pairs:
    found = []
    for field, value in fields(encoded):
        if field == wanted:
            parts = dict(fields(data(value)))
            found.append((text(parts.get(1)), text(parts.get(2))))
    return tuple(found)


def _texts(encoded: bytes, wanted: int) -> tuple[str, ...]:
    return tuple(text(value) for field, value in fields(encoded) if field == wanted)
