from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.execution.request import BuiltinCall
from unibuild.image.root_archive import build, list_root_archive, locate, write_root_archive
from unibuild.model.errors import ActionError


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    path = tmp_path / "zone"
    path.write_bytes(b"zone\n")
    return path


def names(archive: bytes, tmp_path: Path) -> list[str]:
    cpio = shutil.which("cpio")
    if cpio is None:
        pytest.skip("cpio is not installed")
    done = subprocess.run(
        [cpio, "-it", "--quiet"], input=archive, capture_output=True, check=True, cwd=tmp_path
    )
    return done.stdout.decode().split("\n")[:-1]


def test_directories_stand_before_what_they_hold(zone: Path) -> None:
    archive = write_root_archive({"/etc/dns/zone": zone, "/a.b": zone}, ("/var/empty",))
    found = []
    position = 0
    while position < len(archive):
        name_size = int(archive[position + 94 : position + 102], 16)
        size = int(archive[position + 54 : position + 62], 16)
        mode = int(archive[position + 14 : position + 22], 16)
        found.append((archive[position + 110 : position + 109 + name_size].decode(), oct(mode)))
        position += (110 + name_size + 3) // 4 * 4 + (size + 3) // 4 * 4
    assert found == [
        ("a.b", "0o100444"),
        ("etc", "0o40555"),
        ("etc/dns", "0o40555"),
        ("etc/dns/zone", "0o100444"),
        ("var", "0o40555"),
        ("var/empty", "0o40555"),
        ("TRAILER!!!", "0o0"),
    ]


def test_the_usual_tool_reads_it(zone: Path, tmp_path: Path) -> None:
    archive = write_root_archive({"/etc/zone": zone})
    assert names(archive, tmp_path) == ["etc", "etc/zone"]


def test_same_files_same_bytes_whatever_their_mode_and_time(zone: Path, tmp_path: Path) -> None:
    first = write_root_archive({"/b": zone, "/a": zone})
    other = tmp_path / "other"
    other.write_bytes(b"zone\n")
    other.chmod(0o700)
    assert write_root_archive({"/a": other, "/b": zone}) == first


def test_a_tree_keeps_its_links(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_bytes(b"1")
    (tree / "link").symlink_to("sub/file")
    archive = write_root_archive({"/srv": tree})
    assert list_root_archive(archive) == [("/srv/sub/file", b"1")]
    assert b"srv/link\0" in archive


def test_nothing_is_nothing() -> None:
    assert write_root_archive({}) == b""
    assert list_root_archive(b"") == []


def test_two_entries_for_one_path(zone: Path) -> None:
    with pytest.raises(ActionError) as caught:
        write_root_archive({"/etc": zone, "/etc/zone": zone})
    assert caught.value.id == "root-path-clash"


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.binary(max_size=40)))
def test_what_goes_in_comes_out(contents: dict[str, bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, content in contents.items():
            path = Path(folder, name)
            path.write_bytes(content)
            files[f"/d/{name}"] = path
        archive = write_root_archive(files)
    assert list_root_archive(archive) == [
        (f"/d/{name}", contents[name]) for name in sorted(contents)
    ]


def test_the_action(zone: Path, tmp_path: Path) -> None:
    output = tmp_path / "root.cpio"
    build(
        BuiltinCall(
            ("1", "file", "/zone", "pkg/zone", "directory", "/tmp"),  # noqa: S108 - in the image
            {"pkg/zone": zone},
            {"unibuild-out/root.cpio": output},
            tmp_path / "log",
        )
    )
    assert output.read_bytes() == write_root_archive({"/zone": zone}, ("/tmp",))  # noqa: S108


def test_programs_may_be_run_and_begin_on_a_page(tmp_path: Path) -> None:
    program, script, plain = (tmp_path / name for name in ("program", "script", "plain"))
    program.write_bytes(b"\x7fELF" + bytes(5000))
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o755)
    plain.write_bytes(b"text")
    plain.chmod(0o644)
    files = {
        "/bin/program": program,
        "/bin/script": script,
        "/lib/long/name.so": program,
        "/x": plain,
    }
    archive = write_root_archive(files, programs=True)
    for path in ("/bin/program", "/lib/long/name.so"):
        start, size = locate(archive, path)
        assert (start % 4096, size) == (0, 5004)
        assert archive[start : start + 4] == b"\x7fELF"
    assert dict(list_root_archive(archive)) == {
        path: place.read_bytes() for path, place in files.items()
    }
    modes = {path: _mode(archive, path) for path in files}
    assert modes == {
        "/bin/program": 0o100555,
        "/bin/script": 0o100555,
        "/lib/long/name.so": 0o100555,
        "/x": 0o100444,
    }
    assert names(archive, tmp_path)[1:3] == ["bin/program", "bin/script"]


def _mode(archive: bytes, path: str) -> int:
    name = archive.index(path[1:].encode() + b"\0")
    return int(archive[name - 96 : name - 88], 16)
