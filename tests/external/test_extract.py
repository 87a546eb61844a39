from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from unibuild.external.archives import safe_target
from unibuild.external.extract import Selection, pattern, unpack
from unibuild.model.errors import ActionError

CONTENT = {"top/a.txt": b"a", "top/lib/b.h": b"bb", "top/lib/deep/c.h": b"", "top/run": b"#!"}


def tar_bytes(
    content: dict[str, bytes], mode: str = "w", links: dict[str, str] | None = None
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o700 if name.endswith("run") else 0o600
            tar.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


def zip_bytes(content: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | (0o755 if name.endswith("run") else 0o644)) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def deb_bytes(data: bytes, name: bytes = b"data.tar.xz") -> bytes:
    def member(name: bytes, body: bytes) -> bytes:
        header = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644".ljust(8)
        return header + str(len(body)).encode().ljust(10) + b"`\n" + body + b"\n" * (len(body) % 2)

    return b"!<arch>\n" + member(b"debian-binary", b"2.0\n") + member(name, data)


def tree(root: Path) -> dict[str, tuple[int, bytes | str]]:
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = (0, str(path.readlink()))
        elif path.is_file():
            found[name] = (path.stat().st_mode & 0o7777, path.read_bytes())
    return found


EXPECTED = {
    "a.txt": (0o644, b"a"),
    "lib/b.h": (0o644, b"bb"),
    "lib/deep/c.h": (0o644, b""),
    "run": (0o755, b"#!"),
}


@pytest.mark.parametrize(
    "data",
    [
        tar_bytes(CONTENT),
        tar_bytes(CONTENT, "w:gz"),
        tar_bytes(CONTENT, "w:xz"),
        tar_bytes(CONTENT, "w:bz2"),
        zstandard.compress(tar_bytes(CONTENT)),
        zip_bytes(CONTENT),
        deb_bytes(tar_bytes({f"./{name}": data for name, data in CONTENT.items()}, "w:xz")),
        deb_bytes(zstandard.compress(tar_bytes(CONTENT)), b"data.tar.zst/"),
    ],
    ids=["tar", "gz", "xz", "bz2", "zst", "zip", "deb-xz", "deb-zst"],
)
def test_every_format_gives_the_same_tree_under_any_umask(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "archive").write_bytes(data)
    old = os.umask(0o077)
    try:
        unpack(tmp_path / "archive", tmp_path / "tree", Selection("top"))
    finally:
        os.umask(old)
    assert tree(tmp_path / "tree") == EXPECTED


def test_links_of_a_debian_package_may_begin_at_the_root(tmp_path: Path) -> None:
    """As in libc6: the interpreter is a link from /lib64."""
    links = {"./lib64/ld.so": "/lib/multi/ld.so", "./etc/here": "/etc/there"}
    data = tar_bytes({"./lib/multi/ld.so": b"x", "./etc/there": b"y"}, "w:xz", links)
    (tmp_path / "archive").write_bytes(deb_bytes(data))
    unpack(tmp_path / "archive", tmp_path / "tree", Selection())
    assert (tmp_path / "tree/lib64/ld.so").readlink() == Path("../lib/multi/ld.so")
    assert (tmp_path / "tree/lib64/ld.so").read_bytes() == b"x"
    assert (tmp_path / "tree/etc/here").read_bytes() == b"y"
    (tmp_path / "archive").write_bytes(tar_bytes({}, "w", {"lib64/ld.so": "/lib/ld.so"}))
    with pytest.raises(ActionError):
        unpack(tmp_path / "archive", tmp_path / "other", Selection())


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection("t*", include=("lib",)), {"lib/b.h", "lib/deep/c.h"}),
        (Selection("top/lib"), {"b.h", "deep/c.h"}),
        (Selection("", include=("**/*.h",)), {"top/lib/b.h", "top/lib/deep/c.h"}),
        (Selection("top", include=("*.txt", "run")), {"a.txt", "run"}),
        (Selection("top", exclude=("lib/deep", "*.txt")), {"lib/b.h", "run"}),
    ],
)
def test_selection(tmp_path: Path, selection: Selection, names: set[str]) -> None:
    (tmp_path / "archive").write_bytes(tar_bytes(CONTENT))
    unpack(tmp_path / "archive", tmp_path / "tree", selection)
    assert set(tree(tmp_path / "tree")) == names


@pytest.mark.parametrize(
    ("selection", "error"),
    [
        (Selection("bottom"), "no-such-prefix"),
        (Selection("top", include=("*.c",)), "empty-include"),
    ],
)
def test_a_selection_of_nothing_is_told(tmp_path: Path, selection: Selection, error: str) -> None:
    (tmp_path / "archive").write_bytes(tar_bytes(CONTENT))
    with pytest.raises(ActionError) as caught:
        unpack(tmp_path / "archive", tmp_path / "tree", selection)
    assert caught.value.id == error


def test_links_inside_are_kept_and_hard_links_become_files(tmp_path: Path) -> None:
    buffer = io.BytesIO(tar_bytes({"t/lib/b": b"bb"}, links={"t/lib/l": "../a", "t/m": "lib/l"}))
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        hard = tarfile.TarInfo("t/a")
        hard.type, hard.linkname = tarfile.LNKTYPE, "t/lib/b"
        tar.addfile(hard)
    (tmp_path / "archive").write_bytes(zstandard.compress(buffer.getvalue()))
    unpack(tmp_path / "archive", tmp_path / "tree", Selection("t"))
    found = tree(tmp_path / "tree")
    assert found["lib/l"] == (0, "../a")
    assert found["m"] == (0, "lib/l")
    assert found["a"] == (0o644, b"bb")
    assert (tmp_path / "tree" / "m").read_bytes() == b"bb"


def special(kind: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("top/special")
        info.type, info.linkname = kind, "top/none"
        tar.addfile(info)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        tar_bytes({"/etc/passwd": b"x"}),
        tar_bytes({"a/../../b": b"x"}),
        tar_bytes({"a": b"x"}, links={"l": "/etc"}),
        tar_bytes({"a": b"x"}, links={"l": "../b"}),
        tar_bytes({"a": b"x"}, links={"d/l": "../../b"}),
        tar_bytes({"a": b"x"}, links={"d/l": "e/../../../b"}),
        tar_bytes({"l/x": b"x"}, links={"l": "d"}),
        tar_bytes({"a": b"x", "./a": b"y"}),
        tar_bytes({"a": b"x", "a/b": b"y"}),
        zip_bytes({"../a": b"x"}),
        zip_bytes({"a\\b": b"x"}),
        special(tarfile.CHRTYPE),
        special(tarfile.FIFOTYPE),
        special(tarfile.LNKTYPE),
        tar_bytes(CONTENT, "w:gz")[:-30],
        zip_bytes(CONTENT)[:-10],
        zstandard.compress(tar_bytes(CONTENT))[:-9],
        deb_bytes(tar_bytes(CONTENT), b"other.tar"),
        b"#!/bin/sh\nexit 1\n" * 100,
        b"",
    ],
)
def test_what_is_damaged_or_leads_out_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "archive").write_bytes(data)
    with pytest.raises(ActionError) as caught:
        unpack(tmp_path / "archive", tmp_path / "in" / "tree", Selection())
    assert caught.value.id == "bad-archive"
    assert {path.name for path in tmp_path.iterdir()} <= {"archive", "in"}


segments = st.sampled_from(["a", "b", "..", ".", "", "c"])
paths = st.lists(segments, min_size=1, max_size=5).map("/".join)


@given(
    files=st.lists(paths, max_size=4),
    links=st.dictionaries(paths, paths, max_size=5),
    data=st.data(),
)
@settings(deadline=None)
def test_no_archive_writes_or_links_out_of_its_tree(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[str],
    links: dict[str, str],
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("extract")
    (folder / "archive").write_bytes(tar_bytes(dict.fromkeys(files, b"x"), links=links))
    prefix = data.draw(st.sampled_from(["", "a", "*", "a/b"]))
    with contextlib.suppress(ActionError):
        unpack(folder / "archive", folder / "inner" / "tree", Selection(prefix))
    assert sorted(path.name for path in folder.iterdir()) in (["archive"], ["archive", "inner"])
    root = folder / "inner" / "tree"
    if not root.exists():
        return
    assert [path.name for path in (folder / "inner").iterdir()] == ["tree"]
    for path in root.rglob("*"):
        if path.is_symlink():
            try:
                assert path.resolve().is_relative_to(root.resolve())
            except RuntimeError:  # a loop of links stays inside too
                continue


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_an_archive_or_an_action_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("extract")
    for start in (
        b"",
        b"PK\3\4",
        b"!<arch>\n",
        b"\x1f\x8b\x08\0",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
    ):
        (folder / "archive").write_bytes(start + data)
        with pytest.raises(ActionError):
            unpack(folder / "archive", folder / "tree", Selection())


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*.c", "a.c", True),
        ("*.c", "d/a.c", False),
        ("**/*.c", "a.c", True),
        ("**/*.c", "d/e/a.c", True),
        ("d/**", "d/e/a.c", True),
        ("d/**", "d", False),
        ("d", "d/e", True),
        ("d", "de", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
    ],
)
def test_patterns(glob: str, path: str, *, fits: bool) -> None:
    assert bool(pattern(glob).fullmatch(path)) is fits


def test_link_targets_are_normal() -> None:
    assert safe_target("a/b/l", "..//./x/") == "../x"
