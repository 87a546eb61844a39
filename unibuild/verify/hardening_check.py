"""V17: the image keeps the static rules of its hardening profile (``unibuild.verify.hardening``).

Every rule is looked at, whatever the profile; those that the profile does not ask for are reported and
do not fail the check.

``facts``: ``{"profile": "base", "rules": [{id, property, profile, result, reason, evidence}]}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.elf.layout import MalformedElfError
from unibuild.image import manifest as manifests
from unibuild.image.root_archive import list_root_archive
from unibuild.model.errors import HostError, UserError
from unibuild.store.digests import Digest
from unibuild.verify.hardening import commands
from unibuild.verify.hardening.evidence import Evidence, read_elf
from unibuild.verify.hardening.rule import PROFILES, Finding, Profile, Rule, asked, rules
from unibuild.verify.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from unibuild.execution.plan import Plan
    from unibuild.execution.values import Value
    from unibuild.verify.workbench import ImageFiles, Workbench

_ROOT_START, _ROOT_END = "ub_image_root_start", "ub_image_root_end"


def run(bench: Workbench) -> Outcome:
    """Look at every rule; the profile is the bench's option ``hardening``."""
    profile = _profile(bench.options.hardening)
    if bench.image is None:
        raise UserError(
            "not-an-image",
            f"{bench.label} is no image, so it has no hardening profile",
            hint="name a unikernel_image target",
        )
    bench.progress.step("reading the image")
    try:
        evidence = gather(bench, bench.image)
    except HostError as error:
        return Outcome("not-done", "the linked file is not here", (error,))
    except MalformedElfError as error:
        wrong = UserError(
            "hardening-missing", f"{bench.image.image.name}: {error}", hint="build the image again"
        )
        return Outcome("failed", "the image cannot be read", (wrong,))
    return judge(evidence, profile)


def judge(evidence: Evidence, profile: Profile) -> Outcome:
    """Return what the rules find; those of ``profile`` have to hold."""
    found = [(one, one.look(evidence)) for one in rules()]
    wanted = asked(profile)
    broken = [
        (one, finding)
        for one, finding in found
        if one.profile in wanted and finding.result == "failed"
    ]
    facts = {"profile": profile, "rules": [_fact(one, finding) for one, finding in found]}
    others = ", ".join(
        f"{one.property} ({one.id})"
        for one, finding in found
        if one.profile not in wanted and finding.result == "failed"
    )
    notes = (f"not kept, and not asked for by `{profile}`: {others}",) if others else ()
    counted = [finding.result for one, finding in found if one.profile in wanted]
    words = f"{counted.count('passed')} of {len(counted)} rules of `{profile}` hold"
    idle = counted.count("not-applicable")
    words += f", {idle} not applicable" if idle else ""
    if not broken:
        return Outcome("passed", words, notes=notes, facts=facts)
    errors = tuple(_error(evidence.label, one, finding) for one, finding in broken)
    return Outcome("failed", words, errors, notes, facts)


def gather(bench: Workbench, image: ImageFiles) -> Evidence:
    """Read what the rules look at.

    Raises ``HostError`` when the linked file is not in the cache, ``MalformedElfError``.
    """
    from unibuild.verify import ordinary

    kept = ordinary.kept(bench)
    link = commands.linking(kept.plan, bench.label)
    manifest = manifests.read(image.manifest)
    linked = _linked(bench, kept.plan, kept.values, link.linked)
    return assemble(bench.label, image.image, linked, manifest, link)


def assemble(
    label: str,
    boot: Path,
    linked: bytes,
    manifest: manifests.Manifest,
    link: commands.Linking,
) -> Evidence:
    """Put the evidence together from the files' contents."""
    file = read_elf(linked)
    start, end = (file.symbols.get(name) for name in (_ROOT_START, _ROOT_END))
    root = b""
    if start is not None and end is not None and end.address > start.address:
        root = file.content(start.address, end.address - start.address) or b""
    present = {one["label"] for one in manifest["components"]}
    return Evidence(
        label=label,
        boot=read_elf(boot.read_bytes()),
        linked=file,
        manifest=manifest,
        files=dict(list_root_archive(root)),
        compiled=tuple(one for one in link.compiled if one.label in present),
        link_arguments=link.arguments,
    )


def _linked(bench: Workbench, plan: Plan, values: list[Value | None], artifact: int) -> bytes:
    from unibuild.store.cache import Cache

    value = values[artifact]
    cache = Cache(str(bench.cache_root), bench.workspace.digest_function, bench.progress.note)
    try:
        content = cache.content.read(Digest(value[0], value[1])) if value is not None else None
    finally:
        cache.close()
    if content is None:
        raise HostError(
            "linked-file-missing",
            f"the file that {bench.label} was packed from is not in the cache",
            hint=f"fetch it: unibuild build --download=all {bench.label} ({plan.paths[artifact]})",
        )
    return content


def _profile(name: str) -> Profile:
    for known in PROFILES:
        if known == name:
            return known
    raise UserError(
        "bad-hardening-profile",
        f"`{name}` is no hardening profile",
        hint=f"one of: {', '.join(PROFILES)}",
    )


def _error(label: str, one: Rule, finding: Finding) -> UserError:
    return UserError(
        "hardening-missing",
        f"{label} breaks {one.id}, {one.property}: {finding.reason}",
        hint="the rule and its reason are in docs/hardening.md",
        detail=finding.evidence,
    )


def _fact(one: Rule, finding: Finding) -> Mapping[str, object]:
    return {
        "id": one.id,
        "property": one.property,
        "profile": one.profile,
        "result": finding.result,
        "reason": finding.reason,
        "evidence": list(finding.evidence),
    }
