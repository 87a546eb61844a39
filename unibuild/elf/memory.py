"""A program's memory as its ELF file lays it out, before any instruction ran.

Addresses are the file's own (a position-independent program starts at 0). Reads outside of what the
file holds raise ``MalformedElfError``, so that a lying table is one error and never a wild slice.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.elf.layout import PT_LOAD, MalformedElfError

if TYPE_CHECKING:
    from unibuild.elf.layout import ElfFile, Segment

PF_EXECUTE = 1
PF_WRITE = 2
_WORD = struct.Struct("<Q")
WORD = _WORD.size
_LARGEST = 1 << 30
"""More than any table or text has."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The loaded segments of one file, in the order of their addresses."""

    data: bytes
    segments: tuple[Segment, ...]

    @staticmethod
    def of(elf: ElfFile) -> Memory:
        """Return the memory of a parsed file."""
        loaded = (one for one in elf.segments if one.type == PT_LOAD and one.memory_size)
        return Memory(elf.data, tuple(sorted(loaded, key=lambda one: one.virtual_address)))

    def segment(self, address: int) -> Segment | None:
        """Return the segment that holds ``address``, ``None`` when none does."""
        for one in self.segments:
            if one.virtual_address <= address < one.virtual_address + one.memory_size:
                return one
        return None

    def executable(self, address: int) -> bool:
        """Tell whether instructions can lie at ``address``."""
        found = self.segment(address)
        return found is not None and bool(found.flags & PF_EXECUTE)

    def writable(self, address: int) -> bool:
        """Tell whether the running program can change what lies at ``address``."""
        found = self.segment(address)
        return found is not None and bool(found.flags & PF_WRITE)

    def code(self) -> list[tuple[int, int]]:
        """Return begin and end of every executable segment, as far as the file has bytes."""
        return [
            (one.virtual_address, one.virtual_address + one.file_size)
            for one in self.segments
            if one.flags & PF_EXECUTE and one.file_size
        ]

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes, zeros where memory is larger than the file."""
        one = self.segment(address)
        if (
            one is None
            or not 0 <= size <= _LARGEST
            or address + size > one.virtual_address + one.memory_size
        ):
            raise MalformedElfError(f"a table at {address:#x} lies outside the program's memory")
        inside = address - one.virtual_address
        start = one.offset + inside
        stop = one.offset + min(inside + size, one.file_size)
        return self.data[start:stop].ljust(size, b"\0")

    def word(self, address: int) -> int:
        """Return the 64-bit word at ``address``."""
        return int(_WORD.unpack(self.read(address, WORD))[0])

    def text(self, address: int) -> str:
        """Return the NUL-terminated text at ``address``."""
        one = self.segment(address)
        if one is not None:
            start = one.offset + address - one.virtual_address
            end = self.data.find(b"\0", start, one.offset + one.file_size)
            if end >= 0:
                return self.data[start:end].decode("utf-8", "replace")
        raise MalformedElfError(f"a name at {address:#x} lies outside the program's memory")

    def words(self, low: int, high: int) -> list[tuple[int, int]]:
        """Return place and value of every aligned word of the file that is in ``low``…``high``."""
        found = []
        for one in self.segments:
            skip = -one.virtual_address % WORD
            count = max(one.file_size - skip, 0) // WORD
            begin = one.offset + skip
            view = memoryview(self.data)[begin : begin + count * WORD]
            base = one.virtual_address + skip
            found += [
                (base + index * WORD, value)
                for index, value in enumerate(view.cast("Q"))
                if low <= value < high
            ]
        return found
