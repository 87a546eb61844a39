"""Blobs go to real servers and come back, in batches and streams, with and without zstd."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from store.remote.apart import apart
from store.remote.clients import SHA256, blob, connected, named
from support import servers
from support.servers import Server

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.remote.services import RemoteCallError

ABSENT = Digest("0" * 64, 77)
ABSENT_LARGE = Digest("0" * 64, 5_000_000)
MAKERS = {
    "casd": servers.casd,
    "buildgrid": servers.buildgrid,
    "bazel-remote": servers.bazel_remote,
}


@pytest.fixture(scope="module", params=MAKERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with ExitStack() as stack:
        yield stack.enter_context(MAKERS[request.param](tmp_path_factory.mktemp(request.param)))


@pytest.fixture(scope="module")
def zstd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.bazel_remote(tmp_path_factory.mktemp("zstd")) as running:
        yield running


@apart
async def test_small_blobs_travel_in_batches(server: Server) -> None:
    blobs = named(*[blob(size, seed=size) for size in range(1, 3000, 3)])
    async with connected(server.url) as client:
        assert await client.content.find_missing(blobs) == set(blobs)
        await client.content.write(blobs)
        assert await client.content.find_missing([*blobs, ABSENT]) == {ABSENT}
        assert dict(await client.content.read([*blobs, ABSENT, ABSENT_LARGE])) == blobs
        assert client.notes == []


@apart
async def test_batches_over_the_limit_are_split(server: Server) -> None:
    blobs = named(*[blob(700_000 + n, seed=n, compressible=False) for n in range(13)])
    blobs.update(named(blob(3_999_999, compressible=False), blob(4_000_001, compressible=False)))
    async with connected(server.url) as client:
        await client.content.write(blobs)
        assert dict(await client.content.read(blobs)) == blobs


@pytest.mark.parametrize("size", [1, 1 << 20, (1 << 20) + 1, 9_000_001])
@pytest.mark.parametrize("compressible", [True, False])
@apart
async def test_files_travel_as_streams(
    server: Server, tmp_path: Path, size: int, compressible: bool
) -> None:
    data = blob(size, seed=size, compressible=compressible)
    digest = SHA256.of(data)
    origin, target = tmp_path / "origin", tmp_path / "target"
    origin.write_bytes(data)
    async with connected(server.url) as client:
        await client.content.write_file(digest, str(origin))
        await client.content.write_file(digest, str(origin))  # the server has it already
        assert await client.content.find_missing([digest]) == set()
        assert await client.content.read_to(digest, str(target))
        assert not await client.content.read_to(ABSENT_LARGE, str(tmp_path / "absent"))
    assert target.read_bytes() == data
    assert sorted(os.listdir(tmp_path)) == ["origin", "target"]


@apart
async def test_the_empty_blob_is_everywhere(server: Server, tmp_path: Path) -> None:
    empty = SHA256.of(b"")
    async with connected(server.url) as client:
        await client.content.write({empty: b""})
        await client.content.write_file(empty, "/nowhere")
        assert await client.content.find_missing([empty]) == set()
        assert dict(await client.content.read([empty])) == {empty: b""}
        assert await client.content.read_to(empty, str(tmp_path / "empty"))
        assert not await client.content.read_to(Digest("1" * 64, 0), str(tmp_path / "false"))
    assert os.listdir(tmp_path) == ["empty"]


@apart
async def test_a_hundred_thousand_digests_are_asked_for_in_several_messages(
    server: Server,
) -> None:
    source = random.Random(1)
    digests = {Digest(source.randbytes(32).hex(), 1 << 40) for _ in range(100_001)}
    async with connected(server.url) as client:
        assert await client.content.find_missing(digests) == digests


@apart
async def test_bytes_that_a_digest_does_not_name_are_refused(
    server: Server, tmp_path: Path
) -> None:
    liar = Digest(SHA256.of(b"something else").hash, 5_000_000)
    origin = tmp_path / "origin"
    origin.write_bytes(blob(liar.size))
    async with connected(server.url) as client:
        with pytest.raises(RemoteCallError):
            await client.content.write_file(liar, str(origin))
        with pytest.raises(RemoteCallError):
            await client.content.write({Digest("2" * 64, 3): b"abc"})
        assert await client.content.find_missing([liar]) == {liar}


@apart
async def test_a_file_that_became_shorter_is_an_error(server: Server, tmp_path: Path) -> None:
    data = blob(5_000_000)
    origin = tmp_path / "origin"
    origin.write_bytes(data[:3_000_000])
    async with connected(server.url) as client:
        with pytest.raises(RemoteCallError):
            await client.content.write_file(SHA256.of(data), str(origin))
        assert await client.content.find_missing([SHA256.of(data)]) == {SHA256.of(data)}


@apart
async def test_zstd_saves_bytes_on_the_wire_both_ways(zstd_server: Server, tmp_path: Path) -> None:
    data = blob(20_000_000, seed=3)
    small = named(*[blob(5_000, seed=n) for n in range(50)])
    digest = SHA256.of(data)
    origin = tmp_path / "origin"
    origin.write_bytes(data)
    async with connected(zstd_server.url) as client:
        assert client.capabilities.zstd
        assert client.capabilities.zstd_batches
        await client.content.write_file(digest, str(origin))
        await client.content.write(small)
        assert client.channel.sent < len(data) // 10
        assert await client.content.read_to(digest, str(tmp_path / "target"))
        assert dict(await client.content.read(small)) == small
        assert client.channel.received < len(data) // 4
    assert (tmp_path / "target").read_bytes() == data


@apart
async def test_compression_can_be_switched_off(zstd_server: Server, tmp_path: Path) -> None:
    data = blob(6_000_000, seed=4)
    origin = tmp_path / "origin"
    origin.write_bytes(data)
    async with connected(zstd_server.url, compress=False) as client:
        await client.content.write_file(SHA256.of(data), str(origin))
        assert client.channel.sent > len(data)
        assert await client.content.read_to(SHA256.of(data), str(tmp_path / "target"))
        assert client.channel.received > len(data)


@apart
async def test_what_does_not_shrink_is_sent_as_it_is(zstd_server: Server, tmp_path: Path) -> None:
    data = blob(6_000_000, seed=5, compressible=False)
    origin = tmp_path / "origin"
    origin.write_bytes(data)
    async with connected(zstd_server.url) as client:
        await client.content.write_file(SHA256.of(data), str(origin))
        assert len(data) < client.channel.sent < len(data) + 100_000
        assert await client.content.read_to(SHA256.of(data), str(tmp_path / "target"))


@pytest.fixture(scope="module")
def corrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Digest, Digest]]:
    """Serve one small and one large blob of which a byte on disk was flipped."""
    folder = tmp_path_factory.mktemp("corrupted")
    small, large = blob(5_000, seed=6), blob(5_000_000, seed=7)

    async def fill(url: str) -> None:
        async with connected(url) as client:
            await client.content.write(named(small, large))

    with servers.casd(folder) as running:
        apart(fill)(running.url)
        for data in (small, large):
            (path,) = folder.rglob(f"*{SHA256.of(data).hash[2:]}*")
            path.chmod(0o644)
            with path.open("r+b") as file:
                file.seek(1000)
                file.write(bytes((data[1000] ^ 1,)))
        yield running, SHA256.of(small), SHA256.of(large)


@apart
async def test_wrong_bytes_are_a_miss_and_said_once(
    corrupted: tuple[Server, Digest, Digest], tmp_path: Path
) -> None:
    server, small, large = corrupted
    async with connected(server.url) as client:
        assert await client.content.find_missing([small, large]) == set()
        assert await client.content.read([small, large]) == {}
        assert not await client.content.read_to(large, str(tmp_path / "target"))
        assert not await client.content.read_to(small, str(tmp_path / "target"))
        assert len(client.notes) == 1
        assert "wrong bytes" in client.notes[0]
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def blake3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.reference(tmp_path_factory.mktemp("blake3")) as running:
        yield running


@apart
async def test_blake3_names_its_resources(blake3_server: Server, tmp_path: Path) -> None:
    function = DigestFunction("blake3")
    large = blob(9_000_000, seed=8)
    blobs = named(blob(100), large, function=function)
    digest = function.of(large)
    async with connected(blake3_server.url, function) as client:
        assert await client.content.find_missing(blobs) == set(blobs)
        await client.content.write(blobs)
        assert dict(await client.content.read(blobs)) == blobs
        assert await client.content.read_to(digest, str(tmp_path / "target"))
        await client.content.write_file(digest, str(tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == large
