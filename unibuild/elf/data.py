"""The data of a program, divided into objects: a pointer in one matters when the object is used.

Symbols tell the bounds of objects. Where there are none, an object begins at each address that code
or other data takes, as far as a compiler would align an object with pointers to it: what is named in
the middle of a table or a structure seldom is, and two objects taken for one are only less precise.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from unibuild.elf.dynamic import R_GLOB_DAT, R_JUMP_SLOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unibuild.elf.dynamic import Pointer
    from unibuild.elf.memory import Memory

_ALIGNMENT = 16


class Data:
    """The objects of one program and the places of their pointers."""

    def __init__(
        self,
        memory: Memory,
        pointers: Mapping[int, Pointer],
        known: Mapping[int, int],
        named: Iterable[int],
        edges: Iterable[int],
    ) -> None:
        """Take the places of all pointers, the known objects (begin → end), and named addresses.

        ``edges`` are where sections and segments begin and end: no object crosses them. The linker's
        own tables of other files' addresses belong to no object, as each entry is read by itself.
        """
        self._slots = sorted(place for place in pointers if not memory.executable(place))
        self._own = {
            place for place, one in pointers.items() if one.kind in (R_GLOB_DAT, R_JUMP_SLOT)
        }
        begins = sorted(known)
        inner = {
            address
            for address in named
            if not memory.executable(address) and not self._inside(begins, known, address)
        }
        starts = {address for address in inner if address % _ALIGNMENT == 0}
        self._begins = sorted({*starts, *known, *known.values(), *edges})

    @staticmethod
    def _inside(begins: list[int], known: Mapping[int, int], address: int) -> bool:
        index = bisect_right(begins, address) - 1
        return index >= 0 and address < known[begins[index]]

    def begin(self, address: int) -> int:
        """Return the begin of the object at ``address``, which names the object."""
        index = bisect_right(self._begins, address) - 1
        return self._begins[index] if index >= 0 else 0

    def places(self, begin: int) -> list[int]:
        """Return the places of the pointers in the object that begins at ``begin``."""
        index = bisect_right(self._begins, begin)
        end = self._begins[index] if index < len(self._begins) else 1 << 64
        return [place for place in self.between(begin, end) if place not in self._own]

    def between(self, low: int, high: int) -> list[int]:
        """Return the places of the pointers from ``low`` up to ``high``."""
        return self._slots[bisect_left(self._slots, low) : bisect_left(self._slots, high)]
