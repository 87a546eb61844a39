"""Folders behind URLs when the way there is bad: cuts, resets, stalls, a full disk, secrets in errors."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support import fault_proxy, servers
from support.apart import apart
from support.fault_proxy import Wire

from unibuild.store.digests import DigestFunction
from unibuild.store.remote.bucket import BucketContent, Folder
from unibuild.store.remote.credentials import Credentials
from unibuild.store.remote.redaction import Redactor
from unibuild.store.remote.services import RemoteCallError
from unibuild.store.remote.settings import Connection

SHA256 = DigestFunction("sha256")
DATA = os.urandom(1 << 16) * 100
DIGEST = SHA256.of(DATA)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """The way to a web server over a folder that holds one blob."""
    served = tmp_path / "served"
    (served / "cas").mkdir(parents=True)
    (served / "cas" / DIGEST.hash).write_bytes(DATA)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with fault_proxy.wire(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield proxy
    server.shutdown()
    server.server_close()
    thread.join()


def content(url: str, timeout: int = 2) -> BucketContent:
    connection = Connection(url, timeout=timeout)
    return BucketContent(Folder(connection, SHA256, Credentials(connection, Redactor())))


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("after", [10, 300, 1 << 20, len(DATA)])
def test_a_download_that_is_cut_begins_again(
    wire: Wire, tmp_path: Path, after: int, *, reset: bool
) -> None:
    wire.cut(down=after, reset=reset, times=2)
    assert apart(lambda: content(wire.url).read_to(DIGEST, str(tmp_path / "read")))
    assert (tmp_path / "read").read_bytes() == DATA
    assert wire.connections == 3


def test_a_download_that_is_cut_for_ever_ends_and_leaves_nothing(
    wire: Wire, tmp_path: Path
) -> None:
    wire.cut(down=1 << 20, times=100)
    with pytest.raises(RemoteCallError) as raised:
        apart(lambda: content(wire.url).read_to(DIGEST, str(tmp_path / "read")))
    assert raised.value.code == "UNAVAILABLE"
    assert not (tmp_path / "read").exists()


def test_a_stall_is_borne_when_it_is_short_and_ended_when_it_is_long(
    wire: Wire, tmp_path: Path
) -> None:
    wire.stall(1)
    assert apart(lambda: content(wire.url, 5).read([DIGEST])) == {DIGEST: DATA}
    wire.stall(60)
    began = time.monotonic()
    with pytest.raises(RemoteCallError) as raised:
        apart(lambda: content(wire.url, 1).read_to(DIGEST, str(tmp_path / "read")))
    assert raised.value.code == "UNAVAILABLE"
    assert time.monotonic() - began < 30
    assert not (tmp_path / "read").exists()


def test_a_slow_line_is_no_stall(wire: Wire, tmp_path: Path) -> None:
    wire.drip(1 << 16, 0.03)
    assert apart(lambda: content(wire.url, 1).read_to(DIGEST, str(tmp_path / "read")))


def test_an_upload_that_is_cut_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        servers.s3(tmp_path / "s3") as server,
        fault_proxy.wire(server.environment["AWS_ENDPOINT"]) as wire,
    ):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT", wire.url)
        (tmp_path / "file").write_bytes(DATA)
        wire.cut(up=1 << 20, reset=True, times=2)
        bucket = f"s3://{server.bucket}"
        apart(lambda: content(bucket).write_file(DIGEST, str(tmp_path / "file")))
        assert apart(lambda: content(bucket).read([DIGEST])) == {DIGEST: DATA}


def test_a_disk_that_takes_no_more_is_no_fault_of_the_folder(wire: Wire, tmp_path: Path) -> None:
    async def work() -> bool:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        return await content(wire.url).read_to(DIGEST, str(tmp_path / "read"))

    with pytest.raises(OSError, match="File too large"):
        apart(work)
    assert wire.connections == 1
    assert not (tmp_path / "read").exists()


def test_secrets_of_a_bucket_are_in_no_error(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDSECRETID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecretkey")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "verysecretsession")
    monkeypatch.setenv("TOKEN", "verysecrettoken")
    errors = []
    for url, token in ((f"s3://bucket?endpoint={wire.url}", ""), (wire.url, "TOKEN")):
        connection = Connection(url, timeout=1, token_variable=token)
        folder = Folder(connection, SHA256, Credentials(connection, Redactor()))
        wire.refuse()
        with pytest.raises(RemoteCallError) as raised:
            apart(folder.probe)
        errors.append("".join(map(str, (raised.value, raised.value.detail))))
        wire.heal()
        wire.cut(down=0, times=100)
        with pytest.raises(RemoteCallError) as raised:
            apart(folder.probe)
        errors.append("".join(map(str, (raised.value, raised.value.detail))))
        wire.heal()
    assert len(errors) == 4
    assert [error for error in errors if "ecret" in error.lower()] == []
    assert not (tmp_path / "cas").exists()
