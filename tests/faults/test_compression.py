"""Compressed transfers that are spoilt, and small ones that would fill memory or disk."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator

import pytest
import zstandard
from faults.conftest import Join
from faults.teamwork import Built, is_right
from support import servers
from support.fault_proxy import Calls, Fault, calls

from unibuild.store.protobuf import fields, message, number

MEMORY = 900_000_000
"""Bytes of memory that a process of the client may have; a bomb has more."""

BOMB = 2_000_000_000
ZSTD = 1


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Two billion zeros, compressed."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    zeros = bytes(10_000_000)
    parts = [compressor.compress(zeros) for _ in range(BOMB // len(zeros))]
    return b"".join([*parts, compressor.flush()])


@pytest.fixture(scope="module")
def compressing(join: Join, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server that speaks zstd and has the results of the whole workspace."""
    with servers.bazel_remote(tmp_path_factory.mktemp("bazel-remote")) as server:
        client = join()
        client.configure(server.url, upload=True)
        is_right(client, client.build(), warnings=0)
        yield server


@pytest.fixture
def proxy(compressing: servers.Server) -> Iterator[Calls]:
    with calls(compressing.url) as proxy:
        yield proxy


def streams(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return what changes the data (field 10) of each ReadResponse."""

    def changed(reply: bytes) -> bytes:
        return b"".join(
            message(field, change(value))
            for field, value in fields(reply)
            if isinstance(value, bytes)
        )

    return changed


def batches(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return what changes the data (field 2) of each blob of a BatchReadBlobs, and calls it zstd."""

    def changed(reply: bytes) -> bytes:
        found = []
        for field, value in fields(reply):
            if field == 1 and isinstance(value, bytes):
                parts = dict(fields(value))
                digest, data = parts.get(1, b""), parts.get(2, b"")
                assert isinstance(digest, bytes)
                assert isinstance(data, bytes)
                found.append(
                    message(1, message(1, digest) + message(2, change(data)) + number(4, ZSTD))
                )
        return b"".join(found)

    return changed


def test_a_server_with_zstd_is_used(proxy: Calls, join: Join) -> None:
    client = join()
    client.configure(proxy.url)
    done = client.build()
    is_right(client, done, warnings=0)
    assert ": 0 executed" in done.err


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda data: data[: len(data) // 2],
    "a bit": lambda data: data[:-5] + bytes((data[-5] ^ 1,)) + data[-4:] if data[5:] else b"x",
    "not compressed": lambda data: b"plain text" * (len(data) // 10 + 1),
    "another frame": lambda data: data + zstandard.compress(b"more"),
    "nothing": lambda _data: zstandard.compress(b""),
    "a frame that lies": lambda _data: zstandard.compress(bytes(300_000))[:20],
}


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_compression_is_a_miss(proxy: Calls, join: Join, name: str) -> None:
    client = join()
    client.configure(proxy.url)
    proxy.faults["Read"] = Fault(rewrite=streams(SPOILT[name]))
    proxy.faults["BatchReadBlobs"] = Fault(rewrite=batches(SPOILT[name]))
    is_right(client, client.build(), warnings=None)


def test_a_bomb_does_not_go_off(proxy: Calls, join: Join, bomb: bytes) -> None:
    assert len(bomb) < 1_000_000
    client = join()
    client.configure(proxy.url)
    proxy.faults["Read"] = Fault(rewrite=streams(lambda _data: bomb))
    proxy.faults["BatchReadBlobs"] = Fault(rewrite=batches(lambda _data: bomb))
    began = time.monotonic()
    build = client.start()
    # Of that process alone: a test process with many threads may have more than this already.
    resource.prlimit(build.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
    out, err = build.communicate(timeout=60)
    done = Built(build.returncode, out, err, time.monotonic() - began)
    is_right(client, done, warnings=None)
    assert "ended unexpectedly" not in done.err
    assert done.seconds < 20
