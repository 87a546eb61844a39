"""Go's table of functions (``pclntab``), which stays in the program when it is stripped.

Layout: the Go sources ``src/runtime/symtab.go`` (``pcHeader``, ``functab``, ``moduledata``) and
``src/internal/abi/symtab.go`` (``Func``), for Go 1.2 and later; entries hold addresses up to Go 1.17, and
since then offsets from the begin of the text, which ``moduledata`` names.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from unibuild.elf.layout import MalformedElfError
from unibuild.elf.memory import WORD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.elf.dynamic import Pointer
    from unibuild.elf.memory import Memory

_FORMATS = {  # magic → Go release that introduced it, as a number that grows
    0xFFFFFFFB: 2,
    0xFFFFFFFA: 16,
    0xFFFFFFF0: 18,
    0xFFFFFFF1: 20,
}
_OFFSETS_SINCE = 18
_HEADER_SINCE = 16
_TEXT_INDEX = 22
"""Words of ``moduledata`` before ``text``: the header's address, six slices, three addresses."""
_LARGEST = 1 << 22


def go_functions(memory: Memory, pointers: Mapping[int, Pointer]) -> dict[int, tuple[int, str]]:
    """Return begin → (end, name) of every Go function; empty for a program that is not Go's."""
    for magic, release in _FORMATS.items():
        mark = struct.pack("<IHB", magic, 0, 1) + b"\x08"
        for segment in memory.segments:
            stop = segment.offset + segment.file_size
            at = memory.data.find(mark, segment.offset, stop)
            while at >= 0:
                address = segment.virtual_address + at - segment.offset
                try:
                    if found := _read(memory, pointers, address, release):
                        return found
                except MalformedElfError:
                    pass
                at = memory.data.find(mark, at + 1, stop)
    return {}


def _read(
    memory: Memory, pointers: Mapping[int, Pointer], table: int, release: int
) -> dict[int, tuple[int, str]]:
    count = memory.word(table + WORD)
    if not 0 < count < _LARGEST:
        return {}
    names, functions = table, table + 2 * WORD
    base = 0
    if release >= _HEADER_SINCE:
        skipped = 4 if release >= _OFFSETS_SINCE else 3
        names = table + memory.word(table + WORD * skipped)
        functions = table + memory.word(table + WORD * (skipped + 4))
    if release >= _OFFSETS_SINCE:
        base = _text(memory, pointers, table)
        entries = struct.unpack(f"<{2 * count + 1}I", memory.read(functions, 4 * (2 * count + 1)))
        records, name_at = functions, 4
    else:
        entries = struct.unpack(f"<{2 * count + 1}Q", memory.read(functions, 8 * (2 * count + 1)))
        records, name_at = (functions if release >= _HEADER_SINCE else table), 8
    found = {}
    for index in range(count):
        start, record, end = entries[2 * index : 2 * index + 3]
        (name,) = struct.unpack("<I", memory.read(records + record + name_at, 4))
        if end > start and memory.executable(base + start):
            found[base + start] = (base + end, memory.text(names + name))
    return found


def _text(memory: Memory, pointers: Mapping[int, Pointer], table: int) -> int:
    """Return the begin of the Go text: from the header, or else from ``moduledata``."""
    if memory.executable(text := memory.word(table + 3 * WORD)):
        return text
    places = [place for place, _ in memory.words(table, table + 1)]
    places += [place for place, pointer in pointers.items() if pointer.target == table]
    for place in places:
        slot = place + _TEXT_INDEX * WORD
        pointer = pointers.get(slot)
        text = pointer.target if pointer else memory.word(slot)
        if memory.executable(text):
            return text
    raise MalformedElfError("the table of Go functions names no text")
