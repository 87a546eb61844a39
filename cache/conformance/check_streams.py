"""ByteStream: large blobs, and uploads that break."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

from unibuild.store.remote import messages_content as content
from unibuild.store.remote.services import RemoteCallError

from .registry import area
from .subject import CALL_SECONDS, CHUNK, EndedEarlyError, Subject, refusal, said, upload
from .verdicts import Finding, differs, fails, passes

AREA = area("stream")
MIB = 1 << 20
SIZES = (1, 1000, MIB - 1, MIB, MIB + 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 7)
HASHED = "hashes what it gets: a wrong blob is a miss, and its action runs again"


@AREA.check("gives back what was streamed, of sizes around every limit")
async def round_trip(subject: Subject) -> Finding:
    """Written in pieces of 1 MiB, read as the server cuts it."""
    for size in SIZES:
        digest, data = subject.blob(size)
        try:
            committed = await subject.write(digest, data)
            read = await subject.read(digest)
        except RemoteCallError as error:
            return fails(f"{size} bytes: {said(error)}")
        if committed != size:
            return fails(f"of {size} bytes, {committed} are said to be committed")
        if read != data:
            return fails(f"{size} bytes came back changed", HASHED)
    return passes(f"{len(SIZES)} sizes from {SIZES[0]} to {SIZES[-1]} bytes")


@AREA.check("a blob that is there already is accepted")
async def write_existing(subject: Subject) -> Finding:
    """The answer may come early; the committed size is that of the blob."""
    digest, data = subject.blob(3 * MIB)
    await subject.write(digest, data)
    try:
        committed = await subject.write(digest, data)
    except RemoteCallError as error:
        if error.code == "ALREADY_EXISTS":
            return differs(said(error), "takes that for success")
        return fails(said(error))
    if committed == digest.size:
        return passes()
    return differs(f"{committed} of {digest.size} bytes committed", "believes -1 and the full size")


@AREA.check("bytes that do not have the hash of their name are refused")
async def wrong_digest(subject: Subject) -> Finding:
    """Nothing of them may be served."""
    digest, _ = subject.blob(2 * MIB)
    error = await refusal(subject.write(digest, subject.blob(2 * MIB)[1]))
    if await subject.missing([digest]):
        return passes(error.code) if error else differs("no error is given", "never sends such")
    return fails("it keeps them under the wrong name", HASHED)


@AREA.check("an upload that is not finished is not kept")
async def unfinished(subject: Subject) -> Finding:
    """All bytes, but never the word that these are all."""
    digest, data = subject.blob(MIB + 10)
    error = await refusal(subject.write(digest, data[: MIB + 5], finish=False))
    if not await subject.missing([digest]):
        return fails("a part of a blob passes for the whole", HASHED)
    return passes(error.code) if error else differs("no error is given", "counts the bytes")


@AREA.check("an upload that broke may begin again")
async def broken(subject: Subject) -> Finding:
    """Half a blob, a broken call, then the whole."""
    digest, data = subject.blob(3 * MIB)
    name = subject.upload_name(digest)

    async def half() -> AsyncGenerator[bytes]:
        async for request in upload(name, data[: 2 * CHUNK], finish=False):
            yield request
        raise EndedEarlyError

    with contextlib.suppress(EndedEarlyError, RemoteCallError):
        await subject.channel.upload(content.WRITE, half(), seconds=CALL_SECONDS)
    if not await subject.missing([digest]):
        return fails("half a blob passes for the whole", HASHED)
    await subject.write(digest, data)
    return passes() if await subject.read(digest) == data else fails("it came back changed")


@AREA.check("an upload that broke may be taken up where it ended")
async def resume(subject: Subject) -> Finding:
    """QueryWriteStatus of an upload that nobody began."""
    name = subject.upload_name(subject.blob(MIB)[0])
    error = await refusal(subject.call(content.QUERY_WRITE_STATUS, content.encode_query(name)))
    if error is None or error.code == "NOT_FOUND":
        return passes("QueryWriteStatus is there; unibuild does not need it")
    return differs(f"QueryWriteStatus: {said(error)}", "always begins a broken upload again")


@AREA.check("part of a blob can be read")
async def read_part(subject: Subject) -> Finding:
    """``read_offset`` and ``read_limit``."""
    digest, data = subject.blob(2 * MIB)
    await subject.write(digest, data)
    try:
        part = await subject.read(digest, offset=MIB - 5, limit=1000)
    except RemoteCallError as error:
        return differs(said(error), "reads blobs whole")
    if part == data[MIB - 5 : MIB + 995]:
        return passes()
    return differs(f"{len(part)} bytes came, 1000 were asked for", "reads blobs whole")


@AREA.check("a blob that is not there is NOT_FOUND", writes=False)
async def read_missing(subject: Subject) -> Finding:
    """An ordinary answer, which must not look like a fault."""
    error = await refusal(subject.read(subject.blob(5 * MIB)[0]))
    if error is None:
        return fails("something was served")
    if error.code == "NOT_FOUND":
        return passes()
    return fails(said(error), "takes this for a fault of the server and counts it as one")
