"""A difference as lines for people: the tree, and under each leaf the bytes of both sides.

``style(text, name)`` colours a piece of text; the names are ``bold``, ``dim``, ``red``, ``green`` and
``yellow``. Without it the lines are plain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.verify.difference.causes import shown
from unibuild.verify.difference.tree import printable

if TYPE_CHECKING:
    from unibuild.verify.difference.tree import Difference

Style = Callable[[str, str], str]

DEPTH = 6
CHILDREN = 10
_ROW = 16
_ROWS = 2
_LEAST_TEXT = 0.7
_LONGEST_CHARACTER = 3
_MARKS = {ord("\n"): "⏎", ord("\0"): "⏎", ord("\r"): "␍"}
_SAYING_MORE = ("name", "only-expected", "only-found")
"""Kinds of leaves whose words are no part of their cause."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is drawn: levels below the root, children of a node, rows of bytes; 0 is everything."""

    depth: int = DEPTH
    children: int = CHILDREN
    rows: int = _ROWS


def lines(
    difference: Difference, limits: Limits | None = None, style: Style | None = None
) -> list[str]:
    """Return the tree, its root first; nothing when the two are equal."""
    if difference.equal:
        return []
    return list(_node(difference, "", "", 0, limits or Limits(), style or _plain))


def _plain(text: str, _name: str) -> str:
    return text


def _node(
    node: Difference, here: str, below: str, depth: int, limits: Limits, style: Style
) -> Iterator[str]:
    yield (style(here, "dim") if here else "") + _headline(node, style)
    for line in _bytes(node, limits, style):
        yield style(f"{below}{'│' if node.children else ' '}    ", "dim") + line
    children = node.children
    if limits.depth and depth >= limits.depth and children:
        yield style(f"{below}└─ ", "dim") + f"… {_places(_leaves(node))} below (--depth, --all)"
        return
    if limits.children and node.follows and children and _leaves(node) > 1:
        yield style(f"{below}└─ ", "dim") + f"… {_places(_leaves(node))} that may follow (--all)"
        return
    if limits.children and len(children) > limits.children:
        children = children[: limits.children]
    left = len(node.children) - len(children) + node.left_out
    for number, child in enumerate(children, start=1):
        last = number == len(children) and not left
        yield from _node(
            child,
            f"{below}{'└─ ' if last else '├─ '}",
            f"{below}{'   ' if last else '│  '}",
            depth + 1,
            limits,
            style,
        )
    if left:
        hint = "" if len(children) == len(node.children) else " (--all)"
        yield style(f"{below}└─ ", "dim") + f"… {left:,} more{hint}"


def _headline(node: Difference, style: Style) -> str:
    words = node.words
    if node.cause is not None and not node.children:
        keeps = node.kind in _SAYING_MORE and words not in node.cause.words
        words = f"{words}; {node.cause.words}" if keeps else node.cause.words
    name, words = printable(node.name), printable(words)
    name = style(name, "dim" if node.follows else "bold")
    if node.cause is not None and not node.follows:
        words = style(words, "yellow")
    origin = style(f", from {printable(node.origin)}", "dim") if node.origin else ""
    return f"{name}{origin}{': ' if words else ''}{words}"


def _bytes(node: Difference, limits: Limits, style: Style) -> Iterator[str]:
    """Show the bytes of a leaf: as text where they are text, else in hexadecimal digits."""
    if node.children or not (node.expected or node.found) or (node.follows and limits.rows):
        return
    if node.kind in ("value", "name", "link"):
        return
    if node.cause is not None and "expected, " in node.cause.words:
        return
    sides = (("-", node.expected, "red"), ("+", node.found, "green"))
    if all(_is_text(data) for _, data, _ in sides):
        for mark, data, color in sides:
            if data:
                text = _text(data).rstrip("\n\0").translate(_MARKS)
                yield style(f"{mark} {shown(text)}", color)
        return
    for mark, data, color in sides:
        for line in _rows(data, limits.rows):
            yield style(f"{mark} {line}", color)


def _rows(data: bytes, most: int) -> Iterator[str]:
    kept = data[: most * _ROW] if most else data
    for start in range(0, len(kept), _ROW):
        row = kept[start : start + _ROW]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)  # noqa: PLR2004 - ASCII
        more = " …" if start + _ROW >= len(kept) < len(data) else ""
        yield f"{row.hex(' '):<{3 * min(_ROW, len(data)) - 1}}  |{text}|{more}"


def _is_text(data: bytes) -> bool:
    clean = _text(data).translate(dict.fromkeys(map(ord, "\n\t\r\0")))
    return not data or (clean.isprintable() and len(clean) >= _LEAST_TEXT * len(data))


def _text(data: bytes) -> str:
    """Return ``data`` as text; a character that the window cuts at its end is left out."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = error.start >= len(data) - _LONGEST_CHARACTER
        return data[: error.start].decode("utf-8") if cut else "\x1a"


def _leaves(node: Difference) -> int:
    return sum(_leaves(child) for child in node.children) + node.left_out if node.children else 1


def _places(count: int) -> str:
    return "1 difference" if count == 1 else f"{count:,} differences"
