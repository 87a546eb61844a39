"""Text, line by line; strings of a table the same way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from unibuild.model.counting import plural
from unibuild.verify.difference import causes
from unibuild.verify.difference.alignment import hunks
from unibuild.verify.difference.plain import leaf
from unibuild.verify.difference.spans import spans
from unibuild.verify.difference.tree import WINDOW, Cause, Difference, first, node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unibuild.verify.difference.alignment import Hunk
    from unibuild.verify.difference.context import Context
    from unibuild.verify.difference.tree import Leaf

_LONG_LINE = 4000


def is_text(data: bytes) -> bool:
    """Tell whether ``data`` is UTF-8 without control characters other than those of a layout."""
    if b"\0" in data or any(control in data for control in (b"\x01", b"\x02", b"\x7f")):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def compare(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two texts."""
    if expected == found:
        return None
    ends = _line_ends(expected, found)
    if ends is not None:
        return Difference(name, "text", "the same lines, ended in another way", cause=ends)
    return of_lines(
        name,
        "text",
        "line",
        expected.splitlines(keepends=True),
        found.splitlines(keepends=True),
        context,
    )


def of_lines(
    name: str,
    kind: str,
    unit: str,
    expected: Sequence[bytes],
    found: Sequence[bytes],
    context: Context,
    *,
    base: int = 0,
    joint: bytes = b"",
) -> Difference | None:
    """Compare two sequences of byte strings.

    ``unit`` is what one is called, ``base`` where they begin in the file, ``joint`` what stands between.
    """
    if list(expected) == list(found):
        return None
    order = order_cause(expected, found, f"{unit}s")
    if order is not None:
        return Difference(
            name, kind, f"the same {len(expected):,} {unit}s in another order", cause=order
        )
    starts = [base]
    for line in expected:
        starts.append(starts[-1] + len(line) + len(joint))
    children, left_out = first(_leaves(unit, joint, (expected, found), starts, context))
    many = f"{len(children) + left_out:,} places differ" if len(children) > 1 else ""
    return node(name, kind, children, many, left_out=left_out)


def order_cause(expected: Sequence[bytes], found: Sequence[bytes], noun: str) -> Cause | None:
    """Return the cause when both hold the same things in another order."""
    if len(expected) != len(found) or len(expected) < 2:  # noqa: PLR2004 - one thing has no order
        return None
    if sorted(expected) != sorted(found):
        return None
    place = next(index for index, line in enumerate(expected) if line != found[index])
    first = causes.quoted(expected[place], found[place])
    hint = _sorting(expected, found)
    return Cause(
        "order",
        f"an order: the same {noun}, from number {place + 1} on another way round ({first}){hint}",
    )


def _sorting(expected: Sequence[bytes], found: Sequence[bytes]) -> str:
    ways = [
        ("by bytes", sorted(expected)),
        ("without regard to case", sorted(expected, key=lambda line: line.lower())),
    ]
    names = [
        next((way for way, order in ways if list(side) == order), "") for side in (expected, found)
    ]
    match names:
        case [str(one), str(other)] if one and other:
            return f"; expected is sorted {one}, found {other}: a locale, perhaps"
        case [str(one), ""] if one:
            return f"; expected is sorted {one}, found is not"
        case ["", str(other)] if other:
            return f"; found is sorted {other}, expected is not"
    return ""


def _line_ends(expected: bytes, found: bytes) -> Cause | None:
    kinds = {b"\r\n": "CR LF", b"\r": "CR", b"\n": "LF"}

    def plain(data: bytes) -> bytes:
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def kind(data: bytes) -> str:
        return next((words for end, words in kinds.items() if end in data), "none")

    if plain(expected) == plain(found):
        return Cause("line-ends", f"line ends: {kind(expected)} expected, {kind(found)} found")
    if plain(expected).rstrip(b"\n") == plain(found).rstrip(b"\n"):
        more = "less" if len(expected) > len(found) else "more"
        return Cause("line-ends", f"line ends: {more} of them after the last line")
    return None


def _leaves(
    unit: str,
    joint: bytes,
    sides: tuple[Sequence[bytes], Sequence[bytes]],
    starts: Sequence[int],
    context: Context,
) -> Iterator[Leaf]:
    """Yield a leaf for each line that differs, or for a run of them that has no counterparts."""
    expected, found = sides
    for hunk in hunks(expected, found):
        a, b, c, d = hunk
        if b - a != d - c:
            one, other = joint.join(expected[a:b]), joint.join(found[c:d])
            yield partial(_run, unit, hunk, one, other, starts[a], context)
            continue
        for index in range(b - a):
            one, other = expected[a + index], found[c + index]
            name, start = f"{unit} {a + index + 1:,}", starts[a + index]
            if one == other:
                continue
            if max(len(one), len(other)) <= _LONG_LINE:
                yield partial(_line, name, one, other, start, context)
                continue
            for span in spans(one, other):
                place = f"{name}, byte {span.start + 1:,}"
                yield partial(leaf, place, one, other, span, context, base=start)


def _run(
    unit: str, hunk: Hunk, one: bytes, other: bytes, start: int, context: Context
) -> Difference:
    a, b, c, d = hunk
    if a == b:
        where, words = _numbers(unit, c, d), "only in what was found"
    elif c == d:
        where, words = _numbers(unit, a, b), "only in what was expected"
    else:
        where, words = _numbers(unit, a, b), f"{plural(d - c, unit)} instead"
    cause = causes.of_text(one, other, context.surroundings)
    return Difference(where, "text", words, start, one[:WINDOW], other[:WINDOW], cause)


def _line(name: str, one: bytes, other: bytes, start: int, context: Context) -> Difference:
    cause = causes.of_text(one, other, context.surroundings)
    return Difference(name, "text", "", start, one[:WINDOW], other[:WINDOW], cause)


def _numbers(unit: str, first: int, last: int) -> str:
    return f"{unit} {first + 1:,}" if last == first + 1 else f"{unit}s {first + 1:,} to {last:,}"
