"""Two sections or segments of one name: what changed in itself, and what only moved with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from unibuild.verify.difference import plain, text
from unibuild.verify.difference.elf_pieces import cut
from unibuild.verify.difference.elf_reading import IDENTITY
from unibuild.verify.difference.references import only_references
from unibuild.verify.difference.spans import between_ends, spans
from unibuild.verify.difference.text import order_cause
from unibuild.verify.difference.tree import MOST_CHILDREN, WINDOW, Cause, Difference, node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unibuild.verify.difference.context import Context
    from unibuild.verify.difference.elf_pieces import Key, Piece
    from unibuild.verify.difference.elf_reading import Elf, Names, Part

_FOLLOWING = (".symtab", ".dynsym", ".rel", ".eh_frame", ".hash", ".gnu.hash", ".gnu.version",
              ".debug_", ".got", ".dynamic")  # fmt: skip
"""Sections whose content is made from that of others."""
_TELLING = (".debug_str", ".debug_line_str")
_BUILD_ID = ".note.gnu.build-id"
_TABLES = ("SHT_SYMTAB", "SHT_DYNSYM", "SHT_REL", "SHT_RELA", "SHT_HASH", "SHT_GNU_HASH",
           "SHT_GNU_versym")  # fmt: skip
_WORD = 4
_SHOWN_NAMES = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files with their names, and by how much what is in both has moved."""

    expected: Elf
    found: Elf
    names: tuple[Names, Names]
    moves: frozenset[int] = frozenset()

    @property
    def byte_order(self) -> str:
        """Return ``little`` or ``big``."""
        return "big" if self.expected.data[5:6] == b"\x02" else "little"


def compare(one: Part, other: Part, pair: Pair, context: Context) -> Difference | None:
    """Compare two parts of one name."""
    children = _facts(one, other)
    follows = one.name.startswith(_FOLLOWING) and not one.name.startswith(_TELLING)
    if one.content != other.content or (not one.content and one.size != other.size):
        children += _content(one, other, pair, context)
    if not children:
        return None
    return node(one.name, one.kind, children, _sizes(one, other), offset=one.offset,
                follows=follows)  # fmt: skip


def _facts(one: Part, other: Part) -> list[Difference]:
    children = []
    for words, ours, theirs in (
        ("type", one.type, other.type),
        ("flags", one.flags, other.flags),
        *((key, value, dict(other.facts).get(key)) for key, value in one.facts),
    ):
        if ours != theirs:
            shown = f"{_value(ours)} expected, {_value(theirs)} found"
            follows = words == "physical address"
            children.append(Difference(words, "header", shown, follows=follows))
    if one.address != other.address:
        step = moved(other.address - one.address)
        shown = f"{step} ({one.address:#x} expected, {other.address:#x} found)"
        children.append(Difference("address", "moved", shown, follows=True))
    return children


def _content(one: Part, other: Part, pair: Pair, context: Context) -> list[Difference]:
    if one.name == _BUILD_ID:
        span = spans(one.content, other.content)[0]
        leaf = plain.leaf("digest", one.content, other.content, span, context, base=one.offset)
        cause = Cause("build-id", "the build id, which the linker makes from all other content")
        return [replace(leaf, cause=cause, follows=True)]
    if one.type in _TABLES and one.type == other.type:
        return [_table(one, other)]
    # A linker merges strings, constants and jump tables into one section that is said to hold strings.
    if one.strings and other.strings and (pair.expected.relocatable or not one.in_memory):
        sides = one.content.split(b"\0"), other.content.split(b"\0")
        strings = text.of_lines(
            one.name, "section", "string", *sides, context, base=one.offset, joint=b"\0"
        )
        if strings is not None:
            more = Difference("", "text", f"{strings.left_out:,} more strings differ")
            return [
                *(strings.children or [strings.named("the order")]),
                *([more] if strings.left_out else []),
            ]
    ours, theirs = cut(one, pair.expected, pair.names[0]), cut(other, pair.found, pair.names[1])
    return _pieces(one, ours, theirs, pair, context)


def _table(one: Part, other: Part) -> Difference:
    """Count the entries of a table that the linker or compiler makes from other content."""
    size = int(str(dict(one.facts)["entry size"])) or _WORD
    ours, theirs = (
        Counter(part.content[at : at + size] for at in range(0, len(part.content), size))
        for part in (one, other)
    )
    gone, new = (ours - theirs).total(), (theirs - ours).total()
    if not gone and not new:
        words = "the same entries in another order"
    else:
        words = f"{gone:,} of {ours.total():,} entries are not there, {new:,} others are"
    span = between_ends(one.content, other.content)
    return Difference(
        "entries", "table", words, one.offset + span.start,
        one.content[span.start : span.end][:WINDOW],
        other.content[span.other_start : span.other_end][:WINDOW],
        follows=True,
    )  # fmt: skip


def _pieces(
    part: Part, ours: dict[Key, Piece], theirs: dict[Key, Piece], pair: Pair, context: Context
) -> list[Difference]:
    both = [key for key in ours if key in theirs]
    children = _order(ours, theirs)
    references = []
    for key in both:
        one, other = ours[key], theirs[key]
        same = one.content == other.content and one.size == other.size
        if same or (_filling(one, part) and _filling(other, part)):
            continue
        step = other.address - one.address
        if only_references(one.content, other.content, pair.moves, step, pair.byte_order):
            references.append(one)
        elif len(children) < MOST_CHILDREN:
            changed = _changed(part, one, other, pair, context)
            if changed is not None:
                children.append(changed)
        else:
            children.append(Difference(one.base, "symbol", "differs", one.offset))
    children += [_only("expected", ours[key], context) for key in ours if key not in theirs]
    children += [_only("found", theirs[key], context) for key in theirs if key not in ours]
    children += _moved([(ours[key], theirs[key]) for key in both if ours[key].named])
    if references:
        children.append(_references(references))
    return [child for child in children if child.kind != "equal"]


def _order(ours: Mapping[Key, Piece], theirs: Mapping[Key, Piece]) -> list[Difference]:
    sides = (
        [name for name, _ in ours if ours[name, _].named and (name, _) in theirs],
        [name for name, _ in theirs if theirs[name, _].named and (name, _) in ours],
    )
    if sides[0] == sides[1]:
        return []
    encoded = [[name.encode("utf-8", "replace") for name in side] for side in sides]
    cause = order_cause(encoded[0], encoded[1], "symbols")
    return [Difference("the order", "order", "the symbols lie in another order", cause=cause)]


def _changed(
    part: Part, one: Piece, other: Piece, pair: Pair, context: Context
) -> Difference | None:
    origin = _origin(part, one.start, context) or one.origin
    if one.archive and other.archive:
        inner = context.inside(one.base, one.content, other.content)
        return replace(inner, offset=one.offset, origin=origin) if inner else None
    if one.named and one.base == IDENTITY:
        cause = Cause("digest", "the image's identity, which is made from all its other bytes")
        return Difference(IDENTITY, "symbol", "", one.offset, one.content, other.content, cause,
                          origin=origin, follows=True)  # fmt: skip
    if not one.content or not other.content:
        words = f"{plain.count(other.size)} where {one.size:,} were expected"
        return Difference(one.base, "symbol", words, one.offset, origin=origin)
    leaves = _leaves(part, one, other, pair, context)
    if len(leaves) == 1:
        return replace(leaves[0], origin=leaves[0].origin or origin)
    if not one.named:
        return node(one.name_of(0), "bytes", leaves, plain.sizes(one.content, other.content))
    return node(one.base, "symbol", leaves, plain.sizes(one.content, other.content), origin=origin)


def _leaves(part: Part, one: Piece, other: Piece, pair: Pair, context: Context) -> list[Difference]:
    """Return the spans that differ; those that only refer to what moved are counted in one leaf."""
    leaves = []
    references = 0
    for span in spans(one.content, other.content):
        step = other.address + span.other_start - one.address - span.start
        around = (
            one.content[max(0, span.start - 3) : span.end + 3],
            other.content[max(0, span.other_start - 3) : span.other_end + 3],
        )
        if span.end - span.start == span.other_end - span.other_start and only_references(
            *around, pair.moves, step, pair.byte_order
        ):
            references += 1
            continue
        leaf = plain.leaf(
            one.name_of(span.start), one.content, other.content, span, context,
            base=one.offset, code=part.code,
        )  # fmt: skip
        if not one.named:
            leaf = replace(leaf, origin=_origin(part, one.start + span.start, context))
        leaves.append(leaf)
    if references:
        places = "1 place" if references == 1 else f"{references:,} places"
        words = f"{places}: references to what moved"
        leaves.append(Difference(one.name_of(0), "moved", words, one.offset, follows=True))
    return leaves


def _origin(part: Part, place: int, context: Context) -> str:
    """Return who brought a byte of the expected file; debug data has no address to tell it by."""
    address = part.address + place if part.in_memory else None
    return context.expected.origin(part.offset + place, address)


def _filling(piece: Piece, part: Part) -> bool:
    """Tell whether the bytes between two functions are what a linker fills up with."""
    return part.code and not piece.named and not piece.content.strip(b"\xcc\x90\0")


def _only(side: str, piece: Piece, context: Context) -> Difference:
    if not piece.named:  # filling between symbols that moved apart
        if not any(piece.content.strip(b"\xcc\x90\0")):
            return Difference("", "equal")
        words = f"{plain.count(piece.size)} only in what was {side}"
        return Difference(piece.name_of(0), f"only-{side}", words, piece.offset)
    files = context.expected if side == "expected" else context.found
    origin = piece.origin or files.origin(piece.offset, piece.address)
    data = piece.content[:WINDOW]
    return Difference(
        piece.base, f"only-{side}", f"only in what was {side}, {plain.count(piece.size)}", piece.offset,
        data if side == "expected" else b"", data if side == "found" else b"", origin=origin,
    )  # fmt: skip


def _moved(pairs: Sequence[tuple[Piece, Piece]]) -> list[Difference]:
    """Say which symbols moved and how far, neighbours that moved alike in one line."""
    runs = [
        (step, [one for one, _ in run])
        for step, run in groupby(pairs, key=lambda pair: pair[1].address - pair[0].address)
        if step
    ]
    leaves = []
    for step, run in runs:
        first, last = run[0].base, run[-1].base
        name = first if len(run) == 1 else f"{first} to {last} ({len(run):,} symbols)"
        leaves.append(Difference(name, "moved", moved(step), run[0].offset, follows=True))
    if len(leaves) <= _SHOWN_NAMES:
        return leaves
    count = sum(len(run) for _, run in runs)
    return [node("moved", "moved", leaves, f"{count:,} symbols lie elsewhere", follows=True)]


def _references(pieces: Sequence[Piece]) -> Difference:
    names = ", ".join(piece.name_of(0) for piece in pieces[:_SHOWN_NAMES])
    more = f" and {len(pieces) - _SHOWN_NAMES:,} more" if len(pieces) > _SHOWN_NAMES else ""
    words = f"{names}{more}: only references to what moved differ"
    return Difference("references", "moved", words, pieces[0].offset, follows=True)


def moved(step: int) -> str:
    """Return ``moved by 16 bytes``, with a direction when it is back."""
    return f"moved by {plain.count(abs(step))}{' back' if step < 0 else ''}"


def _sizes(one: Part, other: Part) -> str:
    if one.size == other.size:
        return ""
    return f"{plain.count(other.size)} where {one.size:,} were expected"


def _value(value: object) -> str:
    return f"{value:#x}" if isinstance(value, int) else str(value)
