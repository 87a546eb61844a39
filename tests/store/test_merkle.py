from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.merkle import (
    Entry,
    UnsupportedEntryError,
    input_root,
    root_digest,
    scan,
    tree_message,
)
from unibuild.store.reapi import decode_directory, decode_tree

FUNCTION = DigestFunction("sha256")
NAMES = st.text("abc.é", min_size=1, max_size=3).filter(lambda name: name not in {".", ".."})


def write(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def test_the_empty_root_is_the_empty_message() -> None:
    assert root_digest([], FUNCTION) == FUNCTION.of(b"")


@given(
    st.dictionaries(st.lists(NAMES, min_size=1, max_size=4).map("/".join), st.binary(), max_size=8)
)
def test_a_list_of_paths_and_the_same_files_on_disk_have_one_root(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    files = {
        path: data
        for path, data in files.items()
        if not any(other.startswith(f"{path}/") for other in files)
    }
    root = tmp_path_factory.mktemp("tree")
    write(root, files)
    entries = [Entry(path, FUNCTION.of(data)) for path, data in files.items()]
    assert root_digest(entries, FUNCTION) == scan(str(root), FUNCTION).root
    assert root_digest(reversed(entries), FUNCTION) == root_digest(entries, FUNCTION)


def test_a_directory_given_by_digest_stands_for_its_files(tmp_path: Path) -> None:
    files = {"include/a.h": b"a", "include/sys/b.h": b"b"}
    write(tmp_path, files)
    single = [Entry(f"lib/{path}", FUNCTION.of(data)) for path, data in files.items()]
    whole = scan(str(tmp_path), FUNCTION).root
    assert root_digest([Entry("lib", whole, tree=True)], FUNCTION) == root_digest(single, FUNCTION)


def test_mode_names_and_links_are_in_the_tree_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, {"b/tool": b"1", "b/data": b"2", "a": b"3"})
    (tmp_path / "b/tool").chmod(0o700)
    (tmp_path / "b/link").symlink_to("tool")
    before = scan(str(tmp_path), FUNCTION)
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "b/data").chmod(0o604)
    assert scan(str(tmp_path), FUNCTION) == before
    root, children = decode_tree(before.message)
    assert [node.name for node in decode_directory(root).files] == ["a"]
    (below,) = map(decode_directory, children)
    assert [(node.name, node.executable) for node in below.files] == [
        ("data", False),
        ("tool", True),
    ]
    assert below.symlinks[0].target == "tool"
    (tmp_path / "b/data").chmod(0o755)
    assert scan(str(tmp_path), FUNCTION).root != before.root


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "..", "d/../../../x"])
def test_a_link_that_leaves_the_directory_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/link").symlink_to(target if target != ".." else "../..")
    with pytest.raises(UnsupportedEntryError) as caught:
        scan(str(tmp_path), FUNCTION)
    assert caught.value.path == "d/link"


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsupportedEntryError):
        scan(str(tmp_path), FUNCTION)


def test_executable_entries_differ() -> None:
    digest = Digest("a" * 64, 1)
    plain = root_digest([Entry("f", digest)], FUNCTION)
    assert root_digest([Entry("f", digest, executable=True)], FUNCTION) != plain


@given(
    st.dictionaries(st.lists(NAMES, min_size=1, max_size=4).map("/".join), st.binary(), max_size=8)
)
def test_an_input_root_is_described_by_its_messages(files: dict[str, bytes]) -> None:
    paths = [p for p in files if not any(other.startswith(f"{p}/") for other in files)]
    entries = [Entry(path, FUNCTION.of(files[path])) for path in paths]
    root, messages = input_root(entries, FUNCTION)
    assert root == root_digest(entries, FUNCTION)
    assert all(FUNCTION.of(message) == digest for digest, message in messages.items())
    found = []
    pending = [("", root)]
    while pending:
        place, digest = pending.pop()
        directory = decode_directory(messages[digest])
        found += [place + file.name for file in directory.files]
        pending += [(f"{place}{child.name}/", child.digest) for child in directory.directories]
    assert sorted(found) == sorted(paths)


def test_a_tree_is_put_into_our_order_whoever_wrote_it(tmp_path: Path) -> None:
    write(tmp_path, {"b/x/1": b"1", "b/y/2": b"2", "a/z": b"z", "c/x/1": b"1", "top": b""})
    scanned = scan(str(tmp_path), FUNCTION)
    root, children = decode_tree(scanned.message)
    messages = {FUNCTION.of(message): message for message in (*reversed(children), root)}
    assert tree_message(scanned.root, messages) == scanned.message
    messages.pop(FUNCTION.of(children[0]))
    with pytest.raises(KeyError):
        tree_message(scanned.root, messages)
