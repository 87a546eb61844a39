"""What a dynamic program tells its loader: needed libraries, symbols with versions, relocations.

Read from PT_DYNAMIC, as the loader does, so that files without section headers are understood (System V
gABI 4.1, chapter 5; the GNU extensions for hashes, versions and RELR relocations).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unibuild.elf.layout import MalformedElfError
from unibuild.elf.memory import WORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unibuild.elf.layout import ElfFile
    from unibuild.elf.memory import Memory

PT_DYNAMIC = 2
PT_INTERP = 3
DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ = 1, 4, 5, 6, 7, 8
DT_INIT, DT_FINI, DT_SONAME, DT_RPATH, DT_PLTRELSZ, DT_JMPREL = 12, 13, 14, 15, 2, 23
DT_INIT_ARRAY, DT_FINI_ARRAY, DT_INIT_ARRAYSZ, DT_FINI_ARRAYSZ = 25, 26, 27, 28
DT_RUNPATH, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ = 29, 32, 33
DT_RELRSZ, DT_RELR = 35, 36
DT_FLAGS_1, DF_1_PIE = 0x6FFFFFFB, 0x08000000
DT_GNU_HASH, DT_VERSYM, DT_VERDEF, DT_VERNEED = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE
R_64, R_COPY, R_GLOB_DAT, R_JUMP_SLOT, R_RELATIVE, R_IRELATIVE = 1, 5, 6, 7, 8, 37
STT_GNU_IFUNC = 10
_ENTRY = struct.Struct("<qQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")
_HALF = struct.Struct("<H")
_FOUR = struct.Struct("<I")
_HIDDEN = 0x8000
_LARGEST = 1 << 22
"""More symbols or relocations than any program has: a table that claims so lies."""


@dataclass(frozen=True, slots=True)
class DynamicSymbol:
    """One dynamic symbol; ``address`` 0 and ``defined`` false when another file has to define it."""

    name: str
    version: str
    address: int
    size: int
    kind: int
    binding: int
    defined: bool
    default: bool
    """Its version is the one that references without a version bind to."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What the loader stores at a place: ``symbol``'s address if one is named, else ``target``.

    For a copy relocation, the bytes of ``symbol`` as another file defines it.
    """

    target: int
    symbol: DynamicSymbol | None
    kind: int
    """The relocation's type, 0 for RELR."""


@dataclass(frozen=True, slots=True)
class Dynamic:
    """The dynamic section of one file; empty for a program that has none."""

    tags: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    soname: str = ""
    rpath: str = ""
    runpath: str = ""
    symbols: tuple[DynamicSymbol, ...] = ()
    pointers: Mapping[int, Pointer] = field(default_factory=dict)

    def value(self, tag: int) -> int:
        """Return the first value of ``tag``, 0 when the section has none."""
        return self.tags.get(tag, (0,))[0]

    def starting(self, memory: Memory) -> list[int]:
        """Return the functions that the loader runs by itself: initialisers and finalisers."""
        found = [self.value(tag) for tag in (DT_INIT, DT_FINI)]
        for place, size in (
            (DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ),
            (DT_INIT_ARRAY, DT_INIT_ARRAYSZ),
            (DT_FINI_ARRAY, DT_FINI_ARRAYSZ),
        ):
            start = self.value(place)
            for slot in range(start, start + min(self.value(size), _LARGEST), WORD):
                pointer = self.pointers.get(slot)
                found.append(pointer.target if pointer else memory.word(slot))
        return [address for address in found if memory.executable(address)]


def interpreter(elf: ElfFile) -> str:
    """Return the path of the program's interpreter, ``""`` when it wants none."""
    for segment in elf.segments:
        if segment.type == PT_INTERP:
            return elf.content(segment).split(b"\0")[0].decode("utf-8", "replace")
    return ""


def read_dynamic(elf: ElfFile, memory: Memory) -> Dynamic:
    """Read the dynamic section with everything it points to."""
    segment = next((one for one in elf.segments if one.type == PT_DYNAMIC), None)
    if segment is None:
        return Dynamic()
    tags: dict[int, tuple[int, ...]] = {}
    content = elf.content(segment)
    for tag, value in _ENTRY.iter_unpack(content[: len(content) - len(content) % _ENTRY.size]):
        if tag == 0:
            break
        tags[tag] = (*tags.get(tag, ()), value)
    shell = Dynamic(tags)
    strings = shell.value(DT_STRTAB)

    def text(tag: int) -> str:
        return memory.text(strings + shell.value(tag)) if tag in tags else ""

    symbols = tuple(_symbols(shell, memory, strings))
    return Dynamic(
        tags,
        tuple(memory.text(strings + value) for value in tags.get(DT_NEEDED, ())),
        text(DT_SONAME),
        text(DT_RPATH),
        text(DT_RUNPATH),
        symbols,
        dict(_pointers(shell, memory, symbols)),
    )


def _symbol_count(dynamic: Dynamic, memory: Memory) -> int:
    """Return how many symbols there are: those that are hashed, and those that relocations name."""
    named = [entry[1] >> 32 for entry in _relocations(dynamic, memory)]
    return max(_hashed_count(dynamic, memory), max(named, default=-1) + 1)


def _hashed_count(dynamic: Dynamic, memory: Memory) -> int:
    if table := dynamic.value(DT_HASH):
        return int(_FOUR.unpack(memory.read(table + 4, 4))[0])
    table = dynamic.value(DT_GNU_HASH)
    if not table:
        return 0
    buckets, first, bloom, _shift = struct.unpack("<IIII", memory.read(table, 16))
    if max(buckets, bloom) > _LARGEST:
        raise MalformedElfError("the table of symbol hashes is larger than the program")
    at = table + 16 + bloom * WORD
    last = max(struct.unpack(f"<{buckets}I", memory.read(at, 4 * buckets)), default=0)
    if last < first:
        return int(first)
    chains = at + 4 * buckets
    while not _FOUR.unpack(memory.read(chains + 4 * (last - first), 4))[0] & 1:
        last += 1
    return int(last) + 1


def _symbols(dynamic: Dynamic, memory: Memory, strings: int) -> Iterator[DynamicSymbol]:
    count = _symbol_count(dynamic, memory)
    if count > _LARGEST:
        raise MalformedElfError("the table of symbol hashes is larger than the program")
    versions = _versions(dynamic, memory, strings)
    table = memory.read(dynamic.value(DT_SYMTAB), count * _SYMBOL.size) if count else b""
    marks = dynamic.value(DT_VERSYM)
    for index, entry in enumerate(_SYMBOL.iter_unpack(table)):
        name, info, _other, section, value, size = entry
        mark = _HALF.unpack(memory.read(marks + 2 * index, 2))[0] if marks else 1
        yield DynamicSymbol(
            memory.text(strings + name) if name else "",
            versions.get(mark & ~_HIDDEN, ""),
            value,
            size,
            info & 15,
            info >> 4,
            bool(section),
            not mark & _HIDDEN,
        )


def _versions(dynamic: Dynamic, memory: Memory, strings: int) -> dict[int, str]:
    """Return the names of the versions that the file defines and needs, by their index."""
    found: dict[int, str] = {}
    at = dynamic.value(DT_VERDEF)
    for _ in range(_LARGEST if at else 0):
        _revision, flags, index, _count, _hash, names, step = struct.unpack(
            "<HHHHIII", memory.read(at, 20)
        )
        if not flags & 1:
            found[index] = memory.text(strings + int(_FOUR.unpack(memory.read(at + names, 4))[0]))
        if not step:
            break
        at += step
    at = dynamic.value(DT_VERNEED)
    for _ in range(_LARGEST if at else 0):
        _revision, count, _file, first, step = struct.unpack("<HHIII", memory.read(at, 16))
        inner = at + first
        for _ in range(count):
            _hash, _flags, index, name, following = struct.unpack("<IHHII", memory.read(inner, 16))
            found[index & ~_HIDDEN] = memory.text(strings + name)
            if not following:
                break
            inner += following
        if not step:
            break
        at += step
    return found


def _pointers(
    dynamic: Dynamic, memory: Memory, symbols: tuple[DynamicSymbol, ...]
) -> Iterator[tuple[int, Pointer]]:
    for place in _relative(dynamic, memory):
        yield place, Pointer(memory.word(place), None, 0)
    for place, info, addend in _relocations(dynamic, memory):
        kind, index = info & 0xFFFFFFFF, info >> 32
        if kind in (R_RELATIVE, R_IRELATIVE):
            yield place, Pointer(addend, None, kind)
        elif kind in (R_64, R_COPY, R_GLOB_DAT, R_JUMP_SLOT) and 0 < index < len(symbols):
            symbol = symbols[index]
            yield place, Pointer(symbol.address + addend, symbol, kind)


def _relocations(dynamic: Dynamic, memory: Memory) -> Iterator[tuple[int, int, int]]:
    """Yield place, kind with symbol, and addend of every relocation that is not packed."""
    for table, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)):
        length = dynamic.value(size)
        length -= length % _RELA.size
        content = memory.read(dynamic.value(table), length) if length else b""
        yield from _RELA.iter_unpack(content)


def _relative(dynamic: Dynamic, memory: Memory) -> Iterator[int]:
    """Yield the places that the packed table of relative relocations (DT_RELR) names."""
    size = dynamic.value(DT_RELRSZ)
    place = 0
    content = memory.read(dynamic.value(DT_RELR), size - size % WORD) if size else b""
    for (entry,) in struct.iter_unpack("<Q", content):
        if not entry & 1:
            yield entry
            place = entry + WORD
        else:
            yield from (place + bit * WORD for bit in range(63) if entry >> (bit + 1) & 1)
            place += 63 * WORD
