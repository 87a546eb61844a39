"""The built-in action ``image-pack``: linked ELF in, boot file, symbol file and manifest out.

Arguments: the version (``builtins``), the path of the specification (a JSON literal that the rule writes), the
linked file, its link map, its extraction report, the root archive or ``-``; then every object and
archive that was linked. Outputs end in ``.elf``, ``.symbols`` and ``.manifest.json``. The specification
names the files of a Linux program, where the image has one.

The linker is told to leave undefined symbols be, so that they are reported here, in words.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from unibuild.elf.archive import MalformedArchiveError
from unibuild.elf.layout import SHN_UNDEF, STB_LOCAL, STB_WEAK, ElfFile, MalformedElfError
from unibuild.elf.link_map import parse_extractions, parse_map
from unibuild.image import boot_file, identity, symbol_file
from unibuild.image.contents import Linked, describe
from unibuild.image.manifest import render
from unibuild.image.program import read_program
from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from unibuild.execution.request import BuiltinCall


def build(call: BuiltinCall) -> None:
    """Run the action."""
    contents = assemble(
        call.arguments,
        lambda path: call.inputs[path].read_bytes(),
        call.environment["UNIBUILD_SANDBOX"],
    )
    for path, place in call.outputs.items():
        suffix = next(ending for ending in contents if path.endswith(ending))
        place.write_bytes(contents[suffix])


def assemble(
    arguments: Sequence[str], read: Callable[[str], bytes], sandbox: str
) -> dict[str, bytes]:
    """Return the bytes of boot file, symbol file and manifest by their endings.

    ``arguments`` are the action's, ``read`` gives the content of a path among them.
    """
    _version, specification, linked_path, map_path, why_path, root, *objects = arguments
    spec = json.loads(read(specification))
    try:
        elf = ElfFile.parse(read(linked_path))
        linked = Linked(
            elf,
            elf.symbols(),
            parse_map(read(map_path).decode()),
            parse_extractions(read(why_path).decode()),
            {path: read(path) for path in objects},
            b"" if root == "-" else read(root),
            read_program(spec, read),
        )
        check_undefined(spec, linked)
        image, identified = _sealed(linked)
        manifest = describe(spec, linked, image, identified, sandbox)
    except (MalformedElfError, MalformedArchiveError) as error:
        raise ActionError("bad-link-output", f"{spec['label']} cannot boot: {error}") from error
    return {
        ".elf": image,
        ".symbols": symbol_file.render(linked.elf, linked.symbols).encode(),
        ".manifest.json": render(manifest).encode(),
    }


def _sealed(linked: Linked) -> tuple[bytes, dict[str, Any] | None]:
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
        if linked.program is None or not linked.program.is_answered(symbol.name)
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
