"""Who owns each byte of a boot file: ranges that cover it exactly once, in the order of the file.

An owner is the label of a component, or one of the image's own parts:

    image:headers   the ELF header and the program headers
    image:layout    numbers that the linker script writes: where sections begin and end
    image:shared    constants that the linker merged and that no object could be named for
    image:tables    what the linker makes besides: relocations, the global offset table
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
TABLES = "image:tables"
FILLING = "image:filling"
OWN_PARTS = {
    HEADERS: "The file header and the program headers.",
    LAYOUT: "What the linker script writes: where sections begin and end.",
    SHARED: "Constants that the linker merged.",
    TABLES: "Tables that the linker makes: relocations, the global offset table.",
    FILLING: "Filling between components, for the sake of alignment.",
}

Range = tuple[int, int, str, str]
"""Offset in the boot file, size in bytes, owner, and the object that brought them; empty for own parts."""


def header_size(boot: ElfFile) -> int:
    """Return how many bytes of a boot file its headers take."""
    return HEADER.size + len(boot.segments) * PROGRAM_HEADER.size


def cover(boot: ElfFile, claims: Iterable[Range]) -> list[Range]:
    """Return the ranges of a boot file.

    ``claims`` are ranges by virtual address of what lies in memory; of overlapping claims the one that
    begins first holds, and what the file does not store is left out. Neighbours of one owner and object
    are one range.
    """
    placed: list[Range] = []
    loads = [one for one in boot.segments if one.type == PT_LOAD and one.file_size]
    for address, size, *whose in sorted(claims):
        for load in loads:
            inside = address - load.virtual_address
            if 0 <= inside < load.file_size:
                stored = min(size, load.file_size - inside)
                placed.append((load.offset + inside, stored, whose[0], whose[1]))
                break
    placed.sort()
    found = [(0, header_size(boot), HEADERS, "")]
    position = header_size(boot)
    for offset, size, owner, name in (*placed, (len(boot.data), 0, FILLING, "")):
        if offset > position:
            _append(found, (position, offset - position, FILLING, ""))
            position = offset
        rest = offset + size - position
        if rest > 0:
            _append(found, (position, rest, owner, name))
            position += rest
    return found


def _append(found: list[Range], new: Range) -> None:
    if found and found[-1][2:] == new[2:]:
        start, before, owner, name = found.pop()
        found.append((start, before + new[1], owner, name))
    else:
        found.append(new)
