"""Who owns each byte of a boot file: ranges that cover it exactly once, in the order of the file.

An owner is the label of a component, or one of the image's own parts:

    image:headers   the ELF header and the program headers
    image:layout    numbers that the linker script writes: where sections begin and end
    image:shared    constants that the linker merged and that no object could be named for
    image:filling   zero or trap bytes between what has an owner, for the sake of alignment
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.elf.layout import HEADER, PROGRAM_HEADER, PT_LOAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.elf.layout import ElfFile

HEADERS = "image:headers"
LAYOUT = "image:layout"
SHARED = "image:shared"
FILLING = "image:filling"
OWN_PARTS = {
    HEADERS: "The file header and the program headers.",
    LAYOUT: "What the linker script writes: where sections begin and end.",
    SHARED: "Constants that the linker merged.",
    FILLING: "Filling between components, for the sake of alignment.",
}

Range = tuple[int, int, str]
"""Offset in the boot file, size in bytes, owner."""


def header_size(boot: ElfFile) -> int:
    """Return how many bytes of a boot file its headers take."""
    return HEADER.size + len(boot.segments) * PROGRAM_HEADER.size


def cover(boot: ElfFile, claims: Iterable[tuple[int, int, str]]) -> list[Range]:
    """Return the ranges of a boot file.

    ``claims`` are (virtual address, size, owner) of what lies in memory; of overlapping claims the one
    that begins first holds, and what the file does not store is left out. Neighbours of one owner are
    one range.
    """
    placed = [(0, header_size(boot), HEADERS)]
    loads = [one for one in boot.segments if one.type == PT_LOAD and one.file_size]
    for address, size, owner in sorted(claims):
        for load in loads:
            inside = address - load.virtual_address
            if 0 <= inside < load.file_size:
                placed.append((load.offset + inside, min(size, load.file_size - inside), owner))
                break
    placed.sort()
    found: list[Range] = []
    position = 0
    for offset, size, owner in (*placed, (len(boot.data), 0, FILLING)):
        if offset > position:
            _append(found, position, offset - position, FILLING)
            position = offset
        rest = offset + size - position
        if rest > 0:
            _append(found, position, rest, owner)
            position += rest
    return found


def _append(found: list[Range], offset: int, size: int, owner: str) -> None:
    if found and found[-1][2] == owner:
        start, before, _ = found.pop()
        found.append((start, before + size, owner))
    else:
        found.append((offset, size, owner))
