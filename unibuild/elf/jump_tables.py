"""Where an indirect jump inside of a function goes: the tables that compilers make of ``switch``.

Two forms: 32-bit offsets from the table's own begin (position-independent code), and 64-bit addresses. A
table's end is not written anywhere: it is read on as long as its entries lead into the function.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from unibuild.elf.code import Place, address_of, operands
from unibuild.elf.layout import MalformedElfError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from unibuild.elf.code import Instruction
    from unibuild.elf.memory import Memory

_NEAR: Final = 24
"""How far before its jump a table's address is loaded, in instructions."""
_LONGEST: Final = 2048


def table_targets(
    memory: Memory, instructions: Sequence[Instruction], index: int, inside: Collection[int]
) -> list[int]:
    """Return the addresses that the indirect jump at ``index`` can go to; none if no table is seen.

    ``inside`` are the addresses of the function's instructions.
    """
    given = operands(instructions[index].operands)
    place = given[0] if given else None
    if isinstance(place, Place) and place.scaled and not place.base and place.displacement:
        return _entries(memory, place.displacement, 0, 8, inside)
    for earlier in range(index - 1, max(index - _NEAR, -1), -1):
        one = instructions[earlier]
        given = operands(one.operands) if one.name == "lea" else ()
        source = given[-1] if given else None
        if isinstance(source, Place):
            table = address_of(source, one.end)
            if table is not None and not memory.executable(table):
                return _entries(memory, table, table, 4, inside)
    return []


def _entries(
    memory: Memory, table: int, base: int, size: int, inside: Collection[int]
) -> list[int]:
    found = []
    for slot in range(table, table + _LONGEST * size, size):
        try:
            content = memory.read(slot, size)
        except MalformedElfError:
            break
        target = base + int(struct.unpack("<i" if size == 4 else "<q", content)[0])  # noqa: PLR2004
        if target not in inside:
            break
        found.append(target)
    return found
