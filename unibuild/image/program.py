"""The Linux program in an image: what its manifest says of it, its part of the file, its names.

The program is a file of the root archive, not an input of the link; what ties it to the kernel is the
table of its system calls (``call_table``). A call whose function no component defines is no error: it
answers ENOSYS, and the manifest lists it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from unibuild.elf.archive import MAGIC, defined_symbols, members
from unibuild.elf.attribution import owner_of
from unibuild.elf.layout import (
    SHN_UNDEF,
    ElfFile,
    MalformedElfError,
)
from unibuild.elf.link_map import split_object
from unibuild.image.call_table import PREFIX
from unibuild.image.link_errors import ENTRY_POINT_PREFIX
from unibuild.image.root_archive import locate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from unibuild.elf.layout import Symbol
    from unibuild.elf.link_map import Placement

ROOT_SECTION = ".ub_root"


@dataclass(frozen=True, slots=True)
class Program:
    """The program as the rule and the scan know it."""

    path: str
    """Where it is in the root file system."""
    executable: str
    """Under which name its owner knows it."""
    findings: Mapping[str, Any]
    """What the scan found: ``calls.json``."""
    settings: Mapping[str, bool]

    def is_answered(self, symbol: str) -> bool:
        """Whether an undefined ``symbol`` is a call that then answers ENOSYS."""
        return symbol.removeprefix(PREFIX) in self.findings["calls"] and symbol.startswith(PREFIX)


def read_program(spec: Mapping[str, Any], read: Callable[[str], bytes]) -> Program | None:
    """Return the Linux program of a specification; None where the program is linked."""
    given = spec.get("program")
    if given is None:
        return None
    return Program(
        given["path"],
        given["executable"],
        json.loads(read(given["calls"])),
        given["settings"],
    )


def divided(
    placements: Sequence[Placement], program: Program | None, root: bytes
) -> list[Placement]:
    """Return ``placements`` with the program's bytes of the root archive as its own."""
    if program is None:
        return list(placements)
    start, size = locate(root, program.path)
    found: list[Placement] = []
    for one in placements:
        if one.section != ROOT_SECTION or not one.size:
            found.append(one)
            continue
        inside = (
            (0, start, one.object),
            (start, size, program.executable),
            (start + size, one.size - start - size, one.object),
        )
        found += [
            replace(one, address=one.address + offset, size=length, object=name)
            for offset, length, name in inside
            if length
        ]
    return found


def describe(
    program: Program,
    symbols: Sequence[Symbol],
    files: Mapping[str, bytes],
    live: Collection[str],
    owners: Mapping[str, str],
) -> dict[str, Any]:
    """Return what the manifest says of the program.

    ``symbols`` are those of the linked file, ``live`` the objects with a byte in it.
    """
    defined = {one.name for one in symbols if one.section != SHN_UNDEF}
    definitions = _definitions(files, live)
    content = _contents(files, set(definitions.values()))
    calls = {}
    for name, call in program.findings["calls"].items():
        symbol = PREFIX + name
        calls[name] = {
            **call,
            "provided": symbol in defined,
            "entry": _entry(symbol, definitions, owners) if symbol in defined else None,
            "entry_points": _entry_points(symbol, definitions, content, owners)
            if symbol in defined
            else [],
        }
    found = program.findings
    return {
        "path": program.path,
        "kind": found["kind"],
        "interpreter": found["interpreter"],
        "needed": found["needed"],
        "settings": program.settings,
        "calls": calls,
        "missing": sorted(name for name, call in calls.items() if not call["provided"]),
        "undecided": found["undecided"],
        "warnings": found["warnings"],
    }


def _definitions(files: Mapping[str, bytes], live: Collection[str]) -> dict[str, str]:
    """Return symbol → object of what the archives' objects in the image define for the calls."""
    found: dict[str, str] = {}
    for path, data in files.items():
        if data.startswith(MAGIC):
            for member, symbols in defined_symbols(data):
                name = f"{path}({member})"
                if name in live:
                    wanted = (
                        one for one in symbols if one.startswith((PREFIX, ENTRY_POINT_PREFIX))
                    )
                    found.update(dict.fromkeys(wanted, name))
    return found


def _contents(files: Mapping[str, bytes], wanted: Collection[str]) -> dict[str, bytes]:
    return {
        name: content
        for path, data in files.items()
        if data.startswith(MAGIC)
        for member, content in members(data)
        if (name := f"{path}({member})") in wanted
    }


def _entry(
    symbol: str, definitions: Mapping[str, str], owners: Mapping[str, str]
) -> dict[str, str]:
    """Return where a symbol is defined."""
    name = definitions.get(symbol, "")
    return {
        "symbol": symbol,
        "object": split_object(name)[1],
        "component": owner_of(name, owners),
    }


def _entry_points(
    symbol: str,
    definitions: Mapping[str, str],
    content: Mapping[str, bytes],
    owners: Mapping[str, str],
) -> list[dict[str, str]]:
    """Return the entry points (``ub_sys_NAME``) that the object of a call refers to."""
    data = content.get(definitions.get(symbol, ""))
    if data is None:
        return []
    try:
        symbols = ElfFile.parse(data).symbols()
    except MalformedElfError:
        return []
    names = {
        one.name
        for one in symbols
        if one.section == SHN_UNDEF and one.name.startswith(ENTRY_POINT_PREFIX)
    }
    return [_entry(name, definitions, owners) for name in sorted(names)]
