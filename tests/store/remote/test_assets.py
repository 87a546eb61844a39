"""Assets by package URL, on servers that have the service and on one that has not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from support import fault_proxy, servers
from support.apart import apart
from support.fault_proxy import Fault

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.remote.assets import RemoteAssets
from unibuild.store.remote.capabilities import negotiate
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.content import RemoteContent
from unibuild.store.remote.messages_assets import FetchBlobResponse, encode_fetched_blob
from unibuild.store.remote.services import RemoteCallError
from unibuild.store.remote.settings import Connection

T = TypeVar("T")

SHA256 = DigestFunction("sha256")
FILE = b"an archive that its registry has lost"
DIGEST = SHA256.of(FILE)
PURL = "pkg:deb/debian/lwip@2.1.3+dfsg1-2?arch=source#lwip_2.1.3+dfsg1.orig.tar.xz"


def use(url: str, work: Callable[[RemoteAssets, RemoteContent], Awaitable[T]]) -> T:
    async def main() -> T:
        channel = Channel(Connection(url, timeout=10))
        capabilities = await negotiate(channel, "sha256")
        content = RemoteContent(channel, capabilities, SHA256, note=lambda _: None)
        try:
            return await work(RemoteAssets(channel, SHA256), content)
        finally:
            await channel.close()

    return apart(main)


def test_what_was_pushed_is_found_by_its_package_url(tmp_path: Path) -> None:
    async def push(assets: RemoteAssets, content: RemoteContent) -> list[bool]:
        before = await assets.fetch(PURL, DIGEST)
        await content.write({DIGEST: FILE})
        return [before, await assets.push(PURL, DIGEST)]

    async def fetch(assets: RemoteAssets, content: RemoteContent) -> tuple[bool, bytes]:
        found = await assets.fetch(PURL, DIGEST)
        return found, (await content.read([DIGEST]))[DIGEST]

    with servers.casd(tmp_path) as server:
        assert use(server.url, push) == [False, True]
        assert use(server.url, fetch) == (True, FILE)


def test_another_digest_than_the_locks_is_not_taken(tmp_path: Path) -> None:
    other = SHA256.of(b"another archive of the same name")

    async def work(assets: RemoteAssets, content: RemoteContent) -> bool:
        await content.write({DIGEST: FILE})
        await assets.push(PURL, DIGEST)
        return await assets.fetch(PURL, other)

    with servers.casd(tmp_path) as server:
        assert not use(server.url, work)


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff",
        b"",
        encode_fetched_blob(FetchBlobResponse(digest=Digest("0" * 64, 1))),
        encode_fetched_blob(FetchBlobResponse(digest=Digest("../../x", DIGEST.size))),
        encode_fetched_blob(FetchBlobResponse(digest=Digest(DIGEST.hash, 1))),
    ],
)
def test_an_answer_that_does_not_fit_is_none(tmp_path: Path, answer: bytes) -> None:
    with servers.casd(tmp_path) as server, fault_proxy.calls(server.url) as proxy:
        proxy.faults["FetchBlob"] = Fault(answer=lambda _: [answer])
        assert not use(proxy.url, lambda assets, _: assets.fetch(PURL, DIGEST))


def test_a_server_without_the_service_has_no_assets_and_is_asked_once(tmp_path: Path) -> None:
    async def work(assets: RemoteAssets, _: RemoteContent) -> list[bool]:
        first = [await assets.fetch(PURL, DIGEST), await assets.push(PURL, DIGEST)]
        await assets._channel.close()  # whoever asks now gets an error
        return [*first, await assets.fetch(PURL, DIGEST), await assets.push(PURL, DIGEST)]

    with servers.buildgrid(tmp_path) as server:
        assert use(server.url, work) == [False] * 4


def test_bazel_remote_finds_a_blob_by_its_checksum_alone(tmp_path: Path) -> None:
    async def work(assets: RemoteAssets, content: RemoteContent) -> list[bool]:
        before = await assets.fetch(PURL, DIGEST)
        await content.write({DIGEST: FILE})
        return [before, await assets.fetch(PURL, DIGEST)]

    with servers.bazel_remote(tmp_path) as server:
        assert use(server.url, work) == [False, True]


def test_a_fault_of_the_server_is_a_fault(tmp_path: Path) -> None:
    with servers.casd(tmp_path) as server, fault_proxy.calls(server.url) as proxy:
        proxy.faults["FetchBlob"] = Fault(status="UNAVAILABLE")
        with pytest.raises(RemoteCallError):
            use(proxy.url, lambda assets, _: assets.fetch(PURL, DIGEST))
