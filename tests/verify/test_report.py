"""What a verification came to: masks, exit codes, and that nothing passes that was not proven."""

from __future__ import annotations

import itertools

import jsonschema
import pytest

from unibuild.model.errors import (
    ActionError,
    DifferenceError,
    HostError,
    InternalError,
    Place,
    UnibuildError,
    UserError,
)
from unibuild.verify.checks import BY_NAME, CHECKS
from unibuild.verify.outcome import Outcome, Status
from unibuild.verify.report import NOTHING_CHECKED, CheckResult, Report, Subject
from unibuild.verify.report_schema import schema

KINDS = (DifferenceError, UserError, ActionError, InternalError, HostError)


def result(
    name: str, status: Status, kind: type[UnibuildError] | None = None, **more: object
) -> CheckResult:
    errors = (kind(id=BY_NAME[name].error_id, cause="so it is"),) if kind else ()
    return CheckResult(BY_NAME[name], Outcome(status, "a sentence", errors, **more), 0.5)  # type: ignore[arg-type]


def report(*results: CheckResult) -> Report:
    return Report(Subject("//a:image", "a/image.elf", "sha256:" + "0" * 64), results, 1.25)


def test_every_check_has_its_own_name_bit_error_and_module() -> None:
    for field in ("name", "bit", "error_id", "module"):
        values = [getattr(check, field) for check in CHECKS]
        assert len(set(values)) == len(values), field
    assert sorted(check.bit for check in CHECKS) == list(range(len(CHECKS)))


def test_bits_never_change() -> None:
    assert {check.name: check.bit for check in CHECKS} == {
        "locked": 0,
        "twice": 1,
        "varied": 2,
        "cache": 3,
        "materials": 4,
        "hardening": 5,
        "boots": 6,
        "hermetic": 7,
        "absent": 8,
        "reference": 9,
        "artefact": 10,
        "signed": 11,
        "policy": 12,
        "reproduced": 13,
    }


def test_trust_is_looked_at_before_anything_is_rebuilt_from_it() -> None:
    order = [check.name for check in CHECKS]
    assert order.index("signed") < order.index("policy") < order.index("artefact")


def test_all_passed() -> None:
    found = report(result("locked", "passed"), result("boots", "passed"))
    assert (found.verdict, found.failed, found.not_done) == ("passed", 0, 0)
    assert (found.exit_code, found.exit_mask) == (0, 0)


def test_without_a_check_nothing_passed() -> None:
    found = report()
    assert found.verdict == "not-done"
    assert found.exit_code == HostError.exit_code
    assert found.exit_mask == NOTHING_CHECKED


@pytest.mark.parametrize(
    ("status", "kind"), [("failed", DifferenceError), ("failed", UserError), ("not-done", HostError)]
)  # fmt: skip
def test_one_that_did_not_pass_is_enough(status: Status, kind: type[UnibuildError]) -> None:
    others = (result(check.name, "passed") for check in CHECKS if check.name != "twice")
    found = report(*others, result("twice", status, kind))
    assert found.verdict == status
    assert found.exit_code == kind.exit_code
    assert found.exit_mask == 1 << 1


def test_the_exit_code_is_that_of_the_gravest() -> None:
    names = [check.name for check in CHECKS]
    for some in itertools.permutations(KINDS, 2):
        status: list[Status] = [
            "not-done" if issubclass(kind, HostError | InternalError) else "failed" for kind in some
        ]
        found = report(*map(result, names, status, some))
        assert found.exit_code == min(some, key=KINDS.index).exit_code


def test_a_mask_has_a_bit_for_each_and_the_exit_status_eight() -> None:
    found = report(
        result("locked", "failed", UserError),
        result("boots", "not-done", HostError),
        result("hermetic", "failed", UserError),
        result("reproduced", "failed", UserError),
        result("cache", "passed"),
    )
    assert found.failed == 1 << 0 | 1 << 7 | 1 << 13
    assert found.not_done == 1 << 6
    assert found.exit_mask == 0b1100_0001


def test_the_document_keeps_its_schema() -> None:
    error = UserError(
        id="not-locked-down", cause="c", place=Place("unibuild.lock", 3, 1), hint="h", detail=("d",)
    )
    failed = Outcome("failed", "s", (error,), ("n",), {"packages": [{"purl": "p"}]})
    document = report(
        CheckResult(BY_NAME["locked"], failed, 0.1),
        result("twice", "passed"),
        result("boots", "not-done", HostError),
    ).document()
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document, schema())
    assert set(document) == set(schema()["properties"])
    (check, *_) = document["checks"]
    shape = schema()["properties"]["checks"]["items"]
    assert set(check) == set(shape["properties"])
    assert set(check["errors"][0]) == set(shape["properties"]["errors"]["items"]["properties"])
    assert check["errors"][0]["place"] == {"file": "unibuild.lock", "line": 3, "column": 1}
    assert [one["errors"][0]["kind"] for one in document["checks"] if one["errors"]] == [
        "user",
        "host",
    ]
