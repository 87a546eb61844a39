"""Running checks one after the other: each imported when its turn comes, none able to stop the rest."""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING

from unibuild.model.errors import (
    ErrorGroup,
    HostError,
    InternalError,
    UnibuildError,
)
from unibuild.verify.outcome import Outcome
from unibuild.verify.report import CheckResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.cli.verification_view import Display
    from unibuild.verify.checks import Check
    from unibuild.verify.workbench import Bench

_TRUST_FIRST = {"artefact": ("signed", "policy")}
"""What is rebuilt from a provenance is not rebuilt when one of these checks refused that provenance."""


def run_checks(
    bench: Bench, checks: Sequence[Check], display: Display, *, debug: bool
) -> tuple[CheckResult, ...]:
    """Run ``checks`` in order and return what each found; ``display`` is told as it goes on."""
    results: list[CheckResult] = []
    for check in checks:
        display.check_started(check)
        started = time.monotonic()
        outcome = _refused(check, results) or _outcome(bench, check, debug=debug)
        result = CheckResult(check, outcome, time.monotonic() - started)
        results.append(result)
        display.check_finished(result)
    return tuple(results)


def _outcome(bench: Bench, check: Check, *, debug: bool) -> Outcome:
    """Run one check; what it raises is an outcome too, and never a pass."""
    try:
        outcome: Outcome = importlib.import_module(check.module).run(bench)
    except (UnibuildError, ErrorGroup) as raised:
        errors = raised.errors if isinstance(raised, ErrorGroup) else (raised,)
        host = isinstance(errors[0], HostError | InternalError)
        return Outcome("not-done" if host else "failed", errors[0].cause, errors)
    except Exception as fault:
        if debug:
            raise
        return _faulty(check, f"{type(fault).__name__}: {fault}")
    if (outcome.status == "passed") == bool(outcome.errors):
        return _faulty(check, f"it is {outcome.status} with {len(outcome.errors)} errors")
    return outcome


def _faulty(check: Check, what: str) -> Outcome:
    error = InternalError(
        id="internal-fault",
        cause=f"the check '{check.name}' met a fault of unibuild's own: {what}",
        hint="repeat the command with --debug for the traceback, and report it with that",
    )
    return Outcome("not-done", "a fault of unibuild's own", (error,))


def _refused(check: Check, results: Sequence[CheckResult]) -> Outcome | None:
    """Return why ``check`` is not begun, if another one says so."""
    failed = [
        one.check.name
        for one in results
        if one.check.name in _TRUST_FIRST.get(check.name, ()) and one.outcome.status != "passed"
    ]
    if not failed:
        return None
    error = HostError(
        id="check-not-begun",
        cause=f"the check '{check.name}' was not begun, because '{failed[0]}' did not pass",
        hint="nothing is rebuilt from a provenance that was refused; leave that check out to do it still",
    )
    return Outcome("not-done", f"not begun, because '{failed[0]}' did not pass", (error,))
