"""Finding the smallest set that is needed, without anything being built."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2

from hypothesis import given
from hypothesis import strategies as st

from unibuild.verify.variations.bisection import smallest


@given(st.integers(1, 40), st.data())
def test_the_one_guilty_element_is_found_in_few_tries(count: int, data: st.DataObject) -> None:
    guilty = data.draw(st.integers(0, count - 1))
    tried: list[list[int]] = []

    def differs(elements: Sequence[int]) -> bool:
        tried.append(list(elements))
        return guilty in elements

    assert smallest(range(count), differs) == [guilty]
    assert len(tried) <= ceil(log2(count)) + 1


@given(st.integers(1, 24), st.data())
def test_all_that_are_needed_together_are_found(count: int, data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=4))
    found = smallest(range(count), needed.issubset)
    assert set(found) == needed
    assert len(found) == len(needed)


@given(st.lists(st.sets(st.integers(0, 11), min_size=1, max_size=3), min_size=1, max_size=4))
def test_of_several_causes_one_is_found_and_nothing_beside_it(causes: list[set[int]]) -> None:
    def differs(elements: Sequence[int]) -> bool:
        return any(cause.issubset(elements) for cause in causes)

    found = smallest(range(12), differs)
    assert differs(found)
    assert not any(differs([one for one in found if one != left]) for left in found)
