"""How long a server is borne with: retries, stalls, the breaker and the window of calls."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from store.remote.apart import apart
from store.remote.clients import connected
from store.remote.scripted import Refusal, scripted

from unibuild.store.digests import Digest
from unibuild.store.remote import messages_content as content
from unibuild.store.remote import patience
from unibuild.store.remote.capabilities import Capabilities
from unibuild.store.remote.patience import Breaker, CallError, delay
from unibuild.store.remote.services import RemoteCallError

PLAIN = Capabilities(functions=("sha256",), low=(2, 0), high=(2, 3), update=True)
DIGEST = Digest("1" * 64, 3_000_000)
OTHER = Digest("2" * 64, 9)


@apart
async def test_a_passing_fault_is_borne() -> None:
    faults = ["UNAVAILABLE", "ABORTED", "UNAVAILABLE"]

    async def find(_request: bytes) -> bytes:
        if faults:
            raise Refusal(faults.pop())
        return b""

    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        assert await client.content.find_missing([DIGEST]) == set()
        assert server.count(content.FIND_MISSING) == 4


@apart
async def test_a_server_that_only_fails_is_given_up() -> None:
    async def find(_request: bytes) -> bytes:
        raise Refusal("UNAVAILABLE", "maintenance")

    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        lost = await asyncio.gather(
            *[client.content.find_missing([DIGEST]) for _ in range(30)], return_exceptions=True
        )
        assert all(isinstance(error, RemoteCallError) for error in lost)
        assert client.channel.patience.breaker.open
        calls, start = server.count(content.FIND_MISSING), time.monotonic()
        with pytest.raises(RemoteCallError, match=r"given up.*maintenance"):
            await client.content.find_missing([DIGEST])
        assert time.monotonic() - start < 1
        assert server.count(content.FIND_MISSING) == calls


@apart
async def test_a_server_that_hangs_is_given_up_long_before_the_time_out(tmp_path: Path) -> None:
    async def hang(_request: Any) -> bytes:
        await asyncio.sleep(60)
        return b""

    async def trickle(_request: bytes) -> AsyncIterator[bytes]:
        yield content.encode_chunk(bytes(1000))
        await asyncio.sleep(60)

    methods = {content.FIND_MISSING: hang, content.READ: trickle, content.WRITE: hang}
    path = tmp_path / "origin"
    path.write_bytes(bytes(DIGEST.size))
    async with (
        scripted(methods, content.WRITE) as server,
        connected(server.url, capabilities=PLAIN, timeout=8) as client,
    ):
        start = time.monotonic()
        lost = await asyncio.gather(
            client.content.find_missing([DIGEST]),
            client.content.read_to(DIGEST, str(tmp_path / "target")),
            client.content.write_file(DIGEST, str(path)),
            return_exceptions=True,
        )
        assert [getattr(error, "code", error) for error in lost] == ["DEADLINE_EXCEEDED"] * 3
        assert time.monotonic() - start < 8
        assert client.channel.patience.breaker.open
    assert os.listdir(tmp_path) == ["origin"]


@apart
async def test_a_slow_call_beside_quick_ones_is_no_stall() -> None:
    async def find(request: bytes) -> bytes:
        asked = content.decode_find_missing(request).digests
        await asyncio.sleep(3.0 if asked[0] == DIGEST else 0.1)
        return b""

    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN, timeout=16) as client,
    ):
        slow = asyncio.create_task(client.content.find_missing([DIGEST]))
        for _ in range(30):
            await client.content.find_missing([OTHER])
        assert await slow == set()
        assert server.count(content.FIND_MISSING) == 31


@apart
async def test_answers_that_say_no_are_no_stall() -> None:
    calls = 0

    async def find(_request: bytes) -> bytes:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.2 + 0.01 * (calls % 40))  # so that some call is always under way
        raise Refusal("NOT_FOUND")

    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN, timeout=16) as client,
    ):
        channel = client.channel
        lost = await asyncio.gather(
            *[channel.unary(content.FIND_MISSING, b"") for _ in range(500)], return_exceptions=True
        )
        assert {getattr(error, "code", error) for error in lost} == {"NOT_FOUND"}
        assert server.count(content.FIND_MISSING) == 500


@apart
async def test_a_server_with_few_places_gets_few_calls_at_once() -> None:
    under_way = 0

    async def find(_request: bytes) -> bytes:
        nonlocal under_way
        if under_way >= 10:
            raise Refusal("RESOURCE_EXHAUSTED", "too many calls")
        under_way += 1
        await asyncio.sleep(0.01)
        under_way -= 1
        return b""

    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        channel = client.channel
        answers = await asyncio.gather(
            *[channel.unary(content.FIND_MISSING, b"") for _ in range(300)]
        )
        assert answers == [b""] * 300
        assert 4 <= channel.patience.window.size <= 16
        assert server.count(content.FIND_MISSING) < 450
        assert not channel.patience.breaker.open


@apart
async def test_a_cancelled_call_leaves_its_place() -> None:
    async def find(_request: bytes) -> bytes:
        await asyncio.sleep(0.2)
        return b""

    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        channel = client.channel
        tasks = [asyncio.create_task(channel.unary(content.FIND_MISSING, b"")) for _ in range(200)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(5):
            await asyncio.gather(*[channel.unary(content.FIND_MISSING, b"") for _ in range(200)])


@apart
async def test_a_stall_of_five_seconds_is_waited_for() -> None:
    async def find(_request: bytes) -> bytes:
        await asyncio.sleep(5)
        return b""

    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        assert await client.content.find_missing([DIGEST]) == set()
        assert server.count(content.FIND_MISSING) == 1


@apart
async def test_a_server_that_came_back_is_found_by_one_call_at_a_time() -> None:
    works = False

    async def find(_request: bytes) -> bytes:
        await asyncio.sleep(0.05)
        if not works:
            raise Refusal("UNAVAILABLE", "maintenance")
        return b""

    patience.FIRST_REST = 1.0
    async with (
        scripted({content.FIND_MISSING: find}) as server,
        connected(server.url, capabilities=PLAIN) as client,
    ):
        client.channel.patience.breaker = Breaker(rounds=1)
        with pytest.raises(RemoteCallError):
            await client.content.find_missing([DIGEST])
        assert client.channel.patience.breaker.open
        calls = server.count(content.FIND_MISSING)
        await asyncio.sleep(1.1)
        await tried(client.content, 20)
        assert server.count(content.FIND_MISSING) == calls + 1
        works = True
        await asyncio.sleep(1.1)
        await tried(client.content, 20)  # the rest is twice as long by now
        assert server.count(content.FIND_MISSING) == calls + 1
        await asyncio.sleep(1.1)
        assert await client.content.find_missing([DIGEST]) == set()
        assert not client.channel.patience.breaker.open
        assert await tried(client.content, 20) == [set()] * 20


async def tried(blobs: Any, times: int) -> list[Any]:
    return await asyncio.gather(
        *[blobs.find_missing([DIGEST]) for _ in range(times)], return_exceptions=True
    )


def fault(began: float, code: str = "UNAVAILABLE", *, stalled: bool = False) -> CallError:
    return CallError(code, "Method", "", began=began, stalled=stalled)


def test_faults_at_the_same_time_are_one_round() -> None:
    breaker = Breaker(rounds=3)
    for _ in range(3):
        assert not breaker.open
        together = [fault(time.monotonic()) for _ in range(100)]
        for error in together:
            breaker.failed(error)
    assert breaker.open


def test_a_success_forgets_the_faults() -> None:
    breaker = Breaker(rounds=2)
    for _ in range(10):
        breaker.failed(fault(time.monotonic()))
        breaker.succeeded()
    assert not breaker.open


def test_codes_that_may_come_from_the_request_weigh_half() -> None:
    breaker = Breaker(rounds=2)
    for _ in range(3):
        breaker.failed(fault(time.monotonic(), "INTERNAL"))
    assert not breaker.open
    breaker.failed(fault(time.monotonic(), "INTERNAL"))
    assert breaker.open


def test_two_stalls_are_enough() -> None:
    breaker = Breaker()
    breaker.failed(fault(time.monotonic(), "DEADLINE_EXCEEDED", stalled=True))
    assert breaker.has_stalled
    assert not breaker.open
    breaker.failed(fault(time.monotonic(), "DEADLINE_EXCEEDED", stalled=True))
    assert breaker.open


def test_delays_grow_and_vary() -> None:
    for number, longest in ((1, 0.1), (2, 0.3), (3, 0.9), (9, 5.0)):
        delays = [delay(number) for _ in range(50)]
        assert all(longest / 2 <= seconds <= longest for seconds in delays)
        assert len(set(delays)) > 1
