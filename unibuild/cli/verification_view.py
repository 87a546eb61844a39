"""How a verification looks: a block of checks while it runs, a table and the errors at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from unibuild.cli.live import Block
from unibuild.cli.render import error_lines, harmless, warning_line
from unibuild.cli.terminal import table
from unibuild.model.counting import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.cli.terminal import Terminal
    from unibuild.verify.checks import Check
    from unibuild.verify.outcome import Status
    from unibuild.verify.report import CheckResult, Report

_PLAIN_SECONDS = 10.0
"""Lines about a check that goes on come this much apart where nobody can see a block move."""
_STYLES = {"passed": "green", "failed": "red-bold", "not-done": "yellow-bold"}
_NAME_WIDTH = 11
_STATUS_WIDTH = 8
_HEADER = ("CHECK", "VERDICT", "SECONDS", "BIT", "FOUND")


class Display(Protocol):
    """What is told while checks run: also the ``Progress`` of the bench."""

    def check_started(self, check: Check) -> None:
        """Tell that a check begins."""

    def check_finished(self, result: CheckResult) -> None:
        """Tell what a check found."""

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        """Tell what the running check does now."""

    def note(self, text: str) -> None:
        """Say something a person should know at once."""

    def close(self) -> None:
        """End the display."""


class PlainDisplay:
    """A line for each check that has ended, and now and then one for what goes on."""

    def __init__(self, terminal: Terminal, checks: Sequence[Check]) -> None:
        """Write to ``terminal`` about ``checks``."""
        self._terminal = terminal
        self._total = len(checks)
        self._ended = 0
        self._name = ""
        self._told = 0.0

    def check_started(self, check: Check) -> None:
        """Remember which check goes on."""
        self._name = check.name
        self._told = time.monotonic()

    def check_finished(self, result: CheckResult) -> None:
        """Write the check's line."""
        self._ended += 1
        outcome = result.outcome
        self._terminal.note(
            f"[{self._ended}/{self._total}] {result.check.name}: {_words(outcome.status)}, "
            f"{harmless(outcome.summary)} ({result.seconds:.1f} s)"
        )

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        """Write a line when the last one is a while ago."""
        now = time.monotonic()
        if now - self._told >= _PLAIN_SECONDS:
            self._told = now
            self._terminal.note(
                f"[{self._ended + 1}/{self._total}] {self._name}: {_step(text, done, total)}"
            )

    def note(self, text: str) -> None:
        """Write a warning."""
        self._terminal.note(warning_line(f"{self._name}: {text}", self._terminal))

    def close(self) -> None:
        """End the display: nothing is left open."""


class LiveDisplay(Block):
    """All checks, one a line: what the ended ones found, what the running one does, which wait."""

    def __init__(self, terminal: Terminal, checks: Sequence[Check]) -> None:
        """Draw ``checks`` on ``terminal``."""
        self._checks = checks
        self._ended: dict[str, CheckResult] = {}
        self._running = ""
        self._began = 0.0
        self._now = ""
        super().__init__(terminal)

    def check_started(self, check: Check) -> None:
        """Move on to the next line."""
        self._running, self._began, self._now = check.name, time.monotonic(), ""

    def check_finished(self, result: CheckResult) -> None:
        """Put what was found into the check's line."""
        self._ended[result.check.name] = result
        self._running = ""

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        """Show what the running check does."""
        self._now = _step(text, done, total)

    def note(self, text: str) -> None:
        """Show a warning above the block."""
        with self.above():
            self._terminal.note(warning_line(f"{self._running}: {text}", self._terminal))

    def lines(self, now: float) -> list[str]:
        """Return a line for each check."""
        return [self._line(check, now) for check in self._checks]

    def _line(self, check: Check, now: float) -> str:
        name = check.name.ljust(_NAME_WIDTH)
        result = self._ended.get(check.name)
        if result is not None:
            words = _words(result.outcome.status)
            verdict = self._terminal.style(words, _STYLES[result.outcome.status])
            padding = " " * (_STATUS_WIDTH - len(words))
            found = harmless(result.outcome.summary)
            return f"  {name} {verdict}{padding} {result.seconds:6.1f} s  {found}"
        if check.name == self._running:
            return (
                f"  {name} {'running'.ljust(_STATUS_WIDTH)} {now - self._began:6.1f} s  {self._now}"
            )
        return f"  {name} {'waits'.ljust(_STATUS_WIDTH)}"


def display(terminal: Terminal, checks: Sequence[Check]) -> Display:
    """Return the display that fits ``terminal``."""
    return LiveDisplay(terminal, checks) if terminal.live else PlainDisplay(terminal, checks)


def show_report(report: Report, terminal: Terminal, *, as_json: bool) -> None:
    """Print the table (or nothing, for JSON), then the notes and errors, then one line of verdict."""
    if not as_json:
        for line in _table(report, terminal):
            terminal.data(line)
    for result in report.results:
        for note in result.outcome.notes:
            label = terminal.style("note:", "cyan-bold")
            terminal.note(f"{label} {result.check.name}: {harmless(note)}")
    shown: set[str] = set()
    for error in report.errors:
        text = "\n".join(error_lines(error, terminal))
        if text in shown:  # two checks that read one bad file say the same of it
            continue
        shown.add(text)
        terminal.note("")
        terminal.note(text)
    if report.errors:
        terminal.note("")
    terminal.note(_verdict(report))


def _table(report: Report, terminal: Terminal) -> list[str]:
    rows = [
        (
            one.check.name,
            _words(one.outcome.status),
            f"{one.seconds:7.1f}",
            f"{one.check.bit:3}",
            harmless(one.outcome.summary),
        )
        for one in report.results
    ]
    header, *lines = table(rows, _HEADER)
    width = max(len(name) for name in [_HEADER[0], *(row[0] for row in rows)]) + 2
    styled = [
        line[:width] + line[width:].replace(row[1], terminal.style(row[1], _STYLES[status]), 1)
        for line, row, status in zip(
            lines, rows, (one.outcome.status for one in report.results), strict=True
        )
    ]
    return [header, *styled]


def _verdict(report: Report) -> str:
    subject = report.subject.label or report.subject.file
    passed = sum(one.outcome.status == "passed" for one in report.results)
    seconds = f"{report.seconds:.1f} s"
    total = len(report.results)
    if report.verdict == "passed":
        checks = "the check" if total == 1 else f"all {total} checks"
        digest = f" ({report.subject.digest})" if report.subject.digest else ""
        return f"verified: {subject}{digest} passed {checks} in {seconds}"
    failed = sum(one.outcome.status == "failed" for one in report.results)
    counts = ((failed, "failed"), (total - passed - failed, "not done"), (passed, "passed"))
    parts = ", ".join(f"{count} {words}" for count, words in counts if count)
    return f"not proven: {subject}: {parts} of {plural(total, 'check')} in {seconds}"


def _words(status: Status) -> str:
    return status.replace("-", " ")


def _step(text: str, done: int, total: int) -> str:
    if total:
        return f"{text} {done:,}/{total:,}"
    return f"{text} {done:,}" if done else text
