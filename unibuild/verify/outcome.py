"""What a check found: plain data that the report shows as a table, JSON or JUnit XML.

A check that could not be done is ``not-done`` with the reason; it is never ``passed``. What a check
found out on the way goes into ``facts`` (JSON-like), which have one shape a check and are documented
in its module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.model.errors import UnibuildError

Status = Literal["passed", "failed", "not-done"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check's result.

    ``summary`` is one short sentence for the table; ``errors`` is empty exactly when ``status`` is
    ``passed``, and the first error's id is the check's. A ``not-done`` check carries a ``HostError``
    that says what is lacking. ``notes`` are for a person: parts not done, observations without effect.
    """

    status: Status
    summary: str
    errors: tuple[UnibuildError, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


class Progress(Protocol):
    """The listener of a verification; it returns quickly and does not raise."""

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        """Tell what goes on now, ``done`` of ``total`` (0: unknown) parts of it."""

    def note(self, text: str) -> None:
        """Say something a person should know at once."""


class Quiet:
    """A listener that ignores everything."""

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        """Ignore the event."""

    def note(self, text: str) -> None:
        """Ignore the event."""
