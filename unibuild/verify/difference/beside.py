"""The files beside an image or a linked file: names for its addresses, owners for its bytes.

An image's boot file has neither symbol table nor sections: ``NAME.symbols`` names its functions, and the
``ranges`` of ``NAME.manifest.json`` say which component brought which bytes of the file. A linked file
has its link map beside it. All of them are read leniently: what is missing or malformed tells nothing.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unibuild.elf.link_map import parse_map, split_object
from unibuild.image import symbol_file
from unibuild.model.errors import UserError

_LARGEST = 64 << 20
_WITHOUT_ADDRESS = (".debug", ".comment", ".symtab", ".strtab", ".shstrtab")


@dataclass(frozen=True, slots=True)
class Stretch:
    """``size`` bytes from ``start`` on (an address or a file offset) that ``origin`` brought."""

    start: int
    size: int
    origin: str


@dataclass(frozen=True, slots=True)
class Beside:
    """``symbols`` are (address, size, name); stretches are sorted by their start.

    ``sections`` are (name, size, address) of what takes memory, in order; the address is None where
    the manifest does not say it. ``identity`` is the file offset of the image's own digest.
    """

    symbols: tuple[tuple[int, int, str], ...] = ()
    sections: tuple[tuple[str, int, int | None], ...] = ()
    identity: int | None = None
    by_offset: tuple[Stretch, ...] = ()
    by_address: tuple[Stretch, ...] = ()

    def origin(self, offset: int | None, address: int | None) -> str:
        """Return who brought the byte at a file offset or an address, ``""`` when that is unknown."""
        found = _at(self.by_address, address) if address is not None else ""
        return found or (_at(self.by_offset, offset) if offset is not None else "")


def look(file: Path) -> Beside:
    """Return what stands beside ``file`` (``NAME.elf``)."""
    stem = file.with_suffix("") if file.suffix == ".elf" else file
    manifest = _manifest(stem.with_name(f"{stem.name}.manifest.json"))
    if not manifest and stem.parent.name == f"{stem.name}.link":
        manifest = _manifest(stem.parent.parent / f"{stem.name}.manifest.json")
        return Beside(by_address=_placements(stem.with_suffix(".map"), manifest))
    return Beside(
        _symbols(stem.with_name(f"{stem.name}.symbols")),
        _sections(manifest),
        _identity(manifest),
        _ranges(manifest),
        _placements(stem.with_name(f"{stem.name}.map"), manifest),
    )


def _at(stretches: tuple[Stretch, ...], place: int) -> str:
    index = bisect_right(stretches, place, key=lambda one: one.start) - 1
    if index < 0 or place >= stretches[index].start + stretches[index].size:
        return ""
    return stretches[index].origin


def _read(file: Path) -> str:
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST:
            return ""
        return file.read_text("utf-8")
    except (OSError, ValueError):
        return ""


def _symbols(file: Path) -> tuple[tuple[int, int, str], ...]:
    try:
        parsed = symbol_file.SymbolFile.parse(_read(file))
    except UserError:
        return ()
    return tuple(
        (address, size, name)
        for address, (size, name) in zip(parsed.addresses, parsed.names, strict=True)
    )


def _manifest(file: Path) -> dict[str, object]:
    try:
        manifest = json.loads(_read(file) or "{}")
    except (ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _sections(manifest: dict[str, object]) -> tuple[tuple[str, int, int | None], ...]:
    found = []
    sections = manifest.get("sections")
    for row in sections if isinstance(sections, list) else ():
        match row:
            case {"name": str(name), "size": int(size)}:
                address = row.get("address")
                found.append((name, size, address if isinstance(address, int) else None))
    return tuple(found)


def _identity(manifest: dict[str, object]) -> int | None:
    match manifest.get("identity"):
        case {"offset": int(offset)}:
            return offset
    return None


def _ranges(manifest: dict[str, object]) -> tuple[Stretch, ...]:
    """Read ``[[offset, size, owner(, object)]]``."""
    stretches = []
    ranges = manifest.get("ranges")
    for row in ranges if isinstance(ranges, list) else ():
        match row:
            case [int(offset), int(size), str(owner), *rest] if owner.find("//") >= 0:
                stretches.append(Stretch(offset, size, _origin(owner, rest[0] if rest else "")))
    return tuple(sorted(stretches, key=lambda one: one.start))


def _origin(owner: str, name: object) -> str:
    return f"{name} of {owner}" if isinstance(name, str) and name else owner


def _placements(file: Path, manifest: dict[str, object]) -> tuple[Stretch, ...]:
    owners = dict(_owners(manifest))
    stretches = []
    for placement in parse_map(_read(file)):
        path, member = split_object(placement.object)
        short = path.rsplit("/", 1)[-1]
        owner = owners.get(short, "")
        origin = f"{member} of {owner or short}" if member else _origin_of_object(short, owner)
        if placement.size and not placement.output_section.startswith(_WITHOUT_ADDRESS):
            stretches.append(Stretch(placement.address, placement.size, origin))
    return tuple(sorted(stretches, key=lambda one: one.start))


def _origin_of_object(short: str, owner: str) -> str:
    return f"{short} of {owner}" if owner else short


def _owners(manifest: dict[str, object]) -> Iterable[tuple[str, str]]:
    """Yield the file name of each linked archive or object with the label of its component."""
    components = manifest.get("components")
    for component in components if isinstance(components, list) else ():
        match component:
            case {"label": str(label), "archives": list(archives)}:
                for archive in archives:
                    if isinstance(archive, dict) and isinstance(archive.get("file"), str):
                        yield archive["file"], label
