"""Connections that are cut, reset, stalled or refused, and servers that die in the middle."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator

import pytest
from faults.conftest import Join
from faults.raw import raw
from faults.teamwork import is_right
from support import servers
from support.fault_proxy import Fault, Wire, calls, wire

SOON = 30
"""Seconds that a build may take on a busy machine, whatever happens to its connections."""

READING: dict[str, tuple[Callable[[Wire], object], int | None]] = {
    "cut at once": (lambda cable: cable.cut(down=1), None),
    "cut in half a message": (lambda cable: cable.cut(down=3_000), 0),
    "cut within a large blob": (lambda cable: cable.cut(down=2_000_000), 0),
    "reset within a large blob": (lambda cable: cable.cut(down=2_000_000, reset=True), 0),
    "a request cut in half": (lambda cable: cable.cut(up=500), 0),
    "always cut": (lambda cable: cable.cut(down=2_000, times=10_000), 1),
    "always reset": (lambda cable: cable.cut(down=2_000, reset=True, times=10_000), 1),
    "stalled for 5 s": (lambda cable: cable.stall(5), None),
    "stalled for ever": (lambda cable: cable.stall(100), 1),
    "refused": (lambda cable: cable.refuse(), 1),
    "dripping": (lambda cable: cable.drip(4_000, 0.001), 0),
}


@pytest.fixture
def cable(filled: servers.Server) -> Iterator[Wire]:
    with wire(filled.url) as cable:
        yield cable


@pytest.mark.parametrize("name", READING)
def test_a_bad_connection_while_reading(cable: Wire, join: Join, name: str) -> None:
    spoil, warnings = READING[name]
    client = join()
    client.configure(cable.url)
    spoil(cable)
    done = client.build(timeout=60)
    is_right(client, done, warnings)
    assert done.seconds < SOON
    if warnings == 0:
        assert ": 0 executed" in done.err


WRITING: dict[str, tuple[Callable[[Wire], object], int | None]] = {
    "cut within a large blob": (lambda cable: cable.cut(up=2_000_000), 0),
    "reset within a large blob": (lambda cable: cable.cut(up=2_000_000, reset=True), 0),
    "always cut": (lambda cable: cable.cut(up=6_000, times=10_000), 1),
    "stalled for 5 s": (lambda cable: cable.stall(5), None),
}


@pytest.mark.parametrize("name", WRITING)
def test_a_bad_connection_while_writing(
    cable: Wire, filled: servers.Server, join: Join, name: str
) -> None:
    spoil, warnings = WRITING[name]
    client = join(f"{name}\n")
    client.configure(cable.url, upload=True)
    spoil(cable)
    done = client.build(timeout=60)
    is_right(client, done, warnings)
    assert done.seconds < SOON
    other = join(f"{name}\n")
    other.configure(filled.url)
    done = other.build()
    is_right(other, done, warnings=0)
    if warnings == 0:
        assert ": 0 executed" in done.err


@pytest.mark.parametrize("method", ["GetActionResult", "BatchReadBlobs", "Read"])
def test_a_server_that_dies_while_it_is_read_from(
    server: servers.Server, join: Join, method: str
) -> None:
    first = join()
    first.configure(server.url, upload=True)
    is_right(first, first.build(), warnings=0)
    client = join()
    with calls(server.url) as proxy:
        client.configure(proxy.url)
        proxy.faults[method] = Fault(meanwhile=server.kill, times=1)
        done = client.build(timeout=60)
    is_right(client, done, warnings=1)
    assert done.seconds < SOON


@pytest.mark.parametrize("method", ["BatchUpdateBlobs", "Write", "UpdateActionResult"])
def test_a_server_that_dies_while_it_is_written_to(
    server: servers.Server, join: Join, method: str
) -> None:
    client = join()
    with calls(server.url) as proxy:
        client.configure(proxy.url, upload=True)
        proxy.faults[method] = Fault(meanwhile=server.kill, times=1)
        done = client.build(timeout=60)
        is_right(client, done, warnings=1)
        assert done.seconds < SOON
        assert proxy.counts[method] > 0
    server.start()
    other = join()
    other.configure(server.url, upload=True)
    is_right(other, other.build(), warnings=0)
    third = join()
    third.configure(server.url)
    done = third.build()
    is_right(third, done, warnings=0)
    assert ": 0 executed" in done.err


@pytest.mark.parametrize("method", ["Read", "BatchUpdateBlobs"])
def test_a_server_that_restarts_is_waited_for(
    server: servers.Server, join: Join, method: str
) -> None:
    first = join()
    first.configure(server.url, upload=True)
    is_right(first, first.build(), warnings=0)
    client = join("other\n" if method == "BatchUpdateBlobs" else "text\n")
    with calls(server.url) as proxy:
        client.configure(proxy.url, upload=True)
        proxy.faults[method] = Fault(meanwhile=server.restart, times=1)
        done = client.build(timeout=60)
        assert proxy.counts[method] > 0
    is_right(client, done, warnings=None)
    with raw(server.url) as direct:
        assert direct.call("Capabilities/GetCapabilities", b"")


def test_a_server_that_starts_late_is_used_when_it_is_there(
    server: servers.Server, join: Join
) -> None:
    server.stop()
    client = join()
    client.configure(server.url, upload=True)
    began = time.monotonic()
    done = client.build()
    is_right(client, done, warnings=1)
    assert time.monotonic() - began < SOON
    server.start()
    client.edit("with a server\n")
    is_right(client, client.build(), warnings=0)
    other = join("with a server\n")
    other.configure(server.url)
    done = other.build()
    is_right(other, done, warnings=0)
    assert "13 remote" in done.err  # all but the one that does not depend on the edit


@pytest.mark.parametrize("how", ["gone", "emptied", "emptied in the middle"])
def test_what_was_never_fetched_is_made_again_when_the_server_loses_it(
    server: servers.Server, join: Join, how: str
) -> None:
    first = join()
    first.configure(server.url, upload=True)
    is_right(first, first.build(), warnings=0)
    client = join()
    with calls(server.url) as proxy:
        client.configure(proxy.url)
        done = client.build()
        is_right(client, done, warnings=0)
        assert ": 0 executed" in done.err
        build = client.root / "BUILD.toml"
        text = build.read_text(encoding="ascii")
        edited = text.replace("> $@; sha256sum", "> $@; : edited; sha256sum")
        assert edited != text
        build.write_text(edited, encoding="ascii")

        def lose() -> None:
            server.kill()
            shutil.rmtree(server.folder / "store")
            server.start()

        if how == "gone":
            server.kill()
        elif how == "emptied":
            lose()
        else:
            proxy.faults["BatchReadBlobs"] = Fault(meanwhile=lose, times=1)
        done = client.build()
    is_right(client, done, warnings=1 if how == "gone" else None)
    assert ": 0 executed" not in done.err
