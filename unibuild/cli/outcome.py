"""How a build ended, for people and programs: failures, outputs, one line of summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.cli import summary
from unibuild.cli.render import error_lines
from unibuild.cli.terminal import plural
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from unibuild.cli.terminal import Terminal
    from unibuild.execution.request import BuildReport
    from unibuild.model.errors import UnibuildError


def show(report: BuildReport, terminal: Terminal, root: str, *, as_json: bool, prefix: str) -> int:
    """Print the result of ``build`` in the workspace at ``root`` and return its exit code."""
    show_failures(report, terminal, root)
    if as_json or not report.failures:
        summary.show_report(report, as_json=as_json, prefix=prefix)
    if not report.failures:
        return 0
    failed = plural(len(report.failures), "action")
    terminal.note(f"{failed} failed; {report.executed:,} executed in {report.seconds:.2f} s")
    return report.failures[0].exit_code


def show_failures(report: BuildReport, terminal: Terminal, root: str) -> None:
    """Show the failed actions of a build, one after the other."""
    for index, failure in enumerate(report.failures):
        if index:
            terminal.note("")
        _add_place(failure, root)
        for line in error_lines(failure, terminal):
            terminal.note(line)


def _add_place(error: UnibuildError, root: str) -> None:
    """Point a mistake in a declaration at the target; execution knows labels, not places."""
    if error.place is not None or not error.label or not isinstance(error, UserError):
        return
    from pathlib import Path

    from unibuild.analysis.listing import place_of
    from unibuild.loading.workspace import read_workspace

    error.place = place_of(read_workspace(Path(root)), error.label)
