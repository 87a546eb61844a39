"""Directory listings, each read once per load and remembered, and the walk over packages.

What is listed here is what a graph depends on beside the files it reads: the listings form the
``watched`` set, by which a later run knows that a glob or a pattern could come out differently.
"""

from __future__ import annotations

import errno
import os
from enum import StrEnum
from typing import TYPE_CHECKING

from unibuild.model.artifacts import EXTERNAL_PREFIX, GENERATED_PREFIX, OUTPUT_PREFIX
from unibuild.model.errors import Place, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUILD_FILE = "BUILD.toml"
WORKSPACE_FILE = "WORKSPACE.toml"
RESERVED_FOLDERS = frozenset({EXTERNAL_PREFIX, GENERATED_PREFIX, OUTPUT_PREFIX})


class Kind(StrEnum):
    """What stands under a name in a directory, symbolic links followed."""

    FILE = "file"
    DIRECTORY = "directory"
    OTHER = "other"
    """A socket, a device, or a link to nothing."""
    LOOP = "loop"
    """A symbolic link that leads back to itself."""


class Directories:
    """The listings of one load."""

    def __init__(self) -> None:
        """Start with nothing listed."""
        self._listings: dict[str, Mapping[str, Kind]] = {}
        self.watched: dict[str, None] = {}
        self.links: set[str] = set()

    def listing(self, directory: str, *, watch: bool = True) -> Mapping[str, Kind]:
        """Return name → kind of everything in ``directory`` (absolute); empty if there is none.

        ``watch`` says that the caller's answer depends on which names there are.
        """
        if watch:
            self.watched[directory] = None
        found = self._listings.get(directory)
        if found is None:
            found = self._read(directory)
            self._listings[directory] = found
        return found

    def has_package(self, directory: str) -> bool:
        """Whether ``directory`` starts a package or a workspace of its own; watched, as it may."""
        names = self.listing(directory)
        return BUILD_FILE in names or WORKSPACE_FILE in names

    def packages(self, root: str, package: str) -> Iterator[str]:
        """Yield, sorted, the packages at and below ``package`` of the repository at ``root``.

        Hidden folders, output folders, symbolic links and nested workspaces are left out.
        """
        pending = [package]
        while pending:
            path = pending.pop()
            directory = f"{root}/{path}" if path else root
            names = self.listing(directory)
            if path != package and WORKSPACE_FILE in names:
                continue
            if names.get(BUILD_FILE) is Kind.FILE:
                yield path
            below = [
                f"{path}/{name}" if path else name
                for name, kind in names.items()
                if kind is Kind.DIRECTORY
                and not name.startswith(".")
                and not (not path and name in RESERVED_FOLDERS)
                and f"{directory}/{name}" not in self.links
            ]
            pending.extend(sorted(below, reverse=True))

    def _read(self, directory: str) -> Mapping[str, Kind]:
        """List ``directory`` from the disk."""
        found: dict[str, Kind] = {}
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    found[entry.name] = self._kind(entry)
        except FileNotFoundError:
            return found
        except NotADirectoryError:
            return found
        except OSError as fault:
            if fault.errno == errno.ELOOP:
                return found
            reason = (fault.strerror or "cannot be listed").lower()
            raise UserError(
                "unreadable-file", f"the folder cannot be listed: {reason}", Place(directory)
            ) from None
        return found

    def _kind(self, entry: os.DirEntry[str]) -> Kind:
        """Return what ``entry`` is, its symbolic links followed."""
        try:
            if entry.is_symlink():
                self.links.add(entry.path)
            if entry.is_file():
                return Kind.FILE
            if entry.is_dir():
                return Kind.DIRECTORY
            if entry.is_symlink():
                os.stat(entry.path)  # noqa: PTH116 - only asks which error a broken link gives
        except OSError as fault:
            return Kind.LOOP if fault.errno == errno.ELOOP else Kind.OTHER
        return Kind.OTHER
