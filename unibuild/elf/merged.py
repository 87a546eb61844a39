"""Constants that the linker merged, given back to the objects that brought them.

The linker stores equal strings and constants of all objects once and calls the result its own. Each of
these pieces is looked up in the objects that are in the image, so that it has an owner after all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.elf.inputs import piece_bounds, pieces
from unibuild.elf.layout import PT_LOAD
from unibuild.elf.link_map import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from unibuild.elf.layout import ElfFile, Section
    from unibuild.elf.link_map import Placement


def given_back(
    linked: ElfFile,
    placements: Iterable[Placement],
    objects: Iterable[tuple[str, ElfFile, Sequence[Section]]],
) -> list[Placement]:
    """Return ``placements`` with those of merged pieces divided among ``objects`` (in link order).

    What no object has stays with the linker. Only sections that lie in memory are divided.
    """
    brought: dict[str, dict[bytes, str]] = {}
    kinds: dict[str, Section] = {}
    for name, elf, sections in objects:
        for section in sections:
            if section.entry_size:
                kinds.setdefault(section.name, section)
        for section_name, piece in pieces(elf, sections):
            brought.setdefault(section_name, {}).setdefault(piece, name)
    found: list[Placement] = []
    for placement in placements:
        kind = kinds.get(placement.section) if placement.object == INTERNAL else None
        content = _content(linked, placement) if kind else b""
        if kind is None or not content:
            found.append(placement)
        else:
            found.extend(_divided(placement, kind, content, brought[placement.section]))
    return found


def _divided(
    placement: Placement, kind: Section, content: bytes, brought: Mapping[bytes, str]
) -> Iterator[Placement]:
    """Yield a placement for every run of pieces with the same owner."""
    owner, begin, last = "", 0, 0
    for start, end in piece_bounds(kind, content):
        found = brought.get(content[start:end], INTERNAL)
        if found != owner and start > begin:
            yield _part(placement, owner, begin, start)
            begin = start
        owner, last = found, end
    yield _part(placement, owner, begin, last)


def _part(placement: Placement, owner: str, start: int, end: int) -> Placement:
    return replace(placement, address=placement.address + start, size=end - start, object=owner)


def _content(linked: ElfFile, placement: Placement) -> bytes:
    """Return the bytes of a placement; none when it takes no memory of the image."""
    for segment in linked.segments:
        inside = placement.address - segment.virtual_address
        if segment.type == PT_LOAD and 0 <= inside < segment.file_size:
            start = segment.offset + inside
            return linked.data[start : start + placement.size]
    return b""
