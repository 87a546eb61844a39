"""What a build depended on, from the action graph: packages, sources, the engine, its repository.

Nothing here comes from what actions wrote. Packages have the digests of the lock, sources and the
files that made the graph (BUILD.toml, rule modules, the lock) are hashed where they lie. A folder's
digest is in-toto's ``dirHash``: the SHA-256 of the lines that ``sha256sum`` prints for its files.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import unibuild
from unibuild.execution.plan import PACKAGE, SOURCE, make_plan
from unibuild.model.artifacts import EXTERNAL_PREFIX
from unibuild.model.errors import Place, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from unibuild.execution.plan import Plan
    from unibuild.external.lock import Lock
    from unibuild.model.actions import ActionGraph
    from unibuild.verify.attestation.provenance import Source

STANDARD_PARTS = ("WORKSPACE.toml", "unibuild.lock", "kernel", "rules", "toolchains")
"""What of the standard repository can be in a build; the rest of its folder is not looked at."""
_LEFT_OUT = "__pycache__"
_STANDARD_COPY = "_standard"


class SourceFile(NamedTuple):
    """One file that was read: its repository (empty: the main one), its path there, where it lies."""

    repository: str
    path: str
    location: str

    @property
    def name(self) -> str:
        """How messages and provenance name it: ``path``, or ``@repository//path``."""
        return f"@{self.repository}//{self.path}" if self.repository else self.path


def source_files(graph: ActionGraph) -> tuple[SourceFile, ...]:
    """Return the sources of all needed actions and the files that the graph was made from, sorted."""
    plan, _ = make_plan(graph, tests=False)
    roots = _roots(graph)
    found = {
        str(plan.extra[a]): _of_input_path(plan.paths[a], str(plan.extra[a]), roots)
        for a, kind in enumerate(plan.kinds)
        if kind == SOURCE
    }
    for location in graph.watched_files:
        if location not in found and os.path.exists(location):
            found[location] = _of_location(location, roots)
    return tuple(sorted(found.values()))


def resources(
    graph: ActionGraph, files: Iterable[SourceFile], lock: Lock, standard: str, source: Source
) -> list[dict[str, Any]]:
    """Return every dependency as a ResourceDescriptor in JSON, sorted; ``standard`` is a folder."""
    plan, _ = make_plan(graph, tests=False)
    engine = os.path.dirname(unibuild.__file__)
    return [
        *_commit(source),
        _folder("engine", "unibuild", engine_files(engine)),
        _folder("standard-repository", "@unibuild", standard_files(standard)),
        *_packages(plan, lock),
        *(
            {
                "name": file.name,
                "digest": {"sha256": sha256_of(file.location, file.name)},
                "annotations": {"kind": "source", "repository": file.repository},
            }
            for file in files
        ),
    ]


def standard_files(folder: str) -> Mapping[str, str]:
    """Return the files of a standard repository, as a checkout and an installation both have them."""
    found: dict[str, str] = {}
    for part in STANDARD_PARTS:
        location = f"{folder}/{part}"
        if os.path.isdir(location):
            found.update((f"{part}/{path}", full) for path, full in _walk(location))
        elif os.path.isfile(location):
            found[part] = location
    return found


def engine_files(folder: str) -> Mapping[str, str]:
    """Return the modules of the engine itself, whose built-in actions make outputs too."""
    return {
        path: full
        for path, full in _walk(folder)
        if path.endswith(".py") and not path.startswith(f"{_STANDARD_COPY}/")
    }


def dir_hash(files: Mapping[str, str]) -> str:
    """Return in-toto's ``dirHash`` of files by their paths: as ``sha256sum`` lists them, sorted by bytes."""
    lines = (
        b"%s  %s\n" % (sha256_of(files[path], path).encode(), os.fsencode(path))
        for path in sorted(files, key=os.fsencode)
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()


def sha256_of(location: str, shown: str) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    try:
        with open(location, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            id="missing-file",
            cause=f"{shown} cannot be read: {error.strerror}",
            place=Place(shown),
        ) from error


def _commit(source: Source) -> Iterator[dict[str, Any]]:
    if source.commit:
        where = {"uri": f"{source.uri}@{source.commit}"} if source.uri else {}
        yield {
            "name": "workspace",
            **where,
            "digest": {"gitCommit": source.commit},
            "annotations": {"kind": "git"},
        }


def _folder(kind: str, name: str, files: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "digest": {"dirHash": dir_hash(files)},
        "annotations": {"kind": kind, "version": unibuild.__version__},
    }


def _packages(plan: Plan, lock: Lock) -> list[dict[str, Any]]:
    """Return the package files that actions read, each with the targets that read it."""
    readers: dict[str, set[str]] = {}
    for a, kind in enumerate(plan.kinds):
        if kind == PACKAGE:
            labels = {plan.record(index).label for index in plan.consumers[a]}
            readers.setdefault(str(plan.extra[a]), set()).update(labels)
    found = []
    for purl in sorted(readers):
        file = lock.find(purl)
        found.append(
            {
                "name": file.name,
                "uri": purl,
                "digest": {"sha256": file.sha256},
                "annotations": {"kind": "package", "targets": sorted(readers[purl])},
            }
        )
    return found


def _roots(graph: ActionGraph) -> list[tuple[str, str]]:
    """Return repositories and their folders, the innermost folder first."""
    named = [
        (prefix.removeprefix(f"{EXTERNAL_PREFIX}/"), root)
        for prefix, root in graph.source_roots.items()
    ]
    return sorted(named, key=lambda item: (-len(item[1]), item[0]))


def _of_input_path(path: str, location: str, roots: list[tuple[str, str]]) -> SourceFile:
    for repository, _ in roots:
        prefix = f"{EXTERNAL_PREFIX}/{repository}/"
        if repository and path.startswith(prefix):
            return SourceFile(repository, path[len(prefix) :], location)
    return SourceFile("", path, location)


def _of_location(location: str, roots: list[tuple[str, str]]) -> SourceFile:
    for repository, root in roots:
        if location.startswith(f"{root}/"):
            return SourceFile(repository, location[len(root) + 1 :], location)
    raise UserError(
        id="source-outside-repositories",
        cause=f"{location} is in no repository of this workspace, so that no provenance can name it",
        hint="keep rule modules inside the workspace",
    )


def _walk(folder: str) -> Iterator[tuple[str, str]]:
    """Yield relative and full path of every regular file that is no by-product of running."""
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != _LEFT_OUT and not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and not name.endswith(".pyc"):
                full = f"{here}/{name}"
                yield os.path.relpath(full, folder), full
