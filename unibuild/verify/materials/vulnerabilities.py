"""Vulnerabilities as a user lists them: our own form in TOML or JSON, or records of OSV.

    [[vulnerability]]
    id = "CVE-2020-28928"
    summary = "wcsnrtombs writes beyond its buffer"
    [[vulnerability.affected]]
    purl = "pkg:deb/debian/musl"
    versions = "<1.2.2"
    files = ["src/multibyte/wcsnrtombs.c"]
    functions = ["wcsnrtombs"]

``files`` are sources of the package, ``functions`` those with external linkage; the code that is at fault
is all of it in each file named, or in each function named. JSON has the same names. Of an OSV record
``affected[].package.purl``, ``versions`` and ``ranges`` are read, and ``files`` and ``functions`` of
``ecosystem_specific`` or ``database_specific``, where a record carries them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from unibuild.loading.toml_file import decode, parse_toml, read_bytes
from unibuild.loading.validation import validation_errors
from unibuild.model.errors import ErrorGroup, Place, UserError
from unibuild.verify.materials import versions

if TYPE_CHECKING:
    from unibuild.verify.materials.versions import Constraint

_Strings = Annotated[tuple[str, ...], Strict(strict=False)]
_OPEN = ("0", "")


@dataclass(frozen=True, slots=True)
class Affected:
    """One package that a vulnerability is in; ``purl`` has no version; no ``range`` means all versions."""

    purl: str
    range: tuple[Constraint, ...] = ()
    files: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability, under its id."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    affected: tuple[Affected, ...]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _AffectedTable(_Table):
    purl: str = Field(description="Package URL of the package, such as `pkg:deb/debian/musl`.")
    versions: str = Field("", description="Range of versions, such as `>=1.1|<1.2.2`.")
    files: _Strings = Field((), description="Sources of the package.")
    functions: _Strings = Field((), description="Functions with external linkage.")


class _VulnerabilityTable(_Table):
    id: str = Field(description="Id, such as `CVE-2020-28928`.")
    aliases: _Strings = Field((), description="Further ids.")
    summary: str = Field("", description="One sentence.")
    affected: Annotated[tuple[_AffectedTable, ...], Strict(strict=False)] = Field(
        description="The packages that it is in."
    )


class _File(_Table):
    vulnerability: Annotated[tuple[_VulnerabilityTable, ...], Strict(strict=False)] = Field(
        description="The vulnerabilities."
    )


def read(path: Path, shown: str) -> tuple[Vulnerability, ...]:
    """Read the file at ``path``; ``UserError`` with its place when it is none of the known forms."""
    text = decode(read_bytes(path, shown), shown)
    if path.suffix != ".json" and (path.suffix == ".toml" or not text.lstrip().startswith("{")):
        return _own(parse_toml(text, shown), text, shown)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        line = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
        place = Place(shown, error.lineno, error.colno, line)
        raise UserError("bad-json", f"not valid JSON: {error.msg.lower()}", place) from None
    except (RecursionError, ValueError) as error:
        raise UserError("bad-json", f"not readable JSON: {error}", Place(shown)) from None
    if isinstance(value, dict) and "vulnerability" in value:
        return _own(value, "", shown)
    records = value.get("vulns", [value]) if isinstance(value, dict) else value
    if not isinstance(records, list) or not records:
        raise _unknown_form(shown)
    return tuple(_of_osv(record, f"record {at + 1}", shown) for at, record in enumerate(records))


def _own(tables: dict[str, Any], text: str, shown: str) -> tuple[Vulnerability, ...]:
    try:
        file = _File.model_validate(tables)
    except ValidationError as fault:
        errors = validation_errors(fault, _File, shown, shown, text, (), tables)
        raise errors[0] if len(errors) == 1 else ErrorGroup(tuple(errors)) from None
    return tuple(
        Vulnerability(
            one.id,
            one.aliases,
            one.summary,
            tuple(
                _affected(part.purl, part.versions, part.files, part.functions, one.id, shown)
                for part in one.affected
            ),
        )
        for one in file.vulnerability
    )


def _of_osv(record: object, where: str, shown: str) -> Vulnerability:
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        raise _unknown_form(shown, where)
    name = record["id"]
    parts = record.get("affected", [])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise _unknown_form(shown, name)
    found = []
    for part in parts:
        purl = _table(part.get("package")).get("purl")
        if not isinstance(purl, str):
            raise UserError(
                "bad-vulnerabilities",
                f"{name} names a package without its package URL",
                Place(shown),
                "give `affected[].package.purl`, such as `pkg:deb/debian/musl`",
            )
        ranges = _osv_range(part, name, shown)
        more = {**_table(part.get("database_specific")), **_table(part.get("ecosystem_specific"))}
        files, functions = (_texts(more.get(key), name, shown) for key in ("files", "functions"))
        found.append(_affected(purl, ranges, files, functions, name, shown))
    aliases = _texts(record.get("aliases"), name, shown)
    return Vulnerability(name, aliases, str(record.get("summary", "")), tuple(found))


def _osv_range(part: dict[str, Any], name: str, shown: str) -> str:
    """Return the range that an entry of OSV states, empty for every version.

    What is affected is what any of the ranges or the list of versions holds. Which versions a range of
    commits holds, nobody can say here: where there is no other, a list of tags is not taken for it.
    """
    words = list(_texts(part.get("versions"), name, shown))
    entries = part.get("ranges") or []
    if not isinstance(entries, list):
        raise _unknown_form(shown, name)
    for entry in entries:
        kind, events = _table(entry).get("type"), _table(entry).get("events")
        if kind == "GIT":
            if all(_table(other).get("type") == "GIT" for other in entries):
                return ""
            continue
        if not isinstance(events, list):
            raise _unknown_form(shown, name)
        for event in map(_table, events):
            signs = {"introduced": ">=", "fixed": "<", "last_affected": "<="}
            words += [
                sign + str(event[key])
                for key, sign in signs.items()
                if key in event and not (key == "introduced" and event[key] in _OPEN)
            ]
            if event.get("introduced") in _OPEN and len(events) == 1:
                return ""
    return "|".join(words)


def _affected(
    purl: str,
    text: str,
    files: tuple[str, ...],
    functions: tuple[str, ...],
    name: str,
    shown: str,
) -> Affected:
    from packageurl import PackageURL

    try:
        url = PackageURL.from_string(purl)
        found = list(versions.parse(text))
    except ValueError:
        raise UserError(
            "bad-purl",
            f"{name}: '{purl}' is no package URL",
            Place(shown),
            "write it like pkg:deb/debian/musl",
        ) from None
    except UserError as error:
        error.place = Place(shown)
        raise
    if url.version and not found:
        found = [("=", url.version)]
    plain = PackageURL(url.type, url.namespace, url.name).to_string()
    more = (url.subpath,) if url.subpath else ()
    return Affected(plain, tuple(found), (*more, *files), functions)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object, name: str, shown: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _unknown_form(shown, name)
    return tuple(value)


def _unknown_form(shown: str, where: str = "it") -> UserError:
    return UserError(
        "bad-vulnerabilities",
        f"{shown} lists no vulnerabilities: {where} is neither our form nor a record of OSV",
        Place(shown),
        "see docs/materials.md for the forms that are read",
    )
