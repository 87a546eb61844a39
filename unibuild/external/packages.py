"""Fetched files in the content-addressed storage, under the workspace's digest function."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.store.digests import Digest
from unibuild.store.layout import Layout

if TYPE_CHECKING:
    from unibuild.external.lock import LockedFile
    from unibuild.store.cas import ContentStore


def digest_of(file: LockedFile, function_name: str) -> Digest:
    """Return the digest by which the store knows a locked file, whether it was fetched or not."""
    return Digest(file.blake3 if function_name == "blake3" else file.sha256, file.size)


@dataclass(frozen=True, slots=True)
class StoredPackages:
    """The ``PackageStore`` in a cache: blobs in its store, partial files in ``<cache>/incoming``."""

    store: ContentStore
    function_name: str
    cache_root: Path

    @property
    def incoming(self) -> Path:
        """The folder of partial files; whoever empties it loses only what arrived so far."""
        return self.cache_root / "incoming"

    def find(self, file: LockedFile) -> Path | None:
        """Return the verified file, or None."""
        digest = digest_of(file, self.function_name)
        path = self.store.file(digest)
        if path is None and self._copy_from_the_other_function(file):
            path = self.store.file(digest)
        return Path(path) if path else None

    def adopt(self, path: Path, file: LockedFile) -> Path:
        """Move a finished file into the store."""
        self.store.adopt(str(path), digest_of(file, self.function_name), executable=False)
        found = self.find(file)
        if found is None:
            raise FileNotFoundError(path)
        return found

    def _copy_from_the_other_function(self, file: LockedFile) -> bool:
        """Take a file that a workspace with the other digest function fetched into this cache."""
        other = "sha256" if self.function_name == "blake3" else "blake3"
        layout = Layout(str(self.cache_root), other)
        known = layout.path("blobs", digest_of(file, other).hash)
        try:
            copied = self.store.put_copy(known)
        except FileNotFoundError:
            return False
        return copied == digest_of(file, self.function_name)
