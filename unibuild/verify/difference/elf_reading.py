"""An ELF file of any machine, read by pyelftools, its tables checked against its length first.

Contents are slices of the file itself: pyelftools would unpack a compressed section of any claimed size.
Symbol tables are read here, since making an object of each symbol takes a second for a large file.
"""

from __future__ import annotations

import io
import struct
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unibuild.verify.difference.context import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.verify.difference.beside import Beside

MAGIC = b"\x7fELF"
IDENTITY = "the image's identity"
"""The name of the digest that an image holds of all its other bytes."""
_IDENTITY_SIZE = 32
_MOST_HEADERS = 30_000
_MOST_NOT_LOADED = 1000
_MOST_SYMBOLS = 2_000_000
_MOST_COPIES = 16
"""How often the bytes of a file may be part of something: segments lie over one another, names share ends."""
_SLACK = 1 << 16
_ALLOC, _EXECUTABLE, _STRINGS, _COMPRESSED = 0x2, 0x4, 0x20, 0x800
_SYMBOLS = {"SHT_SYMTAB", "SHT_DYNSYM"}
_UNDEFINED, _RESERVED = 0, 0xFF00
_NAMED = frozenset((0, 1, 2, 6, 10))
"""Symbol types that name bytes: none, object, function, thread-local, indirect function."""
_FILE = 4


@dataclass(frozen=True, slots=True)
class Symbol:
    """One name for ``size`` bytes at ``address``; ``section`` is the index of its section header."""

    name: str
    address: int
    size: int
    section: int
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A section or a segment: bytes of the file (``content``) at an address, or memory only."""

    name: str
    kind: str
    type: str
    flags: int
    address: int
    offset: int
    size: int
    content: bytes
    index: int = -1
    facts: tuple[tuple[str, object], ...] = ()

    @property
    def code(self) -> bool:
        """Tell whether it holds instructions."""
        return bool(self.flags & (_EXECUTABLE if self.kind == "section" else 1))

    @property
    def strings(self) -> bool:
        """Tell whether it is a table of zero-ended strings."""
        return self.type == "SHT_STRTAB" or (
            self.kind == "section" and bool(self.flags & _STRINGS) and not self.flags & _COMPRESSED
        )

    @property
    def in_memory(self) -> bool:
        """Tell whether the running program has it."""
        return self.kind == "segment" or bool(self.flags & _ALLOC)


@dataclass(frozen=True, slots=True)
class Elf:
    """What one file holds; ``header`` are the fields that its author chose, not its layout."""

    data: bytes
    header: tuple[tuple[str, object], ...]
    relocatable: bool
    sections: tuple[Part, ...]
    segments: tuple[Part, ...]
    symbols: tuple[Symbol, ...]
    undefined: frozenset[str] = field(default_factory=frozenset)

    @property
    def end(self) -> int:
        """Return where the last byte that a header speaks of ends."""
        ends = [part.offset + len(part.content) for part in (*self.sections, *self.segments)]
        size, tables = _tables(self.data)
        return max(*ends, size, *(start + count * entry for start, count, entry in tables), 0)

    def named(self, beside: Beside) -> Elf:
        """Return the same with the names that stand beside a file which has none of its own."""
        if len(self.sections) > 1:
            return self
        symbols = self.symbols or tuple(
            Symbol(name, address, size, -1) for address, size, name in beside.symbols
        )
        for segment in self.segments:
            at = (beside.identity or 0) - segment.offset
            if segment.type == "PT_LOAD" and 0 < at < len(segment.content):
                symbols += (Symbol(IDENTITY, segment.address + at, _IDENTITY_SIZE, -1),)
        return replace(self, symbols=symbols, segments=_named(self.segments, beside))


def is_elf(data: bytes) -> bool:
    """Tell whether ``data`` begins as an ELF file does."""
    return data.startswith(MAGIC)


def read(data: bytes) -> Elf:
    """Read a file; ``DamagedError`` when a table or a content lies outside of it."""
    size, tables = _tables(data)
    for start, count, entry in tables:
        if count > _MOST_HEADERS:
            raise DamagedError(f"is no whole ELF file: it claims {count:,} headers")
        if count and start + count * entry > len(data):
            raise DamagedError("is no whole ELF file: a table of headers ends beyond it")
    if len(data) < size:
        raise DamagedError("is no whole ELF file: it ends inside its header")
    try:
        return _read(data)
    except DamagedError:
        raise
    except Exception as error:  # pyelftools raises whatever a malformed file leads it into
        raise DamagedError(f"is no whole ELF file: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _tables(data: bytes) -> tuple[int, list[tuple[int, int, int]]]:
    """Return the size of the file header, and place, count and entry size of both tables."""
    wide, order = data[4:5] == b"\x02", ">" if data[5:6] == b"\x02" else "<"
    record = struct.Struct(f"{order}{'QQQ' if wide else 'III'}IHHHHHH")
    start = 24
    if len(data) < start + record.size:
        raise DamagedError("is no whole ELF file: it ends inside its header")
    _, segments, sections, _, _, entry, count, other_entry, other_count, _ = record.unpack_from(
        data, start
    )
    return start + record.size, [(segments, count, entry), (sections, other_count, other_entry)]


def _read(data: bytes) -> Elf:
    from elftools.elf.elffile import ELFFile

    elf: Any = ELFFile(io.BytesIO(data))
    if elf.num_sections() > _MOST_HEADERS or elf.num_segments() > _MOST_HEADERS:
        raise DamagedError("is no whole ELF file: it claims too many headers")
    sections = _within_bounds(
        (_section(data, elf, index) for index in range(elf.num_sections())), len(data)
    )
    segments = _within_bounds(
        (_segment(data, segment, index) for index, segment in enumerate(elf.iter_segments())),
        len(data),
    )
    if sum(segment.type != "PT_LOAD" for segment in segments) > _MOST_NOT_LOADED:
        raise DamagedError("is no whole ELF file: it claims too many headers")
    header = tuple(
        (words, str(elf.header[name]) if isinstance(elf.header[name], str) else elf.header[name])
        for words, name in (
            ("type", "e_type"), ("machine", "e_machine"), ("entry point", "e_entry"), ("flags", "e_flags")
        )
    )  # fmt: skip
    identity = elf.header["e_ident"]
    header += (("system", str(identity["EI_OSABI"])), ("class", str(identity["EI_CLASS"])))
    relocatable = elf.header["e_type"] == "ET_REL"
    symbols, undefined = _symbols(elf, sections)
    return Elf(data, header, relocatable, sections, segments, symbols, undefined)


def _within_bounds(parts: Iterable[Part], size: int) -> tuple[Part, ...]:
    """Return the parts; thousands of them over the same bytes would be copied as often."""
    found = []
    held = 0
    for part in parts:
        held += len(part.content) + len(part.name)
        if held > _MOST_COPIES * size + _SLACK:
            raise DamagedError("is no whole ELF file: its parts lie over one another")
        found.append(part)
    return tuple(found)


def _section(data: bytes, elf: Any, index: int) -> Part:  # noqa: ANN401 - pyelftools is untyped
    section = elf.get_section(index)
    kind = str(section["sh_type"])
    offset, size = section["sh_offset"], section["sh_size"]
    empty = kind in ("SHT_NOBITS", "SHT_NULL")
    if not empty and offset + size > len(data):
        raise DamagedError(f"is no whole ELF file: section {index} ends beyond it")
    return Part(
        section.name, "section", kind, section["sh_flags"], section["sh_addr"], offset, size,
        b"" if empty else data[offset : offset + size], index,
        (("alignment", section["sh_addralign"]), ("entry size", section["sh_entsize"])),
    )  # fmt: skip


def _segment(data: bytes, segment: Any, index: int) -> Part:  # noqa: ANN401 - pyelftools is untyped
    offset, size = segment["p_offset"], segment["p_filesz"]
    if offset + size > len(data):
        raise DamagedError(f"is no whole ELF file: segment {index} ends beyond it")
    flags = segment["p_flags"]
    rights = "".join(letter for bit, letter in ((4, "R"), (2, "W"), (1, "X")) if flags & bit)
    kind = str(segment["p_type"])
    return Part(
        f"segment {index} ({kind.removeprefix('PT_')} {rights})", "segment", kind, flags,
        segment["p_vaddr"], offset, segment["p_memsz"], data[offset : offset + size], index,
        (("alignment", segment["p_align"]), ("physical address", segment["p_paddr"])),
    )  # fmt: skip


def _named(segments: tuple[Part, ...], beside: Beside) -> tuple[Part, ...]:
    """Cut the segments at the sections that they were made of, as far as those are known."""
    loads = [part for part in segments if part.type == "PT_LOAD"]
    parts: list[Part] = []
    for segment in segments:
        if segment.type != "PT_LOAD" and any(_within(segment, load) for load in loads):
            continue
        inside = [
            (name, size, address)
            for name, size, address in beside.sections
            if address is not None and segment.address <= address < segment.address + segment.size
        ]
        if inside and segment.type == "PT_LOAD":
            parts += _sections_of(segment, inside)
        else:
            alone = [name for name, size, _ in beside.sections if size == segment.size]
            name = alone[0] if len(alone) == 1 and segment.size else segment.name
            parts.append(replace(segment, name=name))
    return tuple(parts)


def _within(segment: Part, load: Part) -> bool:
    return load.offset <= segment.offset and (
        segment.offset + len(segment.content) <= load.offset + len(load.content)
    )


def _sections_of(segment: Part, inside: list[tuple[str, int, int]]) -> list[Part]:
    """Return the sections of a segment; the first takes what lies before it, each what follows it."""
    parts = []
    starts = [address - segment.address for _, _, address in inside]
    starts[0] = 0
    ends = [*starts[1:], segment.size]
    for (name, _, _), start, end in zip(inside, starts, ends, strict=True):
        content = segment.content[start:end]
        parts.append(
            replace(
                segment, name=name, address=segment.address + start, offset=segment.offset + start,
                size=end - start, content=content,
            )
        )  # fmt: skip
    return parts


def _symbols(
    elf: Any,  # noqa: ANN401 - pyelftools is untyped
    sections: tuple[Part, ...],
) -> tuple[tuple[Symbol, ...], frozenset[str]]:
    order = "<" if elf.little_endian else ">"
    wide = elf.elfclass == 64  # noqa: PLR2004 - bits
    record = struct.Struct(f"{order}IBBHQQ" if wide else f"{order}IIIBBH")
    table = next((one for one in sections if one.type == "SHT_SYMTAB"), None) or next(
        (one for one in sections if one.type in _SYMBOLS), None
    )
    if table is None:
        return (), frozenset()
    if table.size // record.size > _MOST_SYMBOLS:
        raise DamagedError(f"is no whole ELF file: {table.size // record.size:,} symbols")
    link = elf.get_section(table.index)["sh_link"]
    if link >= len(sections):
        raise DamagedError("is no whole ELF file: its symbols have no table of names")
    strings = sections[link].content
    whole = table.content[: len(table.content) - len(table.content) % record.size]
    found: list[Symbol] = []
    undefined: set[str] = set()
    file, named = "", 0
    for fields in record.iter_unpack(whole):
        if wide:
            name_at, info, _, section, value, size = fields
        else:
            name_at, value, size, info, _, section = fields
        end = strings.find(b"\0", name_at)
        name = strings[name_at : end if end >= 0 else len(strings)].decode("utf-8", "replace")
        named += len(name)
        if named > _MOST_COPIES * len(strings) + _SLACK:
            raise DamagedError("is no whole ELF file: its names lie over one another")
        if info & 15 == _FILE:
            file = name
        elif section == _UNDEFINED:
            undefined.add(name)
        elif name and section < _RESERVED and info & 15 in _NAMED:
            found.append(Symbol(name, value, size, section, file if not info >> 4 else ""))
    return tuple(found), frozenset(undefined)


class Names:
    """The symbols of a file by section, one an address: the largest, then the first by name."""

    def __init__(self, symbols: tuple[Symbol, ...]) -> None:
        """Sort the symbols by section and address."""
        best: dict[tuple[int, int], Symbol] = {}
        for symbol in symbols:
            key = (symbol.section, symbol.address)
            known = best.get(key)
            if known is None or (-symbol.size, symbol.name) < (-known.size, known.name):
                best[key] = symbol
        self._by_section: dict[int, list[Symbol]] = {}
        for key in sorted(best):
            self._by_section.setdefault(key[0], []).append(best[key])
        self._by_address = sorted(best.values(), key=lambda symbol: symbol.address)

    def of(self, part: Part) -> list[Symbol]:
        """Return those of a section, or those at the addresses of a segment, in order."""
        if part.kind == "section":
            return self._by_section.get(part.index, [])
        end = part.address + part.size
        first, last = (
            bisect_left(self._by_address, address, key=lambda symbol: symbol.address)
            for address in (part.address, end)
        )
        return self._by_address[first:last]
