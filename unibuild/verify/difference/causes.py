"""Why two pieces of text or bytes differ, told from evidence only: what stands there on both sides.

A cause is named when both sides hold the same sort of thing (a date, a path, a number) at the place
that differs, or one side holds one that the other lacks. Nothing that fits leaves the cause unknown.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from unibuild.verify.difference import moments
from unibuild.verify.difference.spans import between_ends
from unibuild.verify.difference.tree import Cause, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.verify.difference.spans import Span
    from unibuild.verify.difference.surroundings import Surroundings

_REACH = 160
"""How far around a span the text that it stands in is looked at."""
_SHOWN = 90
_DIGITS = 16
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]*")
_PRINTABLE = frozenset(b"\t\n\r") | frozenset(range(0x20, 0x7F))

_UUID = re.compile(r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_PATH = re.compile(r"(?<![\w.])/[\w.+@%~=-]+(?:/[\w.+@%~=-]*)*")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_HEXADECIMAL = re.compile(r"\b[0-9a-fA-F]{12,128}\b")
_LOCALE = re.compile(
    r"\b(?:C|POSIX|[a-z]{2,3}_[A-Z]{2})\.(?:UTF-?8|utf8|ISO-?8859-\d+)\b|\b[a-z]{2}_[A-Z]{2}\b"
)
_NUMBER = re.compile(r"(?<![\w.])\d{1,18}(?![\w.]*\.\d)|\d{1,18}")
_FRACTION = re.compile(r"\b\d+[.,]\d+\b")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/")  # noqa: S108 - names to look for
_HOMES = ("/home/", "/root", "/Users/", "/nonexistent", "/var/lib/")
_WIDEST_TIME = 8
_LEAST_ZEROS = 8
_LEAST_TEXT = 8
_LEAST_NAME = 3
_LEAST_RANDOM = 12
_RANDOM_SHARE = 0.8
_RANDOM_TEXT = 0.75


def of_text(expected: bytes, found: bytes, surroundings: Surroundings) -> Cause | None:
    """Return the cause for two texts (lines, JSON strings) that differ somewhere."""
    span = between_ends(expected, found)
    windows = _windows(expected, found, span)
    cause = _of_windows(*windows, surroundings) if windows else None
    return cause or _of_values(expected, found, span, surroundings, code=False)


def of_bytes(
    expected: bytes, found: bytes, span: Span, surroundings: Surroundings, *, code: bool = False
) -> Cause | None:
    """Return the cause for one span; ``code`` tells that the bytes are instructions."""
    windows = _windows(expected, found, span)
    # A few printable bytes among others are no text.
    if windows and min(len(window.text) for window in windows) >= _LEAST_TEXT:
        cause = _of_windows(*windows, surroundings)
        if cause is not None:
            return cause
    return _of_values(expected, found, span, surroundings, code=code)


def _windows(expected: bytes, found: bytes, span: Span) -> tuple[_Window, _Window] | None:
    """Return the text around both sides of a span, None when they are no text."""
    one, other = expected[span.start : span.end], found[span.other_start : span.other_end]
    if not _is_text(one) or not _is_text(other):
        return None
    return (
        _Window.around(expected, span.start, span.end),
        _Window.around(found, span.other_start, span.other_end),
    )


class _Window:
    """The text around a span, and where in it the span lies."""

    __slots__ = ("end", "start", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end

    @staticmethod
    def around(data: bytes, start: int, end: int) -> _Window:
        first, last = start, min(end, start + 4 * _REACH)
        cut = last
        while first > max(0, start - _REACH) and data[first - 1] in _PRINTABLE:
            first -= 1
        while last < min(len(data), cut + _REACH) and data[last] in _PRINTABLE:
            last += 1
        # One character a byte, so that places in the text are places in the bytes.
        return _Window(data[first:last].decode("latin-1"), start - first, cut - first)

    def matches(self, pattern: re.Pattern[str]) -> list[str]:
        """Return what ``pattern`` finds that touches the span; an empty span touches its neighbours."""
        slack = 1 if self.start == self.end else 0
        return [
            match.group()
            for match in pattern.finditer(self.text)
            if match.start() < self.end + slack and match.end() > self.start - slack
        ]

    def inside(self, pattern: re.Pattern[str]) -> list[str]:
        """Return what ``pattern`` finds wholly inside the span."""
        return [match.group() for match in pattern.finditer(self.text[self.start : self.end])]


def _of_windows(one: _Window, other: _Window, surroundings: Surroundings) -> Cause | None:
    for recognise in _RECOGNISERS:
        cause = recognise(one, other, surroundings)
        if cause is not None:
            return cause
    return None


def _pair(one: _Window, other: _Window, pattern: re.Pattern[str]) -> tuple[str, str] | None:
    """Return the first two matches at the span that are not the same."""
    for expected, found in zip(one.matches(pattern), other.matches(pattern), strict=False):
        if expected != found:
            return expected, found
    return None


def _dates(one: _Window, other: _Window, surroundings: Surroundings) -> Cause | None:
    for pattern in moments.PATTERNS:
        pair = _pair(one, other, pattern)
        if pair is not None:
            return _date(*pair)
        for here, there, words in ((one, other, "expected"), (other, one, "found")):
            if here.inside(pattern) and there.start == there.end:
                return Cause(
                    "date", f"a date in what was {words} only: `{here.inside(pattern)[0]}`"
                )
    for expected, found in zip(
        one.matches(moments.EPOCH), other.matches(moments.EPOCH), strict=False
    ):
        seconds = moments.of_epoch(expected), moments.of_epoch(found)
        if expected != found and all(surroundings.plausible(value) for value in seconds):
            return Cause(
                "date", f"a time stamp: {_both(expected, found)} ({moments.words(seconds)})"
            )
    return None


def _date(expected: str, found: str) -> Cause:
    zone = moments.zone_words(expected, found)
    if zone:
        return Cause("time-zone", f"a time zone: {_both(expected, found)}{zone}")
    return Cause("date", f"a date: {_both(expected, found)}")


def _uuids(one: _Window, other: _Window, _: Surroundings) -> Cause | None:
    pair = _pair(one, other, _UUID)
    return Cause("uuid", f"a UUID: {_both(*pair)}") if pair else None


def _paths(one: _Window, other: _Window, _: Surroundings) -> Cause | None:
    pair = _pair(one, other, _PATH)
    if pair is None or not all("/" in path[1:] or path in _HOMES for path in pair):
        return None
    expected, found = pair
    if any(path.startswith(_TEMPORARY) for path in pair):
        what = "a path in a temporary folder"
    elif any(path.startswith(_HOMES) for path in pair):
        what = "a path in a home folder"
    elif expected.rsplit("/", 1)[-1] == found.rsplit("/", 1)[-1]:
        what = "a path, the same file in another folder"
    else:
        what = "a path"
    return Cause("path", f"{what}: {_both(expected, found)}")


def _addresses(one: _Window, other: _Window, _: Surroundings) -> Cause | None:
    pair = _pair(one, other, _ADDRESS)
    return Cause("address", f"an address of memory: {_both(*pair)}") if pair else None


def _locales(one: _Window, other: _Window, _: Surroundings) -> Cause | None:
    pair = _pair(one, other, _LOCALE)
    if pair:
        return Cause("locale", f"the name of a locale: {_both(*pair)}")
    pair = _pair(one, other, _FRACTION)
    if pair and pair[0].replace(",", ".") == pair[1].replace(",", "."):
        return Cause("locale", f"a locale's decimal sign: {_both(*pair)}")
    return None


def _names(one: _Window, other: _Window, surroundings: Surroundings) -> Cause | None:
    pair = _pair(one, other, _NAME)
    if pair is None or min(map(len, pair)) < _LEAST_NAME:
        return None
    if set(pair) & surroundings.hosts:
        return Cause("host", f"a host name: {_both(*pair)}")
    if set(pair) <= surroundings.users:
        return Cause("user", f"a user name: {_both(*pair)}")
    for window, name in ((one, pair[0]), (other, pair[1])):
        if re.search(rf"(?i)\b(?:user|logname|login)\W{{1,4}}{re.escape(name)}", window.text):
            return Cause("user", f"a user name: {_both(*pair)}")
        if re.search(
            rf"(?i)\bhost(?:_?name)?\W{{1,4}}{re.escape(name)}|\w@{re.escape(name)}", window.text
        ):
            return Cause("host", f"a host name: {_both(*pair)}")
    return None


def _numbers(one: _Window, other: _Window, _: Surroundings) -> Cause | None:
    digests = _pair(one, other, _HEXADECIMAL)
    if digests and not all(text.isdecimal() for text in digests):
        if len(digests[0]) != len(digests[1]):
            return None
        short = [f"{digits[:_DIGITS]}…" for digits in digests]
        return Cause(
            "digest", f"a digest or a random number in hexadecimal digits: {_both(*short)}"
        )
    pair = _pair(one, other, _NUMBER)
    if pair is None:
        return None
    before = one.text[: one.start].lower()[-24:]
    if re.search(r"\bpid\b|process", before):
        return Cause("process-id", f"a process id: {_both(*pair)}")
    return Cause("number", f"a number: {_both(*pair)}")


_RECOGNISERS: tuple[Callable[[_Window, _Window, Surroundings], Cause | None], ...] = (
    _uuids,
    _dates,
    _paths,
    _addresses,
    _locales,
    _names,
    _numbers,
)


def _of_values(
    expected: bytes, found: bytes, span: Span, surroundings: Surroundings, *, code: bool
) -> Cause | None:
    one, other = expected[span.start : span.end], found[span.other_start : span.other_end]
    if not code:
        cause = _binary_time(expected, found, span, surroundings)
        if cause is not None:
            return cause
    if not one or not other:
        return None
    if max(len(one), len(other)) >= _LEAST_ZEROS and not (any(one) and any(other)):
        side = "expected" if not any(one) else "found"
        return Cause("zeros", f"only zero bytes in what was {side}: memory that was set or not")
    if not code and len(one) == len(other) and _looks_random(one) and _looks_random(other):
        return Cause(
            "random",
            f"{len(one)} bytes that look random: a random number, a key, a digest, or memory that was never set",
        )
    return None


def _binary_time(
    expected: bytes, found: bytes, span: Span, surroundings: Surroundings
) -> Cause | None:
    """Look for a 32- or 64-bit count of seconds, in either byte order, that covers the span."""
    shift = span.other_start - span.start
    if (
        span.end - span.start != span.other_end - span.other_start
        or span.end - span.start > _WIDEST_TIME
    ):
        return None
    for width in (_WIDEST_TIME, _WIDEST_TIME // 2):
        for start in range(max(0, span.end - width), span.start + 1):
            one, other = (
                expected[start : start + width],
                found[start + shift : start + shift + width],
            )
            if len(one) < width or len(other) < width:
                continue
            for order in ("little", "big"):
                seconds = int.from_bytes(one, order), int.from_bytes(other, order)
                if all(map(surroundings.plausible, seconds)) and any(
                    map(surroundings.near, seconds)
                ):
                    what = f"a time stamp of {8 * width} bits"
                    stamps = f"{_both(*map(str, seconds))} ({moments.words(seconds)})"
                    return Cause("date", f"{what}: {stamps}", sure=width == _WIDEST_TIME)
    return None


def _looks_random(data: bytes) -> bool:
    """Tell whether the bytes vary as random ones would, and are no text."""
    if len(data) < _LEAST_RANDOM:
        return False
    different = 256 * (1 - math.pow(255 / 256, len(data)))
    printable = sum(byte in _PRINTABLE for byte in data[:4096]) / min(len(data), 4096)
    return len(set(data)) >= _RANDOM_SHARE * different and printable < _RANDOM_TEXT


def _is_text(data: bytes) -> bool:
    return _TEXT.fullmatch(data[:4096]) is not None


def _both(expected: str, found: str) -> str:
    return f"`{shown(expected)}` expected, `{shown(found)}` found"


def quoted(expected: bytes, found: bytes) -> str:
    """Return both texts for a phrase."""
    return _both(*(side.decode("utf-8", "replace").rstrip("\r\n") for side in (expected, found)))


def shown(text: str) -> str:
    """Return ``text`` fit for a line: without control characters, cut in the middle when long."""
    clean = printable(text)
    if len(clean) <= _SHOWN:
        return clean
    return f"{clean[: _SHOWN // 2]}…{clean[-_SHOWN // 2 :]}"
