"""Pairs of bytes as builds leave them, and the cause that has to be named; none where nothing tells."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from unibuild.verify.difference import Difference, explain

HOMES = "/home"
NOW = 1_795_341_209  # 2026-11-22 09:53:29 UTC, the time of the compared files


def compared(folder: Path, expected: bytes, found: bytes) -> Difference:
    paths = folder / "expected", folder / "found"
    for path, content in zip(paths, (expected, found), strict=True):
        path.write_bytes(content)
        os.utime(path, (NOW, NOW))
    return explain(*paths)


TEXTS = [
    ("date", "built 2026-11-22T09:53:29", "built 2026-11-22T09:54:01"),
    ("date", "Nov 22 2026", "Nov 23 2026"),
    ("date", "Sun Nov 22 09:53:29 2026", "Sun Nov 22 10:01:00 2026"),
    ("date", "Sun, 22 Nov 2026 09:53:29 +0000", "Mon, 23 Nov 2026 10:53:30 +0000"),
    ("date", "image-20261122T095329Z.bin", "image-20261122T095412Z.bin"),
    ("date", "at 09:53:29 it began", "at 09:53:31 it began"),
    ("date", "epoch=1795341209;", "epoch=1795341999;"),
    ("date", "ms 1795341209123", "ms 1795341999456"),
    ("time-zone", "2026-11-22 09:53:29", "2026-11-23 11:53:29"),
    ("time-zone", "2026-11-22T09:53:29+0000", "2026-11-22T10:53:29+0100"),
    ("path", "/tmp/build-1/main.c:3", "/tmp/build-22/main.c:3"),  # noqa: S108 - what is looked for
    ("path", f"in {HOMES}/ada/src/x.c", f"in {HOMES}/grace/work/x.c"),
    ("path", "/build/one/x.c", "/elsewhere/x.c"),
    ("uuid", "id 6f1c3c0e-6a3b-4d58-9d3c-0d1f3a1f7a11", "id 0b8f6a52-3f4e-4c8e-8a57-2f5f0ce0b7d4"),
    ("address", "<object at 0x7f3a1c0d2e50>", "<object at 0x7fb2240d1e50>"),
    ("process-id", "pid 4123 ended", "pid 4188 ended"),
    ("number", "run 17 of many", "run 18 of many"),
    ("digest", "c0ffee00c0ffee00deadbeef", "0123456789abcdef01234567"),
    ("locale", "speed 1.5 m", "speed 1,5 m"),
    ("locale", "LANG is C.UTF-8 now", "LANG is et_EE.UTF-8 now"),
    ("user", "user: ada!", "user: grace!"),
    ("host", "hostname=alpha", "hostname=beta"),
    ("host", "built by me@alpha", "built by me@beta"),
    ("unknown", "return left", "return right"),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "expected", "found"), TEXTS)
def test_a_line_of_text_tells_its_cause(
    tmp_path: Path, cause: str, expected: str, found: str
) -> None:
    frame = "first line\n{}\nlast line\n"
    difference = compared(tmp_path, frame.format(expected).encode(), frame.format(found).encode())
    assert difference.cause_id == cause, difference.first_cause
    assert "line 2" in difference.first_cause


@pytest.mark.parametrize(("cause", "expected", "found"), TEXTS)
def test_the_same_text_among_other_bytes_tells_it_too(
    tmp_path: Path, cause: str, expected: str, found: str
) -> None:
    around = bytes(range(7)) * 30
    difference = compared(
        tmp_path,
        around + expected.encode() + b"\0" + around,
        around + found.encode() + b"\0" + around,
    )
    assert difference.cause_id == cause, difference.first_cause
    assert difference.children[0].offset is not None
    assert len(around) <= difference.children[0].offset <= len(around) + len(expected)


@pytest.mark.parametrize("form", ["<I", ">I", "<Q", ">Q"])
def test_a_binary_time_near_that_of_the_files_is_a_date(tmp_path: Path, form: str) -> None:
    filling = bytes(range(1, 60))
    sides = [filling + struct.pack(form, seconds) + filling for seconds in (NOW, NOW + 77)]
    difference = compared(tmp_path, *sides)
    assert difference.cause_id == "date"
    assert "2026-11-22 09:53:29 UTC" in difference.first_cause


def test_a_binary_number_that_is_no_time_of_these_files_is_none(tmp_path: Path) -> None:
    filling = bytes(range(1, 60))
    sides = [
        filling + struct.pack("<I", value) + filling for value in (1_000_000_123, 1_100_000_045)
    ]
    assert compared(tmp_path, *sides).cause_id == "unknown"


def test_random_bytes_are_said_to_look_random(tmp_path: Path) -> None:
    filling = b"\x01\x02" * 20
    difference = compared(
        tmp_path, filling + os.urandom(32) + filling, filling + os.urandom(32) + filling
    )
    assert difference.cause_id == "random"
    assert "look random" in difference.first_cause


def test_zeros_on_one_side_are_told(tmp_path: Path) -> None:
    filling = b"\x01\x02" * 20
    difference = compared(tmp_path, filling + bytes(16), filling + b"\x03\x05" * 8)
    assert difference.cause_id == "zeros"


def test_lines_in_another_order_are_an_order(tmp_path: Path) -> None:
    names = ["alpha", "Beta", "gamma", "Delta"]
    sides = ["".join(f"{name}\n" for name in order).encode()
             for order in (sorted(names), sorted(names, key=str.lower))]  # fmt: skip
    difference = compared(tmp_path, *sides)
    assert difference.cause_id == "order"
    assert "a locale, perhaps" in difference.first_cause


def test_other_line_ends_are_no_other_lines(tmp_path: Path) -> None:
    difference = compared(tmp_path, b"one\ntwo\n", b"one\r\ntwo\r\n")
    assert difference.cause_id == "line-ends"
    assert "LF expected, CR LF found" in difference.first_cause


def test_what_is_evident_is_named_before_what_nothing_explains(tmp_path: Path) -> None:
    difference = compared(tmp_path, b"left\nsame\nNov 22 2026\n", b"right\nsame\nNov 23 2026\n")
    assert difference.cause_id == "date"
    assert "line 3" in difference.first_cause


def test_a_number_does_not_hide_what_nothing_explains(tmp_path: Path) -> None:
    difference = compared(tmp_path, b"size 17\nsame\nleft\n", b"size 18\nsame\nright\n")
    assert difference.cause_id == "unknown"
    assert difference.first_cause.startswith("not known: line 3")
