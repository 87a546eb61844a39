"""Where two byte strings differ: spans, found in linear time whatever the bytes are.

Strings of one length are compared place by place. Where that finds much, or the lengths differ, they are
aligned: after a difference, pieces of the expected bytes are looked for in the found ones nearby,
and from there both go on together, so that an insertion is one span and not all that follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_SPANS = 2000
"""After so many, the rest is one span."""
GAP = 8
"""Differing bytes with fewer equal ones between them are one span."""

_CHUNK = 1 << 16
_PROBE = 24
_DISTANCES = (0, 4, *(8 << power for power in range(18)))
_REACH = 1 << 20
_NEAR = 1 << 10
_VARIED = 6
"""A piece with fewer different bytes may be found anywhere: filling, zeros."""
_LITTLE = 16


@dataclass(frozen=True, slots=True)
class Span:
    """``expected[start:end]`` stands where ``found[other_start:other_end]`` does."""

    start: int
    end: int
    other_start: int
    other_end: int

    @property
    def size(self) -> int:
        """Return the bytes that it covers, of the longer side."""
        return max(self.end - self.start, self.other_end - self.other_start)


def spans(expected: bytes, found: bytes, gap: int = GAP) -> list[Span]:
    """Return the differing spans in order; empty when the strings are equal."""
    if expected == found:
        return []
    if len(expected) != len(found):
        return aligned(expected, found)
    places = in_place(expected, found, gap)
    if sum(span.size for span in places) <= _LITTLE:
        return places
    moved = aligned(expected, found)
    return min(places, moved, key=lambda some: sum(span.size for span in some))


def in_place(expected: bytes, found: bytes, gap: int = GAP) -> list[Span]:
    """Compare two strings of one length place by place."""
    size = len(expected)
    mixed = int.from_bytes(expected, "little") ^ int.from_bytes(found, "little")
    pattern = rb"[^\0]+" if gap <= 1 else rb"[^\0]+(?:\0{1,%d}[^\0]+)*" % (gap - 1)
    result: list[Span] = []
    for match in re.finditer(pattern, mixed.to_bytes(size, "little")):
        if len(result) == MOST_SPANS:
            result[-1] = Span(result[-1].start, size, result[-1].start, size)
            break
        result.append(Span(match.start(), match.end(), match.start(), match.end()))
    return result


def between_ends(expected: bytes, found: bytes) -> Span:
    """Return what is left of both when their common start and their common end are cut off."""
    start = _common(expected, 0, found, 0)
    tail = _common_tail(expected, start, found, start)
    return Span(start, len(expected) - tail, start, len(found) - tail)


def aligned(expected: bytes, found: bytes) -> list[Span]:
    """Align two strings and return what lies between their common pieces."""
    result: list[Span] = []
    here, there = 0, 0
    while True:
        same = _common(expected, here, found, there)
        here, there = here + same, there + same
        if here == len(expected) and there == len(found):
            return result
        meeting = _meet(expected, here, found, there) if len(result) < MOST_SPANS else None
        if meeting is None:
            tail = _common_tail(expected, here, found, there)
            result.append(Span(here, len(expected) - tail, there, len(found) - tail))
            return result
        result.append(Span(here, meeting[0], there, meeting[1]))
        here, there = meeting


def _meet(expected: bytes, here: int, found: bytes, there: int) -> tuple[int, int] | None:
    """Return the nearest places from which both sides go on alike: long pieces, else short ones."""
    for probe_size, reach in ((_PROBE, _REACH), (_PROBE // 2, _NEAR)):
        for distance in _DISTANCES:
            start = here + distance
            probe = expected[start : start + probe_size]
            if distance > reach or len(probe) < probe_size:
                break
            if len(set(probe)) < _VARIED:
                continue
            at = found.find(probe, there, there + distance + reach)
            if at >= 0:
                while start > here and at > there and expected[start - 1] == found[at - 1]:
                    start, at = start - 1, at - 1
                return start, at
    return None


def _common(expected: bytes, here: int, found: bytes, there: int) -> int:
    """Return how many bytes from the two places on are the same."""
    start, most = here, min(len(expected) - here, len(found) - there)
    while here - start < most:
        size = min(_CHUNK, most - (here - start))
        one, other = expected[here : here + size], found[there : there + size]
        if one != other:
            mixed = int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
            return here - start + ((mixed & -mixed).bit_length() - 1) // 8
        here, there = here + size, there + size
    return most


def _common_tail(expected: bytes, here: int, found: bytes, there: int) -> int:
    most = min(len(expected) - here, len(found) - there)
    one = expected[len(expected) - most :][::-1]
    return _common(one, 0, found[len(found) - most :][::-1], 0)
