"""Progress of a build: a live display where a person looks, plain lines elsewhere.

Both are observers (``unibuild.execution.observer``). The live display shows what runs and for how
long, done and total, and cache hits; it redraws ten times a second and leaves nothing but
messages behind. The plain form writes one line for each executed action.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from unibuild.cli.live import Block
from unibuild.cli.render import warning_line
from unibuild.cli.terminal import size_text

if TYPE_CHECKING:
    from unibuild.cli.terminal import Terminal
    from unibuild.execution.observer import ActionEvent, ActionOutcome, Observer
    from unibuild.store.remote.requests import Statistics

_TRANSFER_SECONDS = 5.0
"""Plain lines about transfers come this much apart: a short build has none."""
_SHOWN_ACTIONS = 8
_SLOW_SECONDS = 1.0
_MIB = 1 << 20


class PlainProgress:
    """One line for each executed action, warnings of commands, and notes."""

    def __init__(self, terminal: Terminal) -> None:
        """Write to ``terminal``."""
        self._terminal = terminal
        self._total = 0
        self._done = 0
        self._fetching: set[str] = set()
        self._told = time.monotonic()

    def graph_ready(self, total: int) -> None:
        """Remember how many actions there are."""
        self._total = total

    def action_started(self, event: ActionEvent) -> None:
        """Say nothing: the line comes when it has ended."""

    def action_finished(self, event: ActionEvent, outcome: ActionOutcome) -> None:
        """Write the line of an executed action, and what its command printed."""
        self._done += 1
        if outcome.executed and not outcome.failed:
            what = f"{event.mnemonic} {event.output or event.label}"
            self._terminal.note(f"[{self._done}/{self._total}] {what} ({outcome.seconds:.2f} s)")
        write_command_output(self._terminal, event, outcome)

    def fetch_progress(self, purl: str, done: int, total: int) -> None:  # noqa: ARG002 - Observer's
        """Write one line when a package starts to arrive."""
        if purl not in self._fetching:
            self._fetching.add(purl)
            self._terminal.note(
                f"fetching {purl}" + (f" ({total / _MIB:.1f} MiB)" if total else "")
            )

    def transfers(self, statistics: Statistics) -> None:
        """Write a line about the remote cache now and then."""
        now = time.monotonic()
        text = transfer_text(statistics)
        if text and now - self._told >= _TRANSFER_SECONDS:
            self._told = now
            self._terminal.note(text)

    def note(self, text: str) -> None:
        """Write a note."""
        self._terminal.note(warning_line(text, self._terminal))

    def close(self) -> None:
        """End the display: nothing is left open."""


class LiveProgress(Block):
    """What runs, for how long, and how much is done."""

    def __init__(self, terminal: Terminal) -> None:
        """Draw on ``terminal``."""
        self._running: dict[int, tuple[str, float]] = {}
        self._fetching: dict[str, tuple[int, int]] = {}
        self._total = self._done = self._cached = 0
        self._transfers = ""
        super().__init__(terminal)

    def graph_ready(self, total: int) -> None:
        """Remember how many actions there are."""
        self._total = total

    def action_started(self, event: ActionEvent) -> None:
        """Add the action to the block."""
        what = f"{event.mnemonic} {event.output or event.label}"
        self._running[event.index] = (what, time.monotonic())

    def action_finished(self, event: ActionEvent, outcome: ActionOutcome) -> None:
        """Take the action out of the block; show what its command printed above it."""
        self._running.pop(event.index, None)
        self._done += 1
        self._cached += not outcome.executed
        if outcome.output and not outcome.failed and not event.test:
            with self.above():
                write_command_output(self._terminal, event, outcome)

    def fetch_progress(self, purl: str, done: int, total: int) -> None:
        """Show how much of a package has arrived."""
        self._fetching[purl] = (done, total)
        if total and done >= total:
            del self._fetching[purl]

    def transfers(self, statistics: Statistics) -> None:
        """Show what has crossed the network so far."""
        self._transfers = transfer_text(statistics)

    def note(self, text: str) -> None:
        """Show a note above the block."""
        with self.above():
            self._terminal.note(warning_line(text, self._terminal))

    def lines(self, now: float) -> list[str]:
        """Return a line for each transfer and running action, and one that sums up."""
        lines = [
            f"  fetching {purl} {done / _MIB:.1f}"
            + (f"/{total / _MIB:.1f} MiB" if total else " MiB")
            for purl, (done, total) in self._fetching.items()
        ]
        running = sorted(self._running.values(), key=lambda item: item[1])
        for what, started in running[:_SHOWN_ACTIONS]:
            seconds = now - started
            lines.append(f"  {what}" + (f"  {seconds:.0f} s" if seconds >= _SLOW_SECONDS else ""))
        if len(running) > _SHOWN_ACTIONS:
            lines.append(f"  and {len(running) - _SHOWN_ACTIONS} more")
        if not self._total + len(self._fetching):
            return []
        cached = f", {self._cached:,} from cache" if self._cached else ""
        transfers = f"; {self._transfers}" if self._transfers else ""
        lines.append(f"[{self._done:,}/{self._total:,}] {len(running)} running{cached}{transfers}")
        return lines


def transfer_text(statistics: Statistics) -> str:
    """Return ``downloading 12 · 3.4 MiB, uploading 5 · 1.0 MiB, 7 to go``; "" when nothing moved."""
    parts = []
    if statistics.downloaded:
        size = size_text(statistics.downloaded_bytes)
        parts.append(f"downloading {statistics.downloaded:,} · {size}")
    if statistics.uploaded or statistics.pending:
        size = size_text(statistics.uploaded_bytes)
        parts.append(f"uploading {statistics.uploaded:,} · {size}")
    if statistics.pending:
        parts.append(f"{statistics.pending:,} to go")
    return ", ".join(parts)


def write_command_output(terminal: Terminal, event: ActionEvent, outcome: ActionOutcome) -> None:
    """Show what a successful command printed (warnings); a failed one's is part of its error."""
    if not outcome.executed or outcome.failed or not outcome.output or event.test:
        return
    terminal.note(f"{event.label}: {event.mnemonic} printed:")
    for line in outcome.output.decode(errors="replace").rstrip("\n").split("\n"):
        terminal.note(f"  {line}")


def progress(terminal: Terminal) -> PlainProgress | LiveProgress:
    """Return the display that fits ``terminal``."""
    return LiveProgress(terminal) if terminal.live else PlainProgress(terminal)


class Fan:
    """An observer that passes each event to several."""

    def __init__(self, observers: tuple[Observer, ...]) -> None:
        """Pass events to ``observers``, in order."""
        self._observers = observers

    def graph_ready(self, total: int) -> None:
        """Pass the event on."""
        for observer in self._observers:
            observer.graph_ready(total)

    def action_started(self, event: ActionEvent) -> None:
        """Pass the event on."""
        for observer in self._observers:
            observer.action_started(event)

    def action_finished(self, event: ActionEvent, outcome: ActionOutcome) -> None:
        """Pass the event on."""
        for observer in self._observers:
            observer.action_finished(event, outcome)

    def fetch_progress(self, purl: str, done: int, total: int) -> None:
        """Pass the event on."""
        for observer in self._observers:
            observer.fetch_progress(purl, done, total)

    def transfers(self, statistics: Statistics) -> None:
        """Pass the event on."""
        for observer in self._observers:
            observer.transfers(statistics)

    def note(self, text: str) -> None:
        """Pass the event on."""
        for observer in self._observers:
            observer.note(text)
