"""JSON by path: which value differs, not which line."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from unibuild.verify.difference import causes
from unibuild.verify.difference.alignment import hunks
from unibuild.verify.difference.tree import WINDOW, Cause, Difference, first, node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.verify.difference.context import Context
    from unibuild.verify.difference.tree import Leaf

_LARGEST = 32 << 20
_DEEPEST = 40
_NAMING = ("label", "path", "name", "file", "id", "purl", "bom-ref", "SPDXID", "uri")
"""Keys by whose values the objects of a list are told apart."""

_encode = json.JSONEncoder(sort_keys=True).encode

Object = dict[str, object]


def compare(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two JSON documents; None when one is none, or only spaces and escapes differ."""
    try:
        one, other = json.loads(expected), json.loads(found)
        children, left_out = first(_values("", one, other, context, 0))
    except (ValueError, RecursionError):
        return None
    if children:
        count = len(children) + left_out
        many = f"{count:,} values differ" if count > 1 else ""
        return node(name, "json", children, many, left_out=left_out)
    ours, theirs = (b"".join(side.split()) for side in (expected, found))
    if ours == theirs or sorted(ours) != sorted(theirs):
        return None
    cause = Cause(
        "order", "an order: the same values under the same keys, in another order of keys"
    )
    return Difference(name, "json", "the same values", cause=cause)


def may_be_json(data: bytes) -> bool:
    """Tell whether ``data`` begins as an object or a list does."""
    return len(data) <= _LARGEST and data[:64].lstrip()[:1] in (b"{", b"[")


def _values(path: str, one: object, other: object, context: Context, depth: int) -> Iterator[Leaf]:
    """Yield a leaf for each value that differs, objects and lists taken apart."""
    if type(one) is type(other) and depth < _DEEPEST:
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _objects(path, one, other, context, depth)
            return
        if isinstance(one, list) and isinstance(other, list):
            yield from _lists(path, one, other, context, depth)
            return
    if isinstance(one, str) and isinstance(other, str):
        ours, theirs = one, other
    else:
        ours, theirs = _text(one), _text(other)
    if ours == theirs:
        return
    yield partial(_value, path or "the value", ours, theirs, context)


def _value(path: str, one: str, other: str, context: Context) -> Difference:
    sides = one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    cause = causes.of_text(*sides, context.surroundings)
    words = causes.quoted(*sides)
    return Difference(path, "value", words, None, sides[0][:WINDOW], sides[1][:WINDOW], cause)


def _objects(path: str, one: Object, other: Object, context: Context, depth: int) -> Iterator[Leaf]:
    for key in sorted({*one, *other}):
        inner = f"{path}.{key}" if path else key
        yield from _entry(inner, key, one, other, context, depth)


def _entry(
    path: str, key: str, one: Object, other: Object, context: Context, depth: int
) -> Iterator[Leaf]:
    if key not in other:
        yield partial(_only, path, "expected", one[key])
    elif key not in one:
        yield partial(_only, path, "found", other[key])
    else:
        yield from _values(path, one[key], other[key], context, depth + 1)


def _lists(
    path: str, one: list[object], other: list[object], context: Context, depth: int
) -> Iterator[Leaf]:
    ours, theirs = [_text(value) for value in one], [_text(value) for value in other]
    if ours == theirs:
        return
    if sorted(ours) == sorted(theirs):
        yield partial(_another_order, path or "the list", ours, theirs)
        return
    ours_by_name, theirs_by_name = _named(one), _named(other)
    if ours_by_name is not None and theirs_by_name is not None:
        yield from _by_name(path, ours_by_name, theirs_by_name, context, depth)
        return
    parts = [(0, len(one), 0, len(other))] if len(one) == len(other) else hunks(ours, theirs)
    for a, b, c, d in parts:
        paired = min(b - a, d - c)
        for step in range(paired):
            sides = one[a + step], other[c + step]
            yield from _values(f"{path}[{a + step}]", *sides, context, depth + 1)
        for at in range(a + paired, b):
            yield partial(_only, f"{path}[{at}]", "expected", one[at])
        for at in range(c + paired, d):
            yield partial(_only, f"{path}[{at}]", "found", other[at])


def _another_order(path: str, ours: list[str], theirs: list[str]) -> Difference:
    place = next(index for index, text in enumerate(ours) if text != theirs[index])
    pair = causes.quoted(ours[place].encode(), theirs[place].encode())
    words = f"an order: the same {len(ours)} elements, from number {place} on another way round"
    return Difference(path, "value", "another order", cause=Cause("order", f"{words} ({pair})"))


def _by_name(path: str, one: Object, other: Object, context: Context, depth: int) -> Iterator[Leaf]:
    differs = False
    for name in sorted({*one, *other}):
        for leaf in _entry(f"{path}[{name}]", name, one, other, context, depth):
            differs = True
            yield leaf
    both = [name for name in one if name in other]
    if both != [name for name in other if name in one]:
        cause = Cause("order", f"an order: {len(both)} elements that both have, another way round")
        # Elements that differ as well may be what the order is made by.
        yield partial(
            Difference, path or "the list", "value", "another order", cause=cause, follows=differs
        )


def _named(values: list[object]) -> dict[str, object] | None:
    """Return the objects of a list by the key that names them, None when none tells all apart."""
    if not values or not isinstance(values[0], dict):
        return None
    for key in _NAMING:
        found: dict[str, object] = {
            value[key]: value
            for value in values
            if isinstance(value, dict) and isinstance(value.get(key), str) and value[key]
        }
        if len(found) == len(values):
            return found
    return None


def _only(path: str, side: str, value: object) -> Difference:
    text = causes.shown(_text(value))
    data = _text(value).encode("utf-8", "replace")[:WINDOW]
    return Difference(
        path, f"only-{side}", f"only in what was {side}: `{text}`", None,
        data if side == "expected" else b"", data if side == "found" else b"",
    )  # fmt: skip


def _text(value: object) -> str:
    return _encode(value)
