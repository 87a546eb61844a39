"""Remote execution that breaks in the middle: the action is run again there, or here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from faults.conftest import Join
from faults.teamwork import is_right
from support import servers
from support.fault_proxy import Calls, Fault, calls

pytestmark = pytest.mark.skipif(not servers.have_bubblewrap(), reason="casd's workers need bwrap")

SOON = 40

FAULTS: dict[str, tuple[dict[str, Fault], int | None]] = {
    "none": ({}, 0),
    "execution refused": ({"Execute": Fault(status="UNAVAILABLE")}, 1),
    "execution not allowed": ({"Execute": Fault(status="PERMISSION_DENIED")}, 1),
    "one refused": ({"Execute": Fault(status="UNAVAILABLE", times=1)}, 0),
    "one stream breaks": ({"Execute": Fault(status="UNAVAILABLE", after_replies=1, times=1)}, 0),
    "garbage": ({"Execute": Fault(rewrite=lambda _reply: b"\xff" * 20)}, None),
    "replies twice": ({"Execute": Fault(copies=2)}, 0),
    "inputs said to be there": ({"FindMissingBlobs": Fault(answer=lambda _requests: [b""])}, None),
    "outputs cannot be read": (
        {"BatchReadBlobs": Fault(status="NOT_FOUND"), "Read": Fault(status="NOT_FOUND")},
        None,
    ),
}


@pytest.fixture
def engine(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("engine"), execution=True) as server:
        yield server


@pytest.fixture
def proxy(engine: servers.Server) -> Iterator[Calls]:
    with calls(engine.url) as proxy:
        yield proxy


@pytest.mark.parametrize("name", FAULTS)
def test_an_engine_that_fails(proxy: Calls, join: Join, name: str) -> None:
    faults, warnings = FAULTS[name]
    client = join(f"{name}\n")
    client.configure(proxy.url, upload=True)
    proxy.faults = {method: dataclasses.replace(fault) for method, fault in faults.items()}
    done = client.build("--exec=remote", timeout=100)
    is_right(client, done, warnings)
    assert done.seconds < SOON
    if name == "none":
        assert proxy.counts["Execute"] >= 14


def test_an_engine_that_dies_in_the_middle(
    engine: servers.Server, proxy: Calls, join: Join
) -> None:
    client = join("dies\n")
    client.configure(proxy.url, upload=True)
    proxy.faults["Execute"] = Fault(meanwhile=engine.kill, skip=5, times=1)
    done = client.build("--exec=remote", timeout=100)
    is_right(client, done, warnings=1)
    assert done.seconds < SOON


def test_an_engine_that_dies_where_it_is_required(
    engine: servers.Server, proxy: Calls, join: Join
) -> None:
    client = join("required\n")
    client.configure(proxy.url, upload=True)
    proxy.faults["Execute"] = Fault(meanwhile=engine.kill, skip=3, times=1)
    done = client.build("--exec=remote", "--remote=required", timeout=100)
    assert done.code == 3, done.err
    assert len(done.errors) == 1, done.err
    assert "Traceback" not in done.err
