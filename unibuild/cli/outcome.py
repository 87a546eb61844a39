"""How a build ended, for people and programs: failures, outputs, one line of summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.cli import summary
from unibuild.cli.render import error_lines
from unibuild.model.counting import plural
from unibuild.model.errors import ErrorGroup

if TYPE_CHECKING:
    from unibuild.cli.terminal import Terminal
    from unibuild.execution.request import BuildReport
    from unibuild.model.errors import UnibuildError


def show(report: BuildReport, terminal: Terminal, *, as_json: bool, prefix: str) -> int:
    """Print the result of ``build`` and return its exit code."""
    show_failures(report, terminal)
    if as_json or not report.failures:
        summary.show_report(report, as_json=as_json, prefix=prefix)
    if not report.failures:
        return 0
    failed = plural(len(report.failures), "action")
    terminal.note(f"{failed} failed; {report.executed:,} executed in {report.seconds:.2f} s")
    return report.failures[0].exit_code


def show_failures(report: BuildReport, terminal: Terminal) -> None:
    """Show the failed actions of a build, one after the other."""
    _show_each(report.failures, terminal)


def show_errors(error: UnibuildError | ErrorGroup, terminal: Terminal) -> None:
    """Show what was raised: one error, or several."""
    _show_each(error.errors if isinstance(error, ErrorGroup) else (error,), terminal)


def _show_each(errors: tuple[UnibuildError, ...], terminal: Terminal) -> None:
    for index, error in enumerate(errors):
        if index:
            terminal.note("")
        for line in error_lines(error, terminal):
            terminal.note(line)
