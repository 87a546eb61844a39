"""Whether code differs only because what it refers to has moved.

When a symbol moves by D bytes, every absolute address of it grows by D, and every distance to it by D
less what the place of the reference itself moved. So 32-bit words that differ by such an amount only
follow from the move, whatever the instruction around them is.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_WORD = 4
_MASK = 0xFFFFFFFF
_MOST = 4096
"""Differing bytes that are looked at; a piece with more of them differs by itself."""
_DIFFERING = re.compile(rb"[^\0]")


def only_references(
    expected: bytes, found: bytes, moves: Collection[int], own_move: int, order: str = "little"
) -> bool:
    """Tell whether two pieces of one length differ only in words that follow ``moves``.

    ``moves`` are the distances, in bytes, by which symbols moved; ``own_move`` that of this piece.
    """
    if len(expected) != len(found) or not moves:
        return False
    mixed = int.from_bytes(expected, "little") ^ int.from_bytes(found, "little")
    places = [
        match.start() for match in _DIFFERING.finditer(mixed.to_bytes(len(expected), "little"))
    ]
    if len(places) > _MOST:
        return False
    done = 0
    for place in places:
        if place < done:
            continue
        end = _word_at(expected, found, place, done, (moves, own_move, order))
        if end is None:
            return False
        done = end
    return True


def _word_at(
    expected: bytes, found: bytes, place: int, least: int, rule: tuple[Collection[int], int, str]
) -> int | None:
    """Return the end of a word around ``place`` that follows the moves, None when there is none."""
    moves, own_move, order = rule
    for start in range(max(least, place - _WORD + 1), place + 1):
        one, other = expected[start : start + _WORD], found[start : start + _WORD]
        if len(one) < _WORD:
            return None
        step = int.from_bytes(other, order) - int.from_bytes(one, order)  # type: ignore[arg-type]
        if step & _MASK in moves or (step + own_move) & _MASK in moves:
            return start + _WORD
    return None


def as_words(moves: Collection[int]) -> frozenset[int]:
    """Return distances as the 32-bit words that ``only_references`` compares."""
    return frozenset(move & _MASK for move in moves)
