"""Messages of ``ActionCache``, and ``ActionResult`` as servers write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.protobuf import fields, message, number, string
from unibuild.store.reapi import (
    ActionResult,
    decode_action_result,
    encode_action_result,
    encode_digest,
)
from unibuild.store.remote.messages import (
    REAPI,
    Packed,
    data,
    decode_packed,
    digest,
    encode_packed,
    integer,
    text,
)

if TYPE_CHECKING:
    from unibuild.store.digests import Digest

GET_RESULT = REAPI + "ActionCache/GetActionResult"
UPDATE_RESULT = REAPI + "ActionCache/UpdateActionResult"


class GetResultRequest(NamedTuple):
    """``GetActionResultRequest``."""

    instance: str
    action: Digest
    inline_stdout: bool = False
    inline_stderr: bool = False
    inline_files: tuple[str, ...] = ()
    function: int = 0


class UpdateResultRequest(NamedTuple):
    """``UpdateActionResultRequest``; ``result`` is an encoded ``ActionResult``."""

    instance: str
    action: Digest
    result: bytes
    function: int = 0


class ServedResult(NamedTuple):
    """An ``ActionResult`` with what only a server adds.

    ``result.stdout`` is ``stdout_raw``. ``contents`` are outputs that the server sent along, by
    path: not yet hashed. ``links`` says that it has symbolic links, which no output of ours is.
    ``auxiliary`` is ``execution_metadata.auxiliary_metadata``.
    """

    result: ActionResult
    stdout: Digest | None = None
    stderr_raw: bytes = b""
    stderr: Digest | None = None
    contents: tuple[tuple[str, bytes], ...] = ()
    links: bool = False
    worker: str = ""
    auxiliary: tuple[Packed, ...] = ()


def encode_get_result(request: GetResultRequest) -> bytes:
    """Return a ``GetActionResultRequest``."""
    return (
        string(1, request.instance)
        + message(2, encode_digest(request.action))
        + number(3, request.inline_stdout)
        + number(4, request.inline_stderr)
        + b"".join(message(5, path.encode()) for path in request.inline_files)
        + number(6, request.function)
    )


def decode_get_result(encoded: bytes) -> GetResultRequest:
    """Return a ``GetActionResultRequest``."""
    parts = dict(fields(encoded))
    files = tuple(text(value) for field, value in fields(encoded) if field == 5)  # noqa: PLR2004
    return GetResultRequest(
        text(parts.get(1)),
        digest(parts.get(2)),
        bool(parts.get(3)),
        bool(parts.get(4)),
        files,
        integer(parts.get(6)),
    )


def encode_update_result(request: UpdateResultRequest) -> bytes:
    """Return an ``UpdateActionResultRequest``."""
    return (
        string(1, request.instance)
        + message(2, encode_digest(request.action))
        + message(3, request.result)
        + number(5, request.function)
    )


def decode_update_result(encoded: bytes) -> UpdateResultRequest:
    """Return an ``UpdateActionResultRequest``."""
    parts = dict(fields(encoded))
    return UpdateResultRequest(
        text(parts.get(1)), digest(parts.get(2)), data(parts.get(3)), integer(parts.get(5))
    )


def encode_result(result: ActionResult, auxiliary: tuple[Packed, ...] = ()) -> bytes:
    """Return an ``ActionResult`` that carries ``auxiliary`` in its execution metadata."""
    encoded = encode_action_result(result)
    if not auxiliary:
        return encoded
    metadata = b"".join(message(11, encode_packed(item)) for item in auxiliary)
    return encoded + message(9, metadata)


def decode_result(encoded: bytes) -> ServedResult:
    """Return an ``ActionResult``; a field with a wrong wire type is malformed."""
    served = ServedResult(decode_action_result(encoded))
    contents = []
    for field, value in fields(encoded):
        if field in (
            10,
            11,
            12,
        ):  # output_file_symlinks, output_directory_symlinks, output_symlinks
            served = served._replace(links=True)
        elif field == 2:  # noqa: PLR2004 - numbers of the .proto
            parts = dict(fields(data(value)))
            if 5 in parts:  # noqa: PLR2004
                contents.append((text(parts.get(1)), data(parts[5])))
        elif field == 6:  # noqa: PLR2004
            served = served._replace(stdout=_named(value))
        elif field == 7:  # noqa: PLR2004
            served = served._replace(stderr_raw=data(value))
        elif field == 8:  # noqa: PLR2004
            served = served._replace(stderr=_named(value))
        elif field == 9:  # noqa: PLR2004
            served = _with_metadata(served, data(value))
    return served._replace(contents=tuple(contents))


def _named(value: int | bytes) -> Digest | None:
    """Return a digest, None for the empty message by which some servers mean that."""
    found = digest(value)
    return found if found.hash or found.size else None


def _with_metadata(served: ServedResult, encoded: bytes) -> ServedResult:
    for field, value in fields(encoded):
        if field == 1:
            served = served._replace(worker=text(value))
        elif field == 11:  # noqa: PLR2004
            packed = decode_packed(data(value))
            served = served._replace(auxiliary=(*served.auxiliary, packed))
    return served
