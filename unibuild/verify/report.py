"""What a verification came to: each check with its outcome, the masks, the exit code, JSON.

Nothing counts as verified but a check that ``passed``: a report without checks is no pass, and a check
that could not be done has its bit in ``not_done``. ``document`` is the shape that ``verify --json``
prints; ``unibuild.verify.report_schema`` is its JSON Schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import unibuild
from unibuild.model.errors import (
    ActionError,
    DifferenceError,
    HostError,
    InternalError,
    UserError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.model.errors import UnibuildError
    from unibuild.verify.checks import Check
    from unibuild.verify.outcome import Outcome, Status

FORMAT = 1
"""Version of the JSON document; a field is added without a new number, never changed or removed."""
OTHER_CHECKS_BIT = 7
"""Bit of an exit status, which has eight, that stands for every check from bit 7 on."""
NOTHING_CHECKED = 255
"""Exit status with ``--exit-mask`` when no check was reached: every bit."""
_GRAVITY = (DifferenceError, UserError, ActionError, InternalError, HostError)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check that was asked for, what it found, and how long that took."""

    check: Check
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Subject:
    """What was verified: a target or a file, and the digest of the image (``sha256:HEX``).

    ``label`` is empty for a file; ``file`` and ``digest`` are empty for a target that is no image.
    """

    label: str = ""
    file: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All results of one verification, in the order in which the checks ran."""

    subject: Subject
    results: Sequence[CheckResult]
    seconds: float

    @property
    def verdict(self) -> Status:
        """``passed`` when every check passed and there was one; ``failed`` when any failed."""
        found = {result.outcome.status for result in self.results}
        if "failed" in found:
            return "failed"
        return "passed" if found == {"passed"} else "not-done"

    @property
    def failed(self) -> int:
        """The mask of the checks that failed."""
        return self._mask("failed")

    @property
    def not_done(self) -> int:
        """The mask of the checks that were asked for and could not be done."""
        return self._mask("not-done")

    @property
    def errors(self) -> tuple[UnibuildError, ...]:
        """Every error, in the order of the checks."""
        return tuple(error for result in self.results for error in result.outcome.errors)

    @property
    def exit_code(self) -> int:
        """0 when all passed; else the gravest: a difference 4, the user's 2, an action 1, 70, 3."""
        if self.verdict == "passed":
            return 0
        found = [
            result.outcome.errors[0].exit_code for result in self.results if result.outcome.errors
        ]
        codes = [kind.exit_code for kind in _GRAVITY]
        return next((code for code in codes if code in found), HostError.exit_code)

    @property
    def exit_mask(self) -> int:
        """The checks that did not pass, failed or not done, as an exit status of eight bits."""
        return folded(self.failed | self.not_done) if self.results else NOTHING_CHECKED

    def document(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "format": FORMAT,
            "unibuild": unibuild.__version__,
            "subject": {
                "label": self.subject.label,
                "file": self.subject.file,
                "digest": self.subject.digest,
            },
            "verdict": self.verdict,
            "failed": self.failed,
            "not_done": self.not_done,
            "checks": [_result_document(result) for result in self.results],
            "seconds": round(self.seconds, 3),
        }

    def _mask(self, status: Status) -> int:
        return sum(1 << one.check.bit for one in self.results if one.outcome.status == status)


def folded(mask: int) -> int:
    """Return ``mask`` as eight bits: those of the checks 0 to 6, and one for all others."""
    low = mask & ((1 << OTHER_CHECKS_BIT) - 1)
    return low | ((1 << OTHER_CHECKS_BIT) if mask >> OTHER_CHECKS_BIT else 0)


def _result_document(result: CheckResult) -> dict[str, Any]:
    check, outcome = result.check, result.outcome
    return {
        "name": check.name,
        "number": check.number,
        "bit": check.bit,
        "status": outcome.status,
        "summary": outcome.summary,
        "errors": [_error_document(error) for error in outcome.errors],
        "notes": list(outcome.notes),
        "facts": dict(outcome.facts),
        "seconds": round(result.seconds, 3),
    }


def _error_document(error: UnibuildError) -> dict[str, Any]:
    place = error.place
    return {
        "id": error.id,
        "kind": _kind(error),
        "cause": error.cause,
        "place": None
        if place is None
        else {"file": place.file, "line": place.line, "column": place.column},
        "hint": error.hint,
        "detail": list(error.detail),
    }


def _kind(error: UnibuildError) -> Literal["difference", "user", "host", "action", "internal"]:
    match error:
        case DifferenceError():
            return "difference"
        case UserError():
            return "user"
        case HostError():
            return "host"
        case ActionError():
            return "action"
        case _:
            return "internal"
