from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.conftest import Opened

from unibuild.store.digests import Digest
from unibuild.store.reapi import ActionResult, OutputFile

KEY = "ab" * 32
RESULT = ActionResult((OutputFile("unibuild-out/a", Digest("c" * 64, 3), True),), (), 0, b"warning")


def place(cache: Opened) -> Path:
    return cache.root / "blake3" / "actions" / KEY[:2] / KEY


def test_a_result_comes_back(cache: Opened) -> None:
    assert cache.actions.get(KEY) is None
    cache.actions.put(KEY, RESULT)
    assert cache.actions.get(KEY) == (RESULT, "")


def test_a_failure_is_never_stored(cache: Opened) -> None:
    with pytest.raises(ValueError, match="failed"):
        cache.actions.put(KEY, RESULT._replace(exit_code=1))
    assert not place(cache).exists()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.integers(0, 10**6), st.integers(0, 7))
def test_any_flipped_bit_makes_a_miss(cache: Opened, position: int, bit: int) -> None:
    cache.actions.put(KEY, RESULT)
    data = bytearray(place(cache).read_bytes())
    data[position % len(data)] ^= 1 << bit
    os.chmod(place(cache), 0o644)
    place(cache).write_bytes(data)
    assert cache.actions.get(KEY) is None
    assert not place(cache).exists()
    assert cache.notes


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.binary(max_size=200))
def test_any_other_contents_make_a_miss(cache: Opened, data: bytes) -> None:
    cache.actions.put(KEY, RESULT)
    os.chmod(place(cache), 0o644)
    place(cache).write_bytes(data)
    assert cache.actions.get(KEY) is None


def test_a_result_keeps_where_it_is_from(cache: Opened) -> None:
    cache.actions.put(KEY, RESULT, "ed25519:who")
    assert cache.actions.get(KEY) == (RESULT, "ed25519:who")
    cache.actions.put(KEY, RESULT)
    assert cache.actions.get(KEY) == (RESULT, "")
