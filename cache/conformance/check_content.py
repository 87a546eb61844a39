"""ContentAddressableStorage: what is missing, and blobs in batches."""

from __future__ import annotations

import asyncio
from collections import Counter

from unibuild.store.digests import Digest
from unibuild.store.remote.messages_content import Update
from unibuild.store.remote.services import RemoteCallError

from .registry import area
from .subject import BATCH_LIMIT, Subject, refusal, said
from .verdicts import Finding, differs, fails, passes

AREA = area("content")
MANY, MOST = 10_000, 50_000
TRIED = 5 << 20  # bytes: more than the 4 MiB that gRPC takes unless told otherwise
AT_ONCE = 100
HASHED = "hashes what it gets: a wrong blob is a miss, and its action runs again"


@AREA.check("finds what is missing among 10,000 digests")
async def find_missing(subject: Subject) -> Finding:
    """Three are there, one of them is asked for twice."""
    there = [subject.blob(200) for _ in range(3)]
    await subject.store(*there)
    absent = [subject.blob(64)[0] for _ in range(MANY)]
    named = [digest for digest, _ in there]
    answer = await subject.missing([named[0], *absent[:5000], *named, *absent[5000:]])
    if set(answer) != set(absent):
        lost, wrong = set(absent) - set(answer), set(answer) - set(absent)
        return fails(f"{len(lost)} missing ones not named, {len(wrong)} named wrongly")
    if max(Counter(answer).values()) > 1:
        return differs("the answer repeats digests", "takes them once")
    return passes()


@AREA.check("takes 50,000 digests in one message", writes=False)
async def find_missing_most(subject: Subject) -> Finding:
    """As many as unibuild asks for at once."""
    absent = [Digest(f"{index:064x}", index) for index in range(1, MOST + 1)]
    error = await refusal(subject.missing(absent))
    if error:
        return fails(said(error), "asks for 50,000 at once when a build is that large")
    return passes()


@AREA.check("the empty blob is always there", writes=False)
async def empty_blob(subject: Subject) -> Finding:
    """Clients may leave it out, and servers must not miss it."""
    empty = subject.function.of(b"")
    missed = await subject.missing([empty])
    served = (await subject.batch([empty])).get(empty)
    if not missed and served is not None and not served.status.code and not served.data:
        return passes()
    parts = ["FindMissingBlobs calls it missing"] if missed else []
    if served is None or served.status.code:
        parts.append("BatchReadBlobs lacks it")
    return differs(", ".join(parts), "never asks for it")


@AREA.check("gives back what was stored, of several sizes in one batch")
async def batch_round_trip(subject: Subject) -> Finding:
    """Whole blobs, byte for byte."""
    blobs = [subject.blob(size) for size in (1, 100, 4096, 65_536, 1_000_000)]
    await subject.store(*blobs)
    read = await subject.batch(digest for digest, _ in blobs)
    for digest, data in blobs:
        if digest not in read or read[digest].status.code:
            return fails(f"{digest.size} bytes were stored and cannot be read")
        if read[digest].data != data:
            return fails(f"{digest.size} bytes came back changed", HASHED)
    return passes()


@AREA.check("takes and gives a batch of the size that unibuild uses")
async def batch_limit(subject: Subject) -> Finding:
    """The smaller of the announced limit and 4,000,000 bytes, in blobs of many sizes."""
    sizes = [1000] * 100
    left = subject.batch_limit - sum(sizes)
    sizes += [left // 2, left - left // 2] if left > 0 else []
    blobs = [subject.blob(size) for size in sizes]
    try:
        await subject.store(*blobs)
    except RemoteCallError as error:
        return fails(f"writing {sum(sizes)} bytes: {said(error)}", "streams what a batch refuses")
    try:
        read = await subject.batch(digest for digest, _ in blobs)
    except RemoteCallError as error:
        return fails(f"reading {sum(sizes)} bytes: {said(error)}")
    served = [digest for digest, data in blobs if digest in read and read[digest].data == data]
    if len(served) < len(blobs):
        return fails(f"{len(blobs) - len(served)} of {len(blobs)} blobs were not given back")
    return passes(f"{sum(sizes)} bytes")


@AREA.check("what is announced as the size of a batch is taken")
async def batch_announced(subject: Subject) -> Finding:
    """A message of more than 4 MiB is where announcements and servers part."""
    announced = subject.capabilities.batch_limit
    if 0 < announced <= BATCH_LIMIT:
        return passes(f"{announced} bytes, as tried above")
    total = min(announced or TRIED, TRIED)
    blobs = [subject.blob(total // 2), subject.blob(total - total // 2)]
    error = await refusal(subject.store_large(*blobs))
    if error:
        text = f"{announced or 'no limit'} announced; {total} bytes: {said(error)}"
        return differs(text, f"sends at most {BATCH_LIMIT} bytes whatever is announced")
    return passes(f"{total} bytes in one message")


@AREA.check("a wrong blob in a batch is refused, its neighbours are stored")
async def batch_wrong_digest(subject: Subject) -> Finding:
    """Each blob has a status of its own."""
    good, other = subject.blob(500), subject.blob(500)
    wrong_hash = Update(other[0], subject.blob(500)[1])
    wrong_size = Update(Digest(subject.blob(10)[0].hash, 11), b"x" * 10)
    try:
        statuses = await subject.update([wrong_hash, wrong_size, Update(*good)])
    except RemoteCallError as error:
        return differs(f"the whole batch is refused: {said(error)}", "never sends a wrong blob")
    taken = [name for name in (wrong_hash.digest, wrong_size.digest) if not statuses[name].code]
    if taken:
        return fails("it takes blobs that do not have the hash of their name", HASHED)
    if await subject.missing([good[0]]):
        return differs("their neighbours are not stored either", "never sends a wrong blob")
    return passes(statuses[wrong_hash.digest].name)


@AREA.check("a missing blob in a batch does not keep the others back")
async def batch_missing(subject: Subject) -> Finding:
    """NOT_FOUND for one, data for the other."""
    there, absent = subject.blob(300), subject.blob(300)
    await subject.store(there)
    try:
        read = await subject.batch([absent[0], there[0]])
    except RemoteCallError as error:
        return differs(f"the whole batch fails: {said(error)}", "takes all of them for missing")
    if there[0] not in read or read[there[0]].data != there[1]:
        return fails("the other blob is not served")
    if absent[0] in read and read[absent[0]].status.name != "NOT_FOUND":
        return differs(f"its status is {read[absent[0]].status.name}", "takes it for missing")
    return passes()


@AREA.check("a blob that is there already may be stored again, also twice in a batch")
async def batch_repeated(subject: Subject) -> Finding:
    """Two clients do not know of each other."""
    blob = subject.blob(300)
    await subject.store(blob)
    error = await refusal(subject.store(blob, blob))
    return fails(said(error)) if error else passes()


@AREA.check("100 calls at once", writes=False)
async def many_calls(subject: Subject) -> Finding:
    """As a build with many actions makes them."""
    calls = [subject.missing([subject.blob(10)[0]]) for _ in range(AT_ONCE)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    errors = [result for result in results if isinstance(result, RemoteCallError)]
    if not errors:
        return passes()
    text = f"{len(errors)} of {AT_ONCE} refused: {said(errors[0])}"
    if errors[0].code in {"RESOURCE_EXHAUSTED", "UNAVAILABLE"}:
        return differs(text, "asks again with fewer at once")
    return fails(text)
