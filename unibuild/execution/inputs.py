"""Input roots on disk: the directory that shows an action its inputs.

``Stage`` lays hard links to stored blobs out in one directory, which the sandbox binds read-only,
so that a mount costs once and a file 0.01 ms.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution.plan import LITERAL, PACKAGE, SOURCE
from unibuild.model.artifacts import GENERATED_PREFIX, OUTPUT_PREFIX
from unibuild.store.digests import Digest
from unibuild.store.files import READ_ONLY, READ_ONLY_EXECUTABLE, copy_new
from unibuild.store.layout import FIXED_TIME_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value
    from unibuild.store.cas import LocalStore
    from unibuild.store.trees import TreeStore


class MissingBlobError(Exception):
    """An input's bytes are not in the store (any more): ``artifact`` has to be made again."""

    def __init__(self, artifact: int) -> None:
        """Name the artefact by its number."""
        super().__init__(artifact)
        self.artifact = artifact


class ChangedSourceError(Exception):
    """A source is no longer what it was when its value was taken."""

    def __init__(self, artifact: int) -> None:
        """Name the artefact by its number."""
        super().__init__(artifact)
        self.artifact = artifact


class Staged(NamedTuple):
    """An input root on disk: its directory, the empty output directory, and trees to bind."""

    inputs: str
    outputs: str
    trees: list[tuple[str, str]]
    area: Area


class Area:
    """A scratch directory that is laid out for one action after the other.

    Making a directory costs more than linking a file, and most actions want the same ones; so what
    the next action does not want is removed, and only what is missing is made.
    """

    __slots__ = ("_files", "_inputs_made", "_outputs_made", "base", "inputs", "outputs")

    def __init__(self, base: str) -> None:
        """Make the directory at the new path ``base``."""
        self.base = base
        self.inputs = f"{base}/in"
        self.outputs = f"{base}/out"
        self._inputs_made: set[str] = set()
        self._outputs_made: set[str] = set()
        self._files: list[str] = []
        for path in (base, self.inputs, self.outputs):
            os.mkdir(path)

    def shape(self, inputs: set[str], outputs: set[str]) -> None:
        """Have exactly these directories, relative paths with all their parents."""
        _reshape(self.inputs, self._inputs_made, inputs)
        _reshape(self.outputs, self._outputs_made, outputs)
        self._inputs_made, self._outputs_made = inputs, outputs

    def hold(self, path: str) -> None:
        """Remember a file that was put below ``inputs``."""
        self._files.append(path)

    def settle(self) -> None:
        """Give all input directories the time that their files have."""
        times = (FIXED_TIME_NS, FIXED_TIME_NS)
        os.utime(self.inputs, ns=times)
        for path in self._inputs_made:
            os.utime(f"{self.inputs}/{path}", ns=times)

    def clear(self) -> bool:
        """Remove the files; tell whether nothing but the known directories is left."""
        for path in self._files:
            os.unlink(path)
        self._files.clear()
        return _holds_only(self.outputs, self._outputs_made)


def _reshape(base: str, present: set[str], wanted: set[str]) -> None:
    for path in sorted(present - wanted, reverse=True):
        os.rmdir(f"{base}/{path}")
    for path in sorted(wanted - present):
        os.mkdir(f"{base}/{path}")


def _holds_only(base: str, directories: set[str]) -> bool:
    listed = sum(len(os.listdir(f"{base}/{path}")) for path in ("", *directories))
    return listed == len(directories)


def _with_parents(directories: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in directories:
        below = path
        while below and below not in found:
            found.add(below)
            below = below.rpartition("/")[0]
    return found


class Stage:
    """Lays input roots out from stored blobs."""

    def __init__(
        self,
        plan: Plan,
        values: Sequence[Value | None],
        store: LocalStore,
        trees: TreeStore,
        packages: Mapping[int, str],
        *,
        copying: bool = False,
    ) -> None:
        """Take values from ``values``, bytes from ``store``, ``trees`` and fetched ``packages``.

        ``copying``: an action's files are copies where links would do.
        """
        self._plan = plan
        self._values = values
        self._store = store
        self._trees = trees
        self._packages = packages
        self._copying = copying

    def locate(self, artifact: int) -> str:
        """Return the path of verified bytes of an input, brought into the store if need be."""
        value = self._values[artifact]
        if value is None:
            raise MissingBlobError(artifact)
        if len(value) == 4:  # noqa: PLR2004 - a directory
            directory = self._trees.directory(Digest(value[0], value[1]))
            if directory is None:
                raise MissingBlobError(artifact)
            return directory
        digest = Digest(value[0], value[1])
        path = self._store.file(digest, executable=value[2])
        return path if path is not None else self._bring(artifact, digest, executable=value[2])

    def _bring(self, artifact: int, digest: Digest, *, executable: bool) -> str:
        kind, extra = self._plan.kinds[artifact], self._plan.extra.get(artifact)
        if kind == PACKAGE:
            extra = self._packages.get(artifact)
        if kind == LITERAL and isinstance(extra, bytes):
            self._store.put_bytes(extra)
        elif kind in (SOURCE, PACKAGE) and isinstance(extra, str):
            try:
                found = self._store.put_copy(extra)
            except OSError:
                found = None
            if found != digest:
                raise ChangedSourceError(artifact)
        path = self._store.file(digest, executable=executable)
        if path is None:
            raise MissingBlobError(artifact)
        return path

    def lay_out(self, record: Record, area: Area) -> Staged:
        """Show an action its inputs in ``area``, for a sandbox that keeps it from writing there."""
        paths, is_tree = self._plan.paths, self._plan.trees
        directories = [paths[a] if a in is_tree else _parent(paths[a]) for a in record.inputs]
        area.shape(_with_parents([*directories, OUTPUT_PREFIX]), self._output_directories(record))
        trees = []
        for a in record.inputs:
            located = self.locate(a)
            if a in is_tree:
                trees.append((located, paths[a]))
                continue
            place = f"{area.inputs}/{paths[a]}"
            try:
                self._show(located, place, a)
            except FileNotFoundError as error:
                raise MissingBlobError(a) from error
            area.hold(place)
        area.settle()
        return Staged(area.inputs, area.outputs, trees, area)

    def _show(self, located: str, place: str, artifact: int) -> None:
        if not self._copying:
            try:
                os.link(located, place)
            except FileNotFoundError:
                raise
            except OSError:
                pass  # too many links to one file: a copy does as well
            else:
                return
        copy_new(located, place, self._mode(artifact))

    def copy_out(self, record: Record, area: Area) -> Staged:
        """Give an action that nothing keeps from writing inputs of its own; trees are links."""
        paths, is_tree = self._plan.paths, self._plan.trees
        below = {f"{OUTPUT_PREFIX}/{path}" for path in self._output_directories(record)}
        directories = [_parent(paths[a]) for a in record.inputs]
        area.shape(_with_parents([*directories, *below, OUTPUT_PREFIX]), set())
        for a in record.inputs:
            place = f"{area.inputs}/{paths[a]}"
            if a in is_tree:
                os.symlink(self.locate(a), place)
            else:
                copy_new(self.locate(a), place, self._mode(a))
        area.settle()
        return Staged(area.inputs, f"{area.inputs}/{OUTPUT_PREFIX}", [], area)

    def _mode(self, artifact: int) -> int:
        value = self._values[artifact]
        return READ_ONLY_EXECUTABLE if value is not None and value[2] else READ_ONLY

    def _output_directories(self, record: Record) -> set[str]:
        prefix = len(GENERATED_PREFIX) + 1
        return _with_parents(_parent(self._plan.paths[a][prefix:]) for a in record.outputs)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
