"""JSON by path: which value differs, not which line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.verify.difference import causes
from unibuild.verify.difference.alignment import hunks
from unibuild.verify.difference.tree import WINDOW, Cause, Difference, node

if TYPE_CHECKING:
    from unibuild.verify.difference.context import Context

_LARGEST = 64 << 20
_DEEPEST = 100
_NAMING = ("label", "path", "name", "file", "id", "purl", "bom-ref", "SPDXID", "uri")
"""Keys by whose values the objects of a list are told apart."""

Object = dict[str, object]


def compare(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two JSON documents; None when one is none, or only spaces and escapes differ."""
    try:
        one, other = json.loads(expected), json.loads(found)
        children = _values("", one, other, context, 0)
    except (ValueError, RecursionError):
        return None
    if children:
        many = f"{len(children):,} values differ" if len(children) > 1 else ""
        return node(name, "json", children, many)
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


def _values(
    path: str, one: object, other: object, context: Context, depth: int
) -> list[Difference]:
    if type(one) is type(other) and depth < _DEEPEST:
        if isinstance(one, dict) and isinstance(other, dict):
            return _objects(path, one, other, context, depth)
        if isinstance(one, list) and isinstance(other, list):
            return _lists(path, one, other, context, depth)
    ours, theirs = _text(one), _text(other)
    if ours == theirs:
        return []
    if isinstance(one, str) and isinstance(other, str):
        ours, theirs = one, other
    sides = ours.encode("utf-8", "surrogatepass"), theirs.encode("utf-8", "surrogatepass")
    cause = causes.of_text(*sides, context.surroundings)
    words = causes.quoted(*sides)
    return [
        Difference(
            path or "the value", "value", words, None, sides[0][:WINDOW], sides[1][:WINDOW], cause
        )
    ]


def _objects(
    path: str, one: Object, other: Object, context: Context, depth: int
) -> list[Difference]:
    children = []
    for key in sorted({*one, *other}):
        inner = f"{path}.{key}" if path else key
        if key not in other:
            children.append(_only(inner, "expected", one[key]))
        elif key not in one:
            children.append(_only(inner, "found", other[key]))
        else:
            children += _values(inner, one[key], other[key], context, depth + 1)
    return children


def _lists(
    path: str, one: list[object], other: list[object], context: Context, depth: int
) -> list[Difference]:
    ours, theirs = [_text(value) for value in one], [_text(value) for value in other]
    if ours == theirs:
        return []
    if sorted(ours) == sorted(theirs):
        place = next(index for index, text in enumerate(ours) if text != theirs[index])
        first = causes.quoted(ours[place].encode(), theirs[place].encode())
        cause = Cause(
            "order",
            f"an order: the same {len(ours)} elements, from number {place} on another way round ({first})",
        )
        return [Difference(path or "the list", "value", "another order", cause=cause)]
    ours_by_name, theirs_by_name = _named(one), _named(other)
    if ours_by_name is not None and theirs_by_name is not None:
        return _by_name(path, ours_by_name, theirs_by_name, context, depth)
    if len(one) == len(other):
        return [
            child
            for index in range(len(one))
            for child in _values(f"{path}[{index}]", one[index], other[index], context, depth + 1)
        ]
    children = []
    for a, b, c, d in hunks(ours, theirs):
        paired = min(b - a, d - c)
        for step in range(paired):
            children += _values(
                f"{path}[{a + step}]", one[a + step], other[c + step], context, depth + 1
            )
        children += [_only(f"{path}[{at}]", "expected", one[at]) for at in range(a + paired, b)]
        children += [_only(f"{path}[{at}]", "found", other[at]) for at in range(c + paired, d)]
    return children


def _by_name(
    path: str, one: dict[str, object], other: dict[str, object], context: Context, depth: int
) -> list[Difference]:
    children = _objects("", one, other, context, depth)
    order = [name for name in one if name in other], [name for name in other if name in one]
    renamed = [child.named(f"{path}{_bracketed(child.name, {*one, *other})}") for child in children]
    if order[0] != order[1]:
        cause = Cause(
            "order", f"an order: {len(order[0])} elements that both have, another way round"
        )
        # Elements that differ as well may be what the order is made by.
        renamed.append(
            Difference(
                path or "the list", "value", "another order", cause=cause, follows=bool(children)
            )
        )
    return renamed


def _bracketed(inner: str, names: set[str]) -> str:
    """Return ``NAME.rest`` as ``[NAME].rest``."""
    name = max(
        (name for name in names if inner == name or inner.startswith((f"{name}.", f"{name}["))),
        key=len,
    )
    return f"[{name}]{inner[len(name) :]}"


def _named(values: list[object]) -> dict[str, object] | None:
    """Return the objects of a list by the key that names them, None when none tells all apart."""
    for key in _NAMING:
        found: dict[str, object] = {
            value[key]: value
            for value in values
            if isinstance(value, dict) and isinstance(value.get(key), str) and value[key]
        }
        if values and len(found) == len(values):
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
    return json.dumps(value, sort_keys=True, ensure_ascii=True)
