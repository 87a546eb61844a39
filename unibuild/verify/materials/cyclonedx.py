"""A bill of materials as CycloneDX 1.6 JSON (ECMA-424).

The image is the document's subject. Its parts are the components, with the SHA-256 and SHA-512 of their
bytes in the boot file and, as evidence, where these bytes are. Packages that parts were made from are
components too, with the digests of their locked files; tools have the scope ``excluded``: they made the
image and are not in it. A time is written only when the caller states one, and the serial number follows
from the content.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.license import LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from unibuild import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.verify.materials.bill import Bill, Hashes, Package, Part

_PREFIX = "unibuild"


def render(bill: Bill, created: int | None = None) -> str:
    """Return the document's text; ``created`` is in seconds since 1970, None for no time."""
    return serialized(bom(bill), created)


def serialized(document: Bom, created: int | None = None) -> str:
    """Return the text of a document, with the time ``created`` instead of that of the library."""
    fields = json.loads(JsonV1Dot6(document).output_as_string())
    fields["metadata"].pop("timestamp", None)
    if created is not None:
        time = dt.datetime.fromtimestamp(created, dt.UTC)
        fields["metadata"]["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def bom(bill: Bill) -> Bom:
    """Return the document as the library's own record."""
    image = subject(bill)
    packages = {one.purl: _package(one, "package") for one in bill.packages}
    tools = [_package(one, "tool", ComponentScope.EXCLUDED) for one in bill.tools]
    parts = [_part(one, bill) for one in bill.parts]
    files = [
        Component(
            name=one.path,
            type=ComponentType.FILE,
            bom_ref=f"file:{one.path}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one.sha256)],
            properties=_properties(size=[one.size]),
        )
        for one in bill.files
    ]
    document = Bom(
        components=[*parts, *files, *packages.values(), *tools],
        serial_number=bill.serial,
        metadata=BomMetaData(
            component=image,
            tools=ToolRepository(
                components=[
                    Component(name="unibuild", version=__version__, type=ComponentType.APPLICATION)
                ]
            ),
        ),
    )
    document.register_dependency(image, parts)
    document.register_dependency(parts[0], files)
    for part, component in zip(bill.parts, parts, strict=True):
        made_from = [packages[purl] for purl in part.origins if purl in packages]
        document.register_dependency(component, made_from)
    return document


def subject(bill: Bill) -> Component:
    """Return the image as a component: what the document is about."""
    return Component(
        name=bill.label,
        version=f"sha256:{bill.hashes.sha256}",
        type=ComponentType.APPLICATION,
        bom_ref=f"image:{bill.label}",
        hashes=_hashes(bill.hashes),
        properties=_properties(
            file=[bill.file],
            size=[bill.size],
            identity=[bill.identity] if bill.identity else [],
            assembler=[bill.assembler],
            architecture=[bill.architecture],
        ),
    )


def _part(part: Part, bill: Bill) -> Component:
    purl = _purl(part.purl)
    return Component(
        name=part.label,
        version=purl.version if purl else None,
        type=ComponentType.APPLICATION if part.kind == "program" else ComponentType.LIBRARY,
        bom_ref=f"part:{part.label}",
        scope=ComponentScope.REQUIRED,
        description=part.description or None,
        hashes=_hashes(part.hashes),
        licenses=_license(part.license),
        purl=purl,
        evidence=ComponentEvidence(
            occurrences=[
                Occurrence(
                    bom_ref=f"range:{offset}",
                    location=bill.file,
                    offset=offset,
                    additional_context=f"{size} bytes",
                )
                for offset, size in part.ranges
            ]
        )
        if part.ranges
        else None,
        properties=_properties(
            kind=[part.kind] if part.kind else [],
            bytes=[sum(size for _, size in part.ranges)],
            zeroed=[part.zeroed],
            archive=part.archives,
            origin=part.origins,
        ),
    )


def _package(package: Package, role: str, scope: ComponentScope | None = None) -> Component:
    purl = _purl(package.purl)
    return Component(
        name=purl.name if purl else package.purl,
        group=purl.namespace if purl else None,
        version=purl.version if purl else None,
        type=ComponentType.APPLICATION if role == "tool" else ComponentType.LIBRARY,
        bom_ref=f"{role}:{package.purl}",
        scope=scope,
        licenses=_license(package.license),
        purl=purl,
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(file.name),
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)],
            )
            for file in package.files
        ],
        properties=_properties(role=["build tool" if role == "tool" else "source"]),
    )


def _hashes(hashes: Hashes) -> list[HashType]:
    return [
        HashType(alg=HashAlgorithm.SHA_256, content=hashes.sha256),
        HashType(alg=HashAlgorithm.SHA_512, content=hashes.sha512),
    ]


def _license(expression: str) -> list[LicenseExpression]:
    return [LicenseExpression(expression)] if expression else []


def _purl(text: str) -> PackageURL | None:
    return PackageURL.from_string(text) if text else None


def _properties(**named: Iterable[object]) -> list[Property]:
    return [
        Property(name=f"{_PREFIX}:{name}", value=str(value))
        for name, values in named.items()
        for value in values
    ]
