"""Batches of small blobs: grouped below the limit, compressed, taken apart and verified.

Plain functions on bytes, so that large batches can be worked on in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import zstandard

from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.remote.messages import IDENTITY, ZSTD
from unibuild.store.remote.messages_content import (
    BatchUpdateRequest,
    Update,
    decode_batch_reads,
    decode_updated,
    encode_batch_update,
)
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from unibuild.store.digests import Digest, DigestFunction
    from unibuild.store.remote.messages_content import BatchRead

T = TypeVar("T")

OVERHEAD = 128
"""Bytes that a blob costs in a batch beside its own: digest, status, tags."""

_COMPRESSED_FROM = 1 << 10
_LEVEL = 1


class Reads(NamedTuple):
    """What a batch brought: verified bytes, and digests whose bytes were wrong."""

    found: dict[Digest, bytes]
    wrong: list[Digest]


def grouped(
    items: Iterable[T], size: Callable[[T], int], limit: int
) -> tuple[list[list[T]], list[T]]:
    """Return groups that fit into one batch each, and the items too large for any."""
    groups: list[list[T]] = []
    large: list[T] = []
    room = 0
    for item in items:
        cost = size(item) + OVERHEAD
        if cost > limit:
            large.append(item)
            continue
        if cost > room:
            groups.append([])
            room = limit
        groups[-1].append(item)
        room -= cost
    return groups, large


def take_reads(answer: bytes, asked: Sequence[Digest], function: DigestFunction) -> Reads:
    """Return what ``answer`` holds of ``asked``; what nobody asked for is passed over."""
    try:
        reads = decode_batch_reads(answer)
    except MalformedMessageError as error:
        raise RemoteCallError("INTERNAL", "BatchReadBlobs", str(error)) from None
    found: dict[Digest, bytes] = {}
    wrong = []
    wanted = set(asked)
    for read in reads:
        if read.digest not in wanted or read.status.code:
            continue
        content = _content(read)
        if content is not None and function.of(content) == read.digest:
            found[read.digest] = content
        else:
            wrong.append(read.digest)
    return Reads(found, wrong)


def _content(read: BatchRead) -> bytes | None:
    """Return the bytes of one blob; None when they cannot be those of its digest."""
    if read.compressor == IDENTITY:
        return read.data
    if read.compressor != ZSTD:
        return None
    reader = zstandard.ZstdDecompressor().stream_reader(read.data, read_across_frames=True)
    try:
        return reader.read(read.digest.size + 1)  # never more, whatever the frames claim
    except zstandard.ZstdError:
        return None


def make_update(instance: str, blobs: dict[Digest, bytes], function: int, zstd: bool) -> bytes:
    """Return the encoded ``BatchUpdateBlobsRequest`` of ``blobs``."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL) if zstd else None
    updates = []
    for digest, data in blobs.items():
        if compressor is not None and len(data) >= _COMPRESSED_FROM:
            packed = compressor.compress(data)
            if len(packed) < len(data):
                updates.append(Update(digest, packed, ZSTD))
                continue
        updates.append(Update(digest, data))
    return encode_batch_update(BatchUpdateRequest(instance, tuple(updates), function))


def take_updated(answer: bytes, left: dict[Digest, bytes]) -> tuple[str, str] | None:
    """Drop from ``left`` what is stored; return code and detail of the first that is not."""
    try:
        updated = decode_updated(answer)
    except MalformedMessageError as error:
        return "INTERNAL", str(error)
    fault = None
    for digest, status in updated:
        if digest in left and status.code == 0:
            del left[digest]
        elif digest in left and fault is None:
            fault = (status.name, status.message)
    if left and fault is None:
        fault = ("ABORTED", f"{len(left)} blobs have no status in the answer")
    return fault
