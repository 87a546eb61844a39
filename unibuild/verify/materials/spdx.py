"""A bill of materials as SPDX 2.3 JSON, written by hand: a handful of records.

The document describes the image and holds a package for each part, each external package that parts
were made from, each file of the root file system and each build tool; relationships say which is which.
Where the bytes of a part lie in the boot file is an annotation. SPDX insists on a time of creation:
that of ``SOURCE_DATE_EPOCH``, and without it the one that all outputs of a build have (1980).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packageurl import PackageURL

from unibuild import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.verify.materials.bill import Bill, Package, Part

EPOCH = int(dt.datetime(1980, 1, 1, tzinfo=dt.UTC).timestamp())
_NO_ASSERTION = "NOASSERTION"
_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_IMAGE = "SPDXRef-image"
_RANGES_A_NOTE = 64


@dataclass(frozen=True, slots=True)
class Relationship:
    """``element`` stands in relation ``kind`` to ``related``; both are SPDX ids."""

    element: str
    kind: str
    related: str

    def record(self) -> dict[str, str]:
        """Return the JSON form."""
        return {
            "spdxElementId": self.element,
            "relationshipType": self.kind,
            "relatedSpdxElement": self.related,
        }


def render(bill: Bill, created: int = EPOCH) -> str:
    """Return the document's text; ``created`` is in seconds since 1970."""
    time = dt.datetime.fromtimestamp(created, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps(_document(bill, time), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _document(bill: Bill, time: str) -> dict[str, Any]:
    parts = {f"SPDXRef-part-{number}": part for number, part in enumerate(bill.parts)}
    files = {f"SPDXRef-file-{number}": one for number, one in enumerate(bill.files)}
    packages = {f"SPDXRef-source-{number}": one for number, one in enumerate(bill.packages)}
    tools = {f"SPDXRef-tool-{number}": one for number, one in enumerate(bill.tools)}
    by_purl = {one.purl: name for name, one in packages.items()}
    own = next(iter(parts))
    relationships = [
        Relationship("SPDXRef-DOCUMENT", "DESCRIBES", _IMAGE),
        *(Relationship(_IMAGE, "CONTAINS", name) for name in parts),
        *(Relationship(own, "CONTAINS", name) for name in files),
        *(
            Relationship(name, "GENERATED_FROM", by_purl[purl])
            for name, part in parts.items()
            for purl in part.origins
            if purl in by_purl
        ),
        *(Relationship(name, "BUILD_TOOL_OF", _IMAGE) for name in tools),
    ]
    licenses = [one.license for one in bill.parts]
    licenses += [one.license for one in (*bill.packages, *bill.tools)]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": bill.label,
        "documentNamespace": f"urn:uuid:{bill.serial}",
        "creationInfo": {"created": time, "creators": [f"Tool: unibuild-{__version__}"]},
        "packages": [
            _image(bill),
            *(_part(name, part, time) for name, part in parts.items()),
            *(
                _package(name, one.path, "FILE", [("SHA256", one.sha256)], "")
                for name, one in files.items()
            ),
            *(_external(name, one, "SOURCE") for name, one in packages.items()),
            *(_external(name, one, "APPLICATION") for name, one in tools.items()),
        ],
        "relationships": [one.record() for one in relationships],
        "hasExtractedLicensingInfos": [
            {
                "licenseId": name,
                "name": name,
                "extractedText": f"{name} stands for the terms that the authors of these files declare "
                "under this name; they are not on the SPDX licence list.",
            }
            for name in sorted({found for text in licenses for found in _REFERENCE.findall(text)})
        ],
    }


def _image(bill: Bill) -> dict[str, Any]:
    hashes = [("SHA256", bill.hashes.sha256), ("SHA512", bill.hashes.sha512)]
    return _package(_IMAGE, bill.label, "APPLICATION", hashes, "") | {
        "versionInfo": f"sha256:{bill.hashes.sha256}",
        "packageFileName": bill.file,
    }


def _part(name: str, part: Part, time: str) -> dict[str, Any]:
    hashes = [("SHA256", part.hashes.sha256), ("SHA512", part.hashes.sha512)]
    purpose = "APPLICATION" if part.kind == "program" else "LIBRARY"
    record = _package(name, part.label, purpose, hashes, part.license, part.purl)
    if part.purl and (version := PackageURL.from_string(part.purl).version):
        record["versionInfo"] = version
    if part.description:
        record["summary"] = part.description
    places = [f"{offset}+{size}" for offset, size in part.ranges]
    notes = [
        "bytes of the image (offset+size): " + " ".join(places[at : at + _RANGES_A_NOTE])
        for at in range(0, len(places), _RANGES_A_NOTE)
    ]
    notes += [f"linked from {archive}" for archive in part.archives]
    record["annotations"] = [
        {
            "annotationDate": time,
            "annotationType": "OTHER",
            "annotator": f"Tool: unibuild-{__version__}",
            "comment": note,
        }
        for note in notes
    ]
    return record


def _external(name: str, package: Package, purpose: str) -> dict[str, Any]:
    purl = PackageURL.from_string(package.purl)
    # One checksum an algorithm is all that a package may have: that of its main file.
    hashes = [("SHA256", one.sha256) for one in package.files[:1]]
    record = _package(name, purl.name, purpose, hashes, package.license, package.purl)
    record["versionInfo"] = purl.version
    if package.files:
        record["packageFileName"] = package.files[0].name
        record["sourceInfo"] = "pinned files: " + ", ".join(
            f"{one.name} sha256:{one.sha256}" for one in package.files
        )
    return record


def _package(
    name: str,
    shown: str,
    purpose: str,
    hashes: Iterable[tuple[str, str]],
    license_: str,
    purl: str = "",
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "SPDXID": name,
        "name": shown,
        "primaryPackagePurpose": purpose,
        "downloadLocation": _NO_ASSERTION,
        "filesAnalyzed": False,
        "licenseConcluded": _NO_ASSERTION,
        "licenseDeclared": license_ or _NO_ASSERTION,
        "copyrightText": _NO_ASSERTION,
        "checksums": [
            {"algorithm": algorithm, "checksumValue": value} for algorithm, value in hashes
        ],
    }
    if purl:
        record["externalRefs"] = [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": PackageURL.from_string(purl).to_string(),
            }
        ]
    return record
