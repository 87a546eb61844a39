"""V12: independent builders made this very image, each signing its own provenance.

Independent are builders with different ids whose provenances are signed by different parties: by
different keys, or where the trust file names operators, by keys of different operators. Of the pairs of
builder and party as many are counted as can be chosen without using a builder or a party twice. With
``--vsa`` a verification summary is written, for ``unibuild sign``; nothing is written unless it passed.

Facts: ``reason`` (empty when passed; ``too-few``, ``other-image``, ``no-provenance``), ``required``, ``counted``,
``builders`` ([{builder, key}]), ``level`` (the SLSA build level that the evidence shows), ``vsa`` (the file).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unibuild.model.errors import UserError
from unibuild.store.named_files import replace_file
from unibuild.verify.attestation import strict_json, summary, trust
from unibuild.verify.attestation.evidence import gather, image_sha256, other_image, weigh
from unibuild.verify.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unibuild.model.errors import UnibuildError
    from unibuild.verify.attestation.evidence import Weight
    from unibuild.verify.attestation.trust import TrustedKey
    from unibuild.verify.workbench import Bench

ERROR = "not-reproduced"
FEWEST = 2


def run(bench: Bench) -> Outcome:
    """Count the independent builders, and write the summary."""
    required = bench.options.reproduced
    if required < FEWEST:
        raise UserError(
            id="bad-usage",
            cause=f"--reproduced {required} shows nothing: one builder reproduces nobody",
            hint="--reproduced 2",
        )
    if not bench.options.signed_by:
        raise UserError(
            id="bad-usage",
            cause="--reproduced needs the keys of the builders, since anybody can write a provenance",
            hint="add --signed-by KEY for each of them, or --signed-by TRUST.toml",
        )
    demanded = trust.of_options(bench.options.signed_by, 1)
    sha256 = image_sha256(bench)
    found = gather(bench)
    facts: dict[str, Any] = {"required": required, "counted": 0, "builders": []}
    if not found:
        return _failed("no-provenance", _refused("there is no provenance of this image"), facts)
    other = other_image(ERROR, found, sha256)
    if other is not None:
        return _failed("other-image", other, facts)
    weights = [_with_inputs(weigh(one, demanded)) for one in found]
    chosen = independent(weights)
    facts["counted"] = len(chosen)
    facts["builders"] = [
        {"builder": builder, "key": key.name} for builder, key in sorted(chosen.items())
    ]
    if len(chosen) < required:
        cause = f"{len(chosen)} independent builders made this image, and {required} are required"
        return _failed("too-few", _refused(cause, _why(weights)), facts)
    return _passed(bench, sha256, [one for one in weights if one.counted], demanded, facts)


def independent(weights: Sequence[Weight]) -> Mapping[str, TrustedKey]:
    """Return the most builders, each with a key, such that no party vouches for two of them."""
    keys: dict[str, dict[str, TrustedKey]] = {}
    for weight in weights:
        of_builder = keys.setdefault(weight.evidence.provenance.builder_id, {})
        of_builder.update((key.party, key) for key in weight.counted)
    taken: dict[str, str] = {}  # party → builder

    def place(builder: str, tried: set[str]) -> bool:
        for party in sorted(keys[builder]):
            if party in tried:
                continue
            tried.add(party)
            if party not in taken or place(taken[party], tried):
                taken[party] = builder
                return True
        return False

    for builder in sorted(keys):
        place(builder, set())
    return {builder: keys[builder][party] for party, builder in taken.items()}


def _with_inputs(weight: Weight) -> Weight:
    """Return a weight that counts only where the provenance says what the image was made from."""
    if weight.evidence.provenance.dependencies:
        return weight
    words = f"{weight.evidence.shown} names no inputs, so that it does not say what was reproduced"
    return replace(weight, counted=(), refused=(*weight.refused, words))


def _passed(
    bench: Bench,
    sha256: str,
    weights: list[Weight],
    demanded: trust.Trust,
    facts: dict[str, Any],
) -> Outcome:
    facts["level"] = summary.build_level(weights)
    if bench.options.vsa is not None and bench.image is not None:
        name = bench.image.image.name
        made = summary.made(name, sha256, weights, demanded, facts["required"])
        replace_file(bench.options.vsa, strict_json.render(made))
        facts["vsa"] = str(bench.options.vsa)
    commits = {_commit(one) for one in weights}
    differing = ("the builders name different commits, which all give this image",)
    return Outcome(
        "passed",
        f"{facts['counted']} independent builders made this image",
        notes=differing if len(commits) > 1 else (),
        facts={"reason": "", **facts},
    )


def _commit(weight: Weight) -> str:
    source = weight.evidence.provenance.external_parameters.get("source")
    return str(source.get("commit", "")) if isinstance(source, dict) else ""


def _why(weights: Sequence[Weight]) -> tuple[str, ...]:
    """Say of each provenance what it adds."""
    lines: list[str] = []
    for one in weights:
        lines.extend(one.refused)
        lines.extend(
            f"{one.evidence.shown}: {one.evidence.provenance.builder_id}, signed by {key.name}"
            for key in one.counted
        )
    return tuple(lines)


def _refused(cause: str, detail: tuple[str, ...] = ()) -> UserError:
    return UserError(
        id=ERROR,
        cause=cause,
        hint="ask another party to build the same sources, to attest and to sign",
        detail=detail,
    )


def _failed(reason: str, error: UnibuildError, facts: dict[str, Any]) -> Outcome:
    return Outcome("failed", error.cause, (error,), facts={"reason": reason, **facts})
