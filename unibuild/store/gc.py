"""What a cache holds, what of it can go, and whether it is intact.

Collection removes least recently used entries first: all that were not used for ``max_age``, then
more until the rest fits into ``max_size``. It never takes what a running build uses: every session
marks what it uses with the time of use, and nothing used since the start of the oldest living
session (less the interval between two marks) is touched. A build that meets a gap makes the entry
again, so collection needs no lock against builds; two collections at once do no harm either.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.digests import HASH_LENGTH, DigestFunction
from unibuild.store.files import read_whole, remove
from unibuild.store.layout import (
    KINDS,
    TOUCH_INTERVAL,
    Layout,
    living_sessions,
    remove_dead_sessions,
    remove_tree,
)
from unibuild.store.merkle import UnsupportedEntryError, scan
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_tree
from unibuild.store.records import check

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = ("blake3", "sha256")


class Usage(NamedTuple):
    """How much one kind of entry takes: number of entries, bytes on disk, time of oldest use.

    ``oldest`` is in seconds since the epoch, 0 when there are no entries.
    """

    function: str
    kind: str
    entries: int
    size: int
    oldest: float


class Collected(NamedTuple):
    """What a collection removed and what is left, in entries and bytes."""

    removed: int
    removed_size: int
    kept: int
    kept_size: int


class Problem(NamedTuple):
    """An entry whose bytes do not match its name or its own checksum."""

    function: str
    kind: str
    name: str
    path: str


class _Entry(NamedTuple):
    used: float
    size: int
    function: str
    kind: str
    name: str
    path: str


def info(root: str) -> tuple[Usage, ...]:
    """Return the usage of every kind for each digest function that the cache was used with."""
    found = []
    for function in _functions(root):
        for kind in KINDS:
            entries = list(_entries(root, function, kind))
            oldest = min((entry.used for entry in entries), default=0.0)
            size = sum(entry.size for entry in entries)
            found.append(Usage(function, kind, len(entries), size, oldest))
    return tuple(found)


def collect(
    root: str, max_size: int | None = None, max_age: float | None = None, now: float | None = None
) -> Collected:
    """Remove old entries; ``max_size`` in bytes, ``max_age`` in seconds, ``None`` for no limit."""
    now = time.time() if now is None else now
    protected = _protected_since(root, now)
    entries = sorted(
        entry
        for function in _functions(root)
        for kind in KINDS
        for entry in _entries(root, function, kind)
    )
    total = sum(entry.size for entry in entries)
    removed = removed_size = 0
    for entry in entries:
        too_old = max_age is not None and entry.used < now - max_age
        too_much = max_size is not None and total - removed_size > max_size
        if entry.used >= protected or not (too_old or too_much):
            break
        if _remove(entry):
            removed += 1
            removed_size += entry.size
    return Collected(removed, removed_size, len(entries) - removed, total - removed_size)


def verify(root: str, *, repair: bool = False) -> tuple[Problem, ...]:
    """Read everything and return what is wrong; ``repair`` removes it, so that it is made again."""
    problems = []
    for name in _functions(root):
        function = DigestFunction(name)
        for kind in KINDS:
            for entry in _entries(root, name, kind):
                if intact(entry.path, kind, function):
                    continue
                problems.append(Problem(name, kind, entry.name, entry.path))
                if repair:
                    _remove(entry)
    return tuple(problems)


def _functions(root: str) -> list[str]:
    return [name for name in FUNCTIONS if os.path.isdir(f"{root}/{name}")]


def _protected_since(root: str, now: float) -> float:
    layout = Layout(root, FUNCTIONS[0])
    remove_dead_sessions(layout)
    living = [start for _, start in living_sessions(layout)]
    return min(living) - TOUCH_INTERVAL if living else now + 1


def _entries(root: str, function: str, kind: str) -> Iterator[_Entry]:
    base = f"{root}/{function}/{kind}"
    for shard in sorted(os.listdir(base)) if os.path.isdir(base) else ():
        with os.scandir(f"{base}/{shard}") as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                if kind != "trees":
                    size = found.st_blocks * 512
                    yield _Entry(found.st_atime, size, function, kind, entry.name, entry.path)
                elif stat.S_ISDIR(found.st_mode):
                    yield _tree_entry(function, entry)


def _tree_entry(function: str, entry: os.DirEntry[str]) -> _Entry:
    size = 0
    for directory, names, files in os.walk(entry.path):
        for name in (*names, *files):
            with contextlib.suppress(FileNotFoundError):
                size += os.lstat(f"{directory}/{name}").st_blocks * 512
    try:
        used = os.stat(f"{entry.path}.stamps").st_atime
    except FileNotFoundError:  # just being made, or left unfinished: its own time decides
        used = os.stat(entry.path).st_ctime
    return _Entry(used, size, function, "trees", entry.name, entry.path)


def _remove(entry: _Entry) -> bool:
    """Delete an entry unless it was used since it was listed."""
    mark = f"{entry.path}.stamps" if entry.kind == "trees" else entry.path
    with contextlib.suppress(FileNotFoundError):
        if os.stat(mark).st_atime > entry.used:
            return False
    if entry.kind != "trees":
        remove(entry.path)
        return True
    remove(mark)
    aside = f"{entry.path}.gone-{os.getpid()}"
    try:
        os.rename(entry.path, aside)
    except FileNotFoundError:
        return False
    remove_tree(aside)
    return True


def intact(path: str, kind: str, function: DigestFunction) -> bool:
    """Read one entry of a cache and tell whether it is what its name says; one that is gone is."""
    expected = path.rpartition("/")[2][:HASH_LENGTH]
    try:
        if kind == "blobs":
            return function.of_file(path).hash == expected
        if kind == "trees":
            return path.endswith(expected) and _is_tree(path, expected, function)
        data = read_whole(path)
        return data is None or check(data, function) is not None
    except FileNotFoundError:
        return True  # collected since


def _is_tree(path: str, expected: str, function: DigestFunction) -> bool:
    """Tell whether a tree is what its name says; the message of another writer may order it so."""
    try:
        scanned = scan(path, function)
    except UnsupportedEntryError:
        return False
    if scanned.tree.hash == expected:
        return True
    base = path.rpartition("/trees/")[0]
    message = read_whole(f"{base}/blobs/{expected[:2]}/{expected}")
    if message is None or function.hash(message) != expected:
        return False
    try:
        return function.of(decode_tree(message)[0]) == scanned.root
    except MalformedMessageError:
        return False
