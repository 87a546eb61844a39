"""Whether a manifest tells the truth about its boot file, and all that a bill of materials needs.

Numbered as they are checked; each failure is one error of id ``materials-incomplete``:

1. the manifest belongs to the file (digest and size), and the identity in the file is that of the file;
2. the ranges cover each byte once and belong to known components or to the image's own parts;
3. what the headers of the file say: headers are where the ranges say, filling holds no content;
4. every component's digest is that of its bytes;
5. every component, package and tool has a package URL and a licence, and the lock pins what is external.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from unibuild.elf.layout import PT_LOAD, ElfFile, MalformedElfError
from unibuild.external.purl import parse, split_file
from unibuild.image import contents, identity
from unibuild.image.ranges import FILLING, HEADERS, OWN_PARTS, header_size
from unibuild.loading.licenses import check_license
from unibuild.model.errors import DifferenceError, UserError
from unibuild.verify.materials.bill import EXTERNAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unibuild.external.lock import Lock
    from unibuild.image.manifest import Manifest
    from unibuild.model.errors import UnibuildError

ID = "materials-incomplete"
_TRAP = 0xCC
_EXECUTABLE = 1
_AGAIN = (
    "build the image again; if it stays so, the file or its manifest was changed by someone else"
)
_DECLARE = "write `license` in its [package], in WORKSPACE.toml, or at its external_archive"


def problems(manifest: Manifest, image: bytes, lock: Lock) -> Iterator[UnibuildError]:
    """Yield what is wrong; ``manifest`` has its whole shape (``manifest_shape``)."""
    strangers = list(_other_image(manifest, image))
    yield from strangers
    if strangers:
        return
    holes = list(_holes(manifest, len(image)))
    yield from holes
    if holes:
        return
    yield from _content(manifest, image)
    yield from _digests(manifest, image)
    yield from _origins(manifest, lock)


def _other_image(manifest: Manifest, image: bytes) -> Iterator[UnibuildError]:
    digest = contents.digest(image)
    said = manifest["image"]
    if said["digest"] != digest or said["size"] != len(image):
        yield _differs(
            f"{said['file']} is not the image that its manifest describes",
            f"the manifest says {said['digest']}, {said['size']:,} bytes",
            f"the file has {digest}, {len(image):,} bytes",
        )
    if manifest["identity"] is not None:
        found = manifest["identity"]
        try:
            computed = identity.compute(image, found["offset"])
        except MalformedElfError as error:
            yield _differs(f"{said['file']}: {error}")
            return
        stored = image[found["offset"] : found["offset"] + identity.SIZE]
        if stored != computed or found["digest"] != f"sha256:{computed.hex()}":
            yield _differs(
                f"the identity in {said['file']} is not that of the file",
                f"computed sha256:{computed.hex()}",
                f"in the file sha256:{stored.hex()}",
                f"in the manifest {found['digest']}",
            )


def _holes(manifest: Manifest, size: int) -> Iterator[UnibuildError]:
    known = {one["label"] for one in manifest["components"]} | set(OWN_PARTS)
    end = 0
    for offset, length, owner, _ in manifest["ranges"]:
        if offset != end or not length:
            what = "belong to nobody" if offset > end else "are claimed twice"
            yield _differs(f"bytes {min(offset, end):#x} to {max(offset, end):#x} {what}")
        if owner not in known:
            yield _differs(f"bytes from {offset:#x} belong to {owner}, which is no component")
        end = offset + length
    if end != size:
        yield _differs(f"the ranges end at {end:#x}, and the file at {size:#x}")


def _content(manifest: Manifest, image: bytes) -> Iterator[UnibuildError]:
    try:
        boot = ElfFile.parse(image)
    except MalformedElfError as error:
        yield _differs(f"{manifest['image']['file']} is no boot file: {error}")
        return
    headers = header_size(boot)
    code = [
        range(one.offset, one.offset + one.file_size)
        for one in boot.segments
        if one.type == PT_LOAD and one.flags & _EXECUTABLE
    ]
    for offset, length, owner, _ in manifest["ranges"]:
        if (owner == HEADERS) != (offset < headers) or (owner == HEADERS and length != headers):
            yield _differs(
                f"bytes from {offset:#x} are said to be {owner}, and the headers end at {headers:#x}"
            )
        if owner != FILLING:
            continue
        allowed = {0, _TRAP} if any(offset in one for one in code) else {0}
        for at, byte in enumerate(image[offset : offset + length], start=offset):
            if byte not in allowed:
                yield _differs(f"byte {at:#x} is filling and has the value {byte:#04x}")
                break


def _digests(manifest: Manifest, image: bytes) -> Iterator[UnibuildError]:
    parts: dict[str, list[bytes]] = defaultdict(list)
    for offset, length, owner, _ in manifest["ranges"]:
        parts[owner].append(image[offset : offset + length])
    for one in manifest["components"]:
        if one["digest"] != contents.digest(b"".join(parts[one["label"]])):
            yield _differs(f"the bytes of {one['label']} are not those of its digest")


def _origins(manifest: Manifest, lock: Lock) -> Iterator[UnibuildError]:
    for one in _owners(manifest):
        yield from _declared(one, one["label"])
        for origin in one["materials"]:
            yield from _declared(origin, f"{one['label']}, which is made of {origin['purl']},")
            yield from _pinned(origin["purl"], lock)
    for tool in manifest["tools"]:
        yield from _declared(tool, f"the build tool {tool['purl']}")
        yield from _pinned(tool["purl"], lock)


def _owners(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the components, and the image's own part even where nothing of its own was linked."""
    owners = list(manifest["components"])
    if all(one["label"] != manifest["label"] for one in owners):
        nothing = {"label": manifest["label"], "purl": "", "license": "", "materials": []}
        left = [one for one in manifest["left_out"] if one["label"] == manifest["label"]]
        owners += left or [nothing]
    return owners


def _declared(one: Mapping[str, Any], name: str) -> Iterator[UnibuildError]:
    if not one["purl"]:
        yield UserError(ID, f"{name} has no package URL", hint="name its sources by a target")
    elif not _is_purl(one["purl"]):
        yield UserError(ID, f"{name} has `{one['purl']}`, which is no package URL", hint=_AGAIN)
    if not one["license"]:
        yield UserError(ID, f"{name} has no licence", hint=_DECLARE)
        return
    try:
        check_license(one["license"])
    except UserError as error:
        yield UserError(ID, f"{name}: {error.cause}", hint=error.hint or _DECLARE)


def _is_purl(text: str) -> bool:
    from packageurl import PackageURL

    try:
        PackageURL.from_string(text)
    except ValueError:
        return False
    return True


def _pinned(purl: str, lock: Lock) -> Iterator[UnibuildError]:
    if not purl.startswith(EXTERNAL):
        return
    try:
        lock.files(parse(split_file(purl)[0]))
    except UserError as error:
        yield UserError(ID, f"{purl} has no digest: {error.cause}", hint=error.hint)


def _differs(cause: str, *detail: str) -> DifferenceError:
    return DifferenceError(ID, cause, hint=_AGAIN, detail=detail)
