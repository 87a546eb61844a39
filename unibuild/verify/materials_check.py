"""V13: every byte of the image belongs to a component with digest, package URL and licence.

The manifest is held against the boot file (``materials.coverage``) and against the link that the file was
packed from (``materials.relink``); both documents are written, written again elsewhere, and read back.

``facts``: ``{"bytes", "parts", "packages", "tools", "owned": {label: bytes},
"documents": {format: "sha256:HEX"}}``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.external import lock as locks
from unibuild.image import manifest as manifests
from unibuild.image import manifest_shape
from unibuild.image.contents import digest
from unibuild.model.errors import DifferenceError, HostError, UserError
from unibuild.verify.materials import bill as bills
from unibuild.verify.materials import coverage, documents, relink
from unibuild.verify.outcome import Outcome

if TYPE_CHECKING:
    from unibuild.image.manifest import Manifest
    from unibuild.model.errors import UnibuildError
    from unibuild.verify.workbench import ImageFiles, Workbench

_ENDINGS = {".elf": "boot file", ".symbols": "symbol file", ".manifest.json": "manifest"}


def run(bench: Workbench) -> Outcome:
    """Check the image, its manifest and its bill of materials."""
    if bench.image is None:
        raise UserError(
            "not-an-image",
            f"{bench.label} is no image, so it has no bill of materials",
            hint="name a unikernel_image target",
        )
    bench.progress.step("holding the manifest against the image")
    manifest = manifests.read(bench.image.manifest)
    manifest_shape.check(manifest, bench.image.manifest.name)
    image = bench.image.image.read_bytes()
    lock_files = [path for path in bench.workspace.lock_paths if path.exists()]
    lock = locks.merge(locks.read(path) for path in lock_files)
    found = list(coverage.problems(manifest, image, lock))
    notes: tuple[str, ...] = ()
    bench.progress.step("reading the link once more")
    try:
        found += _other_link(bench, bench.image, manifest)
    except HostError as error:
        notes = (f"not held against the link: {error.cause}",)
    if any(isinstance(one, DifferenceError) for one in found):
        return _failed(found, notes)
    bench.progress.step("writing the bill of materials, twice")
    bill = bills.compose(manifest, image, lock)
    folder = bench.scratch / "materials"
    written = documents.write(bill, folder / "first")
    sources = (bench.image.manifest, bench.image.image, *lock_files)
    found += documents.problems(bill, written, sources, folder / "second")
    facts = {
        "bytes": len(image),
        "parts": len(bill.parts),
        "packages": len(bill.packages),
        "tools": len(bill.tools),
        "owned": {one.label: sum(size for _, size in one.ranges) for one in bill.parts},
        "documents": {form: digest(path.read_bytes()) for form, path in written.items()},
    }
    if found:
        return _failed(found, notes, facts)
    words = f"{len(image):,} bytes of {len(bill.parts)} parts, all declared"
    return Outcome("passed", words, notes=notes, facts=facts)


def _other_link(bench: Workbench, files: ImageFiles, manifest: Manifest) -> list[UnibuildError]:
    """Return what differs between the files and what packing makes of the link now."""
    again = relink.packed(bench, str(manifest["sandbox"]))
    paths = {".elf": files.image, ".symbols": files.symbols, ".manifest.json": files.manifest}
    found: list[UnibuildError] = []
    for ending, path in paths.items():
        data = path.read_bytes() if path.exists() else b""
        if again[ending] == data:
            continue
        fields = ""
        if ending == ".manifest.json":
            right = json.loads(again[ending])
            names = sorted(
                key for key in {*right, *manifest} if right.get(key) != manifest.get(key)
            )
            fields = f" in {', '.join(f'`{name}`' for name in names)}" if names else ""
        found.append(
            DifferenceError(
                coverage.ID,
                f"the {_ENDINGS[ending]} is not what the link gives: {path.name} differs{fields}",
                hint="build the image again; if it stays so, the file was changed by someone else",
            )
        )
    return found


def _failed(
    found: list[UnibuildError], notes: tuple[str, ...], facts: dict[str, object] | None = None
) -> Outcome:
    first = found[0].cause
    words = first if len(found) == 1 else f"{len(found)} findings, the first: {first}"
    return Outcome("failed", words, tuple(found), notes, facts or {})
