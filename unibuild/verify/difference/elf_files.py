"""ELF files: from the file to its sections (its segments, where it has none), symbols and bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.verify.difference import elf_parts, elf_reading, plain
from unibuild.verify.difference.context import read_both
from unibuild.verify.difference.elf_parts import Pair
from unibuild.verify.difference.elf_pieces import cut
from unibuild.verify.difference.elf_reading import Names, is_elf
from unibuild.verify.difference.references import as_words
from unibuild.verify.difference.spans import spans
from unibuild.verify.difference.text import order_cause
from unibuild.verify.difference.tree import Difference, node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.verify.difference.context import Context
    from unibuild.verify.difference.elf_reading import Elf, Part

__all__ = ["compare", "is_elf"]

_MOST_MOVES = 20_000

Parts = dict[tuple[str, int], "Part"]


def compare(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two files; ``DamagedError`` when one breaks the format's rules."""
    ours, theirs = read_both(elf_reading.read, expected, found)
    ours = ours.named(context.expected)
    theirs = theirs.named(context.found)
    one, other = _parts(ours, theirs)
    pair = Pair(ours, theirs, (Names(ours.symbols), Names(theirs.symbols)))
    pair = replace(pair, moves=_moves(one, other, pair))
    children = _order(one, other)
    for key in one:
        if key in other:
            part = elf_parts.compare(one[key], other[key], pair, context)
            if part is not None:
                children.append(part)
    children += [_only("expected", one[key]) for key in one if key not in other]
    children += [_only("found", other[key]) for key in other if key not in one]
    children += _header(ours, theirs, follows=bool(children))
    children += _tail(ours, theirs, context)
    if not children:
        children = _layout(expected, found, context)
    return node(name, "elf", children, plain.sizes(expected, found))


def _parts(ours: Elf, theirs: Elf) -> tuple[Parts, Parts]:
    """Return the sections of both, or the segments when one has no sections."""
    if len(ours.sections) > 1 and len(theirs.sections) > 1:
        return _keyed(ours.sections[1:]), _keyed(theirs.sections[1:])
    return _keyed(ours.segments), _keyed(theirs.segments)


def _keyed(parts: Sequence[Part]) -> Parts:
    seen: Counter[str] = Counter()
    keyed = {}
    for part in parts:
        keyed[part.name, seen[part.name]] = part
        seen[part.name] += 1
    return keyed


def _moves(one: Parts, other: Parts, pair: Pair) -> frozenset[int]:
    """Return by how much symbols, parts, and unnamed data between common bytes moved."""
    found = {0}  # what stays where it is, is at another distance from what moves
    for key, part in one.items():
        match = other.get(key)
        if match is None or not part.in_memory:
            continue
        found.add(match.address - part.address)
        ours, theirs = (
            cut(part, pair.expected, pair.names[0]),
            cut(match, pair.found, pair.names[1]),
        )
        for piece, partner in ((ours[name], theirs[name]) for name in ours if name in theirs):
            step = partner.address - piece.address
            found.add(step)
            if not part.code and not piece.named and piece.content != partner.content:
                places = spans(piece.content, partner.content)
                found |= {step + span.other_end - span.end for span in places}
    return as_words(found) if len(found) <= _MOST_MOVES else frozenset()


def _order(one: Parts, other: Parts) -> list[Difference]:
    sides = [
        [name.encode() for name, number in this if (name, number) in that]
        for this, that in ((one, other), (other, one))
    ]
    if sides[0] == sides[1]:
        return []
    cause = order_cause(sides[0], sides[1], "sections")
    return [Difference("the order", "order", "the sections stand in another order", cause=cause)]


def _only(side: str, part: Part) -> Difference:
    words = f"only in what was {side}, {plain.count(part.size)}"
    return Difference(part.name, f"only-{side}", words, part.offset)


def _header(ours: Elf, theirs: Elf, *, follows: bool) -> list[Difference]:
    children = []
    for (words, one), (_, other) in zip(ours.header, theirs.header, strict=True):
        if one != other:
            values = [
                f"{value:#x}" if isinstance(value, int) else str(value) for value in (one, other)
            ]
            children.append(
                Difference(
                    words, "header", f"{values[0]} expected, {values[1]} found",
                    follows=follows and words == "entry point",
                )
            )  # fmt: skip
    return children


def _tail(ours: Elf, theirs: Elf, context: Context) -> list[Difference]:
    """Compare what lies behind everything that a header speaks of."""
    one, other = ours.data[ours.end :], theirs.data[theirs.end :]
    tail = context.inside("after the end", one, other)
    return [replace(tail, offset=ours.end)] if tail is not None else []


def _layout(expected: bytes, found: bytes, context: Context) -> list[Difference]:
    """Return what differs in headers and filling, when every content is the same."""
    return [
        plain.leaf(f"byte {span.start:,} (headers or filling)", expected, found, span, context)
        for span in spans(expected, found)
    ]
