"""Which lines of two texts belong together, in time that grows with their length only.

Common ends are cut off; lines that stand once on each side are anchors, and the longest ascending
run of them is kept (the *patience* method); what lies between two anchors is aligned the same way, and
handed to the standard library, whose time grows with the square, only when it is short.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher

_SHORT = 200
_DEEP = 40

Hunk = tuple[int, int, int, int]
"""``expected[a:b]`` stands where ``found[c:d]`` does."""


def hunks(expected: Sequence[Hashable], found: Sequence[Hashable]) -> list[Hunk]:
    """Return the differing parts in order."""
    return list(_between(expected, found, (0, len(expected), 0, len(found)), 0))


def _between(
    expected: Sequence[Hashable], found: Sequence[Hashable], part: Hunk, depth: int
) -> Iterator[Hunk]:
    first, last, other, end = part
    while first < last and other < end and expected[first] == found[other]:
        first, other = first + 1, other + 1
    while first < last and other < end and expected[last - 1] == found[end - 1]:
        last, end = last - 1, end - 1
    if first == last and other == end:
        return
    if first == last or other == end or depth > _DEEP:
        yield first, last, other, end
        return
    if max(last - first, end - other) <= _SHORT:
        matcher = SequenceMatcher(None, expected[first:last], found[other:end], autojunk=False)
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag != "equal":
                yield first + a, first + b, other + c, other + d
        return
    anchors = _anchors(expected, found, (first, last, other, end))
    if not anchors:
        yield first, last, other, end
        return
    for here, there in [*anchors, (last, end)]:
        yield from _between(expected, found, (first, here, other, there), depth + 1)
        first, other = here, there


def _anchors(
    expected: Sequence[Hashable], found: Sequence[Hashable], part: Hunk
) -> list[tuple[int, int]]:
    first, last, other, end = part
    ours, theirs = Counter(expected[first:last]), Counter(found[other:end])
    where = {found[index]: index for index in range(other, end) if theirs[found[index]] == 1}
    pairs = [
        (index, where[expected[index]])
        for index in range(first, last)
        if ours[expected[index]] == 1 and expected[index] in where
    ]
    return _ascending(pairs)


def _ascending(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run of ``pairs`` whose second numbers ascend as the first ones do."""
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for index, (_, there) in enumerate(pairs):
        place = bisect_left(ends, there)
        before.append(tops[place - 1] if place else -1)
        if place == len(ends):
            ends.append(there)
            tops.append(index)
        else:
            ends[place], tops[place] = there, index
    chosen: list[tuple[int, int]] = []
    index = tops[-1] if tops else -1
    while index >= 0:
        chosen.append(pairs[index])
        index = before[index]
    return chosen[::-1]
