"""A ``Tree`` message read with suspicion: what it describes, or why it describes nothing.

Every child must be there by its digest, every name be that of one entry of one directory, every link
stay inside, and the whole be of a size that a directory on this machine can have.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_directory, decode_tree
from unibuild.store.remote.trust import is_digest

if TYPE_CHECKING:
    from unibuild.store.digests import Digest, DigestFunction
    from unibuild.store.reapi import Directory

MAXIMUM_ENTRIES = 500_000
MAXIMUM_DEPTH = 200
MAXIMUM_PATH = 2_000  # bytes; a place in the cache comes before it
_MAXIMUM_NAME = 255


class TreeFile(NamedTuple):
    """A file of a tree, its path below the root."""

    path: str
    digest: Digest
    executable: bool


class Outline(NamedTuple):
    """What a ``Tree`` describes; directories come before what is in them."""

    root: Digest
    directories: tuple[str, ...]
    files: tuple[TreeFile, ...]
    links: tuple[tuple[str, str], ...]
    messages: dict[Digest, bytes]


def tree_root(message: bytes, function: DigestFunction) -> Digest:
    """Return the digest of a Tree's root; raises ``MalformedMessageError``."""
    return function.of(decode_tree(message)[0])


def outline(message: bytes, function: DigestFunction) -> Outline:
    """Return what ``message`` describes; raises ``MalformedMessageError``."""
    root_message, children = decode_tree(message)
    messages = {function.of(child): child for child in children}
    root = function.of(root_message)
    messages[root] = root_message
    decoded: dict[Digest, Directory] = {}
    directories: list[str] = []
    files: list[TreeFile] = []
    links: list[tuple[str, str]] = []
    pending = [("", root, 0)]
    while pending:
        place, digest, depth = pending.pop()
        if digest not in decoded:
            if digest not in messages:
                raise MalformedMessageError("a directory of the tree is missing")
            decoded[digest] = _checked(decode_directory(messages[digest]))
        directory = decoded[digest]
        files += [
            TreeFile(place + name, file, executable) for name, file, executable in directory.files
        ]
        for name, target in directory.symlinks:
            _check_link(place, target)
            links.append((place + name, target))
        for name, child in directory.directories:
            directories.append(place + name)
            pending.append((f"{place}{name}/", child, depth + 1))
        if len(files) + len(links) + len(directories) > MAXIMUM_ENTRIES:
            raise MalformedMessageError("the tree has too many entries")
        if depth > MAXIMUM_DEPTH or len(place.encode()) > MAXIMUM_PATH:
            raise MalformedMessageError("the tree is too deep")
    return Outline(root, tuple(directories), tuple(files), tuple(links), messages)


def _checked(directory: Directory) -> Directory:
    names = [node.name for part in directory for node in part]
    if len(set(names)) != len(names):
        raise MalformedMessageError("a directory has two entries of one name")
    for name in names:
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise MalformedMessageError("a directory has an entry without a proper name")
        if len(name.encode()) > _MAXIMUM_NAME:
            raise MalformedMessageError("a directory has an entry with an overlong name")
    digests = [file.digest for file in directory.files]
    digests += [child.digest for child in directory.directories]
    if not all(map(is_digest, digests)):
        raise MalformedMessageError("a directory has an entry without a proper digest")
    return directory


def _check_link(place: str, target: str) -> None:
    landing = posixpath.normpath(posixpath.join(place, target))
    if (
        not target
        or "\0" in target
        or len(target.encode()) > MAXIMUM_PATH
        or target.startswith("/")
        or landing == ".."
        or landing.startswith("../")
    ):
        raise MalformedMessageError("a link leaves the tree")
