"""The list of checks: each area registers its own, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from .subject import Subject
from .verdicts import Finding

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Entry(Generic[S]):
    """A check with its name; ``writes`` tells that it needs the right to write."""

    name: str
    title: str
    writes: bool
    run: Callable[[S], Awaitable[Finding]]


@dataclass(frozen=True, slots=True)
class Area(Generic[S]):
    """Checks of one service; ``S`` is what they examine."""

    name: str
    entries: list[Entry[S]]

    def check(
        self, title: str, *, writes: bool = True
    ) -> Callable[[Callable[[S], Awaitable[Finding]]], Callable[[S], Awaitable[Finding]]]:
        """Register the decorated function under ``AREA.FUNCTION``."""

        def register(run: Callable[[S], Awaitable[Finding]]) -> Callable[[S], Awaitable[Finding]]:
            name = run.__name__.replace("_", "-")
            self.entries.append(Entry(f"{self.name}.{name}", title, writes, run))
            return run

        return register


def area(name: str) -> Area[Subject]:
    """Begin an area of checks of a server."""
    return Area(name, [])
