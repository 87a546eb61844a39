"""The bill of materials of an image, before it takes the form of a standard.

It is made of the manifest, of the boot file's own bytes and of the lock. A *part* is one component of
the image with the bytes that it has there; a *package* is an external package that parts were made
from; a *tool* is one that made parts and is itself no part. The same image and lock give the same bill.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from unibuild.external.purl import parse, split_file
from unibuild.image.manifest_shape import check
from unibuild.image.ranges import OWN_PARTS
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unibuild.external.lock import Lock, LockedFile
    from unibuild.image.manifest import Manifest

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:unibuild:bill-of-materials")
EXTERNAL = ("pkg:deb/", "pkg:pypi/")


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 and SHA-512 of the same bytes, in lower-case hex."""

    sha256: str
    sha512: str

    @staticmethod
    def of(data: bytes) -> Hashes:
        """Hash ``data``."""
        return Hashes(hashlib.sha256(data).hexdigest(), hashlib.sha512(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Part:
    """One component: ``ranges`` are (offset, size) in the boot file, ``hashes`` are over their bytes.

    ``purl`` and ``license`` are empty where nobody declared one; ``origins`` are the package URLs of
    all its sources; ``archives`` the linked files that it came in, as ``NAME sha256:HEX``.
    """

    label: str
    kind: str
    description: str
    purl: str
    license: str
    origins: tuple[str, ...]
    hashes: Hashes
    ranges: tuple[tuple[int, int], ...]
    zeroed: int
    archives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackageFile:
    """One locked file of a package."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """An external package; ``files`` are those that the lock pins, empty without a lock."""

    purl: str
    license: str
    files: tuple[PackageFile, ...]


@dataclass(frozen=True, slots=True)
class RootFile:
    """A file of the image's root file system; it lies in the bytes of the image's own part."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Bill:
    """The whole bill; ``parts`` cover every byte of the boot file, the image's own part first."""

    label: str
    file: str
    size: int
    hashes: Hashes
    identity: str
    assembler: int
    architecture: str
    parts: tuple[Part, ...]
    files: tuple[RootFile, ...]
    packages: tuple[Package, ...]
    tools: tuple[Package, ...]

    @property
    def own(self) -> Part:
        """The image's own part: parameters, files, and what linker and assembler add."""
        return self.parts[0]

    @property
    def serial(self) -> uuid.UUID:
        """A number that only this content has."""
        return uuid.uuid5(_NAMESPACE, json.dumps(asdict(self), sort_keys=True))


def compose(manifest: Manifest, image: bytes, lock: Lock, shown: str = "the manifest") -> Bill:
    """Return the bill of ``image``; ``shown`` is what messages call its manifest.

    ``UserError`` ``bad-manifest``, or ``manifest-of-another-image`` when it does not belong to ``image``.
    """
    check(manifest, shown)
    hashes = Hashes.of(image)
    if manifest["image"]["digest"] != f"sha256:{hashes.sha256}":
        raise UserError(
            "manifest-of-another-image",
            f"{shown} belongs to another image: it says {manifest['image']['digest']}, the file "
            f"has sha256:{hashes.sha256}",
            hint="build the image again, or name the manifest that was made with it",
        )
    label = manifest["label"]
    ranges: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for offset, size, owner, _ in manifest["ranges"]:
        ranges[label if owner in OWN_PARTS else owner].append((offset, size))
    known = {one["label"]: one for one in (*manifest["left_out"], *manifest["components"])}
    labels = [label, *(one["label"] for one in manifest["components"] if one["label"] != label)]
    labels += sorted(set(ranges) - set(labels))
    parts = tuple(_part(name, known.get(name, {}), ranges[name], image) for name in labels)
    return Bill(
        label=label,
        file=manifest["image"]["file"],
        size=len(image),
        hashes=hashes,
        identity=(manifest["identity"] or {}).get("digest", ""),
        assembler=manifest["assembler"],
        architecture=manifest["platform"]["architecture"],
        parts=parts,
        files=tuple(
            RootFile(one["path"], one["size"], one["digest"].removeprefix("sha256:"))
            for one in manifest["files"]
        ),
        packages=_packages(
            (origin for name in labels for origin in known.get(name, {}).get("materials", ())), lock
        ),
        tools=_packages(manifest["tools"], lock),
    )


def _part(
    label: str, known: Mapping[str, Any], ranges: list[tuple[int, int]], image: bytes
) -> Part:
    merged: list[tuple[int, int]] = []
    for offset, size in ranges:
        if merged and sum(merged[-1]) == offset:
            merged[-1] = (merged[-1][0], merged[-1][1] + size)
        else:
            merged.append((offset, size))
    content = b"".join(image[offset : offset + size] for offset, size in merged)
    return Part(
        label=label,
        kind=known.get("kind", ""),
        description=known.get("description", ""),
        purl=known.get("purl", ""),
        license=known.get("license", ""),
        origins=tuple(one["purl"] for one in known.get("materials", ())),
        hashes=Hashes.of(content),
        ranges=tuple(merged),
        zeroed=known.get("zeroed_bytes", 0),
        archives=tuple(f"{one['file']} {one['digest']}" for one in known.get("archives", ())),
    )


def _packages(origins: Iterable[Mapping[str, str]], lock: Lock) -> tuple[Package, ...]:
    """Return the external packages among ``origins``, each once, sorted, with what the lock pins."""
    licenses = {one["purl"]: one["license"] for one in origins if one["purl"].startswith(EXTERNAL)}
    return tuple(
        Package(purl, licenses[purl], tuple(map(_file, lock.packages.get(_locked(purl), ()))))
        for purl in sorted(licenses)
    )


def _locked(purl: str) -> str:
    return str(parse(split_file(purl)[0]))


def _file(file: LockedFile) -> PackageFile:
    return PackageFile(file.name, file.size, file.sha256)
