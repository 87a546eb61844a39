"""Results, blobs and trees go to a real server and come back into another machine's cache."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import servers

from unibuild.store.layout import FIXED_TIME_NS
from unibuild.store.reapi import (
    Directory,
    FileNode,
    decode_action_result,
    encode_action,
    encode_directory,
)
from unibuild.store.remote.requests import FindHistory, History

from .couriers import Local, fetch, linked, local, look_up, scratch_left, upload

KINDS = {"casd": {}, "bazel_remote": {}, "reference": {"digest": "blake3", "zstd": True}}


@pytest.fixture(scope="module", params=list(KINDS))
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[servers.Server]:
    start = getattr(servers, request.param)
    with start(tmp_path_factory.mktemp(request.param), **KINDS[request.param]) as running:
        yield running


@pytest.fixture
def function(server: servers.Server) -> str:
    return "blake3" if server.name == "reference" else "sha256"


@pytest.fixture
def here(tmp_path: Path, function: str) -> Iterator[Local]:
    with local(tmp_path / "here", function) as opened:
        yield opened


@pytest.fixture
def there(tmp_path: Path, function: str) -> Iterator[Local]:
    with local(tmp_path / "there", function) as opened:
        yield opened


def test_what_one_publishes_another_gets(server: servers.Server, here: Local, there: Local) -> None:
    tree = here.tree(
        {"bin/run.sh": b"#!/bin/sh\n", "lib/a/big": os.urandom(3 << 20), "empty": b"", "copy": b"x"}
        | {f"many/{n}": b"%d" % (n % 50) for n in range(300)},
        {"lib/link": "a/big"},
    )
    outputs = {"a.o": b"object", "tool.sh": b"#!/bin/sh\necho\n", "big": os.urandom(5 << 20)}
    made = here.publication("one", outputs | {"none": b""}, (tree,), b"printed")
    statistics, replies = upload(server.url, here, made)
    assert statistics.published == 1
    assert replies == []

    with linked(server.url, there.root, there.function) as link:
        found = look_up(link, made)
        assert found.result is not None
        assert decode_action_result(found.result) == made.result
        assert fetch(link, *made.blobs) == ()
        statistics = link.finish(lambda _: None)
        assert statistics.hits == 1
        assert statistics.downloaded_bytes >= 8 << 20
        assert link.replies() == []
    for item in made.result.files:
        path = there.cache.content.path(item.digest, executable=item.executable)
        found_stat = os.stat(path)
        assert stat.S_IMODE(found_stat.st_mode) == (0o555 if item.executable else 0o444)
        assert found_stat.st_mtime_ns == FIXED_TIME_NS
        assert there.cache.content.file(item.digest, executable=item.executable) == path
    place = there.cache.trees.directory(tree.tree)
    assert place is not None
    assert os.readlink(f"{place}/lib/link") == "a/big"
    assert os.access(f"{place}/bin/run.sh", os.X_OK)
    assert there.notes == []
    assert len(scratch_left(there.root)) == 1
    assert len(scratch_left(here.root)) == 1


def test_the_last_action_of_a_step_is_found_again(
    server: servers.Server, here: Local, there: Local
) -> None:
    step = here.cache.function.hash(b"//package:target o")
    first, last = (here.publication(name, {"o": name.encode()}) for name in ("first", "last"))
    root = encode_directory(Directory((FileNode("a", here.file(b"a")),)))
    action = encode_action(
        here.cache.function.of(last.publish.command), here.cache.function.of(root)
    )
    upload(server.url, here, first._replace(publish=first.publish._replace(history=step)))
    publish = last.publish._replace(action=action, history=step, directories=(root,))
    upload(server.url, here, last._replace(publish=publish))
    with linked(server.url, there.root, there.function) as link:
        link.ask(FindHistory(7, step))
        assert link.wait(7) == History(7, action, last.publish.command, (root,))
        link.ask(FindHistory(8, there.cache.function.hash(b"never")))
        assert link.wait(8) == History(8, None)
