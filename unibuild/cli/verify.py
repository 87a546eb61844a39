"""Prove an image: is it what its sources make, everywhere, and can others be shown that it is?

    unibuild verify //services/dns:image                     the checks marked * below
    unibuild verify //services/dns:image --all               all that need no file of yours
    unibuild verify //services/dns:image --only twice,varied --vary all
    unibuild verify //services/dns:image --reference sha256:…
    unibuild verify //services/dns:image --signed-by release.pub --policy policy.toml
    unibuild verify image.elf --provenance image.provenance.json

A label is built first. An image file is rebuilt from its provenance, in no workspace. The exit status
is 0 only if every check passed; 4: something differs; 2: something is refused; 3: a check could not
be done here.

checks:
"""

from __future__ import annotations

import json
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from unibuild.cli import options
from unibuild.cli.outcome import show_errors
from unibuild.cli.verification_choice import check_lines, chosen, fitting
from unibuild.model.errors import ErrorGroup, UnibuildError, UserError
from unibuild.verify.report import NOTHING_CHECKED, Report

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from unibuild.cli import junit
    from unibuild.cli.terminal import Terminal
    from unibuild.verify.checks import Check
    from unibuild.verify.report import CheckResult

_UNTRUSTED = (
    "nobody vouches for this provenance, so its sources' actions run in sandboxes only, and rules of "
    "their own not at all; --signed-by or --policy have it looked at first"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subject, the choice of checks, what they need, and the report."""
    parser.description = "\n".join([parser.description or "", *check_lines()])
    parser.add_argument(
        "subject", metavar="LABEL|IMAGE-FILE", help="a target, or an image file with --provenance"
    )
    group = parser.add_argument_group("checks")
    group.add_argument("--all", action="store_true", help="every check that needs no file of yours")
    group.add_argument("--only", default="", metavar="NAME,…", help="only these checks")
    group.add_argument("--skip", default="", metavar="NAME,…", help="leave these checks out")
    group.add_argument(
        "--vary", default="", metavar="all|NAME,…",
        help="variations that 'varied' has to do (default: those that work here)",
    )  # fmt: skip
    group.add_argument(
        "--hardening",
        default="",
        metavar="PROFILE",
        help="base (default), hardened or strict: the rules that 'hardening' asks for",
    )
    group.add_argument("--absent", default="", metavar="FILE", help="VEX document for 'absent'")
    group.add_argument(
        "--reference", default="", metavar="DIGEST|FILE", help="the published image to compare with"
    )
    group = parser.add_argument_group("provenance")
    group.add_argument(
        "--provenance", action="append", default=[], metavar="FILE",
        help="a statement, or a signed one (.dsse.json); may be given again",
    )  # fmt: skip
    group.add_argument(
        "--sources", default="", metavar="DIR",
        help="take the sources that a provenance names from DIR instead of fetching them",
    )  # fmt: skip
    group.add_argument(
        "--signed-by", action="append", default=[], metavar="KEY",
        help="who may sign: a public key, as a file or a text, or a trust file; may be given again",
    )  # fmt: skip
    group.add_argument(
        "--threshold", type=_count, default=0, metavar="N", help="how many of the keys must (1)"
    )
    group.add_argument("--policy", default="", metavar="FILE", help="what a provenance must say")
    group.add_argument(
        "--reproduced", type=_count, default=0, metavar="N",
        help="so many independent builders have to have made this image",
    )  # fmt: skip
    group.add_argument(
        "--vsa", default="", metavar="FILE", help="write the verification summary of --reproduced"
    )
    group = parser.add_argument_group("report")
    group.add_argument("--json", action="store_true", help="print one JSON value instead of text")
    group.add_argument("--junit", default="", metavar="FILE", help="write JUnit XML to FILE")
    group.add_argument(
        "--exit-mask", action="store_true",
        help="exit with the mask of the checks that did not pass: bits 0 to 6, 7 for any other; "
        "255 if none was reached",
    )  # fmt: skip
    group.add_argument(
        "--keep", action="store_true", help="keep the folder of the rebuilds till the next verify"
    )
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the checks, show and write the report."""
    try:
        checks = chosen(arguments)
        with _ended_by_signal():
            report = _verify(arguments, checks, terminal)
    except (UnibuildError, ErrorGroup) as error:
        if not arguments.exit_mask or arguments.debug:
            raise
        show_errors(error, terminal)
        return NOTHING_CHECKED
    if arguments.json:
        terminal.data(json.dumps(report.document()))
    from unibuild.cli.verification_view import show_report

    show_report(report, terminal, as_json=arguments.json)
    if arguments.junit:
        _write_junit(arguments.junit, report)
    return report.exit_mask if arguments.exit_mask else report.exit_code


def _verify(arguments: argparse.Namespace, checks: tuple[Check, ...], terminal: Terminal) -> Report:
    from unibuild.cli.render import warning_line
    from unibuild.cli.verification import run_checks
    from unibuild.cli.verification_bench import prepare
    from unibuild.cli.verification_scratch import scratch
    from unibuild.cli.verification_view import display

    started = time.monotonic()
    prepared = prepare(arguments, terminal)
    checks, left_out = fitting(arguments, checks, image=bool(prepared.subject.digest))
    if left_out:
        what = (
            f"{prepared.subject.label} is no image: {', '.join(left_out)} would say nothing of it"
        )
        terminal.note(warning_line(what, terminal))
    unseen = {"artefact"} == {one.name for one in checks} & {"artefact", "signed", "policy"}
    if unseen and not arguments.sources:
        terminal.note(warning_line(_UNTRUSTED, terminal))
    with scratch(prepared.scratch, keep=arguments.keep) as folder:
        shown = display(terminal, checks)
        try:
            bench = prepared.bench(folder, shown)
            results = run_checks(bench, checks, shown, debug=arguments.debug)
        finally:
            shown.close()
        if arguments.keep:
            terminal.note(f"the rebuilds are kept in {folder}")
    return Report(prepared.subject, results, time.monotonic() - started)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let a request to end (SIGTERM, as CI servers send it) clean up as Ctrl-C does."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write_junit(file: str, report: Report) -> None:
    from unibuild.cli import junit

    subject = report.subject.label or report.subject.file
    junit.write(file, [_case(subject, result) for result in report.results])


def _case(subject: str, result: CheckResult) -> junit.Case:
    from unibuild.cli import junit
    from unibuild.cli.render import Plain, error_lines

    outcome = result.outcome
    errors = ["\n".join(error_lines(error, Plain())) for error in outcome.errors]
    text = "\n\n".join([*errors, *outcome.notes])
    verdict: junit.Verdict = "passed"
    if outcome.status != "passed":
        verdict = "failure" if outcome.status == "failed" else "error"
    return junit.Case(subject, result.check.name, result.seconds, verdict, outcome.summary, text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise UserError(
            id="bad-usage", cause=f"a number from 1 is wanted, not {text!r}", hint="--reproduced 2"
        )
    return int(text)
