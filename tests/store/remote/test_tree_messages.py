"""A Tree message from a server is believed only when it describes one directory, and all of it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import (
    Directory,
    DirectoryNode,
    FileNode,
    SymlinkNode,
    encode_directory,
    encode_tree,
)
from unibuild.store.remote import tree_messages
from unibuild.store.remote.tree_messages import TreeFile, outline

SHA256 = DigestFunction("sha256")
FILE = SHA256.of(b"x")


def tree(root: Directory, *children: Directory) -> bytes:
    return encode_tree(encode_directory(root), [encode_directory(child) for child in children])


def digest(directory: Directory) -> Digest:
    return SHA256.of(encode_directory(directory))


def nested(depth: int) -> bytes:
    chain = [Directory((FileNode("x", FILE),))]
    for _ in range(depth):
        chain.append(Directory(directories=(DirectoryNode("d", digest(chain[-1])),)))
    return tree(chain[-1], *chain[:-1])


def test_the_outline_of_a_tree() -> None:
    below = Directory((FileNode("b.sh", FILE, True),), symlinks=(SymlinkNode("up", "../a"),))
    top = Directory(
        (FileNode("a", FILE),),
        (DirectoryNode("d", digest(below)), DirectoryNode("e", digest(below))),
    )
    described = outline(tree(top, below), SHA256)
    assert described.root == digest(top)
    assert sorted(described.directories) == ["d", "e"]
    assert sorted(described.files) == [
        TreeFile("a", FILE, False),
        TreeFile("d/b.sh", FILE, True),
        TreeFile("e/b.sh", FILE, True),
    ]
    assert sorted(described.links) == [("d/up", "../a"), ("e/up", "../a")]


WRONG = {
    "no name": Directory((FileNode("", FILE),)),
    "dot": Directory((FileNode(".", FILE),)),
    "dots": Directory(directories=(DirectoryNode("..", FILE),)),
    "slash": Directory((FileNode("a/b", FILE),)),
    "zero": Directory((FileNode("a\0b", FILE),)),
    "overlong": Directory((FileNode("a" * 256, FILE),)),
    "twice": Directory((FileNode("a", FILE), FileNode("a", FILE))),
    "file and link": Directory((FileNode("a", FILE),), symlinks=(SymlinkNode("a", "b"),)),
    "absolute link": Directory(symlinks=(SymlinkNode("a", "/etc/passwd"),)),
    "link out": Directory(symlinks=(SymlinkNode("a", "x/../../../b"),)),
    "empty link": Directory(symlinks=(SymlinkNode("a", ""),)),
    "no digest": Directory((FileNode("a", Digest("", 0)),)),
    "path as digest": Directory((FileNode("a", Digest("../" * 21 + "x", 1)),)),
    "negative size": Directory((FileNode("a", Digest(FILE.hash, (1 << 64) - 1)),)),
    "child not there": Directory(directories=(DirectoryNode("a", FILE),)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("below", [False, True])
def test_a_wrong_directory_is_found_wherever_it_is(wrong: Directory, below: bool) -> None:
    top = Directory(directories=(DirectoryNode("d", digest(wrong)),))
    with pytest.raises(MalformedMessageError):
        outline(tree(top, wrong) if below else tree(wrong), SHA256)


def test_depth_and_size_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(outline(nested(100), SHA256).directories) == 100
    with pytest.raises(MalformedMessageError, match="deep"):
        outline(nested(10_000), SHA256)
    level = Directory((FileNode("x", FILE),))
    levels = [level]
    for _ in range(40):  # 2 to the 40th files
        names = (DirectoryNode("l", digest(level)), DirectoryNode("r", digest(level)))
        level = Directory(directories=names)
        levels.append(level)
    monkeypatch.setattr(tree_messages, "MAXIMUM_ENTRIES", 5_000)
    with pytest.raises(MalformedMessageError, match="many"):
        outline(tree(levels[-1], *levels[:-1]), SHA256)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_outline_or_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedMessageError):
        outline(data, SHA256)
