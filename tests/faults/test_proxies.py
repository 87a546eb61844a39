"""The proxies do what they are told to, and nothing when told nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import pytest
from faults.raw import Raw, digest_of, raw
from support import servers
from support.fault_proxy import Calls, Fault, Wire, calls, wire

HELLO = b"hello"


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd")) as server:
        with raw(server.url) as client:
            client.store(HELLO)
        yield server


@pytest.fixture
def proxy(hello: servers.Server) -> Iterator[Calls]:
    with calls(hello.url) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Calls) -> Iterator[Raw]:
    with raw(proxy.url) as client:
        yield client


@pytest.fixture
def cable(hello: servers.Server) -> Iterator[Wire]:
    with wire(hello.url) as cable:
        yield cable


def test_calls_pass_as_they_are(proxy: Calls, client: Raw) -> None:
    digest = digest_of(HELLO)
    assert client.read(digest) == HELLO
    assert client.missing([digest, digest_of(b"")._replace(hash="0" * 64)]) != set()
    assert client.result(digest) is None
    assert proxy.counts["BatchReadBlobs"] == 1


def test_replies_are_changed_for_as_long_as_told(proxy: Calls, client: Raw) -> None:
    fault = Fault(rewrite=lambda reply: reply.replace(HELLO, b"hallo"), skip=1, times=1)
    proxy.faults["BatchReadBlobs"] = fault
    assert [client.read(digest_of(HELLO)) for _ in range(3)] == [HELLO, b"hallo", HELLO]


def test_calls_are_answered_without_the_server(proxy: Calls, client: Raw) -> None:
    proxy.faults["FindMissingBlobs"] = Fault(answer=lambda _requests: [b""])
    assert client.missing([digest_of(b"nobody has it")]) == set()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status="RESOURCE_EXHAUSTED"),
        Fault(status="RESOURCE_EXHAUSTED", after_replies=0),
        Fault(status="RESOURCE_EXHAUSTED", after_requests=0),
    ],
)
def test_calls_fail_as_told(proxy: Calls, client: Raw, fault: Fault) -> None:
    proxy.faults["*"] = fault
    with pytest.raises(grpc.RpcError) as caught:
        client.read(digest_of(HELLO))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    proxy.heal()
    assert client.read(digest_of(HELLO)) == HELLO


def test_calls_are_held(proxy: Calls, client: Raw) -> None:
    proxy.faults["*"] = Fault(delay=0.3)
    began = time.monotonic()
    assert client.read(digest_of(HELLO)) == HELLO
    assert time.monotonic() - began > 0.3


def test_a_wire_forwards_stalls_and_drips(cable: Wire) -> None:
    with raw(cable.url) as client:
        assert client.read(digest_of(HELLO)) == HELLO
        cable.stall(0.3)
        began = time.monotonic()
        assert client.read(digest_of(HELLO)) == HELLO
        assert time.monotonic() - began > 0.25
        cable.drip(10, 0.01)
        began = time.monotonic()
        assert client.read(digest_of(HELLO)) == HELLO
        assert time.monotonic() - began > 0.1


def read_again(client: Raw) -> bytes | None:
    """Read through a channel that may not have noticed yet that its connection is gone."""
    for _ in range(5):
        try:
            return client.read(digest_of(HELLO))
        except grpc.RpcError:
            time.sleep(0.1)
    return client.read(digest_of(HELLO))


@pytest.mark.parametrize("reset", [False, True])
def test_a_wire_cuts_and_refuses(cable: Wire, reset: bool) -> None:
    with raw(cable.url) as client:
        assert client.read(digest_of(HELLO)) == HELLO
        cable.cut(down=5, reset=reset)
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            client.read(digest_of(HELLO))
        assert read_again(client) == HELLO
        cable.refuse()
        with pytest.raises(grpc.RpcError):
            client.call("Capabilities/GetCapabilities", b"", wait=False)
        cable.heal()
        assert read_again(client) == HELLO
