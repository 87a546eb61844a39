"""V14: what a VEX document calls absent is absent by the link map.

Every statement of the document about this image that says that code is not present is judged again, from
the link that the image was packed from. The document is the bench's option ``absent``.

``facts``: ``{"statements", "about": other images, "checked": [{vulnerability, status, words}]}``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.image import manifest as manifests
from unibuild.image import manifest_shape
from unibuild.model.errors import HostError, UserError
from unibuild.verify import ordinary
from unibuild.verify.attestation.strict_json import printable, shown_path
from unibuild.verify.materials import inclusions, reach, relink, statements, vex
from unibuild.verify.materials.absence import (
    NO_CODE,
    NO_COMPONENT,
    NOT_AFFECTED,
    Contents,
    judge,
)
from unibuild.verify.materials.bill import Hashes
from unibuild.verify.outcome import Outcome

if TYPE_CHECKING:
    from unibuild.verify.materials.statements import Product, Statement
    from unibuild.verify.workbench import ImageFiles, Workbench

_ID = "absence-unproven"


def run(bench: Workbench) -> Outcome:
    """Judge every statement of the document."""
    if bench.image is None:
        raise UserError(
            "not-an-image",
            f"{bench.label} is no image, so nothing is absent from it",
            hint="name a unikernel_image target",
        )
    if bench.options.absent is None:
        error = HostError("no-vex", "no VEX document is given", hint="name one: --absent FILE")
        return Outcome("not-done", "no VEX document is given", (error,))
    stated = vex.read(bench.options.absent, shown_path(bench.options.absent))
    bench.progress.step("reading the link")
    manifest = manifests.read(bench.image.manifest)
    manifest_shape.check(manifest, bench.image.manifest.name)
    image, notes = _contents(bench, bench.image, manifest)
    own = next((one["purl"] for one in manifest["components"] if one["kind"] == "image"), "")
    sha256 = Hashes.of(bench.image.image.read_bytes()).sha256
    here = [one for product, one in stated if _is_this(product, own, sha256, bench.label)]
    claimed = [one for one in here if vex.claims_absence(one)]
    bench.progress.step("judging the statements")
    judged = [(one, *_judge(one, image)) for one in claimed]
    errors = [_error(one, words) for one, proven, words in judged if not proven]
    if not here:
        errors.append(
            UserError(
                _ID,
                f"{bench.options.absent} says nothing of this image, sha256:{sha256}",
                hint="write one for it: unibuild vex LABEL --vulnerabilities FILE",
            )
        )
    facts = {
        "statements": len(stated),
        "about": len(stated) - len(here),
        "checked": [
            {
                "vulnerability": one.vulnerability,
                "status": "proven" if proven else "unproven",
                "words": words,
            }
            for one, proven, words in judged
        ],
    }
    if errors:
        words = errors[0].cause if len(errors) == 1 else f"{len(errors)} claims are not proven"
        return Outcome("failed", words, tuple(errors), notes, facts)
    words = f"{len(claimed)} of {len(here)} statements claim absence, all proven"
    if not claimed:
        words = f"none of {len(here)} statements claims absence"
    return Outcome("passed", words, notes=notes, facts=facts)


def _contents(
    bench: Workbench, files: ImageFiles, manifest: manifests.Manifest
) -> tuple[Contents, tuple[str, ...]]:
    """Return what is in the image, by the link itself where that is in the cache."""
    notes: list[str] = []
    try:
        again = relink.packed(bench, str(manifest["sandbox"]))
    except HostError as error:
        symbols = files.symbols.read_text("utf-8")
        notes.append(f"judged by the manifest, not by the link: {error.cause}")
    else:
        manifest, symbols = json.loads(again[".manifest.json"]), again[".symbols"].decode()
    found = None
    try:
        found = inclusions.of_image(
            bench.workspace, bench.cache_root, manifest, bench.progress.note
        )
    except HostError as error:
        notes.append(f"nothing is said of sources: {error.cause}")
    at_hand = reach.readers(ordinary.kept(bench).plan)
    return Contents.of(manifest, symbols, found, at_hand), tuple(notes)


def _is_this(product: Product, purl: str, sha256: str, label: str) -> bool:
    """Whether a statement's product is the image at hand: by digest, else by name."""
    if product.sha256:
        return product.sha256.lower() == sha256
    return (bool(product.purl) and product.purl == purl) or product.label == label


def _judge(statement: Statement, image: Contents) -> tuple[bool, str]:
    """Return whether a statement's claim is proven, and why or why not."""
    if not statement.claims:
        return False, "it names no package whose absence could be proven"
    try:
        parts = statements.affected_by(statement.claims)
    except (ValueError, UserError) as error:
        return False, f"it names what cannot be read: {error}"
    found = [judge(part, image) for part in parts]
    unproven = [one.words for one in found if one.status != NOT_AFFECTED]
    if statement.justification == NO_COMPONENT:
        there = [one.origin for one in found if one.justification == NO_CODE]
        unproven += [f"{origin} is in the image, though without that code" for origin in there]
    return not unproven, "; ".join(unproven or [one.words for one in found])


def _error(statement: Statement, words: str) -> UserError:
    return UserError(
        _ID,
        f"{printable(statement.vulnerability)} is said to be `{statement.justification}`, "
        f"which is not proven: {printable(words)}",
        hint="say `under_investigation`, or leave the code out",
    )
