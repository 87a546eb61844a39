"""V10: the provenance of this image says what the policy expects.

Every provenance at hand has to be of this image and to keep the whole policy. Where the policy (or else
``--signed-by``) names keys, they have to have signed as for V9. Where nobody names any, what is checked is
only what the provenance claims, and a note says so.

Facts: ``reason`` (empty when passed; ``builder``, ``build-type``, ``source``, ``source-dirty``, ``parameter``,
``sandbox``, ``other-image``, ``no-provenance``, or one of V9's), ``violations`` ([{file, rule, words}]),
``signed`` (whether keys were demanded), and V9's ``threshold``, ``signers``, ``provenances`` where they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unibuild.model.errors import UserError
from unibuild.verify import signed
from unibuild.verify.attestation import policy as policies
from unibuild.verify.attestation import trust
from unibuild.verify.attestation.evidence import gather, image_sha256, other_image, weigh
from unibuild.verify.outcome import Outcome

if TYPE_CHECKING:
    from unibuild.model.errors import UnibuildError
    from unibuild.verify.workbench import Bench

ERROR = "policy-refused"
_UNSIGNED = "no key was demanded: the policy was held against what the provenance claims of itself"


def run(bench: Bench) -> Outcome:
    """Check the policy."""
    path = bench.options.policy
    if path is None:
        raise UserError(
            id="bad-usage", cause="the policy check needs --policy FILE", hint="--policy FILE"
        )
    policy, demanded = policies.read(path)
    if demanded is None and bench.options.signed_by:
        demanded = trust.of_options(bench.options.signed_by, bench.options.threshold)
    sha256 = image_sha256(bench)
    found = gather(bench)
    facts: dict[str, Any] = {"signed": demanded is not None, "violations": []}
    if not found:
        return _failed("no-provenance", _refused("there is no provenance of this image"), facts)
    other = other_image(ERROR, found, sha256)
    if other is not None:
        return _failed("other-image", other, facts)
    if demanded is not None:
        weights = [weigh(one, demanded) for one in found]
        facts.update(signed.facts_of(weights, demanded))
        reason, error = signed.verdict(ERROR, weights, demanded)
        if error is not None:
            return _failed(reason, error, facts)
    facts["violations"] = [
        {"file": one.shown, "rule": rule, "words": words}
        for one in found
        for rule, words in policies.violations(policy, one.provenance)
    ]
    if facts["violations"]:
        first = facts["violations"][0]
        detail = tuple(f"{each['file']}: {each['words']}" for each in facts["violations"])
        return _failed(first["rule"], _refused(first["words"], detail), facts)
    notes = () if demanded else (_UNSIGNED,)
    builders = ", ".join(dict.fromkeys(one.provenance.builder_id for one in found))
    return Outcome(
        "passed", f"as expected, by {builders}", notes=notes, facts={"reason": "", **facts}
    )


def _refused(cause: str, detail: tuple[str, ...] = ()) -> UserError:
    return UserError(
        id=ERROR,
        cause=cause,
        hint="build it as the policy expects, or change the policy if this is what you expect",
        detail=detail,
    )


def _failed(reason: str, error: UnibuildError, facts: dict[str, Any]) -> Outcome:
    return Outcome("failed", error.cause, (error,), facts={"reason": reason, **facts})
