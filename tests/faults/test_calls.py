"""Calls that fail, hang, lie or come back spoilt: the build goes on, with one warning at most."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import pytest
from faults.conftest import Join
from faults.raw import raw
from faults.teamwork import complete_results_only, is_right
from support import servers
from support.fault_proxy import Calls, Fault, calls

from unibuild.store.protobuf import fields, message, number, string

Faults = dict[str, Fault]

SOON = 30
"""Seconds that a build may take on a busy machine, whatever the server does."""


def flip(reply: bytes) -> bytes:
    """Change one bit of each blob in a reply of BatchReadBlobs or Read."""
    found = []
    for field, value in fields(reply):
        if field == 1 and isinstance(value, bytes):
            parts = dict(fields(value))
            rest = [message(f, v) for f, v in parts.items() if f != 2 and isinstance(v, bytes)]
            found.append(message(1, b"".join(rest) + message(2, flipped(parts.get(2, b"")))))
        elif field == 10:
            found.append(message(10, flipped(value)))
    return b"".join(found)


def flipped(data: int | bytes) -> bytes:
    assert isinstance(data, bytes)
    return data[:-1] + bytes((data[-1] ^ 1,)) if data else data


def not_found(requests: Sequence[bytes]) -> list[bytes]:
    """Answer a BatchReadBlobs: every blob is missing."""
    status = number(1, 5) + string(2, "gone")
    asked = [v for request in requests for f, v in fields(request) if f == 2]
    return [b"".join(message(1, message(1, bytes(v)) + message(3, status)) for v in asked)]  # type: ignore[arg-type]


def everywhere(**fault: object) -> Faults:
    return {"*": Fault(**fault)}  # type: ignore[arg-type]


def reading(**fault: object) -> Faults:
    return {name: Fault(**fault) for name in ("BatchReadBlobs", "Read")}  # type: ignore[arg-type]


STATUSES = ("RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNAVAILABLE", "INTERNAL")

TOLD: dict[str, Faults] = {
    **{f"everything {status}": everywhere(status=status) for status in STATUSES},
    **{f"results {status}": {"GetActionResult": Fault(status=status)} for status in STATUSES[:2]},
    **{f"blobs {status}": reading(status=status) for status in STATUSES[1:3]},
    "everything hangs": everywhere(hang=True),
    "garbage everywhere": everywhere(rewrite=lambda _reply: b"\xff" * 30),
    "no reply at all": everywhere(answer=lambda _requests: []),
    "bits flipped": reading(rewrite=flip),
    "streams always break": {"Read": Fault(status="UNAVAILABLE", after_replies=1)},
}

UNTOLD: dict[str, Faults] = {
    "results not found": {"GetActionResult": Fault(status="NOT_FOUND")},
    "blobs not found": {
        "BatchReadBlobs": Fault(answer=not_found),
        "Read": Fault(status="NOT_FOUND"),
    },
    "one stream breaks": {"Read": Fault(status="UNAVAILABLE", after_replies=1, times=1)},
    "one call fails": everywhere(status="UNAVAILABLE", skip=1, times=1),
    "results are slow": {"GetActionResult": Fault(delay=5, times=3)},
    "blobs are slow": reading(delay=5, times=1),
}

ODD: dict[str, Faults] = {
    "garbage of results": {"GetActionResult": Fault(rewrite=lambda _reply: b"\xff" * 30)},
    "garbage of blobs": reading(rewrite=lambda _reply: b"\xff" * 30),
    "replies cut short": reading(rewrite=lambda reply: reply[: len(reply) // 2]),
    "replies twice": everywhere(copies=2),
    "empty replies": reading(answer=lambda _requests: [b""]),
    "too much": reading(rewrite=lambda reply: reply * 2),
}


@pytest.fixture
def proxy(filled: servers.Server) -> Iterator[Calls]:
    with calls(filled.url) as proxy:
        yield proxy


def set_faults(proxy: Calls, faults: Faults) -> None:
    proxy.faults = {name: dataclasses.replace(fault) for name, fault in faults.items()}


def test_without_faults_nothing_is_built_again(proxy: Calls, join: Join) -> None:
    client = join()
    client.configure(proxy.url)
    done = client.build()
    is_right(client, done, warnings=0)
    assert ": 0 executed" in done.err


@pytest.mark.parametrize("name", TOLD)
def test_a_fault_while_reading_is_told_once(proxy: Calls, join: Join, name: str) -> None:
    client = join()
    client.configure(proxy.url)
    set_faults(proxy, TOLD[name])
    done = client.build(timeout=60)
    is_right(client, done, warnings=1)
    assert done.seconds < SOON


@pytest.mark.parametrize("name", UNTOLD)
def test_what_is_ordinary_is_not_told(proxy: Calls, join: Join, name: str) -> None:
    client = join()
    client.configure(proxy.url)
    set_faults(proxy, UNTOLD[name])
    done = client.build(timeout=60)
    is_right(client, done, warnings=0)
    assert done.seconds < SOON


@pytest.mark.parametrize("name", ODD)
def test_odd_replies_do_no_harm(proxy: Calls, join: Join, name: str) -> None:
    client = join()
    client.configure(proxy.url)
    set_faults(proxy, ODD[name])
    is_right(client, client.build(timeout=60), warnings=None)


REQUIRED = ("everything UNAVAILABLE", "results RESOURCE_EXHAUSTED", "blobs UNAUTHENTICATED",
            "bits flipped")  # fmt: skip


@pytest.mark.parametrize("name", REQUIRED)
def test_where_the_server_is_required_a_fault_is_one_error(
    proxy: Calls, join: Join, name: str
) -> None:
    client = join()
    client.configure(proxy.url)
    set_faults(proxy, TOLD[name])
    done = client.build("--remote=required", timeout=60)
    assert done.code == 3, done.err
    assert len(done.errors) == 1, done.err
    assert "Traceback" not in done.err
    assert done.seconds < SOON


def writing(method: str, **fault: object) -> Faults:
    return {method: Fault(**fault)}  # type: ignore[arg-type]


WRITE_TOLD: dict[str, Faults] = {
    **{
        f"{method} {status}": writing(method, status=status)
        for method, status in (
            ("FindMissingBlobs", "UNAVAILABLE"),
            ("BatchUpdateBlobs", "RESOURCE_EXHAUSTED"),
            ("Write", "RESOURCE_EXHAUSTED"),
            ("UpdateActionResult", "PERMISSION_DENIED"),
            ("UpdateActionResult", "UNAUTHENTICATED"),
            ("UpdateActionResult", "INTERNAL"),
        )
    },
    "writes break": writing("Write", status="UNAVAILABLE", after_requests=1),
    "results hang": writing("UpdateActionResult", hang=True),
    "blobs are refused": writing(
        "BatchUpdateBlobs", rewrite=lambda reply: refused(reply, "RESOURCE_EXHAUSTED")
    ),
}

WRITE_UNTOLD: dict[str, Faults] = {
    "one write breaks": writing("Write", status="UNAVAILABLE", after_requests=1, times=1),
    "one result fails": writing("UpdateActionResult", status="UNAVAILABLE", times=1),
    "results are slow": writing("UpdateActionResult", delay=5, times=2),
    "lies about what is there": writing("FindMissingBlobs", answer=lambda _requests: [b""]),
    "lies about what is missing": writing(
        "FindMissingBlobs", answer=lambda requests: [b"".join(map(all_asked, requests))]
    ),
}


def all_asked(request: bytes) -> bytes:
    """Answer a FindMissingBlobs: all are missing."""
    return b"".join(message(2, v) for f, v in fields(request) if f == 2 and isinstance(v, bytes))


def refused(reply: bytes, _why: str) -> bytes:
    """Have each blob of a BatchUpdateBlobs refused (google.rpc.Code 8)."""
    found = []
    for field, value in fields(reply):
        if field == 1 and isinstance(value, bytes):
            digest = dict(fields(value)).get(1, b"")
            assert isinstance(digest, bytes)
            found.append(message(1, message(1, digest) + message(2, number(1, 8))))
    return b"".join(found)


def upload(name: str, faults: Faults, filled: servers.Server, join: Join, warnings: int) -> None:
    """Build what the server has not, with upload, while ``faults`` last; then build it elsewhere."""
    text = f"uploaded while {name}\n"
    incomplete: list[str] = []
    client = join(text)
    with calls(filled.url) as proxy, raw(filled.url) as server:
        client.configure(proxy.url, upload=True)
        set_faults(proxy, faults)
        if not name.startswith("lies about what is there"):
            look = complete_results_only(server, incomplete)
            fault = proxy.faults.setdefault("UpdateActionResult", Fault())
            fault.rewrite_request = look
        done = client.build(timeout=60)
        is_right(client, done, warnings)
        assert done.seconds < SOON
        assert incomplete == []
        other = join(text)
        other.configure(filled.url)
        is_right(other, other.build(), warnings=0)


@pytest.mark.parametrize("name", WRITE_TOLD)
def test_a_fault_while_writing_is_told_once(filled: servers.Server, join: Join, name: str) -> None:
    upload(name, WRITE_TOLD[name], filled, join, 1)


@pytest.mark.parametrize("name", WRITE_UNTOLD)
def test_a_passing_fault_while_writing_is_not_told(
    filled: servers.Server, join: Join, name: str
) -> None:
    upload(name, WRITE_UNTOLD[name], filled, join, 0)
