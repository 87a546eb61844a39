"""The boot file: what a monitor loads, and nothing else.

A PVH monitor reads the ELF header, the program headers and the note with the entry point. So the
boot file keeps the PT_LOAD segments and the note, drops sections, symbols and debug data, turns
trailing zero bytes into memory that the monitor clears, and packs the segments without filling the
file up to page boundaries: alignment matters in memory only, and the packed offset still agrees
with the address modulo the alignment that its header states (16), as the gABI asks.
"""

from __future__ import annotations

from unibuild.elf.layout import (
    EM_X86_64,
    ET_EXEC,
    HEADER,
    IDENTIFICATION,
    NOTE_HEADER,
    PROGRAM_HEADER,
    PT_LOAD,
    PT_NOTE,
    ElfFile,
    MalformedElfError,
    Segment,
    notes,
)

PVH_NOTE_NAME = b"Xen\0"
PVH_NOTE_TYPE = 18
"""XEN_ELFNOTE_PHYS32_ENTRY: the 32-bit physical entry point (Xen public/elfnote.h)."""
FILE_ALIGNMENT = 16
WRAP_ADDRESS = 0x100000
WRAP_CODE_OFFSET = HEADER.size + 2 * PROGRAM_HEADER.size + NOTE_HEADER.size + len(PVH_NOTE_NAME) + 8
"""Where ``wrap`` puts its code, in the file and after ``WRAP_ADDRESS`` in memory."""


def pvh_entry(elf: ElfFile) -> int | None:
    """Return the PVH entry point that a note of ``elf`` states, or None when there is no such note."""
    for segment in elf.segments:
        if segment.type != PT_NOTE:
            continue
        for name, kind, description in notes(elf.content(segment), max(segment.alignment, 4)):
            if name == PVH_NOTE_NAME and kind == PVH_NOTE_TYPE:
                return int.from_bytes(description[:8], "little")
    return None


def pack(linked: bytes, keep: range = range(0)) -> bytes:
    """Return the boot file of a linked ELF64 executable.

    The virtual addresses ``keep`` stay in the file, zero or not. Raises ``MalformedElfError`` when it is not one, has nothing to load or lacks the PVH note.
    """
    elf = ElfFile.parse(linked)
    loads = [segment for segment in elf.segments if segment.type == PT_LOAD]
    noted = [segment for segment in elf.segments if segment.type == PT_NOTE]
    if not loads:
        raise MalformedElfError("the linked file has no segment to load")
    if pvh_entry(elf) is None:
        raise MalformedElfError("the linked file has no PVH entry note")
    return _write(elf, loads, noted, keep)


def wrap(code: bytes) -> bytes:
    """Return a boot file for 32-bit ``code`` without a linker: one segment with header and all.

    The note holds 8 bytes because QEMU reads as many from a 64-bit file.
    """
    entry = WRAP_ADDRESS + WRAP_CODE_OFFSET
    note = NOTE_HEADER.pack(len(PVH_NOTE_NAME), 8, PVH_NOTE_TYPE) + PVH_NOTE_NAME
    note += entry.to_bytes(8, "little")
    note_at = WRAP_CODE_OFFSET - len(note)
    size = WRAP_CODE_OFFSET + len(code)
    load = Segment(PT_LOAD, 7, 0, WRAP_ADDRESS, WRAP_ADDRESS, size, size, FILE_ALIGNMENT)
    place = WRAP_ADDRESS + note_at
    noted = Segment(PT_NOTE, 4, note_at, place, place, len(note), len(note), 4)
    headers = [
        _header(load, 0, size, FILE_ALIGNMENT),
        _header(noted, note_at, len(note), noted.alignment),
    ]
    return b"".join((_file_header(ET_EXEC, entry, len(headers)), *headers, note, code))


def _file_header(kind: int, entry: int, count: int) -> bytes:
    return HEADER.pack(
        IDENTIFICATION, kind, EM_X86_64, 1, entry, HEADER.size, 0, 0,
        HEADER.size, PROGRAM_HEADER.size, count, 0, 0, 0,
    )  # fmt: skip


def _write(elf: ElfFile, loads: list[Segment], noted: list[Segment], keep: range) -> bytes:
    count = len(loads) + len(noted)
    body = bytearray(HEADER.size + count * PROGRAM_HEADER.size)
    headers = []
    placed: list[tuple[Segment, int]] = []
    for segment in loads:
        content = elf.content(segment)
        if segment.memory_size >= segment.file_size:
            kept = max(_end_of_notes(segment, noted), _end_of(keep, segment))
            content = _without_zero_tail(content, kept)
        alignment = min(FILE_ALIGNMENT, segment.alignment or 1)
        if content:
            body += bytes((segment.virtual_address - len(body)) % alignment)
        headers.append(_header(segment, len(body), len(content), alignment))
        placed.append((segment, len(body)))
        body += content
    for segment in noted:
        offset = _offset_in(placed, segment)
        if offset is None:
            body += bytes(-len(body) % max(segment.alignment, 4))
            offset = len(body)
            body += elf.content(segment)
        headers.append(_header(segment, offset, segment.file_size, segment.alignment))
    body[: HEADER.size] = _file_header(elf.type, elf.entry, count)
    body[HEADER.size : HEADER.size + count * PROGRAM_HEADER.size] = b"".join(headers)
    return bytes(body)


def file_offset(boot: ElfFile, address: int) -> int | None:
    """Return where the byte at a virtual address is in a boot file; None when it is not stored."""
    for segment in boot.segments:
        inside = address - segment.virtual_address
        if segment.type == PT_LOAD and 0 <= inside < segment.file_size:
            return segment.offset + inside
    return None


def _without_zero_tail(content: bytes, keep: int) -> bytes:
    return content[:keep] + content[keep:].rstrip(b"\0")


def _end_of_notes(load: Segment, noted: list[Segment]) -> int:
    ends = [
        note.offset + note.file_size - load.offset
        for note in noted
        if load.offset <= note.offset < load.offset + load.file_size
    ]
    return max(ends, default=0)


def _end_of(keep: range, load: Segment) -> int:
    inside = keep.stop - load.virtual_address
    return inside if keep and 0 < inside <= load.memory_size else 0


def _offset_in(placed: list[tuple[Segment, int]], note: Segment) -> int | None:
    for load, offset in placed:
        if load.offset <= note.offset and note.offset + note.file_size <= (
            load.offset + load.file_size
        ):
            return offset + note.offset - load.offset
    return None


def _header(segment: Segment, offset: int, file_size: int, alignment: int) -> bytes:
    return PROGRAM_HEADER.pack(
        segment.type,
        segment.flags,
        offset if file_size else 0,
        segment.virtual_address,
        segment.physical_address,
        file_size,
        segment.memory_size,
        alignment,
    )
