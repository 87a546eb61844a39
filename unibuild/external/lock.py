"""``unibuild.lock``: which files each package URL stands for, and their digests.

The file is TOML, sorted, and the same bytes for the same content. Both digest functions are in it,
so that an action's digest is known before any package was fetched, whichever function a workspace
uses. A workspace's own lock comes before those of its repositories (see ``merge``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unibuild.external.purl import Purl, parse, split_file
from unibuild.model.errors import Place, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LOCK_NAME = "unibuild.lock"
_VERSION = 1
_HEADER = """\
# Written by 'unibuild lock': the files of every external package, pinned by their digests.
"""
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~:!-]*")
_SAFE_LOCATION = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._+~:!-]*/)*[A-Za-z0-9][A-Za-z0-9._+~:!-]*")


@dataclass(frozen=True, slots=True, order=True)
class LockedFile:
    """One file of a package: its name, its size in bytes and its digests in lower-case hex.

    ``location`` is its path below a Debian archive's root (``pool/main/m/musl/…``), else empty.
    """

    name: str
    size: int
    sha256: str
    blake3: str
    location: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """Package URLs (canonical) and their files, the main file first."""

    packages: Mapping[str, tuple[LockedFile, ...]] = field(default_factory=dict)

    def files(self, purl: Purl) -> tuple[LockedFile, ...]:
        """Return the files of a package, the main file first; ``not-locked`` when it has none."""
        files = self.packages.get(str(purl))
        if files is None:
            raise UserError(
                id="not-locked",
                cause=f"{purl} is not in {LOCK_NAME}",
                hint="run 'unibuild lock' to pin it",
                detail=self._other_versions(purl),
            )
        return files

    def find(self, text: str) -> LockedFile:
        """Return the file that ``pkg:…`` (its main file) or ``pkg:…#FILE`` names.

        The main file is the only one, or for a Debian source package the upstream archive.
        """
        purl_text, name = split_file(text)
        files = self.files(parse(purl_text))
        if not name:
            return files[0]
        for file in files:
            if file.name == name:
                return file
        raise UserError(
            id="no-such-package-file",
            cause=f"{purl_text} has no file '{name}'",
            hint=f"it has {', '.join(file.name for file in files)}",
        )

    def _other_versions(self, purl: Purl) -> tuple[str, ...]:
        others = (parse(text) for text in self.packages)
        return tuple(
            f"locked is {other}"
            for other in others
            if (other.type, other.name) == (purl.type, purl.name)
        )


def read(path: Path) -> Lock:
    """Read a lock file; an absent one is empty, a damaged one the error ``bad-lock``."""
    import tomli

    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return Lock()
    except UnicodeDecodeError:
        raise _bad(path, "is no UTF-8 text") from None
    try:
        document = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        line = text.splitlines()[error.lineno - 1] if error.lineno <= text.count("\n") else ""
        place = Place(str(path), error.lineno, error.colno, line)
        raise _bad(path, f"is no TOML: {error.msg}", place) from None
    if document.get("version") != _VERSION:
        raise _bad(path, f"has version {document.get('version')!r}, this unibuild reads {_VERSION}")
    packages = document.get("package", [])
    if not isinstance(packages, list):
        raise _bad(path, "has no list of packages")
    return Lock(dict(_read_package(path, package) for package in packages))


def merge(locks: Iterable[Lock]) -> Lock:
    """Join locks; where two pin the same package, the first one holds."""
    packages: dict[str, tuple[LockedFile, ...]] = {}
    for lock in locks:
        for purl, files in lock.packages.items():
            packages.setdefault(purl, files)
    return Lock(packages)


def render(lock: Lock) -> str:
    """Return the text of a lock file, sorted by package URL."""
    lines = [_HEADER, f"version = {_VERSION}\n"]
    for purl in sorted(lock.packages):
        lines.append(f'\n[[package]]\npurl = "{purl}"\n')
        for file in lock.packages[purl]:
            lines.append(
                f'\n  [[package.file]]\n  name = "{file.name}"\n  size = {file.size}\n'
                f'  sha256 = "{file.sha256}"\n  blake3 = "{file.blake3}"\n'
            )
            if file.location:
                lines.append(f'  location = "{file.location}"\n')
    return "".join(lines)


def write(path: Path, lock: Lock) -> bool:
    """Write a lock file aside and rename it; false when it already says the same."""
    import os

    text = render(lock)
    if path.exists() and path.read_bytes() == text.encode():
        return False
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
    return True


def _read_package(path: Path, package: Any) -> tuple[str, tuple[LockedFile, ...]]:  # noqa: ANN401 - TOML
    if not isinstance(package, dict) or not isinstance(package.get("purl"), str):
        raise _bad(path, "has a package without a purl")
    purl = str(parse(package["purl"], Place(str(path))))
    files = package.get("file")
    if not isinstance(files, list) or not files:
        raise _bad(path, f"names no file of {purl}")
    return purl, tuple(_read_file(path, purl, file) for file in files)


def _read_file(path: Path, purl: str, file: Any) -> LockedFile:  # noqa: ANN401 - TOML
    if not isinstance(file, dict):
        raise _bad(path, f"has an entry for {purl} that is no table")
    name, size, location = file.get("name"), file.get("size"), file.get("location", "")
    if not isinstance(name, str) or not _SAFE_NAME.fullmatch(name):
        raise _bad(path, f"has a file of {purl} without a usable name")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _bad(path, f"has no size for {name} of {purl}")
    if not isinstance(location, str) or (location and not _SAFE_LOCATION.fullmatch(location)):
        raise _bad(path, f"has a bad location for {name} of {purl}")
    digests = file.get("sha256"), file.get("blake3")
    for digest in digests:
        if not isinstance(digest, str) or not _HEX_DIGEST.fullmatch(digest):
            raise _bad(path, f"lacks a digest of {name} of {purl}")
    return LockedFile(name, size, str(digests[0]), str(digests[1]), location)


def _bad(path: Path, what: str, place: Place | None = None) -> UserError:
    return UserError(
        id="bad-lock",
        cause=f"{path.name} {what}",
        place=place or Place(str(path)),
        hint="restore it from version control, or delete it and run 'unibuild lock'",
    )
