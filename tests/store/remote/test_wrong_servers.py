"""Servers that lie, stop half-way or hang: the client finds out, and uses nothing of it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zstandard
from store.remote.apart import apart
from store.remote.clients import SHA256, blob, connected, named
from store.remote.scripted import Refusal, scripted

from unibuild.store.digests import Digest
from unibuild.store.remote import messages_content as content
from unibuild.store.remote.capabilities import Capabilities
from unibuild.store.remote.messages import Status
from unibuild.store.remote.services import RemoteCallError

PLAIN = Capabilities(functions=("sha256",), low=(2, 0), high=(2, 3), update=True)
ZSTD = Capabilities(
    functions=("sha256",), low=(2, 0), high=(2, 3), update=True, zstd=True, zstd_batches=True
)
DATA = blob(3_000_000)
DIGEST = SHA256.of(DATA)
SMALL = blob(3_000, seed=1)
SMALL_DIGEST = SHA256.of(SMALL)
OTHER = Digest("1" * 64, 9)


def packed(data: bytes) -> bytes:
    return zstandard.compress(data, 1)


BATCH_ANSWERS = {
    "wrong bytes": [content.BatchRead(SMALL_DIGEST, b"x" + SMALL[1:])],
    "fewer bytes": [content.BatchRead(SMALL_DIGEST, SMALL[:-1])],
    "more bytes": [content.BatchRead(SMALL_DIGEST, SMALL + b"x")],
    "bytes under another digest": [content.BatchRead(OTHER, SMALL)],
    "nothing": [],
    "not found": [content.BatchRead(SMALL_DIGEST, b"", Status(5))],
    "bytes and an error": [content.BatchRead(SMALL_DIGEST, SMALL, Status(13))],
    "half a frame": [content.BatchRead(SMALL_DIGEST, packed(SMALL)[:50], Status(), 1)],
    "no frame": [content.BatchRead(SMALL_DIGEST, SMALL, Status(), 1)],
    "a frame that grows": [content.BatchRead(SMALL_DIGEST, packed(bytes(1 << 30)), Status(), 1)],
    "an unknown compressor": [content.BatchRead(SMALL_DIGEST, SMALL, Status(), 7)],
}


@pytest.mark.parametrize("name", BATCH_ANSWERS)
@apart
async def test_a_batch_with(name: str) -> None:
    async def read(_request: bytes) -> bytes:
        return content.encode_batch_reads(BATCH_ANSWERS[name])

    async with (
        scripted({content.BATCH_READ: read}) as server,
        connected(server.url, capabilities=ZSTD) as client,
    ):
        assert await client.content.read([SMALL_DIGEST]) == {}


@apart
async def test_a_batch_that_is_no_message_is_an_error() -> None:
    async def read(_request: bytes) -> bytes:
        return b"\x0a\xff"

    async with (
        scripted({content.BATCH_READ: read, content.FIND_MISSING: read}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        with pytest.raises(RemoteCallError):
            await client.content.read([SMALL_DIGEST])
        with pytest.raises(RemoteCallError):
            await client.content.find_missing([SMALL_DIGEST])


def chunks(*parts: bytes) -> list[bytes]:
    return [content.encode_chunk(part) for part in parts]


STREAMS: dict[str, tuple[Capabilities, list[bytes]]] = {
    "fewer bytes": (PLAIN, chunks(DATA[:1_000_000], DATA[1_000_000:-1])),
    "no bytes": (PLAIN, []),
    "wrong bytes": (PLAIN, chunks(DATA[:1_000_000], b"x" + DATA[1_000_001:])),
    "more bytes": (PLAIN, chunks(DATA[:2_000_000], DATA[2_000_000:] + b"x")),
    "no message": (PLAIN, [b"\x52\xff"]),
    "half a frame": (ZSTD, chunks(packed(DATA)[:-100])),
    "no frame": (ZSTD, chunks(DATA[:1_000_000])),
    "a frame that grows": (ZSTD, chunks(packed(bytes(1 << 30)))),
    "wrong bytes in a frame": (ZSTD, chunks(packed(b"x" + DATA[1:]))),
}


@pytest.mark.parametrize("name", STREAMS)
@apart
async def test_a_stream_with(name: str, tmp_path: Path) -> None:
    capabilities, answers = STREAMS[name]

    async def read(_request: bytes) -> AsyncIterator[bytes]:
        for answer in answers:
            yield answer

    async with (
        scripted({content.READ: read}) as server,
        connected(server.url, capabilities=capabilities) as client,
    ):
        assert not await client.content.read_to(DIGEST, str(tmp_path / "target"))
        assert len(client.notes) == 1
    assert os.listdir(tmp_path) == []


@apart
async def test_a_stream_without_end_is_left(tmp_path: Path) -> None:
    sent = 0

    async def read(_request: bytes) -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield content.encode_chunk(b"x" * 1_000_000)

    async with (
        scripted({content.READ: read}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        assert not await client.content.read_to(DIGEST, str(tmp_path / "target"))
    assert sent < 50
    assert os.listdir(tmp_path) == []


@apart
async def test_a_download_that_broke_begins_again(tmp_path: Path) -> None:
    tries: list[content.ReadRequest] = []

    async def read(request: bytes) -> AsyncIterator[bytes]:
        tries.append(content.decode_read(request))
        yield content.encode_chunk(DATA[:1_000_000])
        if len(tries) < 3:
            raise Refusal("UNAVAILABLE", "going down")
        yield content.encode_chunk(DATA[1_000_000:])

    async with (
        scripted({content.READ: read}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        assert await client.content.read_to(DIGEST, str(tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == DATA
    assert [request.offset for request in tries] == [0, 0, 0]


@apart
async def test_success_without_an_answer_is_an_error(tmp_path: Path) -> None:
    async def nothing(_request: object) -> AsyncIterator[bytes]:
        for answer in ():
            yield answer

    path = tmp_path / "origin"
    path.write_bytes(DATA)
    methods = [content.FIND_MISSING, content.BATCH_READ, content.BATCH_UPDATE, content.READ]
    async with (
        scripted(dict.fromkeys(methods, nothing)) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        with pytest.raises(RemoteCallError, match="without an answer"):
            await client.content.find_missing([DIGEST])
        with pytest.raises(RemoteCallError, match="without an answer"):
            await client.content.read([SMALL_DIGEST])
        with pytest.raises(RemoteCallError, match="without an answer"):
            await client.content.write({SMALL_DIGEST: SMALL})
        assert not await client.content.read_to(DIGEST, str(tmp_path / "target"))


class Writes:
    """Takes uploads; ``answers`` says what the n-th one is told (a size, or a refusal)."""

    def __init__(self, *answers: int | Refusal, after: int = 99) -> None:
        self.answers = list(answers)
        self.after = after
        self.names: list[str] = []
        self.received: list[bytes] = []
        self.longest = 0

    async def __call__(self, requests: AsyncIterator[bytes]) -> bytes:
        self.received.append(b"")
        count = 0
        async for encoded in requests:
            self.longest = max(self.longest, len(encoded))
            request = content.decode_write(encoded)
            if request.resource:
                self.names.append(request.resource)
            assert request.offset == len(self.received[-1])
            self.received[-1] += request.data
            count += 1
            if request.finish or count == self.after:
                break
        answer = self.answers.pop(0)
        if isinstance(answer, Refusal):
            raise answer
        return content.encode_committed(answer)


async def uploaded(writes: Writes, capabilities: Capabilities, path: Path, data: bytes) -> None:
    with open(path, "wb") as file:  # noqa: ASYNC230 - nothing else runs yet
        file.write(data)
    async with (
        scripted({content.WRITE: writes}, content.WRITE) as server,
        connected(server.url, capabilities=capabilities) as client,
    ):
        await client.content.write_file(SHA256.of(data), str(path))


@apart
async def test_an_upload_that_broke_begins_again_under_a_new_name(tmp_path: Path) -> None:
    writes = Writes(Refusal("UNAVAILABLE"), len(DATA), after=2)
    large = blob(9_000_000, compressible=False)
    writes.answers[1] = len(large)
    path = tmp_path / "origin"
    await uploaded(writes, PLAIN, path, large)
    assert len(set(writes.names)) == 2
    assert writes.longest < 4 << 20


@apart
async def test_an_upload_may_be_answered_early(tmp_path: Path) -> None:
    large = blob(30_000_000, compressible=False)
    writes = Writes(len(large), after=1)
    await uploaded(writes, PLAIN, tmp_path / "origin", large)
    assert len(writes.received[0]) < len(large)


@pytest.mark.parametrize("committed", [-1, 3_000_000])
@apart
async def test_a_compressed_upload_may_be_answered_with(committed: int, tmp_path: Path) -> None:
    writes = Writes(committed)
    await uploaded(writes, ZSTD, tmp_path / "origin", DATA)
    assert "/compressed-blobs/zstd/" in writes.names[0]
    assert zstandard.ZstdDecompressor().decompress(writes.received[0]) == DATA


@pytest.mark.parametrize("committed", [0, 1, -1, 2_999_999, 3_000_001])
@apart
async def test_a_wrong_committed_size_is_no_success(committed: int, tmp_path: Path) -> None:
    writes = Writes(*[committed] * 9)
    with pytest.raises(RemoteCallError) as caught:
        await uploaded(writes, PLAIN, tmp_path / "origin", DATA)
    assert caught.value.code == "ABORTED"
    assert len(writes.names) > 1


@apart
async def test_messages_stay_below_four_mebibytes_whatever_is_announced() -> None:
    longest = 0

    async def update(request: bytes) -> bytes:
        nonlocal longest
        longest = max(longest, len(request))
        asked = content.decode_batch_update(request)
        return content.encode_updated((part.digest, Status()) for part in asked.updates)

    greedy = PLAIN.__class__(("sha256",), (2, 0), (2, 3), batch_limit=4_000_000)
    blobs = named(*[blob(300_000, seed=n, compressible=False) for n in range(40)])
    async with (
        scripted({content.BATCH_UPDATE: update}) as server,
        connected(server.url, capabilities=greedy) as client,
    ):
        await client.content.write(blobs)
    assert 3_000_000 < longest < 4 << 20


@apart
async def test_only_what_a_batch_left_out_is_sent_again() -> None:
    sent: list[list[Digest]] = []

    async def update(request: bytes) -> bytes:
        asked = [part.digest for part in content.decode_batch_update(request).updates]
        sent.append(asked)
        half = asked[: len(asked) // 2 + 1]
        return content.encode_updated((digest, Status()) for digest in [*half, OTHER])

    blobs = named(*[blob(100 + n, seed=n) for n in range(8)])
    async with (
        scripted({content.BATCH_UPDATE: update}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        await client.content.write(blobs)
    assert [len(asked) for asked in sent] == [8, 3, 1]


@apart
async def test_one_blob_refused_fails_the_write_and_closes_nothing() -> None:
    async def update(request: bytes) -> bytes:
        asked = [part.digest for part in content.decode_batch_update(request).updates]
        return content.encode_updated(
            (digest, Status(8, "the disk is full") if digest == SMALL_DIGEST else Status())
            for digest in asked
        )

    async with (
        scripted({content.BATCH_UPDATE: update}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        for _ in range(4):
            with pytest.raises(RemoteCallError, match="the disk is full"):
                await client.content.write(named(SMALL, b"other"))
        assert not client.channel.patience.breaker.open


@apart
async def test_digests_that_nobody_asked_for_are_not_missing() -> None:
    async def find(_request: bytes) -> bytes:
        return content.encode_missing([OTHER, SMALL_DIGEST])

    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        assert await client.content.find_missing([DIGEST, SMALL_DIGEST]) == {SMALL_DIGEST}


@apart
async def test_a_server_that_announced_zstd_and_has_none_is_used_without(tmp_path: Path) -> None:
    names: list[str] = []

    async def read(request: bytes) -> AsyncIterator[bytes]:
        names.append(content.decode_read(request).resource)
        if "zstd" in names[-1]:
            raise Refusal("INVALID_ARGUMENT", "what is that")
        yield content.encode_chunk(DATA[:2_000_000])
        yield content.encode_chunk(DATA[2_000_000:])

    async with (
        scripted({content.READ: read}) as server,
        connected(server.url, capabilities=ZSTD) as client,
    ):
        assert await client.content.read_to(DIGEST, str(tmp_path / "one"))
        assert await client.content.read_to(DIGEST, str(tmp_path / "two"))
    assert ["zstd" in name for name in names] == [True, False, False]
    writes = Writes(Refusal("UNIMPLEMENTED"), len(DATA))
    await uploaded(writes, ZSTD, tmp_path / "origin", DATA)
    assert ["zstd" in name for name in writes.names] == [True, False]
    assert writes.received[1] == DATA
