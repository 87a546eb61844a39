"""Statements on vulnerabilities of one image: made from what is proven, and read back from VEX documents.

A statement names what it is about so that it can be checked again: each *claim* is a package URL, whose
qualifier ``vers`` holds a range of versions, ``function`` a function and whose subpath is a source:

    pkg:deb/debian/musl?vers=vers:deb/%3C1.2.2#src/multibyte/wcsnrtombs.c
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packageurl import PackageURL

from unibuild.verify.materials import versions
from unibuild.verify.materials.absence import NOT_AFFECTED, UNKNOWN, judge
from unibuild.verify.materials.vulnerabilities import Affected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.verify.materials.absence import Contents
    from unibuild.verify.materials.vulnerabilities import Vulnerability


@dataclass(frozen=True, slots=True)
class Product:
    """The image that statements are about: label, package URL (may be empty), SHA-256 in hex."""

    label: str
    purl: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of one vulnerability; ``claims`` are package URLs, ``words`` the evidence."""

    vulnerability: str
    aliases: tuple[str, ...]
    status: str
    justification: str
    words: str
    claims: tuple[str, ...]


def state(vulnerabilities: Iterable[Vulnerability], image: Contents) -> tuple[Statement, ...]:
    """Return a statement on each vulnerability, in the order of the file.

    One that has several affected packages is ``not_affected`` when each of them is proven absent.
    """
    found = []
    for one in vulnerabilities:
        judged = [(part, judge(part, image)) for part in one.affected]
        open_ones = [(part, finding) for part, finding in judged if finding.status != NOT_AFFECTED]
        kinds = {finding.justification for _, finding in judged}
        status = NOT_AFFECTED if judged and not open_ones else UNKNOWN
        told = judged if status == NOT_AFFECTED else open_ones
        words = "; ".join(dict.fromkeys(finding.words for _, finding in told))
        found.append(
            Statement(
                one.id,
                one.aliases,
                status,
                # The stronger of two claims would not hold for all packages, the weaker one does.
                ("" if status == UNKNOWN else max(kinds)),
                words or "no affected package is named",
                tuple(claim for part, _ in told for claim in claims(part)),
            )
        )
    return tuple(found)


def claims(affected: Affected) -> tuple[str, ...]:
    """Return one package URL for each source and function of an affected package."""
    url = PackageURL.from_string(affected.purl)
    qualifiers = {}
    if affected.range:
        qualifiers["vers"] = f"vers:{url.type}/{versions.render(affected.range)}"
    parts: list[tuple[dict[str, str], str | None]]
    parts = [(qualifiers, file) for file in affected.files]
    parts += [({**qualifiers, "function": name}, None) for name in affected.functions]
    return tuple(
        PackageURL(url.type, url.namespace, url.name, None, more, file).to_string()
        for more, file in (parts or [(qualifiers, None)])
    )


def affected_by(claims_: Iterable[str]) -> tuple[Affected, ...]:
    """Return what claims are about, one entry a package; ``ValueError`` for what is no package URL.

    Raises ``UserError`` ``bad-version-range`` as well.
    """
    found: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for claim in claims_:
        url = PackageURL.from_string(claim)
        qualifiers = dict(url.qualifiers)
        range_ = qualifiers.get("vers", f"={url.version}" if url.version else "")
        key = (PackageURL(url.type, url.namespace, url.name).to_string(), range_)
        files, functions = found.setdefault(key, ([], []))
        if url.subpath:
            files.append(url.subpath)
        if "function" in qualifiers:
            functions.append(qualifiers["function"])
    return tuple(
        Affected(purl, versions.parse(range_), tuple(files), tuple(functions))
        for (purl, range_), (files, functions) in found.items()
    )
