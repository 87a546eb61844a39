"""Entries of an archive of any kind: who is there, in which order, with what in its header."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from unibuild.verify.difference import causes, moments
from unibuild.verify.difference.text import order_cause
from unibuild.verify.difference.tree import MOST_CHILDREN, WINDOW, Cause, Difference, node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unibuild.verify.difference.context import Context

_PERMISSIONS = 0o077


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; ``numbers`` and ``texts`` are those of its header by name: ``time``, ``mode``."""

    name: str
    content: bytes
    numbers: Mapping[str, int] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    follows: bool = False


def compare(
    expected: Sequence[Entry], found: Sequence[Entry], kind: str, context: Context
) -> list[Difference]:
    """Compare two sequences of entries; an entry is known by its name and how often it came before."""
    ours, theirs = _keyed(expected), _keyed(found)
    children = []
    both = [key for key in ours if key in theirs]
    order = [key for key in theirs if key in ours]
    if both != order:
        cause = order_cause(_encoded(both), _encoded(order), f"{kind}s")
        children.append(
            Difference("the order", "order", f"the {kind}s stand in another order", cause=cause)
        )
    for key in both:
        one, other = ours[key], theirs[key]
        if one == other:
            continue
        difference = (
            compare_one(one, other, kind, context)
            if len(children) < MOST_CHILDREN
            else Difference(one.name, kind, "differs")
        )
        if difference is not None:
            children.append(difference)
    children += [_only("expected", ours[key]) for key in ours if key not in theirs]
    children += [_only("found", theirs[key]) for key in theirs if key not in ours]
    return children


def compare_one(one: Entry, other: Entry, kind: str, context: Context) -> Difference | None:
    """Compare header and content of one entry."""
    children = [
        header
        for name in one.numbers
        if (header := _number(name, one.numbers[name], other.numbers.get(name, 0), context))
    ]
    children += [
        header
        for name in one.texts
        if (header := _text(name, one.texts[name], other.texts.get(name, ""), context))
    ]
    content = context.inside("content" if children else one.name, one.content, other.content)
    if content is not None and not children:
        return replace(content, follows=one.follows)
    if content is not None:
        children.append(content)
    return node(one.name, kind, children, follows=one.follows) if children else None


def words(children: Sequence[Difference]) -> str:
    """Say how many entries differ when it is more than one."""
    return f"{len(children):,} entries differ" if len(children) > 1 else ""


def _number(name: str, one: int, other: int, context: Context) -> Difference | None:
    if one == other:
        return None
    base = "o" if name == "mode" else "d"
    text = f"{name} {one:{base}} expected, {other:{base}} found"
    cause = None
    if name == "time":
        both = [value for value in (one, other) if context.surroundings.plausible(value)]
        clock = f" ({moments.words(both)})" if both else ""
        cause = Cause("date", f"a date in the header: {text}{clock}")
    elif name in ("owner", "group"):
        cause = Cause("user", f"the user who built: {text}")
    elif name == "mode" and not (one ^ other) & ~_PERMISSIONS:
        cause = Cause("umask", f"a umask: {text}")
    return Difference(name, "header", text, cause=cause)


def _text(name: str, one: str, other: str, context: Context) -> Difference | None:
    if one == other:
        return None
    sides = one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")
    words = f"{name} {causes.quoted(*sides)}"
    if name.endswith(" name"):
        cause: Cause | None = Cause("user", f"the user who built: {words}")
    else:
        cause = causes.of_text(*sides, context.surroundings)
    return Difference(name, "header", words, cause=cause)


def _keyed(entries: Sequence[Entry]) -> dict[tuple[str, int], Entry]:
    seen: Counter[str] = Counter()
    keyed = {}
    for entry in entries:
        keyed[entry.name, seen[entry.name]] = entry
        seen[entry.name] += 1
    return keyed


def _encoded(keys: Sequence[tuple[str, int]]) -> list[bytes]:
    return [name.encode("utf-8", "replace") for name, _ in keys]


def _only(side: str, entry: Entry) -> Difference:
    data = entry.content[:WINDOW]
    return Difference(
        causes.shown(entry.name), f"only-{side}", f"only in what was {side}", None,
        data if side == "expected" else b"", data if side == "found" else b"",
        follows=entry.follows,
    )  # fmt: skip
