"""A courier shows who it is: client certificates, tokens and helpers, to real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support import servers

from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import Noted, Refused, Reply
from unibuild.store.remote.settings import Connection, Remote

from .couriers import FUNCTION, Local, fetch, local, look_up


@contextmanager
def connected(connection: Connection, where: Local, *, upload: bool = False) -> Iterator[Link]:
    remote = Remote(replace(connection, timeout=20), upload=upload)
    link = Link.start(remote, str(where.root), FUNCTION)
    try:
        yield link
    finally:
        link.close()


def said(replies: list[Reply]) -> list[str]:
    return [
        reply.text if isinstance(reply, Noted) else f"{reply.id}: {reply.cause}"
        for reply in replies
        if isinstance(reply, Noted | Refused)
    ]


def exchanged(connection: Connection, tmp_path: Path) -> list[str]:
    """Publish from one machine, get it on another; return what a person was told."""
    with local(tmp_path / "here") as here, local(tmp_path / "there") as there:
        made = here.publication("one", {"a": b"small", "large": bytes(range(256)) * 30_000})
        with connected(connection, here, upload=True) as link:
            link.ask(made.publish)
            statistics = link.finish(lambda _: None)
            told = said(link.replies())
        assert statistics.published == 1, told
        with connected(connection, there) as link:
            assert look_up(link, made).result is not None
            assert fetch(link, *made.blobs) == ()
            told += said(link.replies())
        return told


@pytest.mark.parametrize("name", ["bazel_remote", "buildgrid"])
def test_client_certificates(name: str, tmp_path: Path) -> None:
    with getattr(servers, name)(tmp_path / "server", mutual=True) as server:
        connection = Connection(
            server.url,
            ca=str(server.ca),
            certificate=str(server.certificate),
            key=str(server.key),
        )
        assert exchanged(connection, tmp_path) == []


def helper(folder: Path, token: str) -> str:
    path = folder / "helper"
    answer = json.dumps({"headers": {"Authorization": [f"Bearer {token}"]}})
    path.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{answer}'\n")
    path.chmod(0o755)
    return str(path)


def test_a_credential_helper(tmp_path: Path) -> None:
    with servers.buildgrid(tmp_path / "server", tokens=True) as server:
        program = helper(tmp_path, server.token)
        assert exchanged(Connection(server.url, credential_helper=program), tmp_path) == []


def test_a_token_that_may_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.buildgrid(tmp_path / "server", tokens=True) as server:
        secret = servers.token_for(server.folder, "reader")
        monkeypatch.setenv("CACHE_TOKEN", secret)
        connection = Connection(server.url, token_variable="CACHE_TOKEN")  # noqa: S106
        with local(tmp_path / "here") as here:
            made = [here.publication(f"n{n}", {"a": b"%d" % n}) for n in range(20)]
            with connected(connection, here, upload=True) as link:
                for one in made:
                    assert look_up(link, one).result is None
                    link.ask(one.publish)
                statistics = link.finish(lambda _: None)
                told = said(link.replies())
        assert statistics.published == 0
        assert len(told) == 1
        assert "upload" in told[0]
        assert secret not in told[0]


def test_a_token_that_has_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.buildgrid(tmp_path / "server", tokens=True) as server:
        monkeypatch.setenv("CACHE_TOKEN", servers.token_for(server.folder, "ci", -100))
        connection = Connection(server.url, token_variable="CACHE_TOKEN")  # noqa: S106
        with local(tmp_path / "here") as here:
            made = here.publication("one", {"a": b"x"})
            with connected(connection, here) as link:
                assert look_up(link, made).result is None
                told = said(link.replies())
        assert len(told) == 1
        assert "does not accept who we are" in told[0]
