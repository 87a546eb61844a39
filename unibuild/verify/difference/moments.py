"""Dates and times as programs write them, found in text and turned into moments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

_DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_ZONE = r"(?:\s?(?:Z|UTC|GMT|[A-Z]{3,4}|[+-]\d\d:?\d\d))?"
_DAY_OF_MONTH = r"(?:0?[1-9]|[12]\d|3[01]| [1-9])"

PATTERNS = (
    re.compile(rf"\b(?:19|20)\d\d-[01]\d-[0-3]\d(?:[T ]{_CLOCK}{_ZONE})?"),
    re.compile(rf"\b(?:{_DAYS},? )?{_DAY_OF_MONTH} {_MONTHS} (?:19|20)\d\d(?: {_CLOCK}{_ZONE})?"),
    re.compile(
        rf"\b(?:{_DAYS} )?{_MONTHS} {_DAY_OF_MONTH}(?: {_CLOCK}{_ZONE})? (?:19|20)\d\d(?: {_CLOCK})?"
    ),
    re.compile(r"\b(?:19|20)\d\d[01]\d[0-3]\d(?:T?[0-2]\d[0-5]\d(?:[0-5]\d)?Z?)?\b"),
    re.compile(r"\b(?:19|20)\d\d/[01]\d/[0-3]\d\b|\b[0-3]\d[./][01]\d[./](?:19|20)\d\d\b"),
    re.compile(r"\b[0-2]\d:[0-5]\d(?::[0-5]\d)?\b"),
)
"""ISO 8601, RFC 5322, ctime(3) and ``__DATE__``, compact, with slashes or dots, a time of day."""
EPOCH = re.compile(r"(?<![\d.])\d{10}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?!\d)")
"""Seconds, milliseconds, microseconds or nanoseconds since 1970, in decimal digits."""

_SECONDS_DIGITS = 10
_QUARTER = 900
_WIDEST = 26 * 3600


def of_epoch(digits: str) -> float:
    """Return seconds since 1970 for what ``EPOCH`` matched."""
    whole = digits.partition(".")[0]
    return int(whole) / 10.0 ** (len(whole) - _SECONDS_DIGITS)


def words(seconds: Sequence[float]) -> str:
    """Return both moments as people read them."""
    texts = [
        datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") for value in seconds
    ]
    return ", ".join(texts)


def zone_words(expected: str, found: str) -> str:
    """Say how two dates belong to other zones of one moment; ``""`` when they do not."""
    one, other = _moment(expected), _moment(found)
    if one is None or other is None:
        return ""
    if one.tzinfo is not None and other.tzinfo is not None:
        return ", the same moment" if one == other else ""
    apart = abs((one.replace(tzinfo=None) - other.replace(tzinfo=None)).total_seconds())
    if 0 < apart <= _WIDEST and apart % _QUARTER == 0:
        return f", {apart / 3600:g} hours apart to the second"
    return ""


def _moment(text: str) -> datetime | None:
    """Read an ISO date with a time of day, of which alone a zone can be told."""
    if len(text) < len("2026-01-01 00:00:00"):
        return None
    clean = text[:10] + "T" + text[11:].replace(" ", "").removesuffix("UTC").removesuffix("GMT")
    try:
        return datetime.fromisoformat(clean)
    except ValueError:
        return None
