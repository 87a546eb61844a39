"""Messages of ``Capabilities`` and the metadata that goes with every request."""

from __future__ import annotations

from typing import NamedTuple

from unibuild.store.protobuf import blob, fields, message, number, string
from unibuild.store.remote.messages import (
    REAPI,
    data,
    integer,
    numbers,
    signed_number,
    text,
    unpacked,
)

GET_CAPABILITIES = REAPI + "Capabilities/GetCapabilities"
REQUEST_METADATA = "build.bazel.remote.execution.v2.requestmetadata-bin"
"""The gRPC header that says which tool asks (remote_execution.proto, ``RequestMetadata``)."""

Version = tuple[int, int]


class ServerCapabilities(NamedTuple):
    """``ServerCapabilities``, flat; sizes are bytes and 0 where the server sets no limit.

    ``executor_functions`` unites the single ``digest_function`` of old servers and the list.
    """

    low: Version = (0, 0)
    high: Version = (0, 0)
    functions: tuple[int, ...] = ()
    update: bool = False
    batch_limit: int = 0
    compressors: tuple[int, ...] = ()
    update_compressors: tuple[int, ...] = ()
    blob_limit: int = 0
    cache: bool = False
    execution: bool = False
    executor_functions: tuple[int, ...] = ()


def encode_capabilities_request(instance: str) -> bytes:
    """Return a ``GetCapabilitiesRequest``."""
    return string(1, instance)


def decode_capabilities_request(encoded: bytes) -> str:
    """Return the instance of a ``GetCapabilitiesRequest``."""
    return text(dict(fields(encoded)).get(1))


def encode_request_metadata(tool: str, version: str, invocation: str) -> bytes:
    """Return a ``RequestMetadata``."""
    return message(1, string(1, tool) + string(2, version)) + string(3, invocation)


def encode_capabilities(server: ServerCapabilities) -> bytes:
    """Return a ``ServerCapabilities``."""
    parts = []
    if server.cache:
        cache = [
            numbers(1, server.functions),
            message(2, number(1, server.update)),
            signed_number(4, server.batch_limit),
            numbers(6, server.compressors),
            numbers(7, server.update_compressors),
            signed_number(8, server.blob_limit),
        ]
        parts.append(message(1, b"".join(cache)))
    if server.executor_functions or server.execution:
        first = server.executor_functions[0] if server.executor_functions else 0
        execution = [
            number(1, first),
            number(2, server.execution),
            numbers(5, server.executor_functions),
        ]
        parts.append(message(2, b"".join(execution)))
    parts.append(blob(4, _encode_version(server.low)))
    parts.append(blob(5, _encode_version(server.high)))
    return b"".join(parts)


def decode_capabilities(encoded: bytes) -> ServerCapabilities:
    """Return a ``ServerCapabilities``."""
    found = ServerCapabilities()
    for field, value in fields(encoded):
        if field == 1:
            found = _with_cache(found, data(value))
        elif field == 2:  # noqa: PLR2004 - numbers of the .proto
            found = _with_execution(found, data(value))
        elif field == 4:  # noqa: PLR2004
            found = found._replace(low=_decode_version(data(value)))
        elif field == 5:  # noqa: PLR2004
            found = found._replace(high=_decode_version(data(value)))
    return found


def _with_cache(found: ServerCapabilities, encoded: bytes) -> ServerCapabilities:
    found = found._replace(cache=True)
    for field, value in fields(encoded):
        if field == 1:
            found = found._replace(functions=found.functions + unpacked(value))
        elif field == 2:  # noqa: PLR2004
            found = found._replace(update=bool(dict(fields(data(value))).get(1)))
        elif field == 4:  # noqa: PLR2004
            found = found._replace(batch_limit=integer(value))
        elif field == 6:  # noqa: PLR2004
            found = found._replace(compressors=found.compressors + unpacked(value))
        elif field == 7:  # noqa: PLR2004
            found = found._replace(update_compressors=found.update_compressors + unpacked(value))
        elif field == 8:  # noqa: PLR2004
            found = found._replace(blob_limit=integer(value))
    return found


def _with_execution(found: ServerCapabilities, encoded: bytes) -> ServerCapabilities:
    functions: dict[int, None] = {}
    for field, value in fields(encoded):
        if field in (1, 5):
            functions.update(dict.fromkeys(unpacked(value)))
        elif field == 2:  # noqa: PLR2004
            found = found._replace(execution=bool(value))
    return found._replace(executor_functions=tuple(functions))


def _encode_version(version: Version) -> bytes:
    return number(1, version[0]) + number(2, version[1])


def _decode_version(encoded: bytes) -> Version:
    parts = dict(fields(encoded))
    return integer(parts.get(1)), integer(parts.get(2))
