from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.teamwork import Client, files, is_right
from support import servers
from support.tree import write_tree

Join = Callable[..., Client]


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local cache that has the shell and nothing else, copied for each member."""
    place = tmp_path_factory.mktemp("seed")
    root = write_tree(place / "workspace", {"BUILD.toml": ""})
    client = Client(root, place / "cache")
    client.configure()
    done = client.run("build", "@unibuild//toolchains/busybox:package")
    assert done.code == 0, done.err
    return client.cache


@pytest.fixture(scope="session")
def join(seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Join:
    """Makes members of the team: ``join(text)``."""

    def make(text: str = "text\n", **more: int) -> Client:
        place = tmp_path_factory.mktemp("member")
        root = write_tree(place / "workspace", files(text, **more))
        shutil.copytree(seed, place / "cache", symlinks=True)
        client = Client(root, place / "cache")
        client.configure()
        return client

    return make


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Server]:
    """A server with nothing in it."""
    with servers.casd(tmp_path / "casd") as running:
        yield running


@pytest.fixture(scope="module")
def filled(join: Join, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server that has the results of the whole workspace; nobody uploads to it."""
    with servers.casd(tmp_path_factory.mktemp("casd")) as running:
        client = join()
        client.configure(running.url, upload=True)
        is_right(client, client.build(), warnings=0)
        yield running
