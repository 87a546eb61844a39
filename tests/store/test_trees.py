from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from store.conftest import Opened

from unibuild.store.layout import FIXED_TIME_NS
from unibuild.store.merkle import ScannedTree, UnsupportedEntryError, scan


def make(cache: Opened, files: dict[str, bytes]) -> ScannedTree:
    place = Path(cache.session.scratch())
    for path, data in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    (place / "link").symlink_to(next(iter(files)))
    return cache.trees.adopt(str(place))


FILES = {"bin/tool": b"#!tool", "lib/a/x.h": b"x", "lib/b/y.h": b"y"}


def test_a_tree_is_one_directory_with_fixed_modes_and_times(cache: Opened) -> None:
    made = make(cache, FILES)
    place = cache.trees.directory(made.tree)
    assert place is not None
    assert scan(place, cache.function) == made
    for directory, names, files in os.walk(place):
        for name in (*names, *files, "."):
            found = os.lstat(f"{directory}/{name}")
            assert found.st_mtime_ns == FIXED_TIME_NS
            if stat.S_ISREG(found.st_mode):
                assert stat.S_IMODE(found.st_mode) == 0o444
    assert cache.content.read(made.tree) == made.message


def test_the_same_tree_twice_is_one(cache: Opened) -> None:
    first, second = make(cache, FILES), make(cache, FILES)
    assert first == second
    assert cache.notes == []


def reopened(cache: Opened) -> Opened:
    return Opened(cache.root)


@pytest.mark.parametrize("with_stamps", [True, False])
def test_an_intact_tree_is_found_by_another_process(cache: Opened, with_stamps: bool) -> None:
    made = make(cache, FILES)
    place = cache.trees.directory(made.tree)
    assert place is not None
    if not with_stamps:  # a process that was killed between the two renames
        os.unlink(f"{place}.stamps")
    other = reopened(cache)
    try:
        assert other.trees.directory(made.tree) == place
        assert other.notes == []
        assert Path(f"{place}.stamps").exists()
    finally:
        other.close()


def write(path: str) -> None:
    os.chmod(path, 0o644)
    Path(path).write_bytes(b"z")
    os.chmod(path, 0o444)
    os.utime(path, ns=(FIXED_TIME_NS, FIXED_TIME_NS))


CHANGES = {
    "a byte, size, mode and time as before": lambda place: write(f"{place}/lib/a/x.h"),
    "a file more": lambda place: Path(place, "lib/c").write_bytes(b""),
    "a file less": lambda place: os.unlink(f"{place}/lib/b/y.h"),
    "a link elsewhere": lambda place: (
        os.unlink(f"{place}/link"),
        os.symlink("lib", f"{place}/link"),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_tree_is_dropped_and_noted(cache: Opened, change: str) -> None:
    made = make(cache, FILES)
    place = cache.trees.directory(made.tree)
    CHANGES[change](place)
    other = reopened(cache)
    try:
        assert other.trees.directory(made.tree) is None
        assert not os.path.exists(str(place))
        assert len(other.notes) == 1
        assert make(other, FILES) == made
        assert other.trees.directory(made.tree) == place
    finally:
        other.close()


def test_damaged_stamps_cost_only_time(cache: Opened) -> None:
    made = make(cache, FILES)
    place = cache.trees.directory(made.tree)
    os.unlink(f"{place}.stamps")
    Path(f"{place}.stamps").write_bytes(b"\xffnonsense")
    other = reopened(cache)
    try:
        assert other.trees.directory(made.tree) == place
    finally:
        other.close()


def test_odd_contents_are_refused(cache: Opened) -> None:
    place = Path(cache.session.scratch())
    place.mkdir()
    os.mkfifo(place / "pipe")
    with pytest.raises(UnsupportedEntryError):
        cache.trees.adopt(str(place))
