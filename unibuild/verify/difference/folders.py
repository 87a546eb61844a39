"""Folders and files on disk: names, kinds, modes, targets of links, then contents.

Times and owners of files are no part of an output here; its bytes, names and modes are.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.model.errors import HostError
from unibuild.verify.difference import causes
from unibuild.verify.difference.tree import MOST_CHILDREN, WINDOW, Cause, Difference, node

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unibuild.verify.difference.surroundings import Surroundings

    CompareContents = Callable[[str, Path, Path, bytes, bytes], Difference | None]

LARGEST = 128 << 20
"""Files above this many bytes are compared as bytes, a piece at a time."""
_DESCRIBING = (".symbols", ".manifest.json", ".map", ".why")
_DEEPEST = 200
_MOST_PAIRS = 10_000
_CHUNK = 1 << 20
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
_OTHERS = 0o077


class Folders:
    """Compares what lies at two paths; ``contents`` compares the bytes of two files."""

    def __init__(self, contents: CompareContents, surroundings: Surroundings) -> None:
        """Remember how contents are compared and where this happens."""
        self.contents = contents
        self.surroundings = surroundings

    def compare(
        self, name: str, expected: Path, found: Path, *, top: bool = False, depth: int = 0
    ) -> Difference | None:
        """Compare two entries; at the top a symbolic link stands for what it points to."""
        try:
            one, other = (path.stat() if top else path.lstat() for path in (expected, found))
            kinds = stat.S_IFMT(one.st_mode), stat.S_IFMT(other.st_mode)
            if kinds[0] != kinds[1]:
                words = f"a {_KINDS[kinds[0]]} expected, a {_KINDS[kinds[1]]} found"
                return Difference(name, "kind", words)
            if depth > _DEEPEST:
                return Difference(
                    name, "folder", f"more than {_DEEPEST} folders deep: not compared"
                )
            children = [] if top and kinds[0] != stat.S_IFDIR else self._modes(one, other)
            if kinds[0] == stat.S_IFDIR:
                children += self._entries(expected, found, depth)
                return node(name, "folder", children, _count(children)) if children else None
            if kinds[0] == stat.S_IFLNK:
                children += self._targets(expected, found)
            elif kinds[0] in (stat.S_IFCHR, stat.S_IFBLK):
                children += _numbers(one, other)
            elif kinds[0] == stat.S_IFREG:
                return self._file(name, expected, found, children)
        except OSError as error:
            raise HostError(
                "unreadable-file", f"cannot read {error.filename or expected}: {error.strerror}"
            ) from error
        return node(name, _KINDS[kinds[0]], children) if children else None

    def _entries(self, expected: Path, found: Path, depth: int) -> list[Difference]:
        ours, theirs = set(os.listdir(expected)), set(os.listdir(found))  # noqa: PTH208 - names only
        children: list[Difference] = []
        for entry in sorted(ours & theirs):
            pair = expected / entry, found / entry
            if len(children) >= MOST_CHILDREN and all(map(_is_file, pair)):
                differs = _first_difference(*pair) is not None
                child = Difference(_printable(entry), "file", "differs") if differs else None
            else:
                child = self.compare(_printable(entry), *pair, depth=depth + 1)
            if child is not None:
                children.append(child)
        children = _following(children)
        missing, added = sorted(ours - theirs), sorted(theirs - ours)
        for entry, twin in _twins(expected, missing, found, added):
            missing.remove(entry)
            added.remove(twin)
            children.append(self._renamed(entry, twin))
        if len(missing) == len(added) == 1:
            cause = causes.of_text(_bytes(missing[0]), _bytes(added[0]), self.surroundings)
        else:
            cause = None
        children += [
            Difference(_printable(entry), "only-expected", "only in what was expected", cause=cause)
            for entry in missing
        ]
        children += [
            Difference(_printable(entry), "only-found", "only in what was found", cause=cause)
            for entry in added
        ]
        return children

    def _renamed(self, entry: str, twin: str) -> Difference:
        cause = causes.of_text(_bytes(entry), _bytes(twin), self.surroundings)
        return Difference(
            _printable(entry), "name", f"found under the name {_printable(twin)}",
            None, _bytes(entry)[:WINDOW], _bytes(twin)[:WINDOW], cause,
        )  # fmt: skip

    def _modes(self, one: os.stat_result, other: os.stat_result) -> list[Difference]:
        expected, found = stat.S_IMODE(one.st_mode), stat.S_IMODE(other.st_mode)
        if expected == found:
            return []
        words = f"mode {expected:04o} expected, {found:04o} found"
        cause = None
        if not (expected ^ found) & ~_OTHERS:
            cause = Cause("umask", f"a umask: {words}")
        return [Difference("mode", "mode", words, cause=cause)]

    def _targets(self, expected: Path, found: Path) -> list[Difference]:
        one, other = _bytes(os.readlink(expected)), _bytes(os.readlink(found))  # noqa: PTH115 - as written
        if one == other:
            return []
        words = f"points to {causes.quoted(one, other)}"
        cause = causes.of_text(one, other, self.surroundings)
        return [Difference("target", "link", words, 0, one[:WINDOW], other[:WINDOW], cause)]

    def _file(
        self, name: str, expected: Path, found: Path, modes: list[Difference]
    ) -> Difference | None:
        content = self._content(name, expected, found)
        if not modes:
            return content
        return node(name, "file", [*modes, *([content.named("content")] if content else [])])

    def _content(self, name: str, expected: Path, found: Path) -> Difference | None:
        at = _first_difference(expected, found)
        if at is None:
            return None
        if max(expected.stat().st_size, found.stat().st_size) <= LARGEST:
            return self.contents(name, expected, found, expected.read_bytes(), found.read_bytes())
        return _large(name, expected, found, at)


def _following(children: list[Difference]) -> list[Difference]:
    """Mark what describes a file beside it that differs: symbols, manifest and map of an image."""
    stems = {child.name.removesuffix(".elf") for child in children if child.name.endswith(".elf")}
    described = {f"{stem}{suffix}" for stem in stems for suffix in _DESCRIBING}
    return [replace(child, follows=child.name in described) for child in children]


def _first_difference(expected: Path, found: Path) -> int | None:
    """Return the first differing offset, in steps of a chunk; None when the files are equal."""
    with expected.open("rb") as one, found.open("rb") as other:
        at = 0
        while True:
            ours, theirs = one.read(_CHUNK), other.read(_CHUNK)
            if ours != theirs:
                return at
            if not ours:
                return None
            at += len(ours)


def _large(name: str, expected: Path, found: Path, at: int) -> Difference:
    """Return the first difference of two files too large to be held."""
    sides = []
    for file in (expected, found):
        with file.open("rb") as stream:
            stream.seek(at)
            sides.append(stream.read(_CHUNK))
    one, other = sides
    most = min(len(one), len(other))
    step = next((place for place in range(most) if one[place] != other[place]), most)
    sizes = expected.stat().st_size, found.stat().st_size
    words = f"too large to be taken apart ({sizes[0]:,} and {sizes[1]:,} bytes)"
    leaf = Difference(
        f"byte {at + step:,}", "bytes", "the first that differs; what follows was not looked at",
        at + step,
        one[step : step + WINDOW], other[step : step + WINDOW],
    )  # fmt: skip
    return node(name, "file", [leaf], words)


def _numbers(one: os.stat_result, other: os.stat_result) -> list[Difference]:
    expected, found = (
        f"{os.major(side.st_rdev)}:{os.minor(side.st_rdev)}" for side in (one, other)
    )
    if expected == found:
        return []
    return [Difference("number", "header", f"device {expected} expected, {found} found")]


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _twins(
    expected: Path, missing: list[str], found: Path, added: list[str]
) -> list[tuple[str, str]]:
    """Return the names of regular files of the same, not empty, content; each is read once at most."""
    ours, theirs = _sizes(expected, missing), _sizes(found, added)
    if len(ours) * len(theirs) > _MOST_PAIRS:
        return []
    waiting: dict[bytes, list[str]] = {}
    for name, size in theirs.items():
        if size in ours.values():
            waiting.setdefault(_digest(found / name), []).append(name)
    pairs = []
    for name, size in ours.items():
        same = waiting.get(_digest(expected / name)) if size in theirs.values() else None
        if same:
            pairs.append((name, same.pop(0)))
    return pairs


def _sizes(folder: Path, names: list[str]) -> dict[str, int]:
    found = {name: (folder / name).lstat() for name in names}
    return {
        name: about.st_size
        for name, about in found.items()
        if stat.S_ISREG(about.st_mode) and about.st_size
    }


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _count(children: list[Difference]) -> str:
    return f"{len(children):,} entries differ" if len(children) > 1 else ""


def _bytes(text: str) -> bytes:
    return os.fsencode(text)


def _printable(name: str) -> str:
    return causes.shown(os.fsencode(name).decode("utf-8", "replace"))
