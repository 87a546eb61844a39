"""V9: enough of the keys that the user named signed the provenance of this image.

Every provenance at hand (``--provenance``, else the one beside the image) has to be of this image and
has to carry a signature that counts; over all of them, at least ``--threshold`` distinct keys signed.

Facts: ``reason`` (empty when passed: ``unsigned``, ``key-unknown``, ``signature-invalid``, ``key-expired``,
``key-of-another-builder``, ``threshold-not-met``, ``other-image``, ``no-provenance``), ``threshold``,
``signers`` (names), ``provenances`` ([{file, builder, signers}]).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unibuild.model.errors import UserError
from unibuild.verify.attestation import trust
from unibuild.verify.attestation.evidence import gather, image_sha256, other_image, weigh
from unibuild.verify.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.model.errors import UnibuildError
    from unibuild.verify.attestation.evidence import Weight
    from unibuild.verify.attestation.trust import Trust
    from unibuild.verify.workbench import Bench

ERROR = "signature-refused"


def run(bench: Bench) -> Outcome:
    """Check the signatures."""
    demanded = trust.of_options(bench.options.signed_by, bench.options.threshold)
    sha256 = image_sha256(bench)
    found = gather(bench)
    if not found:
        return _failed(
            "no-provenance",
            _refused("there is no provenance of this image, so nobody signed one", ()),
            {},
        )
    weights = [weigh(one, demanded) for one in found]
    facts = facts_of(weights, demanded)
    other = other_image(ERROR, found, sha256)
    if other is not None:
        return _failed("other-image", other, facts)
    reason, error = verdict(ERROR, weights, demanded)
    if error is not None:
        return _failed(reason, error, facts)
    names = facts["signers"]
    return Outcome("passed", f"signed by {', '.join(names)}", facts={"reason": "", **facts})


def verdict(
    identifier: str, weights: Sequence[Weight], demanded: Trust
) -> tuple[str, UserError | None]:
    """Return why the signatures are not enough, as a word and as an error, or nothing."""
    words = tuple(line for weight in weights for line in weight.refused)
    for weight in weights:
        if not weight.counted:
            shown = weight.evidence.shown
            cause = {
                "unsigned": f"{shown} is not signed, and a signature is required",
                "key-unknown": f"{shown} is signed by none of the keys that were named",
                "signature-invalid": f"{shown} was changed after it was signed",
                "key-expired": f"{shown} is signed by a key that has expired",
                "key-of-another-builder": f"{shown} is signed by a key of another builder",
            }[weight.reason]
            return weight.reason, _refused(cause, words, identifier)
    signers = _signers(weights)
    if len(signers) < demanded.threshold:
        cause = f"{len(signers)} of the named keys signed, and {demanded.threshold} are required"
        more = (f"signed by: {', '.join(signers)}", *words)
        return "threshold-not-met", _refused(cause, more, identifier)
    return "", None


def facts_of(weights: Sequence[Weight], demanded: Trust) -> dict[str, Any]:
    """Return who signed what."""
    return {
        "threshold": demanded.threshold,
        "signers": _signers(weights),
        "provenances": [
            {
                "file": weight.evidence.shown,
                "builder": weight.evidence.provenance.builder_id,
                "signers": [key.name for key in weight.counted],
            }
            for weight in weights
        ],
    }


def _signers(weights: Sequence[Weight]) -> list[str]:
    """Return the names of the distinct keys that count."""
    return list({key.key.keyid: key.name for one in weights for key in one.counted}.values())


def _refused(cause: str, detail: tuple[str, ...], identifier: str = ERROR) -> UserError:
    return UserError(
        id=identifier,
        cause=cause,
        hint="get it signed with 'unibuild sign', or name the key that signed it",
        detail=detail,
    )


def _failed(reason: str, error: UnibuildError, facts: dict[str, Any]) -> Outcome:
    return Outcome("failed", error.cause, (error,), facts={"reason": reason, **facts})
