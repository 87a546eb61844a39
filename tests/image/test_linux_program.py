"""The actions that take a Linux program and its libraries out of files and folders."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from unibuild.execution.request import BuiltinCall
from unibuild.image.builtins import LINUX_PROGRAM_VERSION
from unibuild.image.linux_program import EXEC_MAPPINGS, WHOLE, find_libraries, library_files, take
from unibuild.model.errors import UserError

BASE, SIZE = 0x400000, 0x1000
INTERPRETER = "/lib64/ld-linux-x86-64.so.2"


def elf(
    *, needed: tuple[str, ...] = (), soname: str = "", interpreter: str = "", flags: int = 5
) -> bytes:
    """Return a small ELF file: one page of code, and what makes it dynamic."""
    library = bool(soname)
    base = 0 if library else BASE
    strings = b"\0" + b"".join(one.encode() + b"\0" for one in (*needed, soname, interpreter))
    at = {one: strings.index(one.encode() + b"\0") for one in (*needed, soname, interpreter)}
    text, names, tags = 0x200, 0x300, 0x600
    table = [(1, at[one]) for one in needed] + ([(14, at[soname])] if soname else [])
    table += [(5, base + names), (10, len(strings)), (6, base + names), (11, 24), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *one) for one in table)
    segments = [(1, flags, 0, base, SIZE, 4096)]
    if interpreter:
        length = len(interpreter) + 1
        segments.insert(
            0, (3, 4, names + at[interpreter], base + names + at[interpreter], length, 1)
        )
    if library or interpreter:
        segments.append((2, 4, tags, base + tags, len(dynamic), 8))
    data = b"\x7fELF\2\1\1".ljust(16, b"\0")
    data += struct.pack("<HHIQQQ", 3 if library else 2, 62, 1, 0 if library else base + text, 64, 0)
    data += struct.pack("<IHHHHHH", 0, 64, 56, len(segments), 0, 0, 0)
    for kind, rights, offset, address, size, alignment in segments:
        data += struct.pack(
            "<IIQQQQQQ", kind, rights, offset, address, address, size, size, alignment
        )
    page = bytearray(data.ljust(SIZE, b"\0"))
    page[text : text + 1] = b"\xc3"
    page[names : names + len(strings)] = strings
    page[tags : tags + len(dynamic)] = dynamic
    return bytes(page)


def write(path: Path, content: bytes, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def taken(tmp_path: Path, place: Path, path: str = WHOLE, name: str = "p/server") -> bytes:
    made = tmp_path / "made"
    words = (LINUX_PROGRAM_VERSION, name, path, "out/server")
    take(BuiltinCall(words, {name: place}, {"out/server": made}, tmp_path / "log"))
    assert made.stat().st_mode & 0o777 == 0o555
    return made.read_bytes()


def found(
    tmp_path: Path, program: bytes, files: dict[str, Path], setting: str = WHOLE
) -> dict[str, bytes]:
    place = write(tmp_path / "store" / "0123", program)
    folder = tmp_path / "libraries"
    pairs = [word for path in files for word in (path, path)]
    words = (LINUX_PROGRAM_VERSION, setting, "p/server", "out", *pairs)
    inputs = {"p/server": place, **files}
    find_libraries(BuiltinCall(words, inputs, {"out": folder}, tmp_path / "log"))
    return {path: place.read_bytes() for path, place in library_files(folder).items()}


def test_a_program_is_taken_as_it_is(tmp_path: Path) -> None:
    assert taken(tmp_path, write(tmp_path / "server", elf())) == elf()


def test_a_program_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "tree/usr/bin/server", elf())
    (tmp_path / "tree/usr/bin/alias").symlink_to("server")
    assert taken(tmp_path, tmp_path / "tree", "usr/bin/alias") == elf()
    with pytest.raises(UserError) as caught:
        taken(tmp_path, tmp_path / "tree", "bin/server")
    assert caught.value.id == "missing-program"
    assert caught.value.hint == 'write path = "usr/bin/server"'


def test_a_link_that_leads_out_of_the_folder_is_no_program(tmp_path: Path) -> None:
    write(tmp_path / "outside", elf())
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/server").symlink_to("../outside")
    with pytest.raises(UserError) as caught:
        taken(tmp_path, tmp_path / "tree", "server")
    assert caught.value.id == "missing-program"


@pytest.mark.parametrize("name", ["p/server", "unibuild-gen/p/server"])
def test_what_nobody_may_execute(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as caught:
        taken(tmp_path, write(tmp_path / "server", elf(), 0o444), name=name)
    assert caught.value.id == "not-executable"
    assert ("p/server" in caught.value.hint) == (name == "p/server")


def test_writable_code_is_the_image_s_business(tmp_path: Path) -> None:
    """Only the image knows whether it allows that, so taking the program does not refuse it."""
    program = elf(flags=7)
    assert taken(tmp_path, write(tmp_path / "server", program)) == program
    assert found(tmp_path, program, {}, EXEC_MAPPINGS) == {}
    with pytest.raises(UserError) as caught:
        found(tmp_path, program, {})
    assert caught.value.id == "writable-code"


def test_a_static_program_needs_no_files(tmp_path: Path) -> None:
    other = write(tmp_path / "x", elf(soname="libx.so"))
    assert found(tmp_path, elf(), {"/lib/libx.so": other}) == {}


def test_libraries_are_found_through_links_as_the_image_has_them(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    loader, libc = elf(soname="ld.so"), elf(soname="libc.so.6")
    write(tree / "usr/lib/x86_64-linux-gnu/ld.so", loader)
    write(tree / "usr/lib/x86_64-linux-gnu/libc-2.so", libc)
    (tree / "usr/lib/x86_64-linux-gnu/libc.so.6").symlink_to("libc-2.so")
    (tree / "lib").symlink_to("usr/lib")
    (tree / "lib64").mkdir()
    (tree / INTERPRETER[1:]).symlink_to("../lib/x86_64-linux-gnu/ld.so")
    (tree / "loop").symlink_to("loop")
    page = write(tmp_path / "page", b"<html>", 0o644)
    program = elf(needed=("libc.so.6",), interpreter=INTERPRETER)
    names = found(tmp_path, program, {"/": tree, "/static/index.html": page})
    assert names[INTERPRETER] == loader
    assert libc in names.values()
    assert set(names.values()) == {loader, libc}


@pytest.mark.parametrize(
    ("files", "identifier", "words"),
    [
        ((), "missing-interpreter", INTERPRETER),
        ((INTERPRETER,), "missing-library", "libgreet.so.1"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, files: tuple[str, ...], identifier: str, words: str
) -> None:
    program = elf(needed=("libgreet.so.1",), interpreter=INTERPRETER)
    near = write(tmp_path / "near", elf(soname="libgreet.so.2"))
    loader = write(tmp_path / "ld", elf(soname="ld.so"))
    there = {"/usr/lib/libgreet.so.2": near} | dict.fromkeys(files, loader)
    with pytest.raises(UserError) as caught:
        found(tmp_path, program, there)
    assert caught.value.id == identifier
    assert words in caught.value.cause
    assert "server" in caught.value.cause
    assert (identifier == "missing-interpreter") or "libgreet.so.2" in caught.value.hint
