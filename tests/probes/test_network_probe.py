"""The probe's judgement: it accepts fair draws and refuses what a careless stack would do."""

from __future__ import annotations

import random

import pytest
from probes import network_probe as probe


def test_checksum_is_that_of_rfc_1071() -> None:
    assert probe.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2


@pytest.mark.parametrize("seed", range(50))
def test_fair_draws_pass(seed: int) -> None:
    draw = random.Random(seed)
    assert probe.unpredictable([draw.getrandbits(32) for _ in range(1000)], "numbers") == []
    assert probe.spread([draw.randrange(49152, 65536) for _ in range(1000)], "TCP") == []


@pytest.mark.parametrize(
    "numbers",
    [
        [6510 + 64000 * i for i in range(1000)],
        [(6510 + 0x5000_0000 * i) % 2**32 for i in range(1000)],
        [7] * 1000,
        [random.Random(1).getrandbits(28) + i for i in range(1000)],
        [random.Random(i).getrandbits(28) for i in range(1000)],
    ],
    ids=["counter", "large-steps", "constant", "slow", "narrow"],
)
def test_predictable_numbers_are_found(numbers: list[int]) -> None:
    assert probe.unpredictable(numbers, "numbers")


@pytest.mark.parametrize(
    "ports",
    [
        [49152 + i for i in range(1000)],
        [49152 + 2 * i for i in range(1000)],
        [random.Random(i).randrange(50000, 51000) for i in range(1000)],
        [random.Random(i).choice([49152, 65000]) for i in range(1000)],
    ],
    ids=["counter", "even", "narrow", "two"],
)
def test_predictable_ports_are_found(ports: list[int]) -> None:
    assert probe.spread(ports, "TCP")
