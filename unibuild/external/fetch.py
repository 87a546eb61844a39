"""Files of the lock, from the store or else from a registry into the store.

A file that the store has is never asked for again, and then no registry, no network and none of
pip's and apt's settings is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from unibuild.external import deb, golang, pypi
from unibuild.external.download import Expected, download, partial_file
from unibuild.external.purl import Purl, parse, split_file
from unibuild.model.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unibuild.external.lock import Lock, LockedFile
    from unibuild.external.registries import Registries
    from unibuild.external.transport import Progress


class PackageStore(Protocol):
    """Where fetched files are kept, by their digest."""

    @property
    def incoming(self) -> Path:
        """A folder for partial files, on the file system of the store."""

    def find(self, file: LockedFile) -> Path | None:
        """Return where the file is, or None; the path stays readable for this process."""

    def adopt(self, path: Path, file: LockedFile) -> Path:
        """Move a file whose digests were checked into the store; return where it is now."""


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches files that ``lock`` pins; ``registries`` is called only when one is missing."""

    lock: Lock
    store: PackageStore
    registries: Callable[[], Registries]
    progress: Progress | None = None

    def path(self, text: str) -> Path:
        """Return the file that ``pkg:…`` (its main file) or ``pkg:…#FILE`` names, fetched once."""
        file = self.lock.find(text)
        return self._path(parse(split_file(text)[0]), file)[0]

    def everything(self) -> int:
        """Fetch every file of the lock that is missing; return how many those were."""
        return sum(
            self._path(parse(text), file)[1]
            for text, files in sorted(self.lock.packages.items())
            for file in files
        )

    def _path(self, purl: Purl, file: LockedFile) -> tuple[Path, bool]:
        found = self.store.find(file)
        if found:
            return found, False
        with partial_file(self.store.incoming / f"{file.sha256}.part") as partial:
            found = self.store.find(file)
            path = self.store.incoming / f"{file.sha256}.part"
            if found:  # another process fetched it while this one waited
                path.unlink()
                return found, False
            registries = self.registries()
            expected = Expected(str(purl), file.name, file.size, file.sha256, file.blake3)
            transport = registries.transport(purl.type)
            try:
                download(partial, urls(purl, file, registries), expected, transport, self.progress)
            except HostError as error:
                raise replace(error, cause=f"cannot fetch {purl}: {error.cause}") from None
            return self.store.adopt(path, file), True


def urls(purl: Purl, file: LockedFile, registries: Registries) -> tuple[str, ...]:
    """Return where a locked file may be had, best first."""
    if purl.type == "deb":
        return deb.urls(file.location, purl.distribution, registries)
    if purl.type == "golang":
        return golang.urls(purl, file.name, registries)
    links = pypi.links(purl, registries)
    named = [link for link in links if link.name == file.name]
    named.sort(key=lambda link: link.sha256 not in {"", file.sha256})
    return tuple(link.url for link in named)
