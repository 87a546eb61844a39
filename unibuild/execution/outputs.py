"""Outputs: taken from the directory an action wrote to, and placed where the user finds them.

An action must have made every output it declared, each of the declared type, and nothing else.
``unibuild-out/`` gets a hard link to the stored blob. Root can write to a read-only file, so for
root, and where a link is impossible (another file system), it gets a copy, which shares its blocks
where the file system can.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from unibuild.execution.kept_graph import STATE_DIRECTORY, Stamp
from unibuild.execution.plan import shown_path
from unibuild.model.errors import UserError
from unibuild.store.digests import Digest
from unibuild.store.files import READ_ONLY, READ_ONLY_EXECUTABLE, copy_new, remove
from unibuild.store.layout import FIXED_TIME_NS, remove_tree
from unibuild.store.merkle import UnsupportedEntryError

if TYPE_CHECKING:
    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value
    from unibuild.store.cas import LocalStore
    from unibuild.store.digests import DigestFunction
    from unibuild.store.trees import TreeStore

_PREFIX = len("unibuild-gen/")


class Collector:
    """Takes the outputs of finished actions into the store."""

    def __init__(
        self, plan: Plan, function: DigestFunction, store: LocalStore, trees: TreeStore
    ) -> None:
        """Store files in ``store`` and directories in ``trees``."""
        self._plan = plan
        self._function = function
        self._store = store
        self._trees = trees

    def check(self, record: Record, base: str) -> None:
        """Raise a ``UserError`` unless exactly the declared outputs are below ``base``."""
        declared = {self._plan.paths[a][_PREFIX:]: a in self._plan.trees for a in record.outputs}
        for path, tree in declared.items():
            try:
                mode = os.lstat(f"{base}/{path}").st_mode
            except FileNotFoundError:
                raise _wrong(record, "missing-output", f"did not make its output {path}") from None
            right = stat.S_ISDIR(mode) if tree else stat.S_ISREG(mode)
            if not right:
                kind = "a directory" if tree else "a regular file"
                raise _wrong(record, "wrong-output-type", f"made {path}, but not as {kind}")
        for path in _files_below(base, "", declared):
            if path not in declared:
                raise _wrong(
                    record, "undeclared-output", f"wrote {path}, which is none of its outputs"
                )

    def take(self, record: Record, base: str) -> list[Value]:
        """Move the checked outputs into the store and return their values, in order."""
        values: list[Value] = []
        for a in record.outputs:
            path = f"{base}/{self._plan.paths[a][_PREFIX:]}"
            if a in self._plan.trees:
                try:
                    scanned = self._trees.adopt(path)
                except UnsupportedEntryError as error:
                    raise _wrong(record, "wrong-output-type", f"made {error}") from error
                values.append((*scanned.tree, *scanned.root))
                continue
            found = os.lstat(path)
            executable = bool(found.st_mode & 0o100) or a in self._plan.executables
            if found.st_nlink > 1:  # another name could still change the stored file
                copy_new(path, f"{path}.own", READ_ONLY)
                os.rename(f"{path}.own", path)
            digest = self._function.of_file(path)
            self._store.adopt(path, digest, executable=executable)
            values.append((digest.hash, digest.size, executable))
        return values


def _wrong(record: Record, identifier: str, what: str) -> UserError:
    """Return the mistake of whoever declared the action: it does not keep what it promises."""
    what = what.encode(errors="backslashreplace").decode()  # a file name may be any bytes
    return UserError(id=identifier, cause=f"{record.mnemonic} of {record.label} {what}")


def _files_below(base: str, relative: str, declared: dict[str, bool]) -> list[str]:
    found: list[str] = []
    with os.scandir(f"{base}/{relative}") as listing:
        for entry in listing:
            path = f"{relative}/{entry.name}" if relative else entry.name
            if entry.is_dir(follow_symlinks=False):
                if not declared.get(path):
                    found += _files_below(base, path, declared)
            else:
                found.append(path)
    return found


class Placer:
    """Puts outputs into ``unibuild-out/`` of the workspace."""

    def __init__(
        self, workspace_root: str, plan: Plan, store: LocalStore, trees: TreeStore
    ) -> None:
        """Place outputs below ``workspace_root``."""
        self._root = workspace_root
        self._plan = plan
        self._store = store
        self._trees = trees
        self._linking = os.geteuid() != 0
        self._made: set[str] = set()
        self._aside = f"{workspace_root}/{STATE_DIRECTORY}/aside"  # one build at a time
        self.placed: dict[int, list[tuple[str, Stamp]]] = {}

    def place(self, artifact: int, value: Value) -> bool:
        """Put the artefact in place unless it is there; tell whether its bytes were in the store."""
        shown = shown_path(self._plan, artifact)
        destination = f"{self._root}/{shown}"
        if len(value) == 4:  # noqa: PLR2004 - a directory
            return self._place_tree(artifact, Digest(value[0], value[1]), shown, destination)
        blob = self._store.file(Digest(value[0], value[1]), executable=value[2])
        if blob is None:
            return False
        if not self._in_place(blob, destination, Digest(value[0], value[1]), value[2]):
            self._clear(destination)
            self._put(blob, destination, READ_ONLY_EXECUTABLE if value[2] else READ_ONLY)
        self.placed[artifact] = [(shown, self._stamp(destination))]
        return True

    def _in_place(self, blob: str, destination: str, digest: Digest, executable: bool) -> bool:
        try:
            found = os.lstat(destination)
        except OSError:
            return False
        mode = READ_ONLY_EXECUTABLE if executable else READ_ONLY
        if found.st_size != digest.size or stat.S_IMODE(found.st_mode) != mode:
            return False
        if not stat.S_ISREG(found.st_mode) or found.st_mtime_ns != FIXED_TIME_NS:
            return False
        original = os.lstat(blob)
        if (found.st_ino, found.st_dev) == (original.st_ino, original.st_dev):
            return self._linking
        return self._store.function.of_file(destination) == digest

    def _clear(self, destination: str) -> None:
        parent = destination.rpartition("/")[0]
        if parent not in self._made:
            self._make_parents(parent)
        _discard(destination)

    def _make_parents(self, parent: str) -> None:
        place = f"{self._root}/unibuild-out"
        for part in ["", *parent[len(place) + 1 :].split("/")]:
            place = f"{place}/{part}" if part else place
            # unibuild-out itself may be a link to a roomier disk; what is below it is ours.
            if os.path.isdir(place) and not (part and os.path.islink(place)):
                continue
            remove(place)
            os.makedirs(place, exist_ok=True)
        self._made.add(parent)

    def _put(self, blob: str, destination: str, mode: int) -> None:
        if self._linking:
            try:
                os.link(blob, destination)
            except OSError:
                pass  # another file system, or too many links
            else:
                return
        _discard(self._aside)
        copy_new(blob, self._aside, mode)
        os.rename(self._aside, destination)

    def _stamp(self, path: str) -> Stamp:
        # The change time of a link moves whenever the blob is linked elsewhere: 0 stands for any.
        found = os.lstat(path)
        changed = 0 if self._linking else found.st_ctime_ns
        return (found.st_mtime_ns, changed, found.st_size, found.st_ino)

    def _place_tree(self, artifact: int, tree: Digest, shown: str, destination: str) -> bool:
        source = self._trees.directory(tree)
        if source is None:
            return False
        self._clear(destination)
        _discard(self._aside)
        os.mkdir(self._aside)
        for directory, names, files in os.walk(source):
            below = self._aside + directory[len(source) :]
            for name in names:
                if not os.path.islink(f"{directory}/{name}"):
                    os.mkdir(f"{below}/{name}")
            for name in [*files, *(n for n in names if os.path.islink(f"{directory}/{n}"))]:
                _copy_entry(f"{directory}/{name}", f"{below}/{name}")
        os.rename(self._aside, destination)
        stamps = self.placed[artifact] = []
        for directory, _, files in os.walk(destination):
            place = shown + directory[len(destination) :]
            stamps.append((place, self._stamp(directory)))
            stamps += [(f"{place}/{name}", self._stamp(f"{directory}/{name}")) for name in files]
        return True


def _discard(path: str) -> None:
    """Delete what is there: a file, or a directory as a killed build may have left it."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError:
        remove_tree(path)


def _copy_entry(source: str, destination: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), destination)
        return
    executable = os.lstat(source).st_mode & 0o100
    copy_new(source, destination, READ_ONLY_EXECUTABLE if executable else READ_ONLY)
