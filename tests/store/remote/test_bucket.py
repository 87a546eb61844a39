"""Folders behind URLs, against what really serves them: S3, web servers, bazel-remote, a directory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import servers
from support.apart import apart

from unibuild.model.errors import UserError
from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.reapi import ActionResult, OutputFile
from unibuild.store.remote.bucket import BucketContent, BucketResults, Folder
from unibuild.store.remote.credentials import Credentials
from unibuild.store.remote.redaction import Redactor
from unibuild.store.remote.services import RemoteCallError
from unibuild.store.remote.settings import Connection
from unibuild.store.remote.signatures import Signer

SHA256 = DigestFunction("sha256")
BLAKE3 = DigestFunction("blake3")
SMALL = b"int answer = 42;\n"
LARGE = os.urandom(1 << 16) * 130  # more than one part of an upload, 8.5 MB
BLOBS = {SHA256.of(data): data for data in (SMALL, LARGE)}
ABSENT = SHA256.of(b"absent")
EMPTY = SHA256.of(b"")
ACTION = SHA256.of(b"an action")
RESULT = ActionResult((OutputFile("unibuild-out/a.c", SHA256.of(SMALL), True),), (), 0, b"said\n")


def folder(url: str, function: DigestFunction = SHA256, **settings: Any) -> Folder:
    connection = Connection(url, **settings)
    return Folder(connection, function, Credentials(connection, Redactor()))


class Quiet(SimpleHTTPRequestHandler):
    """A plain web server over a folder, which demands the token in a file, if there is one."""

    token: Path | None = None

    def log_message(self, *_: object) -> None:
        pass

    def send_head(self) -> Any:
        if self.token and self.headers.get("Authorization") != f"Bearer {self.token.read_text()}":
            self.send_error(401)
            return None
        return super().send_head()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path, type[Quiet]]]:
    """A web server over a folder: its URL, the folder, and its handler's class."""
    served = tmp_path / "served"
    served.mkdir()
    handler = type("Handler", (Quiet,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", served, handler
    server.shutdown()
    server.server_close()
    thread.join()


def fill(path: Path, prefix: str = "") -> None:
    """Put the blobs where the layout has them."""
    (path / prefix / "cas").mkdir(parents=True)
    for digest, data in BLOBS.items():
        (path / prefix / "cas" / digest.hash).write_bytes(data)


async def round_trip(place: Folder, scratch: Path, *, write: bool = True) -> None:
    """Store and read everything that a cache has to."""
    content = BucketContent(place)
    results = BucketResults(place, content)
    if write:
        await place.probe()
        assert await content.find_missing([*BLOBS, EMPTY]) == set(BLOBS)
        (scratch / "large").write_bytes(LARGE)
        await content.write({SHA256.of(SMALL): SMALL})
        await content.write_file(SHA256.of(LARGE), str(scratch / "large"))
        await results.put(ACTION, RESULT)
    assert await content.find_missing([*BLOBS, ABSENT, EMPTY]) == {ABSENT}
    assert await content.read([*BLOBS, ABSENT, EMPTY]) == {**BLOBS, EMPTY: b""}
    for number, (digest, data) in enumerate({**BLOBS, EMPTY: b""}.items()):
        path = scratch / f"read-{number}"
        assert await content.read_to(digest, str(path))
        assert path.read_bytes() == data
    assert not await content.read_to(ABSENT, str(scratch / "absent"))
    assert not (scratch / "absent").exists()
    assert await results.get(ACTION) == (RESULT, "")
    assert await results.get(ABSENT) is None


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    apart(lambda: round_trip(folder(f"file://{tmp_path}/bucket"), tmp_path))
    assert sorted(path.name for path in (tmp_path / "bucket").iterdir()) == ["ac", "cas"]
    assert (tmp_path / "bucket/cas" / SHA256.of(SMALL).hash).read_bytes() == SMALL


def test_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.s3(tmp_path / "s3") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        apart(lambda: round_trip(folder(f"s3://{server.bucket}/team/cache"), tmp_path))
        stored = tmp_path / "s3/data" / server.bucket / "team/cache/cas" / SHA256.of(SMALL).hash
        assert stored.read_bytes() == SMALL
        monkeypatch.delenv("AWS_ENDPOINT")
        monkeypatch.delenv("AWS_REGION")
        url = f"s3://{server.bucket}/team/cache?endpoint={server.url}&region=us-east-1"
        content = BucketContent(folder(url))
        assert apart(lambda: content.find_missing([*BLOBS, ABSENT])) == {ABSENT}


def test_s3_with_a_wrong_key_is_told_without_saying_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers.s3(tmp_path / "s3") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-right-secret")
        with pytest.raises(RemoteCallError) as raised:
            apart(folder(f"s3://{server.bucket}").probe)
    assert raised.value.code == "PERMISSION_DENIED"
    assert "not-the-right-secret" not in str(raised.value)
    assert server.access_key not in str(raised.value)


def test_a_plain_web_server_over_a_copied_folder(
    tmp_path: Path, web: tuple[str, Path, type[Quiet]]
) -> None:
    url, served, _ = web
    fill(served, "team")
    written = folder(f"file://{served}/team")
    apart(lambda: BucketResults(written, BucketContent(written)).put(ACTION, RESULT))
    apart(lambda: round_trip(folder(f"{url}/team"), tmp_path, write=False))


def test_the_http_side_of_bazel_remote_reads_what_its_grpc_side_would(tmp_path: Path) -> None:
    with servers.bazel_remote(tmp_path / "server") as server:
        put(server.http, f"/cas/{SHA256.of(SMALL).hash}", SMALL)
        put(server.http, f"/cas/{SHA256.of(LARGE).hash}", LARGE)
        local = folder(f"file://{tmp_path}/local")
        apart(lambda: BucketResults(local, BucketContent(local)).put(ACTION, RESULT))
        put(
            server.http,
            f"/ac/{ACTION.hash}",
            (tmp_path / "local/ac" / ACTION.hash).read_bytes(),
        )
        apart(lambda: round_trip(folder(server.http), tmp_path, write=False))


def put(base: str, path: str, data: bytes) -> None:
    import urllib.request

    request = urllib.request.Request(base + path, data, method="PUT")  # noqa: S310 - loopback
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert answer.status == 200


def test_blake3_has_a_folder_of_its_own(tmp_path: Path) -> None:
    place = folder(f"file://{tmp_path}/bucket", BLAKE3)
    digest = BLAKE3.of(SMALL)
    apart(lambda: BucketContent(place).write({digest: SMALL}))
    assert (tmp_path / "bucket/blake3/cas" / digest.hash).read_bytes() == SMALL
    assert apart(lambda: BucketContent(place).read([digest])) == {digest: SMALL}


@pytest.mark.parametrize(
    "wrong",
    [SMALL[:-1], SMALL[:-1] + b"?", SMALL + b"x", SMALL + b"x" * 10_000_000, b""],
    ids=["short", "flipped", "longer", "endless", "empty"],
)
def test_a_wrong_blob_is_a_miss(
    tmp_path: Path, web: tuple[str, Path, type[Quiet]], wrong: bytes
) -> None:
    url, served, _ = web
    digest = SHA256.of(SMALL)
    (served / "cas").mkdir()
    (served / "cas" / digest.hash).write_bytes(wrong)
    content = BucketContent(folder(url))
    assert apart(lambda: content.read([digest])) == {}
    assert not apart(lambda: content.read_to(digest, str(tmp_path / "read")))
    assert not (tmp_path / "read").exists()
    if len(wrong) != len(SMALL):
        assert apart(lambda: content.find_missing([digest])) == {digest}


@pytest.mark.parametrize("wrong", [b"\xff\xff\xff", b"\x0a", b"<html>not found</html>" * 9])
def test_what_is_no_result_is_a_miss(tmp_path: Path, wrong: bytes) -> None:
    (tmp_path / "ac").mkdir()
    (tmp_path / "ac" / ACTION.hash).write_bytes(wrong)
    place = folder(f"file://{tmp_path}")
    assert apart(lambda: BucketResults(place, BucketContent(place)).get(ACTION)) is None


def test_only_demanded_signatures_are_believed(tmp_path: Path) -> None:
    ours = Signer(str(tmp_path / "ours.pem"), create=True)
    theirs = Signer(str(tmp_path / "theirs.pem"), create=True)
    place = folder(f"file://{tmp_path}/bucket")
    content = BucketContent(place)
    apart(lambda: BucketResults(place, content, signer=lambda: ours).put(ACTION, RESULT))
    believed = BucketResults(place, content, require_signed=[ours.public])
    assert apart(lambda: believed.get(ACTION)) == (RESULT, ours.public)
    refused = BucketResults(place, content, require_signed=[theirs.public])
    assert apart(lambda: refused.get(ACTION)) is None
    path = tmp_path / "bucket/ac"
    (path / ACTION.hash).rename(path / ABSENT.hash)  # the same words about another action
    assert apart(lambda: believed.get(ABSENT)) is None


def test_a_token_goes_along(
    tmp_path: Path, web: tuple[str, Path, type[Quiet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, served, handler = web
    fill(served)
    handler.token = tmp_path / "token"
    handler.token.write_text("sesame-open")
    monkeypatch.setenv("CACHE_TOKEN", "sesame-open")
    allowed = BucketContent(folder(url, token_variable="CACHE_TOKEN"))  # noqa: S106
    assert apart(lambda: allowed.find_missing(BLOBS)) == set()
    monkeypatch.setenv("CACHE_TOKEN", "sesame-shut")
    refused = folder(url, token_variable="CACHE_TOKEN")  # noqa: S106
    with pytest.raises(RemoteCallError) as raised:
        apart(refused.probe)
    assert raised.value.code == "UNAUTHENTICATED"
    assert "sesame" not in str(raised.value)


def test_a_token_that_expired_is_asked_for_again(
    tmp_path: Path, web: tuple[str, Path, type[Quiet]]
) -> None:
    url, served, handler = web
    fill(served)
    helper = tmp_path / "helper"
    helper.write_text(
        f"#!/bin/sh\ncat >/dev/null\nprintf x >>{tmp_path}/asked\n"
        f'printf \'{{"headers":{{"Authorization":["Bearer token-%s"]}}}}\' '
        f"$(wc -c <{tmp_path}/asked)\n"
    )
    helper.chmod(0o755)
    token = handler.token = tmp_path / "token"
    token.write_text("token-1")

    async def use() -> None:
        content = BucketContent(folder(url, credential_helper=str(helper)))
        assert await content.find_missing(BLOBS) == set()
        token.write_text("token-2")
        assert await content.find_missing(BLOBS) == set()

    apart(use)
    assert (tmp_path / "asked").read_text() == "xx"


def test_nothing_is_written_over_http(web: tuple[str, Path, type[Quiet]]) -> None:
    content = BucketContent(folder(web[0]))
    with pytest.raises(RemoteCallError) as raised:
        apart(lambda: content.write({SHA256.of(SMALL): SMALL}))
    assert raised.value.code == "UNIMPLEMENTED"


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(RemoteCallError) as raised:
        apart(lambda: folder("http://127.0.0.1:9", timeout=2).probe())
    assert raised.value.code == "UNAVAILABLE"
    assert raised.value.detail == "no connection"


def test_a_folder_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(RemoteCallError) as raised:
        apart(folder(f"file://{tmp_path}/none").probe)
    assert raised.value.code == "NOT_FOUND"
    assert f"{tmp_path}/none" in raised.value.detail
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_made_for_what_is_to_be_written(tmp_path: Path) -> None:
    place = folder(f"file://{tmp_path}/new/one")

    async def work() -> None:
        await place.probe(create=True)
        await BucketContent(place).write({SHA256.of(SMALL): SMALL})

    apart(work)
    assert (tmp_path / "new/one/cas" / SHA256.of(SMALL).hash).read_bytes() == SMALL


@pytest.mark.parametrize(
    ("url", "settings", "identity"),
    [
        ("s3://bucket/x?zone=b", {}, "bucket-url-option"),
        ("https://host.example/x?region=b", {}, "bucket-url-option"),
        ("https://host.example/x", {"certificate": "/c", "key": "/k"}, "bucket-client-certificate"),
        ("https://host.example/x", {"ca": "/nonexistent.pem"}, "bucket-ca"),
        ("http://host.example/x", {"credential_helper": "helper"}, "remote-plain-token"),
    ],
)
def test_settings_that_cannot_work(url: str, settings: dict[str, Any], identity: str) -> None:
    with pytest.raises(UserError) as raised:
        folder(url, **settings)
    assert raised.value.id == identity
    assert raised.value.hint


def test_many_blobs_are_asked_for_at_once(tmp_path: Path) -> None:
    place = folder(f"file://{tmp_path}/bucket")
    content = BucketContent(place)
    blobs = {SHA256.of(data): data for data in (b"%d" % i for i in range(3000))}
    apart(lambda: content.write(blobs))
    assert apart(lambda: content.find_missing([*blobs, ABSENT])) == {ABSENT}
    assert apart(lambda: content.read([*blobs, Digest("0" * 64, 1)])) == blobs
