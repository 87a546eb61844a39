"""Bytes without a known format: the spans that differ, each with a window and its cause."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from unibuild.model.counting import plural
from unibuild.verify.difference import causes
from unibuild.verify.difference.spans import spans
from unibuild.verify.difference.tree import WINDOW, Difference, first, node

if TYPE_CHECKING:
    from unibuild.verify.difference.context import Context
    from unibuild.verify.difference.spans import Span


def compare(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two byte strings."""
    if expected == found:
        return None
    places = spans(expected, found)
    children, left_out = first(
        partial(leaf, f"byte {span.start:,}", expected, found, span, context) for span in places
    )
    return node(name, "bytes", children, sizes(expected, found), left_out=left_out)


def leaf(
    name: str,
    expected: bytes,
    found: bytes,
    span: Span,
    context: Context,
    *,
    base: int = 0,
    code: bool = False,
) -> Difference:
    """Return the leaf of one span; ``base`` is where the strings start in their file."""
    one, other = expected[span.start : span.end], found[span.other_start : span.other_end]
    return Difference(
        name,
        "bytes",
        span_words(len(one), len(other)),
        base + span.start,
        one[:WINDOW],
        other[:WINDOW],
        causes.of_bytes(expected, found, span, context.surroundings, code=code),
    )


def span_words(one: int, other: int) -> str:
    """Say how many bytes differ on both sides."""
    if one == other:
        return f"{count(one)} {'differs' if one == 1 else 'differ'}"
    if not one:
        return f"{count(other)} more"
    if not other:
        return f"{count(one)} less"
    return f"{count(other)} where {one:,} {'was' if one == 1 else 'were'} expected"


def sizes(expected: bytes, found: bytes) -> str:
    """Say both sizes, or the one that they share."""
    one, other = len(expected), len(found)
    return f"{count(one)} each" if one == other else f"{count(other)} where {one:,} were expected"


def count(size: int) -> str:
    """Return ``1 byte`` or ``2 bytes``."""
    return plural(size, "byte")
