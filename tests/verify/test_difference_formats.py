"""Folders, archives, root archives and JSON are taken apart: what differs has the name of its part."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from support.tree import write_tree

from unibuild.image.root_archive import write_root_archive
from unibuild.model.errors import UserError
from unibuild.verify.difference import Difference, cpio, drawing, explain, folders

Sides = tuple[Path, Path]


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return tmp_path / "expected", tmp_path / "found"


def of_files(sides: Sides, expected: bytes | str, found: bytes | str) -> Difference:
    for path, content in zip(sides, (expected, found), strict=True):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return explain(*sides)


def drawn(difference: Difference) -> str:
    return "\n".join(drawing.lines(difference, drawing.Limits(0, 0, 0)))


def member(name: str, content: bytes, time: int = 0, owner: int = 0, mode: str = "644") -> bytes:
    fields = (f"{name}/".ljust(16), str(time).ljust(12), str(owner).ljust(6), "0".ljust(6),
              mode.ljust(8), str(len(content)).ljust(10))  # fmt: skip
    return "".join(fields).encode() + b"`\n" + content + b"\n" * (len(content) % 2)


def archive(*members: bytes) -> bytes:
    return b"!<arch>\n" + b"".join(members)


def root(folder: Path, files: dict[str, bytes]) -> bytes:
    write_tree(folder, {name.lstrip("/"): content for name, content in files.items()})
    return write_root_archive({name: folder / name.lstrip("/") for name in files})


def test_equal_files_and_folders_are_equal(sides: Sides) -> None:
    assert of_files(sides, b"\x7fELF", b"\x7fELF").equal
    assert explain(sides[0].parent, sides[0].parent).equal
    assert explain(sides[0], sides[0]).first_cause == ""


def test_folders_by_entry(sides: Sides) -> None:
    write_tree(sides[0], {"a/x": "1\n", "a/y": "2\n", "gone": "g", "kept-1": "k" * 50, "same": "s"})
    write_tree(sides[1], {"a/x": "1\n", "a/y": "3\n", "kept-2": "k" * 50, "same": "s"})
    (sides[0] / "link").symlink_to("/build/ada/x")
    (sides[1] / "link").symlink_to("/build/grace/x")
    (sides[0] / "same").chmod(0o644)
    (sides[1] / "same").chmod(0o664)
    (sides[0] / "pipe").mkdir()
    os.mkfifo(sides[1] / "pipe")
    difference = explain(*sides)
    text = drawn(difference)
    assert {child.name for child in difference.children} == {
        "a", "gone", "kept-1", "link", "same", "pipe"
    }  # fmt: skip
    assert "y" in text
    assert "gone: only in what was expected" in text
    assert "kept-1: found under the name kept-2; a number: `1` expected, `2` found" in text
    assert "a umask: mode 0644 expected, 0664 found" in text
    assert "a folder expected, a pipe found" in text
    assert "`/build/ada/x` expected, `/build/grace/x` found" in text


def test_a_file_where_a_folder_was(sides: Sides) -> None:
    sides[0].mkdir()
    sides[1].write_text("x")
    assert explain(*sides).words == "a folder expected, a file found"


def test_a_path_that_does_not_exist_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file or folder"):
        explain(tmp_path, tmp_path / "nothing")


def test_json_by_path(sides: Sides) -> None:
    expected = {
        "a": [{"name": "x", "size": 1}, {"name": "y", "at": "2026-11-22"}],
        "b": [1, 2],
        "c": 0,
    }
    found = {
        "a": [{"name": "x", "size": 1}, {"name": "y", "at": "2026-11-23"}],
        "b": [2, 1],
        "d": None,
    }
    difference = of_files(sides, json.dumps(expected), json.dumps(found, indent=1))
    names = {child.name: child for child in difference.children}
    assert set(names) == {"a[y].at", "b", "c", "d"}
    assert difference.cause_id == "date"
    assert names["b"].cause is not None
    assert names["b"].cause.id == "order"
    assert names["c"].kind == "only-expected"
    assert names["d"].kind == "only-found"


def test_json_with_keys_in_another_order(sides: Sides) -> None:
    difference = of_files(sides, '{"a": 1, "b": 2}', '{"b": 2, "a": 1}')
    assert (difference.cause_id, difference.words) == ("order", "the same values")


def test_json_written_with_other_spaces_is_shown_as_text(sides: Sides) -> None:
    difference = of_files(sides, '{"a": 1}\n', '{"a":1}\n')
    assert difference.kind == "text"


def test_archives_by_member_and_header(sides: Sides) -> None:
    expected = archive(
        member("a.o", b"aaaa", time=1_795_341_209), member("b.o", b"bb\nb\n"), member("c.o", b"c")
    )
    found = archive(
        member("a.o", b"aaaa", time=1_795_341_300, owner=7),
        member("b.o", b"bb\nc\n"),
        member("d.o", b"c"),
    )
    difference = of_files(sides, expected, found)
    assert [child.name for child in difference.children] == ["a.o", "b.o", "c.o", "d.o"]
    assert (
        "a date in the header: time 1795341209 expected, 1795341300 found" in difference.first_cause
    )
    assert "2026-11-22 09:53:29 UTC" in difference.first_cause
    assert "in a.o" in difference.first_cause
    assert "the user who built: owner 0 expected, 7 found" in drawn(difference)


def test_members_in_another_order(sides: Sides) -> None:
    one, other = member("a.o", b"a"), member("b.o", b"b")
    difference = of_files(sides, archive(one, other), archive(other, one))
    assert difference.cause_id == "order"
    assert "the same members" in difference.first_cause


def test_root_archives_by_file(sides: Sides, tmp_path: Path) -> None:
    expected = root(tmp_path / "1", {"/etc/zone": b"one\ntwo\n", "/etc/more": b"same"})
    found = root(
        tmp_path / "2", {"/etc/zone": b"one\n2026-11-22\n", "/etc/more": b"same", "/new": b"n"}
    )
    difference = of_files(sides, expected, found)
    text = drawn(difference)
    assert difference.kind == "archive"
    assert "/etc/zone" in text
    assert "line 2" in text
    assert "/new: only in what was found" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(20), "is no whole ELF file"),
        (archive(member("a.o", b"aaaa"))[:-2], "is no whole archive"),
        (archive(member("a.o", b"aaaa")) + b"rest", "is no whole archive"),
        (archive(b"x" * 60), "is no whole archive"),
        (b"070701" + b"0" * 50, "is no whole cpio archive"),
        (b"070701" + b"F" * 104, "is no whole cpio archive"),
    ],
)
def test_a_damaged_file_is_compared_as_bytes_and_says_so(
    sides: Sides, content: bytes, words: str
) -> None:
    difference = of_files(sides, content, content + b"x")
    assert not difference.equal
    assert difference.damaged[0][0] == "expected"
    assert words in difference.damaged[0][1]
    assert difference.children


def test_a_difference_deep_in_containers_has_the_whole_way_in_its_name(
    sides: Sides, tmp_path: Path
) -> None:
    inner = [
        root(tmp_path / name, {"/etc/motd": f"built at 1{name}:30:00\n".encode()}) for name in "12"
    ]
    difference = of_files(sides, *(archive(member("root.cpio", content)) for content in inner))
    assert difference.first_cause.endswith("in line 1 in /etc/motd in root.cpio")


def test_the_document_is_json_and_leaves_nothing_of_the_evidence_out(sides: Sides) -> None:
    difference = of_files(sides, b"\x00\x01same\x02\x03", b"\x00\x09same\x02\x03")
    leaf = json.loads(json.dumps(difference.document()))["children"][0]
    assert leaf == {
        "name": "byte 1",
        "kind": "bytes",
        "words": "1 byte differs",
        "offset": 1,
        "expected": "01",
        "found": "09",
    }


def tarball(*entries: tuple[str, bytes, int, str]) -> bytes:
    """Entries are name, content, time and the owner's name."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content, time, owner in entries:
            header = tarfile.TarInfo(name)
            header.size, header.mtime, header.uname = len(content), time, owner
            archive.addfile(header, io.BytesIO(content))
    return stream.getvalue()


def test_tar_archives_by_entry_also_when_compressed(sides: Sides) -> None:
    one = tarball(("a", b"same", 1_795_341_209, "ada"), ("b", b"x\n", 0, "root"))
    other = tarball(("a", b"same", 1_795_341_300, "grace"), ("b", b"y\n", 0, "root"))
    difference = of_files(sides, one, other)
    assert "time 1795341209 expected, 1795341300 found" in difference.first_cause
    text = drawn(difference)
    assert "the user who built: owner name `ada` expected, `grace` found" in text
    assert "line 1" in text
    packed = [gzip.compress(data, mtime=time) for data, time in ((one, 5), (other, 9))]
    difference = of_files(sides, *packed)
    assert difference.kind == "gzip"
    text = drawn(difference)
    assert "time 5 expected, 9 found" in text
    assert "owner name" in text
    assert of_files(sides, packed[0], packed[0]).equal


def test_a_gzip_file_that_unpacks_to_the_same_is_compared_as_bytes(sides: Sides) -> None:
    data = b"text that repeats itself, text that repeats itself, text that repeats" * 30
    difference = of_files(sides, gzip.compress(data, 1, mtime=0), gzip.compress(data, 9, mtime=0))
    assert not difference.equal
    assert of_files(sides, gzip.compress(data)[:-4], gzip.compress(data)).damaged


def test_of_very_many_differences_a_thousand_are_kept_and_the_rest_is_counted(
    sides: Sides,
) -> None:
    for side, text in zip(sides, ("left", "right"), strict=True):
        write_tree(side, {f"{number:04}": f"{text} {number}" for number in range(1500)})
    difference = explain(*sides)
    assert (len(difference.children), difference.left_out) == (1000, 500)
    assert (
        "… 500 more" in drawing.lines(difference)[-1]
        or "1,490 more" in drawing.lines(difference)[-1]
    )
    lines = ["".join(f"{text} {number}\n" for number in range(1500)) for text in ("left", "right")]
    for path in sides:
        shutil.rmtree(path)
    difference = of_files(sides, lines[0], lines[1])
    assert (len(difference.children), difference.left_out) == (1000, 500)
    assert difference.words == "1,500 places differ"


def test_a_file_too_large_to_be_held_is_compared_where_it_differs_first(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "LARGEST", 3 << 20)
    data = bytes(range(256)) * (4 << 12)
    changed = bytearray(data)
    changed[(2 << 20) + 77] ^= 1
    difference = of_files(sides, data, bytes(changed))
    (leaf,) = difference.children
    assert leaf.offset == (2 << 20) + 77
    assert leaf.expected[:3] == b"MNO"
    assert "too large to be taken apart" in difference.words
    assert of_files(sides, data, data).equal
    assert of_files(sides, data, data + b"x").children[0].offset == len(data)


def test_nothing_that_is_compared_reaches_a_terminal_raw(sides: Sides) -> None:
    key = "\x1b[2J\u202ekey"
    difference = of_files(sides, json.dumps({key: "a"}), json.dumps({key: "b"}))
    assert "key" in drawn(difference)
    for text in (drawn(difference), difference.first_cause):
        assert all(line.isprintable() for line in text.splitlines()), text


def test_what_comes_out_of_a_pipe_is_not_called_equal(sides: Sides) -> None:
    os.mkfifo(sides[0])
    sides[1].write_bytes(b"")
    for pair in ((sides[0], sides[0]), sides, (Path("/dev/null"), Path("/dev/zero"))):
        with pytest.raises(UserError) as raised:
            explain(*pair)
        assert raised.value.id == "special-file"


def test_a_large_file_is_not_said_to_differ_in_one_byte(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "LARGEST", 10)
    difference = of_files(sides, b"a" * 20, b"b" * 20)
    assert "the first that differs" in difference.first_cause


@pytest.mark.parametrize("left", range(4))
def test_a_root_archive_whose_last_zeros_a_boot_file_leaves_out(tmp_path: Path, left: int) -> None:
    (tmp_path / "motd").write_text("hello")
    whole = write_root_archive({"/etc/motd": tmp_path / "motd"})
    cut = whole[: len(whole.rstrip(b"\0")) + left]
    entries, end = cpio.read(cut)
    assert [one.name for one in entries] == ["/etc", "/etc/motd"]
    assert end == len(cut)
