"""The ELF64 structures that booting needs, as plain records (System V gABI 4.1, chapters 4 and 5).

pyelftools tells much more (``unibuild.elf.references`` uses it), but takes a quarter of a second for
the symbol table of a small image; packing an image sits in the loop of edit, build and run, so the
few tables that it needs are read here. Only little-endian x86-64 files are read. Every offset that comes from the file is checked against
its length before it is used, so a damaged file is one ``MalformedElfError`` and never a wild slice.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
NOTE_HEADER = struct.Struct("<III")

IDENTIFICATION = b"\x7fELF\x02\x01\x01" + bytes(9)
PT_LOAD = 1
PT_NOTE = 4
SHT_SYMTAB = 2
SHT_NOBITS = 8
SHF_ALLOC = 2
SHF_EXECINSTR = 4
SHF_MERGE = 16
SHF_STRINGS = 32
ET_EXEC = 2
EM_X86_64 = 62
SHN_UNDEF = 0
STB_LOCAL = 0
STB_WEAK = 2
STT_NOTYPE = 0
STT_FUNC = 2


class MalformedElfError(ValueError):
    """The bytes are no ELF64 file for x86-64, or one of its tables lies outside the file."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header; the fields are those of ``Elf64_Phdr`` without their prefix."""

    type: int
    flags: int
    offset: int
    virtual_address: int
    physical_address: int
    file_size: int
    memory_size: int
    alignment: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """One entry of the symbol table; ``section`` is its index, ``SHN_UNDEF`` when it has none."""

    name: str
    value: int
    size: int
    kind: int
    binding: int
    section: int


@dataclass(frozen=True, slots=True)
class Section:
    """One section header; ``flags`` and ``type`` as in ``Elf64_Shdr``, sizes in bytes."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int = 0

    @property
    def in_memory(self) -> bool:
        """Tell whether the section takes memory in the running program."""
        return bool(self.flags & SHF_ALLOC)


@dataclass(frozen=True, slots=True)
class ElfFile:
    """An ELF64 file in memory with its program headers; the other tables are read when asked for."""

    data: bytes
    type: int
    """``ET_EXEC``, or 3 (``ET_DYN``) for a position-independent one."""
    entry: int
    segments: tuple[Segment, ...]
    section_table: tuple[int, int, int]
    """File offset of the section headers, how many, and which holds their names."""

    @staticmethod
    def parse(data: bytes) -> ElfFile:
        """Read the file header and the program headers of ``data``."""
        if len(data) < HEADER.size or data[:7] != IDENTIFICATION[:7]:
            raise MalformedElfError("not a little-endian ELF64 file")
        fields = HEADER.unpack_from(data)
        kind, machine, entry, table, count = fields[1], fields[2], fields[4], fields[5], fields[10]
        if machine != EM_X86_64:
            raise MalformedElfError(f"machine {machine} is not x86-64")
        segments = []
        for index in range(count):
            header = _read(PROGRAM_HEADER, data, table + index * PROGRAM_HEADER.size)
            role, flags, offset, virtual, physical, file_size, memory_size, alignment = header
            if offset + file_size > len(data):
                raise MalformedElfError(f"segment {index} ends beyond the file")
            segments.append(
                Segment(role, flags, offset, virtual, physical, file_size, memory_size, alignment)
            )
        return ElfFile(data, kind, entry, tuple(segments), (fields[6], fields[12], fields[13]))

    def content(self, segment: Segment) -> bytes:
        """Return the bytes that the file holds for ``segment``."""
        return self.data[segment.offset : segment.offset + segment.file_size]

    def sections(self) -> tuple[Section, ...]:
        """Return the section headers in file order; empty when the file has none."""
        offset, count, names = self.section_table
        headers = [
            _read(SECTION_HEADER, self.data, offset + index * SECTION_HEADER.size)
            for index in range(count)
        ]
        if not headers:
            return ()
        if names >= count:
            raise MalformedElfError("the section names lie in a section that does not exist")
        strings = headers[names][4]
        return tuple(
            Section(
                self._string(strings + header[0]),
                header[1],
                header[2],
                header[3],
                header[4],
                header[5],
                header[6],
                header[9],
            )
            for header in headers
        )

    def symbols(self) -> tuple[Symbol, ...]:
        """Return the symbol table in file order; empty when the file was stripped."""
        sections = self.sections()
        for section in sections:
            if section.type == SHT_SYMTAB:
                if section.link >= len(sections):
                    raise MalformedElfError("the symbol table names no string table")
                return self._read_symbols(section, sections[section.link].offset)
        return ()

    def _read_symbols(self, section: Section, strings: int) -> tuple[Symbol, ...]:
        if section.offset + section.size > len(self.data):
            raise MalformedElfError("the symbol table lies outside the file")
        size = section.size - section.size % SYMBOL.size
        table = memoryview(self.data)[section.offset : section.offset + size]
        return tuple(
            Symbol(self._string(strings + name), value, length, info & 15, info >> 4, index)
            for name, info, _other, index, value, length in SYMBOL.iter_unpack(table)
        )

    def _string(self, offset: int) -> str:
        end = self.data.find(b"\0", offset)
        if end < 0:
            raise MalformedElfError("a name lies outside the file")
        return self.data[offset:end].decode("utf-8", "replace")


def _read(record: struct.Struct, data: bytes, offset: int) -> tuple[int, ...]:
    if offset < 0 or offset + record.size > len(data):
        raise MalformedElfError("a table lies outside the file")
    return record.unpack_from(data, offset)


def notes(data: bytes, alignment: int = 4) -> list[tuple[bytes, int, bytes]]:
    """Return the notes of a PT_NOTE segment as (name with its NUL, type, description)."""
    found = []
    position = 0
    while position + NOTE_HEADER.size <= len(data):
        name_size, description_size, kind = NOTE_HEADER.unpack_from(data, position)
        name_at = position + NOTE_HEADER.size
        description_at = name_at + _up(name_size, alignment)
        if description_at + description_size > len(data):
            raise MalformedElfError("a note ends beyond its segment")
        name = data[name_at : name_at + name_size]
        found.append((name, kind, data[description_at : description_at + description_size]))
        position = description_at + _up(description_size, alignment)
    return found


def _up(value: int, alignment: int) -> int:
    return (value + alignment - 1) // alignment * alignment
