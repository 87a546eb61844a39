"""The list of checks: each area registers its own, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .subject import Check


@dataclass(frozen=True, slots=True)
class Entry:
    """A check with its name; ``writes`` tells that it needs the right to write."""

    name: str
    title: str
    writes: bool
    run: Check


@dataclass(frozen=True, slots=True)
class Area:
    """Checks of one service."""

    name: str
    entries: list[Entry]

    def check(self, title: str, *, writes: bool = True) -> Callable[[Check], Check]:
        """Register the decorated function under ``AREA.FUNCTION``."""

        def register(run: Check) -> Check:
            name = run.__name__.replace("_", "-")
            self.entries.append(Entry(f"{self.name}.{name}", title, writes, run))
            return run

        return register


def area(name: str) -> Area:
    """Begin an area."""
    return Area(name, [])
