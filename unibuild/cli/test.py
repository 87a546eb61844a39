"""Run test targets; one that passed is cached like any action and not run again.

unibuild test //...
unibuild test //services/dns:all --junit report.xml
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.cli import junit, options
from unibuild.cli.outcome import show_failures
from unibuild.cli.workspace import Composition
from unibuild.model.counting import plural
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal
    from unibuild.execution.request import BuildReport, TestReport


EXIT_FAILED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare patterns, build options and the JUnit file."""
    options.add_patterns(parser, what="which tests")
    options.add_build_options(parser)
    options.add_json(parser)
    parser.add_argument("--junit", metavar="FILE", help="write the verdicts as JUnit XML to FILE")


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the tests and print a line for each."""
    composition = Composition.here(terminal)
    report = composition.build(arguments, arguments.patterns, "test")
    if not report.tests and not report.failures:
        raise UserError(
            id="no-tests",
            cause=f"no test target matches {' '.join(arguments.patterns)}",
            hint="'unibuild targets //...' lists targets; rules that end in _test are tests",
        )
    if arguments.junit:
        junit.write(arguments.junit, [_case(test) for test in report.tests])
    show_failures(report, terminal)
    if arguments.json:
        terminal.data(json.dumps(_as_json(report)))
    else:
        for test in report.tests:
            terminal.data(_line(test, terminal))
    passed = sum(test.passed for test in report.tests)
    failed = len(report.tests) - passed
    terminal.note(f"{plural(passed, 'test')} passed, {failed} failed in {report.seconds:.2f} s")
    if report.failures:
        return report.failures[0].exit_code
    return EXIT_FAILED if failed else 0


def _line(test: TestReport, terminal: Terminal) -> str:
    verdict = terminal.style("PASSED", "green") if test.passed else terminal.style("FAILED", "red")
    how = "cached" if test.cached else f"{test.seconds:.2f} s"
    return f"{verdict}  {test.label}  ({how})"


def _as_json(report: BuildReport) -> dict[str, object]:
    return {
        "tests": [
            {
                "label": test.label,
                "passed": test.passed,
                "cached": test.cached,
                "seconds": round(test.seconds, 3),
            }
            for test in report.tests
        ],
        "seconds": round(report.seconds, 3),
    }


def _case(test: TestReport) -> junit.Case:
    package, _, name = test.label.rpartition(":")
    log = test.log.decode(errors="replace")
    if test.passed:
        return junit.Case(package, name, test.seconds, "passed", text=log)
    return junit.Case(package, name, test.seconds, "failure", "test failed", log)
