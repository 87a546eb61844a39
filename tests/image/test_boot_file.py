from __future__ import annotations

from collections.abc import Callable

import pytest

from unibuild.elf.layout import PT_LOAD, PT_NOTE, ElfFile, MalformedElfError
from unibuild.image.boot_file import pack, pvh_entry, wrap

Maker = Callable[..., bytes]


def test_segments_keep_their_place_in_memory_and_lose_their_filling(
    linked: Maker, pvh_note: bytes
) -> None:
    text, rodata = b"\x90" * 100, pvh_note + b"constants"
    data = linked(
        [
            (PT_LOAD, 0x100000, text, 100),
            (PT_LOAD, 0x101000, rodata, len(rodata)),
            (PT_LOAD, 0x102008, b"data" + bytes(500), 4096),
            (PT_LOAD, 0x104000, b"", 8192),
            (PT_NOTE, 0x101000, pvh_note, len(pvh_note)),
        ]
    )
    packed = pack(data)
    elf = ElfFile.parse(packed)
    assert len(packed) < 600
    loads = [one for one in elf.segments if one.type == PT_LOAD]
    assert [(one.virtual_address, elf.content(one), one.memory_size) for one in loads] == [
        (0x100000, text, 100),
        (0x101000, rodata, len(rodata)),
        (0x102008, b"data", 4096),
        (0x104000, b"", 8192),
    ]
    for one in loads:
        if one.file_size:
            assert (one.offset - one.virtual_address) % one.alignment == 0
    assert pvh_entry(elf) == 0x100000
    assert elf.sections() == ()
    assert pack(data) == packed


def test_a_note_inside_a_segment_is_not_stored_twice(linked: Maker, pvh_note: bytes) -> None:
    data = bytearray(
        linked([(PT_LOAD, 0x100000, b"\xcc" * 8 + pvh_note, 32), (PT_NOTE, 0, b"", 0)])
    )
    # Point the note's header at the bytes within the segment, as a linker does.
    load = ElfFile.parse(bytes(data)).segments[0]
    at = 64 + 56
    data[at : at + 56] = (
        data[at : at + 8]
        + (load.offset + 8).to_bytes(8, "little")
        + (0x100008).to_bytes(8, "little") * 2
        + len(pvh_note).to_bytes(8, "little") * 2
        + (4).to_bytes(8, "little")
    )
    packed = pack(bytes(data))
    assert packed.count(pvh_note) == 1
    assert pvh_entry(ElfFile.parse(packed)) == 0x100000


def test_without_a_pvh_note_nothing_boots(linked: Maker) -> None:
    with pytest.raises(MalformedElfError, match="PVH"):
        pack(linked([(PT_LOAD, 0x100000, b"x", 1)]))


def test_without_segments_nothing_boots(linked: Maker) -> None:
    with pytest.raises(MalformedElfError, match="load"):
        pack(linked([]))


def test_wrapped_code_is_a_boot_file() -> None:
    elf = ElfFile.parse(wrap(b"\xf4"))
    assert pvh_entry(elf) == elf.entry
    assert elf.data[elf.entry - elf.segments[0].virtual_address] == 0xF4
