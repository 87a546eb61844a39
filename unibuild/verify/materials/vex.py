"""VEX documents: statements as OpenVEX 0.2.0 or as CycloneDX 1.6, and both read back.

OpenVEX keeps the evidence in ``status_notes`` and the claims as subcomponents of the product; CycloneDX
keeps them in ``analysis.detail`` and in properties ``unibuild:claim``. A document's id follows from its
content; its time is the caller's.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unibuild import __version__
from unibuild.model.errors import Place, UserError
from unibuild.verify.attestation import strict_json
from unibuild.verify.materials.absence import NO_CODE, NO_COMPONENT, NOT_AFFECTED, UNKNOWN
from unibuild.verify.materials.statements import Product, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unibuild.verify.materials.bill import Bill

CONTEXT = "https://openvex.dev/ns/v0.2.0"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:unibuild:vex")
_CLAIM = "unibuild:claim"
_ABSENT = {NO_CODE, NO_COMPONENT, "code_not_present"}
"""Justifications that the link can prove or refute."""


def product_of(bill: Bill) -> Product:
    """Return the image of a bill as the product of statements."""
    return Product(bill.label, bill.own.purl, bill.hashes.sha256)


def openvex(statements: Sequence[Statement], product: Product, author: str, timestamp: str) -> str:
    """Return an OpenVEX document; ``timestamp`` is in RFC 3339."""
    content = json.dumps([asdict(product), author, [asdict(one) for one in statements]])
    document = {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}",
        "author": author,
        "timestamp": timestamp,
        "version": 1,
        "tooling": f"unibuild {__version__}",
        "statements": [_openvex_statement(one, product) for one in statements],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _openvex_statement(one: Statement, product: Product) -> dict[str, Any]:
    vulnerability: dict[str, Any] = {"name": one.vulnerability}
    if one.aliases:
        vulnerability["aliases"] = list(dict.fromkeys(one.aliases))
    shown: dict[str, Any] = {
        "@id": product.purl or f"urn:sha256:{product.sha256}",
        "hashes": {"sha-256": product.sha256},
    }
    if product.purl:
        shown["identifiers"] = {"purl": product.purl}
    if one.claims:
        shown["subcomponents"] = [
            {"@id": claim, "identifiers": {"purl": claim}} for claim in dict.fromkeys(one.claims)
        ]
    statement: dict[str, Any] = {
        "vulnerability": vulnerability,
        "products": [shown],
        "status": one.status,
    }
    if one.justification:
        statement["justification"] = one.justification
    statement["status_notes"] = one.words
    return statement


def cyclonedx(statements: Sequence[Statement], bill: Bill) -> str:
    """Return a CycloneDX document that holds the statements; it has no time."""
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.impact_analysis import (
        ImpactAnalysisJustification,
        ImpactAnalysisState,
    )
    from cyclonedx.model.vulnerability import BomTarget, Vulnerability, VulnerabilityAnalysis

    from unibuild.verify.materials.cyclonedx import serialized, subject

    image = subject(bill)
    content = json.dumps([bill.serial.hex, [asdict(one) for one in statements]])
    document = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, content),
        metadata=BomMetaData(component=image),
        vulnerabilities=[
            Vulnerability(
                bom_ref=f"vulnerability:{number}",
                id=one.vulnerability,
                analysis=VulnerabilityAnalysis(
                    state=ImpactAnalysisState.NOT_AFFECTED
                    if one.status == NOT_AFFECTED
                    else ImpactAnalysisState.IN_TRIAGE,
                    justification=ImpactAnalysisJustification.CODE_NOT_PRESENT
                    if one.status == NOT_AFFECTED
                    else None,
                    detail=one.words,
                ),
                affects=[BomTarget(ref=str(image.bom_ref.value))],
                properties=[Property(name=_CLAIM, value=claim) for claim in one.claims],
            )
            for number, one in enumerate(statements)
        ],
    )
    return serialized(document)


def read(path: Path, shown: str) -> tuple[tuple[Product, Statement], ...]:
    """Read the statements of a document of either kind, each with its product.

    ``UserError`` ``bad-vex`` for anything else; a product's unknown fields are empty.
    """
    value = _parsed(path, shown)
    try:
        if isinstance(value, dict) and str(value.get("@context", "")).startswith(
            "https://openvex.dev/ns"
        ):
            return tuple(_of_openvex(value))
        if isinstance(value, dict) and value.get("bomFormat") == "CycloneDX":
            return tuple(_of_cyclonedx(value))
    except (KeyError, TypeError, AttributeError) as error:
        missing = f" (at {error})" if isinstance(error, KeyError) else ""
        raise _bad(shown, f"has a statement that is not whole{missing}") from None
    raise _bad(shown, "is neither OpenVEX nor CycloneDX")


def _parsed(path: Path, shown: str) -> object:
    """Return the JSON of a document, which may be a stranger's."""
    data = strict_json.read_bytes(path)
    try:
        return strict_json.parse(data, shown)
    except UserError as error:
        raise _bad(shown, error.cause.removeprefix(f"{shown} "), error.place) from None


def claims_absence(statement: Statement) -> bool:
    """Tell whether a statement says that code is not in the product."""
    return statement.status == NOT_AFFECTED and statement.justification in _ABSENT


def _of_openvex(document: dict[str, Any]) -> Iterator[tuple[Product, Statement]]:
    for one in document["statements"]:
        vulnerability = one["vulnerability"]
        for product in one.get("products", ({},)):
            identifiers, hashes = product.get("identifiers", {}), product.get("hashes", {})
            parts = product.get("subcomponents", ())
            yield (
                Product(
                    "",
                    _text(identifiers.get("purl", product.get("@id", ""))),
                    _text(hashes.get("sha-256", "")),
                ),
                Statement(
                    _text(vulnerability["name"]),
                    tuple(map(_text, vulnerability.get("aliases", ()))),
                    _text(one["status"]),
                    _text(one.get("justification", "")),
                    _text(one.get("status_notes", one.get("impact_statement", ""))),
                    tuple(
                        _text(part.get("identifiers", {}).get("purl") or part["@id"])
                        for part in parts
                    ),
                ),
            )


def _of_cyclonedx(document: dict[str, Any]) -> Iterator[tuple[Product, Statement]]:
    subject = document["metadata"]["component"]
    hashes = {one["alg"]: one["content"] for one in subject.get("hashes", ())}
    product = Product(
        _text(subject["name"]), _text(subject.get("purl", "")), _text(hashes.get("SHA-256", ""))
    )
    for one in document.get("vulnerabilities", ()):
        analysis = one.get("analysis", {})
        state = _text(analysis.get("state", ""))
        claims = [
            _text(entry["value"]) for entry in one.get("properties", ()) if entry["name"] == _CLAIM
        ]
        yield (
            product,
            Statement(
                _text(one["id"]),
                (),
                NOT_AFFECTED if state in {NOT_AFFECTED, "false_positive"} else UNKNOWN,
                _text(analysis.get("justification", "")),
                _text(analysis.get("detail", "")),
                tuple(claims),
            ),
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _bad(shown: str, what: str, place: Place | None = None) -> UserError:
    return UserError(
        "bad-vex",
        f"{shown} {what}",
        place or Place(shown),
        "'unibuild vex LABEL --vulnerabilities FILE' writes documents that can be checked",
    )
