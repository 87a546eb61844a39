"""External files outlive their registry: pushed once, they are had by name or digest."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import servers

from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import FetchAsset, Fetched, PushAsset

from .couriers import linked, local

PURL = "pkg:deb/debian/example@1.0?arch=source#example_1.0.orig.tar.xz"


def ask(link: Link, request: FetchAsset) -> Fetched:
    link.ask(request)
    reply = link.wait(request.token)
    assert isinstance(reply, Fetched)
    return reply


@pytest.mark.parametrize("name", ["casd", "bazel_remote"])
def test_an_asset_pushed_by_one_is_there_for_another(tmp_path: Path, name: str) -> None:
    with (
        getattr(servers, name)(tmp_path / "server") as server,
        local(tmp_path / "here") as here,
        local(tmp_path / "there") as there,
    ):
        digest = here.file(b"an archive" * 200_000)
        with linked(server.url, there.root) as link:
            assert ask(link, FetchAsset(1, PURL, digest)).missing == (digest,)
            assert link.finish(lambda _: None).downloaded == 0
            assert link.replies() == []
        with linked(server.url, here.root, upload=True) as link:
            link.ask(PushAsset(PURL, digest))
            link.finish(lambda _: None)
            assert link.replies() == []
        with linked(server.url, there.root) as link:
            assert ask(link, FetchAsset(1, PURL, digest)).missing == ()
        assert there.cache.content.read(digest) == b"an archive" * 200_000


def test_nothing_is_pushed_when_uploads_are_not_allowed(tmp_path: Path) -> None:
    with servers.casd(tmp_path / "server") as server, local(tmp_path / "here") as here:
        digest = here.file(b"kept to ourselves")
        with linked(server.url, here.root) as link:
            link.ask(PushAsset(PURL, digest))
            assert link.finish(lambda _: None).uploaded == 0
        with local(tmp_path / "there") as there, linked(server.url, there.root) as link:
            assert ask(link, FetchAsset(1, PURL, digest)).missing == (digest,)
