"""Merkle trees: a flat list of paths into ``Directory`` messages, and directories on disk too.

A path list is turned into messages bottom up; a child that is given by digest (a tree artefact) is
taken as it is. Nothing here reads file contents but ``scan``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.digests import Digest
from unibuild.store.reapi import (
    decode_directory,
    encode_directory_node,
    encode_file_node,
    encode_symlink_node,
    encode_tree,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unibuild.store.digests import DigestFunction


class Entry(NamedTuple):
    """One path of an input root: a file, or a whole directory by the digest of its message."""

    path: str
    digest: Digest
    executable: bool = False
    tree: bool = False


def root_digest(entries: Iterable[Entry], function: DigestFunction) -> Digest:
    """Return the digest of the root ``Directory`` that holds exactly ``entries``.

    ``entries`` are (path, digest, executable, tree) with distinct relative paths.
    """
    return _fold(entries, function, None)


def input_root(
    entries: Iterable[Entry], function: DigestFunction
) -> tuple[Digest, dict[Digest, bytes]]:
    """Return what ``root_digest`` does, and every ``Directory`` message on the way by its digest.

    The messages of children that are given by digest are not among them.
    """
    messages: dict[Digest, bytes] = {}
    return _fold(entries, function, messages), messages


def _fold(
    entries: Iterable[Entry], function: DigestFunction, messages: dict[Digest, bytes] | None
) -> Digest:
    # Children are collected a directory: names of files and of directories with encoded nodes.
    files: dict[str, list[tuple[str, bytes]]] = {"": []}
    children: dict[str, list[tuple[str, bytes]]] = {"": []}
    for path, digest, executable, tree in entries:
        parent, _, name = path.rpartition("/")
        if parent not in files:
            _add_directory(parent, files, children)
        if tree:
            children[parent].append((name, encode_directory_node(name, digest)))
        else:
            files[parent].append((name, encode_file_node(name, digest, executable)))
    digest = Digest("", 0)
    # A child sorts after its parent, so the reverse order is bottom up.
    for directory in sorted(files, reverse=True):
        nodes = files[directory]
        nodes.sort()
        below = children[directory]
        below.sort()
        message = b"".join([node for _, node in nodes] + [node for _, node in below])
        digest = function.of(message)
        if messages is not None:
            messages[digest] = message
        if directory:
            parent, _, name = directory.rpartition("/")
            children[parent].append((name, encode_directory_node(name, digest)))
    return digest


def _add_directory(
    path: str,
    files: dict[str, list[tuple[str, bytes]]],
    children: dict[str, list[tuple[str, bytes]]],
) -> None:
    while path not in files:
        files[path] = []
        children[path] = []
        path = path.rpartition("/")[0]


class UnsupportedEntryError(ValueError):
    """A directory holds what a Merkle tree cannot: a device, a socket, an escaping link."""

    def __init__(self, path: str, why: str) -> None:
        """Keep the ``path`` below the scanned directory and the reason."""
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class ScannedTree(NamedTuple):
    """A directory on disk as messages: digests of its ``Tree`` and root, and the ``Tree`` itself."""

    tree: Digest
    root: Digest
    message: bytes


def scan(path: str, function: DigestFunction) -> ScannedTree:
    """Read the directory at ``path`` wholly and return it as a ``Tree``.

    Children are listed in the order of a depth-first walk by name, each distinct directory once,
    so the message depends on the contents alone.
    """
    found: dict[Digest, bytes] = {}
    root_message, root = _scan(path, "", function, found)
    found.pop(root, None)
    message = encode_tree(root_message, list(found.values()))
    return ScannedTree(function.of(message), root, message)


def tree_message(root: Digest, messages: Mapping[Digest, bytes]) -> bytes:
    """Return the ``Tree`` that ``scan`` would make of the directory that ``messages`` describe.

    ``messages`` are encoded ``Directory`` messages by digest, the root's included; other writers put
    them in other orders. Raises ``KeyError`` when one is missing.
    """
    found: dict[Digest, bytes] = {}

    def visit(digest: Digest) -> None:
        for _, child in sorted(decode_directory(messages[digest]).directories):
            if child not in found:
                visit(child)
                found[child] = messages[child]

    visit(root)
    found.pop(root, None)
    return encode_tree(messages[root], list(found.values()))


def _scan(
    base: str, relative: str, function: DigestFunction, found: dict[Digest, bytes]
) -> tuple[bytes, Digest]:
    files: list[bytes] = []
    directories: list[bytes] = []
    links: list[bytes] = []
    place = f"{base}/{relative}" if relative else base
    with os.scandir(place) as listing:
        entries = sorted(listing, key=_name)
    for entry in entries:
        name = entry.name
        below = f"{relative}/{name}" if relative else name
        if not name.isprintable() and not _is_text(name):
            raise UnsupportedEntryError(ascii(below), "has a name that is not UTF-8")
        if entry.is_symlink():
            links.append(encode_symlink_node(name, _link_target(entry.path, below)))
        elif entry.is_dir():
            message, digest = _scan(base, below, function, found)
            found.setdefault(digest, message)
            directories.append(encode_directory_node(name, digest))
        elif entry.is_file():
            executable = bool(entry.stat().st_mode & 0o100)
            files.append(encode_file_node(name, function.of_file(entry.path), executable))
        else:
            raise UnsupportedEntryError(below, "is neither a file, a directory nor a link")
    message = b"".join(files + directories + links)
    return message, function.of(message)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _link_target(path: str, relative: str) -> str:
    target = os.readlink(path)
    landing = os.path.normpath(os.path.join(os.path.dirname(relative), target))
    if target.startswith("/") or landing == ".." or landing.startswith("../"):
        raise UnsupportedEntryError(relative, f"is a link that leaves the directory: {target}")
    return target
