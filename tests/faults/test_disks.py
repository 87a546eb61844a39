"""Full disks, at the server and here: a build says so once, and nothing is half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.conftest import Join
from faults.teamwork import is_right, left_behind
from support import servers

Mount = Callable[[str, str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts small file systems in memory: ``mount(name, size)``."""
    mounted: list[Path] = []

    def make(name: str, size: str) -> Path:
        place = tmp_path / name
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root can mount a small file system")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "-l", place], check=True)


def test_a_server_with_a_small_quota(join: Join, tmp_path: Path) -> None:
    with servers.casd(tmp_path / "casd", quota="3M") as server:
        client = join()
        client.configure(server.url, upload=True)
        is_right(client, client.build(), warnings=None)
        other = join()
        other.configure(server.url)
        is_right(other, other.build(), warnings=0)


def test_a_server_with_a_full_disk(join: Join, mount: Mount) -> None:
    place = mount("server", "3m")
    with servers.casd(place / "casd") as server:
        client = join()
        client.configure(server.url, upload=True)
        is_right(client, client.build(), warnings=1)
        other = join()
        other.configure(server.url)
        is_right(other, other.build(), warnings=None)


@pytest.mark.parametrize("size", ["9m", "13m", "16m"])
def test_a_full_disk_here(filled: servers.Server, join: Join, mount: Mount, size: str) -> None:
    client = join()
    client.configure(filled.url)
    place = mount("cache", size)
    cache = place / "cache"
    try:
        shutil.copytree(client.cache, cache, symlinks=True)
    except OSError:
        pytest.fail("the disk must be large enough for the seed")
    client.cache = cache
    done = client.build()
    assert "Traceback" not in done.err
    assert len(done.warnings) <= 1, done.err
    if done.code:
        assert done.code == 3, done.err
        assert len(done.errors) == 1, done.err
        assert "No space left" in done.err
    assert left_behind(client) == []
    subprocess.run(["mount", "-o", "remount,size=200m", place], check=True)
    is_right(client, client.build(), warnings=0)
