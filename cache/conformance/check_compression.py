"""zstd: compressed streams and batches, where they are announced."""

from __future__ import annotations

import zstandard

from unibuild.store.remote.messages import ZSTD
from unibuild.store.remote.messages_content import Update
from unibuild.store.remote.services import RemoteCallError

from .registry import area
from .subject import Subject, refusal, said
from .verdicts import Finding, differs, fails, passes, service_not_offered

AREA = area("zstd")
MIB = 1 << 20


def compressible(subject: Subject, size: int) -> bytes:
    """Return bytes of which half are random."""
    part = subject.blob(1024)[1] + bytes(1024)
    return (part * (size // len(part) + 1))[: size - 8] + subject.blob(8)[1]


def decompressed(data: bytes) -> bytes:
    """Return the content of one or more frames."""
    return zstandard.ZstdDecompressor().decompressobj(read_across_frames=True).decompress(data)


@AREA.check("what is written compressed can be read plain and compressed")
async def streams(subject: Subject) -> Finding:
    """Also what was written plain, read compressed."""
    if ZSTD not in subject.capabilities.compressors:
        return service_not_offered("zstd is not announced")
    first, second = compressible(subject, 5 * MIB + 3), compressible(subject, 3 * MIB)
    for data, zstd in ((first, True), (second, False)):
        digest = subject.function.of(data)
        sent = zstandard.compress(data, 1) if zstd else data
        try:
            await subject.write(digest, sent, zstd=zstd)
            plain = await subject.read(digest)
            packed = await subject.read(digest, zstd=True)
        except RemoteCallError as error:
            return fails(said(error))
        if plain != data or decompressed(packed) != data:
            return fails("it came back changed")
    return passes(f"{len(first)} bytes travelled as {len(packed)}")


@AREA.check("compressed bytes that do not have the hash of their name are refused")
async def wrong_digest(subject: Subject) -> Finding:
    """Both a whole frame of something else and what is no frame at all."""
    for sent in (zstandard.compress(compressible(subject, MIB), 1), subject.blob(MIB)[1]):
        digest, _ = subject.blob(MIB)
        error = await refusal(subject.write(digest, sent, zstd=True))
        if not await subject.missing([digest]):
            return fails("it keeps them under the wrong name", "hashes what it gets")
        if error is None:
            return differs("no error is given", "never sends such")
    return passes()


@AREA.check("batches may be compressed")
async def batches(subject: Subject) -> Finding:
    """Reading when asked for, writing when that is announced as well."""
    data = compressible(subject, 100_000)
    digest = subject.function.of(data)
    writing = ZSTD in subject.capabilities.update_compressors
    if writing:
        statuses = await subject.update([Update(digest, zstandard.compress(data, 1), ZSTD)])
        if statuses[digest].code:
            return fails(f"announced for writing, and refused: {statuses[digest].message}")
    else:
        await subject.store((digest, data))
    read = (await subject.batch([digest], (ZSTD,))).get(digest)
    if read is None or read.status.code:
        return fails("the blob is not served")
    if (decompressed(read.data) if read.compressor == ZSTD else read.data) != data:
        return fails("it came back changed")
    ways = f"reading {'compressed' if read.compressor == ZSTD else 'plain'}"
    return passes(f"{ways}, writing {'compressed' if writing else 'plain'}")
