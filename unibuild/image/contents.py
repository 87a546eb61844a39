"""The content of an image, read back from its link: the manifest is composed here.

Nothing is taken from what was meant to be linked: components, sizes, ranges and what stayed out come
from the linked file, the link map and the objects themselves.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unibuild.elf.attribution import chain_to, owner_of, shares
from unibuild.elf.inputs import dropped_functions, left_out, objects
from unibuild.elf.layout import SHN_UNDEF, SHT_NOBITS, ElfFile
from unibuild.elf.link_map import INTERNAL, SCRIPT, split_object
from unibuild.elf.merged import given_back
from unibuild.image.builtins import ASSEMBLER
from unibuild.image.manifest import FORMAT, Manifest
from unibuild.image.program import describe as describe_program
from unibuild.image.program import divided
from unibuild.image.ranges import LAYOUT, SHARED, TABLES, cover
from unibuild.image.root_archive import list_root_archive
from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from unibuild.elf.attribution import Share, Step
    from unibuild.elf.layout import Symbol
    from unibuild.elf.link_map import Extraction, Placement
    from unibuild.image.program import Program
    from unibuild.image.ranges import Range

_CONSTANTS = ".rodata"


@dataclass(frozen=True, slots=True)
class Linked:
    """Everything that the link left behind, parsed."""

    elf: ElfFile
    symbols: tuple[Symbol, ...]
    placements: Sequence[Placement]
    extractions: Sequence[Extraction]
    files: Mapping[str, bytes]
    """Objects and archives by the path under which they were linked."""
    root: bytes
    program: Program | None = None
    """The Linux program in the root file system, where there is one."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the objects of the link told: shares by owner, dropped functions by object."""

    shares: Mapping[str, Share]
    dropped: Mapping[str, Sequence[str]]
    ranges: Sequence[Range]


def describe(
    spec: Mapping[str, Any],
    linked: Linked,
    image: bytes,
    identified: dict[str, Any] | None,
    sandbox: str,
) -> Manifest:
    """Return the manifest of ``image``; ``spec`` is what the rule knows of it."""
    sections = linked.elf.sections()
    in_memory = {one.name: one.type != SHT_NOBITS for one in sections if one.in_memory}
    _check_objects(spec["label"], linked, in_memory)
    found = _attribute(spec["owners"], linked, image, in_memory)
    claimed = [share for label, share in found.shares.items() if label]
    in_file = len(image) - sum(share.file_bytes for share in claimed)
    zeroed = sum(one.size for one in sections if in_memory.get(one.name) is False) - sum(
        share.zeroed_bytes for share in claimed
    )
    defined = {symbol.name for symbol in linked.symbols if symbol.section != SHN_UNDEF}
    platform = dict(spec["platform"])
    platform["devices"] = sorted(
        device for symbol, device in platform["devices"].items() if symbol in defined
    )
    digests = _digests(image, found.ranges)
    components = [
        _component(label, share, spec, linked, found) | {"digest": digests.get(label, digest(b""))}
        for label, share in found.shares.items()
        if label
    ]
    components.sort(key=lambda one: (-one["file_bytes"] - one["zeroed_bytes"], one["label"]))
    return _optional(spec, linked, found) | {
        "format": FORMAT,
        "assembler": ASSEMBLER,
        "label": spec["label"],
        "app": spec["app"],
        "image": {"file": spec["file"], "digest": digest(image), "size": len(image)},
        "identity": identified,
        "platform": platform,
        "memory": spec["memory"],
        "arguments": spec["arguments"],
        "environment": spec["environment"],
        "network": spec["network"],
        "sandbox": sandbox,
        "files": [
            {"path": path, "digest": digest(content), "size": len(content)}
            for path, content in list_root_archive(linked.root)
        ],
        "components": components,
        "tools": spec["tools"],
        "sections": [
            {
                "name": one.name,
                "address": one.address,
                "size": one.size,
                "in_file": one.type != SHT_NOBITS,
            }
            for one in sections
            if one.in_memory and one.size
        ],
        # A zero tail that the boot file leaves out can make the first number too small.
        "unclaimed": {"file_bytes": max(0, in_file), "zeroed_bytes": zeroed},
        "ranges": [list(one) for one in found.ranges],
        "left_out": _left_out(spec, linked, found),
    }


def _optional(spec: Mapping[str, Any], linked: Linked, found: _Found) -> dict[str, Any]:
    """Return what only some manifests have."""
    parts = {"ports": spec["ports"]} if "ports" in spec else {}
    if linked.program is not None:
        live = {name for share in found.shares.values() for name in share.objects}
        parts["program"] = describe_program(
            linked.program, linked.symbols, linked.files, live, spec["owners"]
        )
    return parts


def digest(data: bytes) -> str:
    """Return the digest as manifests write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _attribute(
    owners: Mapping[str, str], linked: Linked, image: bytes, in_memory: Mapping[str, bool]
) -> _Found:
    """Find the owner of every byte."""
    kept: dict[str, set[str]] = defaultdict(set)
    for one in linked.placements:
        if one.output_section in in_memory and one.size:
            kept[one.object].add(one.section)
    parsed = [(name, elf, elf.sections()) for name, elf in objects(linked.files, kept)]
    placements = given_back(linked.elf, linked.placements, parsed)
    placements = divided(placements, linked.program, linked.root)
    claims = (
        (one.address, one.size, *_whose(one, owners))
        for one in placements
        if in_memory.get(one.output_section) and one.size
    )
    return _Found(
        shares(placements, owners, in_memory),
        {name: dropped_functions(sections, kept[name]) for name, _, sections in parsed},
        cover(ElfFile.parse(image), claims),
    )


def _check_objects(label: str, linked: Linked, in_memory: Collection[str]) -> None:
    """Raise ``ActionError`` when an object in the image is none of those that were linked.

    The linker names one of its own making where it compiled code itself (link-time optimisation): whose
    functions are in it, inlined into each other, is nowhere to be seen.
    """
    for one in linked.placements:
        known = one.object in (INTERNAL, SCRIPT) or split_object(one.object)[0] in linked.files
        if not known and one.size and one.output_section in in_memory:
            raise ActionError(
                "code-of-the-linker",
                f"{label}: the linker compiled code itself ({one.object}), so that nobody can say whose it is",
                hint="take -flto out of `cflags`: an image says of every byte which object brought it",
            )


def _whose(placement: Placement, owners: Mapping[str, str]) -> tuple[str, str]:
    """Return the owner of a placement, and what the manifest calls its object."""
    owner = owner_of(placement.object, owners)
    if owner:
        return owner, _short(placement.object)
    if placement.object == SCRIPT:
        return LAYOUT, ""
    return SHARED if placement.section.startswith(_CONSTANTS) else TABLES, ""


def _digests(image: bytes, ranges: Iterable[Range]) -> dict[str, str]:
    """Return the digest of all bytes of each owner, in the order of the file."""
    parts: dict[str, list[bytes]] = defaultdict(list)
    for offset, size, owner, _ in ranges:
        parts[owner].append(image[offset : offset + size])
    return {owner: digest(b"".join(pieces)) for owner, pieces in parts.items()}


def _component(
    label: str, share: Share, spec: Mapping[str, Any], linked: Linked, found: _Found
) -> dict[str, Any]:
    owners = spec["owners"]
    steps = chain_to(label, linked.extractions, owners, share.objects)
    return {
        "label": label,
        **spec["components"][label],
        "file_bytes": share.file_bytes,
        "zeroed_bytes": share.zeroed_bytes,
        "archives": [
            {"file": path.rsplit("/", 1)[-1], "digest": digest(data), "size": len(data)}
            for path, data in linked.files.items()
            if owners.get(path) == label and any(split_object(o)[0] == path for o in share.objects)
        ],
        "objects": [
            {
                "name": _short(name),
                "bytes": size,
                **({"dropped": found.dropped[name]} if found.dropped.get(name) else {}),
            }
            for name, size in sorted(share.objects.items(), key=lambda item: (-item[1], item[0]))
        ],
        "reason": [_step(step, spec) for step in steps],
    }


def _left_out(spec: Mapping[str, Any], linked: Linked, found: _Found) -> list[dict[str, Any]]:
    """Return, by component, the objects that were offered to the linker and are not in the image."""
    live = {name for share in found.shares.values() for name in share.objects}
    by_label: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for one in left_out(linked.files, live):
        path, member = split_object(one.object)
        objects = by_label[spec["owners"].get(path, "")]
        name = member or path.rsplit("/", 1)[-1]
        objects[name] = sorted({*objects.get(name, ()), *one.symbols})
    return [
        {"label": label, **spec["components"][label], "objects": by_label[label]}
        for label in sorted(by_label)
    ]


def _step(step: Step, spec: Mapping[str, Any]) -> dict[str, str]:
    owners = spec["owners"]
    at_boot = step.reference == INTERNAL
    return {
        "from": spec["platform"]["label"] if at_boot else owner_of(step.reference, owners),
        "from_object": "" if at_boot else _short(step.reference),
        "symbol": step.symbol,
        "to": owner_of(step.object, owners),
        "to_object": _short(step.object),
    }


def _short(name: str) -> str:
    path, member = split_object(name)
    return member or path.rsplit("/", 1)[-1]
