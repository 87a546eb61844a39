from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.elf.archive import MAGIC, MalformedArchiveError, defined_symbols
from unibuild.elf.inputs import LeftOut, dropped_functions, left_out, objects, piece_bounds, pieces
from unibuild.elf.layout import SHF_ALLOC, SHF_MERGE, SHF_STRINGS, Section

LINK = Path(__file__).parents[1] / "image" / "assembler" / "link"
ARCHIVE = (LINK / "libsample.a").read_bytes()
PROGRAM = (LINK / "main.o").read_bytes()


def section(flags: int, entry_size: int) -> Section:
    return Section(".rodata.str1.1", 1, SHF_ALLOC | flags, 0, 0, 0, 0, entry_size)


def test_the_index_says_what_each_member_defines() -> None:
    assert defined_symbols(ARCHIVE) == [
        ("add.o", ("add", "subtract")),
        ("word.o", ("word",)),
        ("unused.o", ("unused_function", "unused_data")),
    ]


@pytest.mark.parametrize("at", [8 + 60 + 3, 8 + 60 + 7, 8 + 60 + 12])
def test_a_damaged_index_is_refused(at: int) -> None:
    data = bytearray(ARCHIVE)
    data[at] ^= 0x5A
    with pytest.raises(MalformedArchiveError):
        defined_symbols(bytes(data))


def test_an_archive_without_an_index_defines_nothing_known() -> None:
    header = b"a.o/".ljust(16) + b"0".ljust(32) + b"4".ljust(10) + b"`\n"
    assert defined_symbols(MAGIC + header + b"abcd") == [("a.o", ())]


def test_what_is_not_live_was_left_out() -> None:
    files = {"main.o": PROGRAM, "lib.a": ARCHIVE}
    assert left_out(files, {"main.o", "lib.a(add.o)", "lib.a(word.o)"}) == [
        LeftOut("lib.a(unused.o)", ("unused_function", "unused_data"))
    ]
    assert left_out(files, set())[0] == LeftOut("main.o", ())


def test_functions_without_their_section_were_dropped() -> None:
    ((_, elf),) = objects({"lib.a": ARCHIVE}, {"lib.a(add.o)"})
    assert dropped_functions(elf.sections(), {".text.add"}) == ["subtract"]
    assert dropped_functions(elf.sections(), {".text.add", ".text.subtract"}) == []


def test_damaged_objects_bring_nothing() -> None:
    assert list(objects({"a.o": PROGRAM[:40], "b.o": b""}, {"a.o", "b.o"})) == []


def test_the_strings_of_an_object_are_its_pieces() -> None:
    ((_, elf),) = objects({"lib.a": ARCHIVE}, {"lib.a(word.o)"})
    assert sorted(pieces(elf, elf.sections())) == [
        (".rodata.str1.1", b"own\0"),
        (".rodata.str1.1", b"shared\0"),
    ]


@given(st.binary(max_size=64), st.sampled_from([1, 2, 4, 8, 16]), st.booleans())
def test_pieces_lie_one_behind_the_other(content: bytes, unit: int, strings: bool) -> None:
    flags = SHF_MERGE | (SHF_STRINGS if strings else 0)
    end = 0
    for start, stop in piece_bounds(section(flags, unit), content):
        assert start == end
        assert stop > start
        end = stop
    assert end == len(content) if strings else len(content) - end < unit


def test_wide_strings_end_at_a_wide_zero() -> None:
    content = "ab\0".encode("utf-32-le") + b"\0\0\0\1" + bytes(4)
    assert list(piece_bounds(section(SHF_MERGE | SHF_STRINGS, 4), content)) == [(0, 12), (12, 20)]
