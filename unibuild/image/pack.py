"""The built-in action ``image-pack``: linked ELF in, boot file, symbol file and manifest out.

Arguments: the version (``builtins``), the path of the specification (a JSON literal that the rule writes), the
linked file, its link map, its extraction report, the root archive or ``-``; then every object and
archive that was linked. Outputs end in ``.elf``, ``.symbols`` and ``.manifest.json``.

The linker is told to leave undefined symbols be, so that they are reported here, in words.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unibuild.elf.attribution import chain_to, owner_of, shares
from unibuild.elf.layout import (
    SHN_UNDEF,
    SHT_NOBITS,
    STB_LOCAL,
    STB_WEAK,
    ElfFile,
    MalformedElfError,
)
from unibuild.elf.link_map import INTERNAL, parse_extractions, parse_map, split_object
from unibuild.image import boot_file, identity, symbol_file
from unibuild.image.manifest import FORMAT, Manifest, render
from unibuild.image.root_archive import list_root_archive
from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unibuild.elf.attribution import Share, Step
    from unibuild.elf.layout import Symbol
    from unibuild.elf.link_map import Extraction, Placement
    from unibuild.execution.request import BuiltinCall


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


def build(call: BuiltinCall) -> None:
    """Run the action."""
    _version, specification, linked_path, map_path, why_path, root, *objects = call.arguments
    spec = json.loads(call.inputs[specification].read_text("utf-8"))
    try:
        elf = ElfFile.parse(call.inputs[linked_path].read_bytes())
        linked = Linked(
            elf,
            elf.symbols(),
            parse_map(call.inputs[map_path].read_text("utf-8")),
            parse_extractions(call.inputs[why_path].read_text("utf-8")),
            {path: call.inputs[path].read_bytes() for path in objects},
            b"" if root == "-" else call.inputs[root].read_bytes(),
        )
        check_undefined(spec, linked)
        image, identified = _assemble(linked)
    except MalformedElfError as error:
        raise ActionError("bad-link-output", f"{spec['label']} cannot boot: {error}") from error
    contents = {
        ".elf": image,
        ".symbols": symbol_file.render(linked.elf).encode(),
        ".manifest.json": render(
            describe(spec, linked, image, identified, call.environment["UNIBUILD_SANDBOX"])
        ).encode(),
    }
    for path, place in call.outputs.items():
        suffix = next(ending for ending in contents if path.endswith(ending))
        place.write_bytes(contents[suffix])


def _assemble(linked: Linked) -> tuple[bytes, dict[str, Any] | None]:
    """Return the boot file with its identity, and what the manifest says of the identity."""
    address = identity.address(linked.symbols)
    if address is None:
        return boot_file.pack(linked.elf.data), None
    image = boot_file.pack(linked.elf.data, range(address, address + identity.SIZE))
    offset = boot_file.file_offset(ElfFile.parse(image), address)
    if offset is None:
        raise MalformedElfError(
            f"`{identity.SYMBOL}` is in no segment that is loaded from the file"
        )
    digest_of_rest = identity.compute(image, offset)
    return identity.seal(image, offset), {
        "digest": f"sha256:{digest_of_rest.hex()}",
        "offset": offset,
    }


def check_undefined(spec: Mapping[str, Any], linked: Linked) -> None:
    """Raise the error of ``link_errors`` when the link left a symbol undefined."""
    undefined = {
        symbol.name
        for symbol in linked.symbols
        if symbol.section == SHN_UNDEF and symbol.name
        if symbol.binding not in (STB_LOCAL, STB_WEAK)
    }
    if not undefined:
        return
    from unibuild.elf.references import Reference, find_references
    from unibuild.image.link_errors import undefined_symbols_error

    live = {(placement.object, placement.section) for placement in linked.placements}
    references = find_references(undefined, linked.files, live)
    explained = {reference.symbol for reference in references}
    references += [Reference(name, "the link itself", "") for name in undefined - explained]
    raise undefined_symbols_error(
        spec["label"], references, linked.extractions, spec["owners"], spec["system_calls"]
    )


def describe(
    spec: Mapping[str, Any],
    linked: Linked,
    image: bytes,
    identified: dict[str, Any] | None,
    sandbox: str,
) -> Manifest:
    """Return the manifest of ``image``; ``spec`` is what the rule knows of it."""
    owners = spec["owners"]
    in_memory = {
        section.name: section.type != SHT_NOBITS
        for section in linked.elf.sections()
        if section.in_memory
    }
    found = shares(linked.placements, owners, in_memory)
    found.pop("", None)
    in_file = len(image) - sum(share.file_bytes for share in found.values())
    zeroed = sum(
        section.size for section in linked.elf.sections() if in_memory.get(section.name) is False
    ) - sum(share.zeroed_bytes for share in found.values())
    defined = {symbol.name for symbol in linked.symbols if symbol.section != SHN_UNDEF}
    platform = dict(spec["platform"])
    platform["devices"] = sorted(
        device for symbol, device in platform["devices"].items() if symbol in defined
    )
    components = [_component(label, share, spec, linked) for label, share in found.items()]
    components.sort(key=lambda one: (-one["file_bytes"] - one["zeroed_bytes"], one["label"]))
    return {
        "format": FORMAT,
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
        "sections": [
            {"name": one.name, "size": one.size, "in_file": one.type != SHT_NOBITS}
            for one in linked.elf.sections()
            if one.in_memory and one.size
        ],
        # A zero tail that the boot file leaves out can make the first number too small.
        "unclaimed": {"file_bytes": max(0, in_file), "zeroed_bytes": zeroed},
    }


def digest(data: bytes) -> str:
    """Return the digest as manifests write it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _component(label: str, share: Share, spec: Mapping[str, Any], linked: Linked) -> dict[str, Any]:
    owners = spec["owners"]
    facts = spec["components"][label]
    steps = chain_to(label, linked.extractions, owners, share.objects)
    return {
        "label": label,
        "kind": facts["kind"],
        "description": facts["description"],
        "file_bytes": share.file_bytes,
        "zeroed_bytes": share.zeroed_bytes,
        "archives": [
            {"file": path.rsplit("/", 1)[-1], "digest": digest(data), "size": len(data)}
            for path, data in linked.files.items()
            if owners.get(path) == label and any(split_object(o)[0] == path for o in share.objects)
        ],
        "objects": [
            {"name": _short(name), "bytes": size}
            for name, size in sorted(share.objects.items(), key=lambda item: (-item[1], item[0]))
        ],
        "reason": [_step(step, spec) for step in steps],
    }


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
