"""SLSA verification summaries v1: what a verifier found about an image, for those who trust the verifier.

``verifiedLevels`` says no more than the evidence: the highest SLSA build level that a trusted key gives
to a builder of this image (1 for every local unibuild), and ``SLSA_BUILD_REPRODUCED`` when independent
builders made the same bytes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import unibuild
from unibuild.verify.attestation import statement
from unibuild.verify.attestation.strict_json import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unibuild.verify.attestation.evidence import Weight
    from unibuild.verify.attestation.trust import Trust

VERIFIER = "urn:unibuild:verifier:local"
POLICY = "urn:unibuild:policy:reproduced:1"
REPRODUCED = "SLSA_BUILD_REPRODUCED"
SLSA_VERSION = "1.2"


def build_level(weights: Iterable[Weight]) -> int:
    """Return the highest SLSA build level that signed provenance shows; at least 1, since there is some."""
    return max(
        (
            key.level_of(weight.evidence.provenance.builder_id)
            for weight in weights
            for key in weight.counted
        ),
        default=1,
    )


def made(
    name: str, sha256: str, weights: Sequence[Weight], demanded: Trust, required: int
) -> dict[str, Any]:
    """Return the summary of an image that ``required`` independent builders reproduced."""
    predicate = {
        "verifier": {"id": VERIFIER, "version": {"unibuild": unibuild.__version__}},
        "timeVerified": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resourceUri": _resource(weights, sha256),
        "policy": {"uri": POLICY, "digest": {"sha256": _policy_digest(demanded, required)}},
        "inputAttestations": [{"digest": {"sha256": one.evidence.sha256}} for one in weights],
        "verificationResult": "PASSED",
        "verifiedLevels": [f"SLSA_BUILD_LEVEL_{build_level(weights)}", REPRODUCED],
        "slsaVersion": SLSA_VERSION,
    }
    subject = {"name": name, "digest": {"sha256": sha256}}
    return statement.made([subject], statement.SUMMARY, predicate)


def _resource(weights: Sequence[Weight], sha256: str) -> str:
    """Name the image by its label, where all provenances agree on one, else by its digest."""
    labels = {one.evidence.provenance.external_parameters.get("label") for one in weights}
    label = labels.pop() if len(labels) == 1 else None
    if isinstance(label, str) and label:
        return f"urn:unibuild:image:{quote(label, safe='/:@+=~')}"
    return f"urn:unibuild:image-digest:sha256:{sha256}"


def _policy_digest(demanded: Trust, required: int) -> str:
    """Return the digest of what was demanded: how many builders, and whose keys for which of them."""
    rules = {
        "reproduced": required,
        "keys": [
            {
                "keyid": key.key.keyid,
                "builders": sorted(key.builders),
                "operator": key.operator,
                "level": key.level,
            }
            for key in sorted(demanded.keys, key=lambda key: key.key.keyid)
        ],
    }
    return hashlib.sha256(canonical(rules)).hexdigest()
