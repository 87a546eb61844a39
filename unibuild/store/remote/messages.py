"""What all remote messages share: enumerations, ``Status`` and ``Any`` (google/rpc, google/protobuf).

The sibling modules ``messages_*`` hold the requests and responses of one service each, as plain
tuples with an encoder and a decoder; both directions exist wherever a client or the conformance
suite's server needs them. Encoders write fields in the order of their numbers and leave defaults
out; decoders raise ``MalformedMessageError`` and ignore unknown fields. Instance names are given
as "" for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.protobuf import (
    MalformedMessageError,
    blob,
    fields,
    message,
    number,
    read_varint,
    string,
    varint,
)
from unibuild.store.reapi import decode_digest, encode_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.store.digests import Digest

REAPI = "/build.bazel.remote.execution.v2."

DIGEST_FUNCTIONS = {
    "sha256": 1,
    "sha1": 2,
    "md5": 3,
    "vso": 4,
    "sha384": 5,
    "sha512": 6,
    "murmur3": 7,
    "sha256tree": 8,
    "blake3": 9,
    "gitsha1": 10,
}
"""``DigestFunction.Value`` by name."""

IDENTITY, ZSTD, DEFLATE, BROTLI = range(4)
"""``Compressor.Value``."""

_SIGN = 1 << 63
_WRAP = 1 << 64

CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
"""``google.rpc.Code`` by number."""


class Packed(NamedTuple):
    """``google.protobuf.Any``: a message and the URL of its type."""

    type_url: str
    value: bytes


class Status(NamedTuple):
    """``google.rpc.Status``; ``code`` 0 is success."""

    code: int = 0
    message: str = ""
    details: tuple[Packed, ...] = ()

    @property
    def name(self) -> str:
        """The name of the code, ``UNKNOWN`` for one that does not exist."""
        return CODES[self.code] if 0 <= self.code < len(CODES) else "UNKNOWN"


class Violation(NamedTuple):
    """One violation of ``google.rpc.PreconditionFailure``; a missing blob has type ``MISSING``."""

    type: str
    subject: str
    description: str = ""


PRECONDITION_FAILURE = "type.googleapis.com/google.rpc.PreconditionFailure"


def signed(value: int) -> int:
    """Return a decoded varint as the signed number that an ``int32`` or ``int64`` field means."""
    return value - _WRAP if value >= _SIGN else value


def signed_number(field: int, value: int) -> bytes:
    """Return an ``int32`` or ``int64`` field of either sign, or nothing for 0."""
    return number(field, value % _WRAP)


def text(value: int | bytes | None) -> str:
    """Return a decoded text field, "" when it is absent."""
    if value is None:
        return ""
    if isinstance(value, int):
        raise MalformedMessageError("a text field is a number")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise MalformedMessageError("a text field is not UTF-8") from error


def integer(value: int | bytes | None) -> int:
    """Return a decoded signed number, 0 when it is absent."""
    if isinstance(value, bytes):
        raise MalformedMessageError("a number is a text field")
    return signed(value or 0)


def data(value: int | bytes | None) -> bytes:
    """Return a decoded bytes or message field, empty when it is absent."""
    if isinstance(value, int):
        raise MalformedMessageError("a bytes field is a number")
    return value or b""


def digest(value: int | bytes | None) -> Digest:
    """Return a decoded ``Digest`` field, the zero one when it is absent."""
    return decode_digest(data(value))


def digests(field: int, values: Iterable[Digest]) -> bytes:
    """Return a repeated ``Digest`` field."""
    return b"".join([message(field, encode_digest(value)) for value in values])


def numbers(field: int, values: Iterable[int]) -> bytes:
    """Return a repeated enumeration, packed as proto3 does."""
    return blob(field, b"".join(varint(value) for value in values))


def unpacked(value: int | bytes) -> tuple[int, ...]:
    """Return the numbers of a repeated field, whether this part of it is packed or a single one."""
    if isinstance(value, int):
        return (value,)
    found, position = [], 0
    while position < len(value):
        item, position = read_varint(value, position)
        found.append(item)
    return tuple(found)


def encode_packed(packed: Packed) -> bytes:
    """Return an ``Any``."""
    return string(1, packed.type_url) + blob(2, packed.value)


def decode_packed(encoded: bytes) -> Packed:
    """Return an ``Any``."""
    parts = dict(fields(encoded))
    return Packed(text(parts.get(1)), data(parts.get(2)))


def encode_status(status: Status) -> bytes:
    """Return a ``Status``."""
    details = [message(3, encode_packed(detail)) for detail in status.details]
    return signed_number(1, status.code) + string(2, status.message) + b"".join(details)


def decode_status(encoded: bytes) -> Status:
    """Return a ``Status``."""
    code, said, details = 0, "", []
    for field, value in fields(encoded):
        if field == 1:
            code = integer(value)
        elif field == 2:  # noqa: PLR2004 - numbers of the .proto
            said = text(value)
        elif field == 3:  # noqa: PLR2004
            details.append(decode_packed(data(value)))
    return Status(code, said, tuple(details))


def encode_violations(violations: Iterable[Violation]) -> bytes:
    """Return a ``PreconditionFailure``."""
    return b"".join(
        message(1, string(1, item.type) + string(2, item.subject) + string(3, item.description))
        for item in violations
    )


def decode_violations(encoded: bytes) -> tuple[Violation, ...]:
    """Return the violations of a ``PreconditionFailure``."""
    found = []
    for field, value in fields(encoded):
        if field == 1:
            parts = dict(fields(data(value)))
            found.append(Violation(text(parts.get(1)), text(parts.get(2)), text(parts.get(3))))
    return tuple(found)
