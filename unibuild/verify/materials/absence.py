"""What is proven not to be in an image: packages, sources, functions.

A proof rests on three things that the manifest has from the link: the origins of every component, the
objects that have a byte in the image, and the objects that the linker was offered and left out.

- A package is absent when no object of a component that is made of it is in the image and no component in the
  image was compiled with its files at hand (``reach``: headers have code too), or when its version here is
  outside the range in question.
- A source is absent when the objects compiled from it are among those left out, and the components made of
  its package have none of their name in the image. A header has no object, so nothing proves its absence.
- A function is absent when an object that defines it with external linkage was left out, no function in the
  image has its name, and the object's source is nowhere else either. A function that the linker dropped out
  of an object that stayed proves nothing, for the compiler may have copied it into its neighbours.

A source that others include as text is compiled into the objects of those as well: ``inclusions`` knows
which, and without it nothing is said of sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unibuild.verify.materials import versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packageurl import PackageURL

    from unibuild.image.manifest import Manifest
    from unibuild.verify.materials.inclusions import Inclusions
    from unibuild.verify.materials.vulnerabilities import Affected

NOT_AFFECTED = "not_affected"
UNKNOWN = "under_investigation"
NO_COMPONENT = "component_not_present"
NO_CODE = "vulnerable_code_not_present"
_SOURCES = (".c", ".S", ".s")
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known about one affected package: status, OpenVEX justification, the evidence in words.

    ``origin`` is the package URL with the version that the image has of it, empty when it has none.
    """

    status: str
    justification: str
    words: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """The facts of one image: its manifest, the names of the functions in its symbol file, inclusions.

    ``inclusions`` is None where the sources are not at hand; ``readers`` are those of ``reach``.
    """

    manifest: Manifest
    functions: frozenset[str]
    inclusions: Inclusions | None
    readers: Mapping[str, frozenset[str]]

    @staticmethod
    def of(
        manifest: Manifest,
        symbols: str,
        inclusions: Inclusions | None,
        readers: Mapping[str, frozenset[str]],
    ) -> Contents:
        """Take the facts from a manifest and the text of a symbol file."""
        from unibuild.image.symbol_file import SymbolFile

        names = SymbolFile.parse(symbols).names
        return Contents(manifest, frozenset(name for _size, name in names), inclusions, readers)


def judge(affected: Affected, image: Contents) -> Finding:
    """Return what the image proves about one affected package."""
    live = _made_of(affected.purl, image.manifest["components"])
    offered = _made_of(affected.purl, image.manifest["left_out"])
    if not live and not offered:
        return _without_component(affected, image)
    origin = (live or offered)[0][1]
    outside = _outside(affected, {purl for _, purl in (*live, *offered)})
    if outside:
        return Finding(NOT_AFFECTED, NO_COMPONENT, outside, origin)
    left = {name: set(symbols) for one, _ in offered for name, symbols in one["objects"].items()}
    near = "" if live else _at_hand(affected, image)
    if not live and not near:
        return Finding(NOT_AFFECTED, NO_COMPONENT, _untaken(len(left), origin), origin)
    if not affected.files and not affected.functions:
        there = near or f"{origin} is in the image ({_labels(live)})"
        return Finding(UNKNOWN, "", f"{there}, and no file or function is named", origin)
    proofs = [_source(name, live, image, left) for name in affected.files]
    if not proofs or not all(proven for proven, _ in proofs):
        functions = [_function(name, image, left) for name in affected.functions]
        proofs = functions if functions and all(proven for proven, _ in functions) else [
            *proofs, *functions
        ]  # fmt: skip
    if all(proven for proven, _ in proofs):
        words = "; ".join(text for _, text in proofs)
        return Finding(NOT_AFFECTED, NO_CODE, words, origin)
    words = "; ".join(text for proven, text in proofs if not proven)
    return Finding(UNKNOWN, "", words, origin)


def _made_of(purl: str, entries: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    """Return the entries that are made of a package, each with the origin that says so."""
    wanted = _name(_parsed(purl))
    found = []
    for one in entries:
        for origin in one["materials"]:
            if origin["purl"] and _name(_parsed(origin["purl"])) == wanted:
                found.append((one, origin["purl"]))
                break
    return found


def _untaken(count: int, origin: str) -> str:
    """Say that the linker took nothing of ``count`` objects that it was offered."""
    if count == 1:
        return f"the linker was offered one object made of {origin} and left it out"
    return f"the linker was offered {count} objects made of {origin} and took none of them"


def _at_hand(affected: Affected, image: Contents) -> str:
    """Say which part of the image may have code of a package without an object of it; empty for none."""
    wanted = _name(_parsed(affected.purl))
    inside = frozenset(one["label"] for one in image.manifest["components"])
    for origin in sorted(image.readers):
        purl = _parsed(origin)
        version = versions.contains(affected.range, purl.version or "", purl.type)
        if _name(purl) != wanted or version is False:
            continue
        # Without a sandbox whatever was unpacked could be read.
        unbound = image.manifest["sandbox"] == "none"
        users = sorted(inside if unbound else image.readers[origin] & inside)
        if users:
            more = f" and {len(users) - 1} more" if len(users) > 1 else ""
            return f"{users[0]}{more} may have code of {origin}, whose files were there when it was made"
    return ""


def _without_component(affected: Affected, image: Contents) -> Finding:
    """Return the finding for a package of which the link was offered nothing."""
    near = _at_hand(affected, image)
    if near:
        return Finding(UNKNOWN, "", near)
    wanted = _parsed(affected.purl)
    entries = (*image.manifest["components"], *image.manifest["left_out"])
    origins = sorted({origin["purl"] for one in entries for origin in one["materials"]})
    alike = [one for one in origins if one and _parsed(one).name == wanted.name]
    if alike:
        words = f"the image has {alike[0]}, which may be the same software under another name"
        return Finding(UNKNOWN, "", words, alike[0])
    if any(not one["materials"] for one in entries) or "" in origins:
        words = "the image has components whose origin is not declared"
        return Finding(UNKNOWN, "", words)
    words = f"none of the {len(origins)} origins of what was linked is {affected.purl}"
    return Finding(NOT_AFFECTED, NO_COMPONENT, words)


def _outside(affected: Affected, origins: Iterable[str]) -> str:
    """Say that every version here is outside the range in question; empty when one may be inside."""
    here = sorted(origins)
    for origin in here:
        purl = _parsed(origin)
        if versions.contains(affected.range, purl.version or "", purl.type) is not False:
            return ""
    return f"the image has {' and '.join(here)}, and affected is {versions.render(affected.range)}"


def _source(
    file: str,
    live: Iterable[tuple[dict[str, Any], str]],
    image: Contents,
    left: Mapping[str, Iterable[str]],
) -> tuple[bool, str]:
    """Return whether a source is proven to be absent, and why or why not."""
    base = file.rpartition("/")[2]
    if not base.endswith(_SOURCES):
        return (
            False,
            f"{file} is no source with an object of its own, so the link says nothing of it",
        )
    present = _objects_of(base).intersection(_names(one for one, _ in live))
    if present:
        return False, f"{min(present)}, the object of {file}, is in the image"
    elsewhere = _included(file, base, image)
    if elsewhere:
        return False, elsewhere
    missing = sorted(_objects_of(base).intersection(left))
    if missing:
        return True, f"the linker left out {', '.join(missing)}, the object of {file}"
    return False, f"no object that the linker left out is named like {file}"


def _included(file: str, base: str, image: Contents) -> str:
    """Say where else the code of a source may be; empty when it is nowhere else."""
    if image.inclusions is None:
        return f"the sources are not at hand, so that nobody knows who includes {file}"
    everything = _names(image.manifest["components"])
    for includer in sorted(image.inclusions.of(base)):
        if not includer.endswith(_SOURCES):
            return f"{includer} includes {file}, and what includes {includer} is not known"
        present = _objects_of(includer).intersection(everything)
        if present:
            return f"{min(present)} is in the image, and {includer} includes {file}"
    return ""


def _names(components: Iterable[dict[str, Any]]) -> set[str]:
    return {entry["name"] for one in components for entry in one["objects"]}


def _objects_of(base: str) -> set[str]:
    """Return the names that the compile rules may give to the object of a source."""
    return {f"{base}.o", f"{base.rpartition('.')[0]}.o"}


def _function(name: str, image: Contents, left: Mapping[str, Iterable[str]]) -> tuple[bool, str]:
    """Return whether a function is proven to be absent, and why or why not."""
    if name in image.functions:
        return False, f"{name} is in the image"
    for one in image.manifest["components"]:
        for entry in one["objects"]:
            if name in entry.get("dropped", ()):
                return False, (
                    f"the linker dropped {name}, but {entry['name']} stayed and may hold copies of it"
                )
    defining = sorted(object_ for object_, symbols in left.items() if name in symbols)
    elsewhere = [_included(base, base, image) for one in defining for base in _sources_of(one)]
    if any(elsewhere):
        return False, f"{name}: {next(filter(None, elsewhere))}"
    if defining:
        shown = ", ".join(defining)
        return (
            True,
            f"the linker left out {shown}, which defines {name}, and no function in the image has that name",
        )
    return False, f"no object that the linker left out is known to define {name}"


def _sources_of(name: str) -> set[str]:
    """Return the base names of the sources that an object may be compiled from."""
    stem = name.removesuffix(".o")
    return {stem} if stem.endswith(_SOURCES) else {stem + ending for ending in _SOURCES}


def _labels(found: Sequence[tuple[dict[str, Any], str]]) -> str:
    names = [one["label"] for one, _ in found]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _parsed(purl: str) -> PackageURL:
    from packageurl import PackageURL

    return PackageURL.from_string(purl)


def _name(purl: PackageURL) -> tuple[str, str, str]:
    return purl.type, purl.namespace or "", purl.name
