"""The content of a section or segment cut at its symbols, so that what differs has a name.

A piece is a symbol's bytes, what lies between two symbols, or a root archive found among data. Pieces
of both sides belong together by name, wherever they lie; so a symbol that grew does not make those
behind it differ: they *moved*.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.verify.difference import cpio
from unibuild.verify.difference.context import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unibuild.verify.difference.elf_reading import Elf, Names, Part, Symbol

_ROOT = "root file system"

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """``content`` lies at ``start`` of its part; ``base`` + ``base_offset`` name its first byte."""

    key: Key
    base: str
    base_offset: int
    start: int
    content: bytes
    size: int
    address: int
    offset: int
    origin: str = ""
    named: bool = False
    archive: bool = False

    def name_of(self, place: int) -> str:
        """Return ``main+0x12`` for a place in the piece; ``main`` for its first byte."""
        distance = self.base_offset + place
        return f"{self.base}+{distance:#x}" if distance else self.base


def cut(part: Part, elf: Elf, names: Names) -> dict[Key, Piece]:
    """Return the pieces of ``part`` in order, by name and how often that name came before."""
    seen: Counter[str] = Counter()
    pieces: dict[Key, Piece] = {}
    for piece in _pieces(part, elf, names):
        key = (piece.key[0], seen[piece.key[0]])
        seen[piece.key[0]] += 1
        pieces[key] = piece
    return pieces


def _pieces(part: Part, elf: Elf, names: Names) -> Iterator[Piece]:
    size = len(part.content) or (0 if part.kind == "segment" else part.size)
    found = [(place, symbol) for place, symbol in _places(part, elf, names) if place < size]
    position, last, last_start = 0, "", 0
    for number, (place, symbol) in enumerate(found):
        if place < position:
            continue
        if place > position:
            yield from _between(part, position, place, last, last_start)
        following = found[number + 1][0] if number + 1 < len(found) else size
        end = min(place + symbol.size, size) if symbol.size else following
        yield _piece(part, place, end, symbol.name, 0, symbol)
        position, last, last_start = end, symbol.name, place
    if position < size:
        yield from _between(part, position, size, last, last_start)


def _places(part: Part, elf: Elf, names: Names) -> Sequence[tuple[int, Symbol]]:
    """Return the symbols of ``part`` with their places in it, in order."""
    base = 0 if elf.relocatable else part.address
    return [
        (symbol.address - base, symbol)
        for symbol in names.of(part)
        if base <= symbol.address < base + part.size and not symbol.name.startswith((".L", "$"))
        # A label without a size among data marks a place, as those of linker scripts do.
        if symbol.size or part.code
    ]


def _between(part: Part, start: int, end: int, last: str, last_start: int) -> Iterator[Piece]:
    archive = None if part.code else _archive(part.content[start:end])
    if archive is None:
        yield _piece(part, start, end, last, start - last_start)
        return
    first, size = archive
    if first:
        yield _piece(part, start, start + first, last, start - last_start)
    yield _piece(part, start + first, start + first + size, _ROOT, 0, archive=True)
    if start + first + size < end:
        yield _piece(part, start + first + size, end, last, start + first + size - last_start)


def _archive(content: bytes) -> tuple[int, int] | None:
    """Return place and size of the first root archive in ``content``."""
    at = content.find(cpio.MAGIC)
    if at < 0:
        return None
    try:
        _, size = cpio.read(content[at:])
    except DamagedError:
        return None
    return at, size


def _piece(
    part: Part, start: int, end: int, base: str, base_offset: int, symbol: Symbol | None = None, *,
    archive: bool = False,
) -> Piece:  # fmt: skip
    named = symbol is not None or archive
    return Piece(
        (base if named else f"after {base}", 0),
        base or part.name,
        base_offset,
        start,
        part.content[start:end],
        end - start,
        part.address + start,
        part.offset + start,
        symbol.origin if symbol else "",
        named,
        archive,
    )
