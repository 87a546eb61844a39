"""The two reports of ld.lld: what lies where (``-Map``) and why members came (``--why-extract``).

Both are text for people, so they are read leniently: a line of another shape is skipped. Sizes and
addresses are bytes. An *object* is named as the linker names it: ``path.o``, ``lib.a(member.o)`` or
``INTERNAL``; ``SCRIPT`` stands for the linker script where that writes data of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"^ *([0-9a-f]+) +([0-9a-f]+) +([0-9a-f]+) +(\d+) ( *)(\S.*)$")
_INPUT = re.compile(r"^(.+):\((.+)\)$")
_DATA = re.compile(r"^(?:BYTE|SHORT|LONG|QUAD)\(.*\)$")
_INPUT_INDENT = 8
INTERNAL = "<internal>"
"""How the linker names itself: what it makes, and the entry point that it was told to keep."""
SCRIPT = "<script>"


@dataclass(frozen=True, slots=True)
class Placement:
    """One input section in the linked file: ``object`` put ``size`` bytes of ``section`` there."""

    output_section: str
    address: int
    size: int
    object: str
    section: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """The linker took ``object`` out of its archive because ``reference`` needs ``symbol``."""

    reference: str
    object: str
    symbol: str


def split_object(name: str) -> tuple[str, str]:
    """Split ``lib.a(member.o)`` into archive and member; a plain object has no member."""
    path, inside, member = name.rpartition(".a(")
    if not inside or len(member) < len("m)") or not member.endswith(")"):
        return name, ""
    return f"{path}.a", member[:-1]


def parse_map(text: str) -> list[Placement]:
    """Return the placements of a link map in the order of the file."""
    placements = []
    output_section = ""
    for line in text.splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        address, _load, size, _align, indent, rest = match.groups()
        if not indent:
            output_section = rest
        elif len(indent) == _INPUT_INDENT and (found := _INPUT.match(rest)):
            placements.append(
                Placement(
                    output_section, int(address, 16), int(size, 16), found.group(1), found.group(2)
                )
            )
        elif len(indent) == _INPUT_INDENT and _DATA.match(rest):
            placements.append(
                Placement(output_section, int(address, 16), int(size, 16), SCRIPT, rest)
            )
    return placements


def parse_extractions(text: str) -> list[Extraction]:
    """Return the extractions in the order in which the linker made them."""
    extractions = []
    for line in text.splitlines()[1:]:
        fields = line.split("\t")
        if len(fields) == len(Extraction.__slots__):
            extractions.append(Extraction(*fields))
    return extractions
