"""Messages of ``Execution`` and ``google.longrunning.Operations``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.protobuf import blob, fields, message, number, string
from unibuild.store.reapi import encode_digest
from unibuild.store.remote.messages import (
    REAPI,
    Packed,
    Status,
    data,
    decode_packed,
    decode_status,
    digest,
    encode_packed,
    encode_status,
    integer,
    signed_number,
    text,
)

if TYPE_CHECKING:
    from unibuild.store.digests import Digest

EXECUTE = REAPI + "Execution/Execute"
WAIT_EXECUTION = REAPI + "Execution/WaitExecution"
CANCEL_OPERATION = "/google.longrunning.Operations/CancelOperation"
EXECUTE_RESPONSE = "type.googleapis.com/build.bazel.remote.execution.v2.ExecuteResponse"
EXECUTE_METADATA = "type.googleapis.com/build.bazel.remote.execution.v2.ExecuteOperationMetadata"

UNKNOWN_STAGE, CACHE_CHECK, QUEUED, EXECUTING, COMPLETED = range(5)
"""``ExecutionStage.Value``."""


class ExecuteRequest(NamedTuple):
    """``ExecuteRequest``; ``priority`` may be negative, lower runs first."""

    instance: str
    action: Digest
    skip_cache_lookup: bool = False
    priority: int = 0
    function: int = 0
    inline_stdout: bool = False
    inline_stderr: bool = False
    inline_files: tuple[str, ...] = ()


class Operation(NamedTuple):
    """``google.longrunning.Operation``; at most one of ``error`` and ``response`` is set."""

    name: str = ""
    metadata: Packed | None = None
    done: bool = False
    error: Status | None = None
    response: Packed | None = None


class ExecuteMetadata(NamedTuple):
    """``ExecuteOperationMetadata``."""

    stage: int = 0
    action: Digest | None = None


class ExecuteResponse(NamedTuple):
    """``ExecuteResponse``; ``result`` is an encoded ``ActionResult``, None when there is none."""

    result: bytes | None = None
    cached: bool = False
    status: Status = Status()
    message: str = ""


def encode_execute(request: ExecuteRequest) -> bytes:
    """Return an ``ExecuteRequest``."""
    return (
        string(1, request.instance)
        + number(3, request.skip_cache_lookup)
        + message(6, encode_digest(request.action))
        + (message(7, signed_number(1, request.priority)) if request.priority else b"")
        + number(9, request.function)
        + number(10, request.inline_stdout)
        + number(11, request.inline_stderr)
        + b"".join(message(12, path.encode()) for path in request.inline_files)
    )


def decode_execute(encoded: bytes) -> ExecuteRequest:
    """Return an ``ExecuteRequest``."""
    parts = dict(fields(encoded))
    policy = dict(fields(data(parts.get(7))))
    return ExecuteRequest(
        text(parts.get(1)),
        digest(parts.get(6)),
        bool(parts.get(3)),
        integer(policy.get(1)),
        integer(parts.get(9)),
        bool(parts.get(10)),
        bool(parts.get(11)),
        tuple(text(value) for field, value in fields(encoded) if field == 12),  # noqa: PLR2004
    )


def encode_operation_name(name: str) -> bytes:
    """Return a ``WaitExecutionRequest`` or ``CancelOperationRequest``, which are alike."""
    return string(1, name)


def decode_operation_name(encoded: bytes) -> str:
    """Return the name in a ``WaitExecutionRequest`` or ``CancelOperationRequest``."""
    return text(dict(fields(encoded)).get(1))


def encode_operation(operation: Operation) -> bytes:
    """Return an ``Operation``."""
    parts = [string(1, operation.name)]
    if operation.metadata is not None:
        parts.append(message(2, encode_packed(operation.metadata)))
    parts.append(number(3, operation.done))
    if operation.error is not None:
        parts.append(message(4, encode_status(operation.error)))
    if operation.response is not None:
        parts.append(message(5, encode_packed(operation.response)))
    return b"".join(parts)


def decode_operation(encoded: bytes) -> Operation:
    """Return an ``Operation``."""
    parts = dict(fields(encoded))
    return Operation(
        text(parts.get(1)),
        decode_packed(data(parts[2])) if 2 in parts else None,  # noqa: PLR2004 - .proto
        bool(parts.get(3)),
        decode_status(data(parts[4])) if 4 in parts else None,  # noqa: PLR2004
        decode_packed(data(parts[5])) if 5 in parts else None,  # noqa: PLR2004
    )


def encode_execute_metadata(metadata: ExecuteMetadata) -> bytes:
    """Return an ``ExecuteOperationMetadata``."""
    action = message(2, encode_digest(metadata.action)) if metadata.action else b""
    return number(1, metadata.stage) + action


def decode_execute_metadata(encoded: bytes) -> ExecuteMetadata:
    """Return an ``ExecuteOperationMetadata``."""
    parts = dict(fields(encoded))
    action = digest(parts[2]) if 2 in parts else None  # noqa: PLR2004
    return ExecuteMetadata(integer(parts.get(1)), action)


def encode_execute_response(response: ExecuteResponse) -> bytes:
    """Return an ``ExecuteResponse``."""
    result = b"" if response.result is None else message(1, response.result)
    status = blob(3, encode_status(response.status))
    return result + number(2, response.cached) + status + string(5, response.message)


def decode_execute_response(encoded: bytes) -> ExecuteResponse:
    """Return an ``ExecuteResponse``."""
    parts = dict(fields(encoded))
    return ExecuteResponse(
        data(parts[1]) if 1 in parts else None,
        bool(parts.get(2)),
        decode_status(data(parts.get(3))),
        text(parts.get(5)),
    )
