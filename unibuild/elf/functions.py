"""Where a program's functions begin and end, and what they are called.

Sources, best first: Go's own table, symbols with a size, the unwinder's table (``.eh_frame_hdr``).
What none of them covers is divided at the addresses that calls and pointers name. A function found so
may be a part of one, or two in a row: who follows the program's flow has to cross such bounds.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from unibuild.elf.dynamic import STT_GNU_IFUNC
from unibuild.elf.go_table import go_functions
from unibuild.elf.layout import STT_FUNC, STT_NOTYPE, MalformedElfError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unibuild.elf.dynamic import Dynamic
    from unibuild.elf.layout import ElfFile, Symbol
    from unibuild.elf.memory import Memory

PT_GNU_EH_FRAME = 0x6474E550
_TABLE_ENCODING = b"\x01\x1b\x03\x3b"
"""Version 1, and the encodings that all linkers write: 32-bit offsets from the table's begin."""
_MANY_STUBS = 2
_AUGMENTATION = 9
"""Where a common information entry has its augmentation text, after length, id and version."""


class Function(NamedTuple):
    """Addresses from ``start`` up to ``end``; ``name`` is ``""`` where nothing tells it."""

    start: int
    end: int
    name: str
    known: bool = False
    """A table of the program tells its bounds."""
    go: bool = False


class Functions:
    """The functions of one program by address; they do not overlap."""

    def __init__(self, functions: Iterable[Function]) -> None:
        """Take ``functions`` in the order of their addresses."""
        self.all = tuple(functions)
        self._starts = [one.start for one in self.all]

    def at(self, address: int) -> Function | None:
        """Return the function that holds ``address``."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self.all[index].end:
            return None
        return self.all[index]


def find_functions(
    elf: ElfFile,
    memory: Memory,
    dynamic: Dynamic,
    symbols: Iterable[Symbol],
    targets: Iterable[int],
    stubs: Sequence[int],
) -> Functions:
    """Return the functions of a program.

    ``targets`` are addresses that calls and pointers name, ``stubs`` those of the linker's jumps to
    other files, in order: each is a function, though the unwinder's table has them as one.
    """
    go = go_functions(memory, dynamic.pointers)
    known: dict[int, tuple[int, str]] = {
        start: bounds
        for start, bounds in _unwound(elf, memory).items()
        if bisect_left(stubs, bounds[0]) - bisect_left(stubs, start) < _MANY_STUBS
    }
    names: dict[int, str] = {}
    for address, size, name, kind in _named(dynamic, symbols):
        if memory.executable(address):
            names.setdefault(address, name)
            if size and kind != STT_NOTYPE:
                known[address] = (address + size, name)
    known.update(go)
    begins = {*known, *names, *stubs, *(one for one in targets if memory.executable(one))}
    begins.update(low for low, _ in memory.code())
    for end, _name in list(known.values()):
        if memory.executable(end):
            begins.add(end)
    return Functions(_divided(memory, known, begins, names, go))


def _divided(
    memory: Memory,
    known: Mapping[int, tuple[int, str]],
    begins: Iterable[int],
    names: Mapping[int, str],
    go: Mapping[int, tuple[int, str]],
) -> Iterable[Function]:
    """Yield the parts between ``begins``; a begin inside of a known function does not divide it."""
    for low, high in memory.code():
        inside = sorted(one for one in begins if low <= one < high)
        taken = low
        current: Function | None = None
        for begin in inside:
            if begin < taken:
                continue
            if current is not None:
                yield current._replace(end=min(current.end, begin))
            end, name = known.get(begin, (high, ""))
            current = Function(
                begin, min(end, high), names.get(begin) or name, begin in known, begin in go
            )
            taken = current.end if begin in known else begin + 1
        if current is not None:
            yield current


def _named(dynamic: Dynamic, symbols: Iterable[Symbol]) -> Iterable[tuple[int, int, str, int]]:
    for one in symbols:
        if one.kind in (STT_FUNC, STT_NOTYPE, STT_GNU_IFUNC) and one.section and one.name:
            yield one.value, one.size, one.name, one.kind
    for symbol in dynamic.symbols:
        if symbol.kind in (STT_FUNC, STT_NOTYPE, STT_GNU_IFUNC) and symbol.defined:
            yield symbol.address, symbol.size, symbol.name, symbol.kind


def _unwound(elf: ElfFile, memory: Memory) -> dict[int, tuple[int, str]]:
    """Return the functions of the unwinder's table, without names."""
    segment = next((one for one in elf.segments if one.type == PT_GNU_EH_FRAME), None)
    found: dict[int, tuple[int, str]] = {}
    if segment is None:
        return found
    table = segment.virtual_address
    try:
        if memory.read(table, 4) != _TABLE_ENCODING:
            return found
        (count,) = struct.unpack("<I", memory.read(table + 8, 4))
        entries = memory.read(table + 12, 8 * count)
        for start, record in struct.iter_unpack("<ii", entries):
            place = table + record
            back, _begin, size = struct.unpack("<IiI", memory.read(place + 4, 12))
            # a signal frame's entry begins one byte early, for the unwinder's sake
            early = b"S" in memory.text(place + 4 - back + _AUGMENTATION).encode()
            first = table + start + early
            if size > early and memory.executable(first):
                found[first] = (table + start + size, "")
    except MalformedElfError:
        return {}
    return found
