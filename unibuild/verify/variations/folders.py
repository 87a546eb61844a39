"""Variations of where the files of a build are, and on what."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from unibuild.verify.surroundings import file_system
from unibuild.verify.variations.draft import unshare
from unibuild.verify.variations.variation import FIRST, SECOND, Variation, missing, trial, unless

if TYPE_CHECKING:
    from unibuild.verify.variations.draft import Draft
    from unibuild.verify.variations.variation import Seen
    from unibuild.verify.workbench import Workbench

ROOM = 2 << 30
"""Bytes that have to be free where a rebuild is to be."""
_OTHER = "another place"


class BuildPath(Variation):
    """The folder that the workspace is in."""

    name = "build_path"
    varies = "folder of the checkout"
    turns = FIRST
    _folder = f"{_OTHER}/of the checkout"

    def control(self, bench: Workbench) -> str:
        """Return the workspace's root."""
        return str(bench.workspace.root)

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the folder."""
        return f".../{self._folder}"

    def apply(self, draft: Draft) -> None:
        """Have the copy there."""
        draft.workspace = self._folder

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(str(draft.site / self._folder), seen["workspace"])


class CacheFolder(Variation):
    """The folder that the cache is in, and with it the scratch folders of actions."""

    name = "cache_folder"
    varies = "folder of the cache"
    turns = SECOND
    _folder = f"{_OTHER}/of the cache"

    def control(self, bench: Workbench) -> str:
        """Return the cache's root."""
        return str(bench.cache_root)

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the folder."""
        return f".../{self._folder}"

    def apply(self, draft: Draft) -> None:
        """Have the cache there."""
        draft.cache = self._folder

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(str(draft.site / self._folder), seen["cache"])


class GitCheckout(Variation):
    """A checkout without Git, as an archive of the sources is, and one at another commit."""

    name = "git"
    varies = "checkout with and without Git"

    def control(self, bench: Workbench) -> str:
        """Tell whether the workspace is part of a repository."""
        return "with Git" if in_repository(bench.workspace.root) else "without Git"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return what the checkout is."""
        return "a repository with one other commit" if turn else "an archive without Git"

    def lacking(self, bench: Workbench) -> str:
        """Look for Git."""
        return missing("git")

    def apply(self, draft: Draft) -> None:
        """Leave the repository out, with those of the folders around hidden, or make another."""
        draft.git = "other" if draft.turn else ""
        draft.environment["GIT_CEILING_DIRECTORIES"] = str(draft.site)
        for name in ("GIT_DIR", "GIT_WORK_TREE"):
            draft.environment.pop(name, None)

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare."""
        return unless(bool(draft.git), seen["git"])


def in_repository(folder: Path) -> bool:
    """Tell whether ``folder`` is in a checkout of Git."""
    return any((around / ".git").exists() for around in (folder, *folder.parents))


class FileSystem(Variation):
    """A file system of another type for checkout, cache and scratch folders."""

    name = "filesystem"
    varies = "file system of checkout, cache and scratch folders"
    turns = FIRST

    def control(self, bench: Workbench) -> str:
        """Return its type."""
        return file_system(bench.scratch)

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return its type."""
        other = other_file_system(bench.scratch)
        return file_system(other) if other else "another"

    def lacking(self, bench: Workbench) -> str:
        """Look for a folder of another type, and whether it can be mounted in place."""
        if other_file_system(bench.scratch) is None:
            kind, room = file_system(bench.scratch), ROOM >> 30
            return f"no folder of another file system than {kind} has {room} GiB free"
        return missing("unshare", "mount") or trial(
            unshare({"mount"}), "a folder cannot be mounted in place"
        )

    def apply(self, draft: Draft) -> None:
        """Have the site's files on the other file system, under their usual path."""
        folder = other_file_system(draft.site)
        if folder is None:
            raise AssertionError("a variation that is lacking is not applied")
        remove_left_over(folder)
        draft.store = folder / f"{_PREFIX}{os.getpid()}-{draft.site.name}"
        draft.mount(f"mount --bind {quote(str(draft.store))} {quote(str(draft.site))}")

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare types."""
        return unless([file_system(draft.store)] * 2, seen["file_systems"])


class FileOrdering(Variation):
    """The order in which a folder's entries are read, by disorderfs."""

    name = "fileordering"
    varies = "order of the entries of folders"
    turns = SECOND
    _type = "fuse.disorderfs"

    def control(self, bench: Workbench) -> str:
        """Return whose order it is."""
        return f"as {file_system(bench.scratch)} has it"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return what is done."""
        return "the reverse"

    def lacking(self, bench: Workbench) -> str:
        """Try it."""
        absent = missing("disorderfs", "unshare", "mount")
        if absent:
            return absent
        if not Path("/dev/fuse").exists():
            return "FUSE is not there (/dev/fuse)"
        with tempfile.TemporaryDirectory() as folder:
            site = Path(folder, "site")
            site.mkdir()
            script = "\n".join(("set -e", *self._mounting(site), 'exec "$@"'))
            command = [*unshare({"mount"}), "sh", "-c", script, "trial"]
            return trial(command, "disorderfs cannot be mounted")

    @staticmethod
    def _mounting(site: Path) -> list[str]:
        place, hold = quote(str(site)), quote(f"{site}-as-it-is")
        return [
            f"mkdir -p {hold}",
            f"mount --bind {place} {hold}",
            f"disorderfs --quiet --reverse-dirents=yes -o nonempty {hold} {place}",
        ]

    def apply(self, draft: Draft) -> None:
        """Mount it over the whole site, in its place."""
        for line in self._mounting(draft.site):
            draft.mount(line)

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Look whether it is what the rebuild's files were on."""
        return unless([self._type] * 2, seen["file_systems"])


_PREFIX = "unibuild-verify-"


@cache
def other_file_system(place: Path) -> Path | None:
    """Return a folder for temporary files on another type of file system than that of ``place``."""
    here = file_system(place)
    named = os.environ.get("XDG_RUNTIME_DIR")
    candidates = ["/dev/shm", *([named] if named else []), "/tmp", "/var/tmp"]  # noqa: S108
    for folder in map(Path, candidates):
        if (
            folder.is_dir()
            and os.access(folder, os.W_OK | os.X_OK)
            and file_system(folder) != here
            and shutil.disk_usage(folder).free >= ROOM
        ):
            return folder
    return None


def remove_left_over(folder: Path) -> None:
    """Remove from ``folder`` what verifications left there that were killed."""
    for path in folder.glob(f"{_PREFIX}*"):
        process = path.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdigit() and not Path("/proc", process).exists():
            remove(path)


def remove(path: Path) -> None:
    """Remove a store with all that is in it, read-only folders too."""
    from unibuild.store.layout import remove_tree

    if path.exists():
        remove_tree(str(path))
