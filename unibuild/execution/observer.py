"""What a build tells while it runs; a display, a trace or a test listens by implementing Observer.

Rules of use: events come from one thread, in order. An observer must return quickly and must not
raise. Every ``action_started`` is followed by exactly one ``action_finished`` of the same ``index``;
an action found in a cache has only the latter. Times are seconds of ``time.monotonic``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from unibuild.store.remote.requests import Statistics


@dataclass(frozen=True, slots=True)
class ActionEvent:
    """One action as people see it; ``index`` is its place in the graph, ``output`` its first output."""

    index: int
    label: str
    mnemonic: str
    description: str
    output: str
    test: bool


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """How an action ended: ``executed`` (else taken from a cache), ``failed``, and how long it ran.

    ``started`` and ``seconds`` are those of the process for an executed action and of the lookup
    for a cached one; ``slot`` is the worker (0 .. jobs-1) it ran on, -1 for a cached one.
    ``output`` is what the command printed on its standard streams, warnings of a compiler included.
    ``remote``: it ran on the remote engine (slots from ``jobs`` on) or was found in the remote cache.
    """

    executed: bool
    failed: bool
    started: float
    seconds: float
    slot: int
    output: bytes
    remote: bool = False


class Observer(Protocol):
    """The listener of one build; ``Silent`` is one that ignores everything."""

    def graph_ready(self, total: int) -> None:
        """Tell that ``total`` actions are to be looked at (executed or found unchanged)."""

    def action_started(self, event: ActionEvent) -> None:
        """Tell that a process for this action was started."""

    def action_finished(self, event: ActionEvent, outcome: ActionOutcome) -> None:
        """Tell how an action ended."""

    def fetch_progress(self, purl: str, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` bytes (0: unknown) of a package have arrived."""

    def note(self, text: str) -> None:
        """Say something a person should know, such as a corrupt blob that was dropped."""

    def transfers(self, statistics: Statistics) -> None:
        """Tell what the courier has moved so far; ``pending`` is what is still to be uploaded."""


class Silent:
    """An observer that ignores everything."""

    def graph_ready(self, total: int) -> None:
        """Ignore the event."""

    def action_started(self, event: ActionEvent) -> None:
        """Ignore the event."""

    def action_finished(self, event: ActionEvent, outcome: ActionOutcome) -> None:
        """Ignore the event."""

    def fetch_progress(self, purl: str, done: int, total: int) -> None:
        """Ignore the event."""

    def note(self, text: str) -> None:
        """Ignore the event."""

    def transfers(self, statistics: Statistics) -> None:
        """Ignore the event."""
