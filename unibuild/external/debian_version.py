"""The order of Debian's version numbers (deb-version(7))."""

from __future__ import annotations

import re

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")

Key = tuple[int, tuple[tuple[tuple[int, ...], int], ...], tuple[tuple[tuple[int, ...], int], ...]]


def sort_key(version: str) -> Key:
    """Return a key that sorts versions as dpkg does: epoch, upstream version, revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch) if epoch.isdigit() else 0, _parts(upstream), _parts(revision)


def _parts(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    parts = [
        ((*map(_order, letters), _END), int(digits or "0"))
        for letters, digits in _PARTS.findall(text)
        if letters or digits
    ]
    return (*parts, ((_END,), 0))


_END = 0  # the end of a run of non-digits sorts after "~" and before everything else


def _order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x110000
