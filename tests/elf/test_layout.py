from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unibuild.elf.layout import PT_LOAD, ElfFile, MalformedElfError, Symbol, notes

Maker = Callable[..., bytes]


def test_segments_sections_and_symbols(linked: Maker) -> None:
    data = linked(
        [(PT_LOAD, 0x100000, b"code", 4), (PT_LOAD, 0x101000, b"", 64)],
        [("main", 0x100000, 4, 2, 1, 1), ("missing", 0, 0, 0, 1, 0)],
    )
    elf = ElfFile.parse(data)
    assert elf.entry == 0x100000
    assert [(one.virtual_address, one.memory_size) for one in elf.segments] == [
        (0x100000, 4), (0x101000, 64),
    ]  # fmt: skip
    assert elf.content(elf.segments[0]) == b"code"
    assert [(one.name, one.size, one.in_memory) for one in elf.sections()][1:3] == [
        (".s0", 4, True), (".s1", 64, True),
    ]  # fmt: skip
    assert elf.symbols()[1:] == (
        Symbol("main", 0x100000, 4, 2, 1, 1),
        Symbol("missing", 0, 0, 0, 1, 0),
    )


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"MZ" + bytes(200)])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedElfError):
        ElfFile.parse(data)


def test_other_machines_are_refused(linked: Maker) -> None:
    with pytest.raises(MalformedElfError, match="183"):
        ElfFile.parse(linked([(PT_LOAD, 0, b"x", 1)], machine=183))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_never_gets_past_the_checks(data: st.DataObject) -> None:
    from unibuild.image.boot_file import wrap

    whole = bytearray(wrap(b"\x90" * 16))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        elf = ElfFile.parse(cut)
        for segment in elf.segments:
            assert len(elf.content(segment)) == segment.file_size
            notes(elf.content(segment))
        elf.symbols()
    except MalformedElfError:
        pass


def test_a_note_that_lies_is_refused() -> None:
    with pytest.raises(MalformedElfError):
        notes(b"\x04\0\0\0\xff\0\0\0\x12\0\0\0Xen\0")
