"""Results, blobs and trees go to a real server and come back into another machine's cache."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import servers

from unibuild.store.layout import FIXED_TIME_NS
from unibuild.store.reapi import decode_action_result

from .couriers import Local, fetch, linked, local, look_up, scratch_left, upload


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd")) as running:
        yield running


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Local]:
    with local(tmp_path / "here") as opened:
        yield opened


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Local]:
    with local(tmp_path / "there") as opened:
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

    with linked(server.url, there.root) as link:
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
