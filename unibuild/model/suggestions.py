"""Near names: what a person may have meant by a name that does not exist.

Nothing is suggested when nothing is near: a wrong suggestion costs more than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 3
_NEARNESS = 0.6
_SPREAD = 0.06
"""A candidate this much farther than the nearest one is noise."""


def near_names(name: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return at most three of ``candidates`` that are near ``name``, the nearest first.

    Letter case is ignored; candidates of equal nearness come in sorted order.
    """
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name.casefold())
    found: list[tuple[float, str]] = []
    for candidate in sorted(set(candidates)):
        matcher.set_seq1(candidate.casefold())
        if matcher.real_quick_ratio() < _NEARNESS or matcher.quick_ratio() < _NEARNESS:
            continue
        ratio = matcher.ratio()
        if ratio >= _NEARNESS:
            found.append((-ratio, candidate))
    found.sort()
    return tuple(name for ratio, name in found[:_MOST] if ratio <= found[0][0] + _SPREAD)


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return ``did you mean `x`?`` for the nearest of ``candidates``, or an empty string."""
    near = [f"`{candidate}`" for candidate in near_names(name, candidates)]
    if not near:
        return ""
    *first, last = near
    return "did you mean " + (f"{', '.join(first)} or {last}" if first else last) + "?"
