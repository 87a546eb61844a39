"""Input roots: the Merkle digest of an action, and the directory that shows it to the action.

``ActionKeys`` computes digests; ``Stage`` lays hard links to stored blobs out in one directory,
which the sandbox binds read-only, so that a mount costs once and a file 0.01 ms.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution.plan import LITERAL, PACKAGE, SOURCE
from unibuild.store.digests import Digest
from unibuild.store.files import READ_ONLY, READ_ONLY_EXECUTABLE, copy_new
from unibuild.store.layout import FIXED_TIME_NS
from unibuild.store.merkle import root_digest
from unibuild.store.reapi import encode_action, encode_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value
    from unibuild.store.cas import LocalStore
    from unibuild.store.digests import DigestFunction
    from unibuild.store.trees import TreeStore

PLATFORM = (("ISA", "x86-64"), ("OSFamily", "linux"))
UNSANDBOXED = (*PLATFORM, ("unibuild-sandbox", "none"))
_UNKNOWN = Digest("0" * 64, 0)


class ActionKeys:
    """Digests of actions from the values of their inputs; see ``store.reapi`` for the encoding."""

    def __init__(self, plan: Plan, values: Sequence[Value | None], function: DigestFunction) -> None:
        """Read input values from ``values``, which the caller keeps up to date."""
        self._plan = plan
        self._values = values
        self._function = function

    def action(self, record: Record, *, sandboxed: bool) -> str:
        """Return the hash of the Action; every input's value must be known."""
        return self._key(record, self._root(record, frozenset()), sandboxed)

    def without_prunable(self, record: Record, *, sandboxed: bool) -> str:
        """Return a hash over everything but the contents of the prunable inputs.

        Their paths are in it: a header that appears or goes may change which one is included.
        """
        root = self._root(record, frozenset(record.prunable))
        return self._function.hash(b"pruned " + self._key(record, root, sandboxed).encode())

    def _key(self, record: Record, root: Digest, sandboxed: bool) -> str:  # noqa: FBT001 - a field
        platform = PLATFORM if sandboxed or record.builtin else UNSANDBOXED
        names = [output_path(self._plan.paths[a]) for a in record.outputs]
        command = encode_command(record.arguments, record.environment, names, platform)
        action = encode_action(self._function.of(command), root, platform, record.timeout)
        return self._function.hash(action)

    def _root(self, record: Record, hidden: frozenset[int]) -> Digest:
        plan, values = self._plan, self._values
        entries = []
        for a in record.inputs:
            value = values[a]
            if value is None:
                raise AssertionError(f"the value of {plan.paths[a]} is not known yet")
            if a in hidden:
                entries.append((plan.paths[a], _UNKNOWN, False, a in plan.trees))
            elif len(value) == 4:  # noqa: PLR2004 - a directory
                entries.append((plan.paths[a], value[2:], False, True))
            else:
                entries.append((plan.paths[a], value, value[2], False))
        return root_digest(entries, self._function)  # type: ignore[arg-type]


def output_path(input_path: str) -> str:
    """Return where an action writes what others read at ``input_path``."""
    return "unibuild-out" + input_path[len("unibuild-gen") :]


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


class Stage:
    """Lays input roots out from stored blobs."""

    def __init__(
        self,
        plan: Plan,
        values: Sequence[Value | None],
        store: LocalStore,
        trees: TreeStore,
        packages: Mapping[int, str],
    ) -> None:
        """Take values from ``values``, bytes from ``store``, ``trees`` and fetched ``packages``."""
        self._plan = plan
        self._values = values
        self._store = store
        self._trees = trees
        self._packages = packages

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
            extra = self._packages[artifact]
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

    def lay_out(self, record: Record, base: str, *, link_trees: bool, copy: bool) -> Staged:
        """Make the input root of an action below the new directory ``base``.

        ``link_trees`` shows directories by symbolic links instead of mount points; ``copy`` gives
        the action files of its own, for when nothing stops it from writing to them.
        """
        inputs, outputs = f"{base}/in", f"{base}/in/unibuild-out" if link_trees else f"{base}/out"
        os.mkdir(base)
        os.mkdir(inputs)
        os.mkdir(f"{inputs}/unibuild-out")
        if not link_trees:
            os.mkdir(outputs)
        made = {""}
        trees = []
        paths, values = self._plan.paths, self._values
        for a in record.inputs:
            path = paths[a]
            _make_parents(inputs, path, made)
            located = self.locate(a)
            if a in self._plan.trees:
                if link_trees:
                    os.symlink(located, f"{inputs}/{path}")
                else:
                    os.mkdir(f"{inputs}/{path}")
                    trees.append((located, path))
            else:
                self._place(located, f"{inputs}/{path}", bool(values[a][2]), copy, a)  # type: ignore[index]
        for directory in made:
            os.utime(f"{inputs}/{directory}", ns=(FIXED_TIME_NS, FIXED_TIME_NS))
        made = {""}
        for a in record.outputs:
            _make_parents(outputs, paths[a][len("unibuild-gen/") :], made)
        return Staged(inputs, outputs, trees)

    def _place(self, located: str, place: str, executable: bool, copy: bool, a: int) -> None:  # noqa: FBT001 - internal
        try:
            if not copy:
                os.link(located, place)
                return
        except FileNotFoundError as error:
            raise MissingBlobError(a) from error
        except OSError:
            pass  # too many links to one file: a copy does as well
        copy_new(located, place, READ_ONLY_EXECUTABLE if executable else READ_ONLY)


def _make_parents(base: str, path: str, made: set[str]) -> None:
    parent = path.rpartition("/")[0]
    if parent in made:
        return
    missing = []
    while parent not in made:
        missing.append(parent)
        made.add(parent)
        parent = parent.rpartition("/")[0]
    for directory in reversed(missing):
        os.mkdir(f"{base}/{directory}")
