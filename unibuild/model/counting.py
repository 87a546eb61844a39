"""Counts as people read them, in messages of every room."""

from __future__ import annotations


def plural(count: int, noun: str, several: str = "") -> str:
    """Return ``1 action``, ``2 actions``; ``several`` is a plural that wants more than an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {several or noun + 's'}"
