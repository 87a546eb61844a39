"""V1: every source, toolchain and package is pinned, and nothing floats.

Read from the action graph, the declarations and the locks, without running anything:

- each package that the graph reads is in a lock, and the file in the cache has both digests of it;
- each version, also of packages that other targets declare, is one version, never "latest" or a range;
- the workspace's lock pins what its targets declare, no less and no more;
- each source is a file inside its repository, where version control sees it;
- each program that an action starts is one of its inputs, and is made of packages and sources.

``facts``: ``{"packages": [{"purl", "file", "sha256", "blake3", "here"}], "sources", "actions",
"toolchains": {path of a program: [purl]}}``; ``here`` is false for a file that is not in this cache.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.external import lock as locks
from unibuild.external.purl import parse, split_file
from unibuild.model.artifacts import Origin
from unibuild.model.errors import Place, UserError
from unibuild.store.layout import Layout
from unibuild.verify.checks import BY_NAME
from unibuild.verify.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from unibuild.external.lock import Lock, LockedFile
    from unibuild.loading.workspace import Workspace
    from unibuild.model.actions import Action, ActionGraph
    from unibuild.model.artifacts import Artifact
    from unibuild.verify.workbench import Workbench

_ID = BY_NAME["locked"].error_id
_DEBIAN_VERSION = re.compile(r"(?:\d+:)?\d[A-Za-z0-9.+:~-]*")  # deb-version(7)
_LOCK_AGAIN = "run 'unibuild lock', and commit unibuild.lock"


@dataclass(frozen=True, slots=True)
class _Package:
    """A file of a package that the graph reads, and the label of an action that does."""

    purl: str
    file: LockedFile
    label: str


def run(bench: Workbench) -> Outcome:
    """Do the check."""
    from unibuild.analysis.analyse import analyse

    workspace = bench.workspace
    bench.progress.step("reading the graph and the locks")
    graph = analyse(workspace, [bench.label], "build")
    locked = locks.merge(locks.read(path) for path in workspace.lock_paths)
    packages = _packages(graph, locked)
    here, wrong = _compare_files(bench, packages)
    toolchains = _toolchains(graph)
    errors = [
        *_lock_errors(workspace),
        *_floating(workspace, packages),
        *wrong,
        *_sources_outside(graph, workspace),
        *_tools_undeclared(graph, workspace),
    ]
    sources = len({one.path for one in _inputs(graph) if one.origin is Origin.SOURCE})
    facts = {
        "packages": [
            {
                "purl": package.purl,
                "file": package.file.name,
                "sha256": package.file.sha256,
                "blake3": package.file.blake3,
                "here": package.file in here,
            }
            for package in packages
        ],
        "sources": sources,
        "actions": len(graph.actions),
        "toolchains": toolchains,
    }
    if errors:
        what = "1 thing is" if len(errors) == 1 else f"{len(errors)} things are"
        return Outcome("failed", f"{what} not pinned", tuple(errors), facts=facts)
    summary = f"by digest: packages {len(packages)}, tools {len(toolchains)}, sources {sources}"
    return Outcome("passed", summary, notes=_notes(bench, packages, here), facts=facts)


def _notes(
    bench: Workbench, packages: list[_Package], here: frozenset[LockedFile]
) -> tuple[str, ...]:
    found = []
    absent = sum(package.file not in here for package in packages)
    if absent:
        found.append(
            f"{absent} package files are not in this cache, so only their digests were read"
        )
    if bench.sandbox == "none":
        found.append("without a sandbox, a command can start programs of this machine unseen")
    return tuple(found)


def _inputs(graph: ActionGraph) -> Iterator[Artifact]:
    for action in graph.actions:
        yield from action.inputs
        yield from action.prunable


def _packages(graph: ActionGraph, locked: Lock) -> list[_Package]:
    """Return the package files that the graph reads; one without a lock entry is an error."""
    found: dict[str, _Package] = {}
    for action in graph.actions:
        for artifact in action.inputs:
            if artifact.origin is Origin.PACKAGE and artifact.purl not in found:
                file = locked.find(artifact.purl)
                found[artifact.purl] = _Package(artifact.purl, file, action.label)
    return [found[purl] for purl in sorted(found)]


def _compare_files(
    bench: Workbench, packages: list[_Package]
) -> tuple[frozenset[LockedFile], list[UserError]]:
    """Return which files are in the cache, and an error for each that the lock does not describe."""
    here: set[LockedFile] = set()
    errors = []
    for number, package in enumerate(packages):
        bench.progress.step("hashing packages", number, len(packages))
        path = _in_cache(bench, package.file)
        if path is None:
            continue
        here.add(package.file)
        size, sha256, blake3 = _digests(path)
        expected = (package.file.size, package.file.sha256, package.file.blake3)
        if (size, sha256, blake3) != expected:
            errors.append(
                UserError(
                    id=_ID,
                    cause=f"unibuild.lock says something else of {package.file.name} than the file",
                    place=_place_in_lock(bench.workspace, split_file(package.purl)[0]),
                    hint="restore unibuild.lock from version control",
                    detail=(
                        f"locked: {expected[0]} bytes, sha256 {expected[1]}, blake3 {expected[2]}",
                        f"found:  {size} bytes, sha256 {sha256}, blake3 {blake3}",
                    ),
                )
            )
    return frozenset(here), errors


def _in_cache(bench: Workbench, file: LockedFile) -> Path | None:
    for function, digest in (("blake3", file.blake3), ("sha256", file.sha256)):
        path = Path(Layout(str(bench.cache_root), function).path("blobs", digest))
        if path.is_file():
            return path
    return None


def _digests(path: Path) -> tuple[int, str, str]:
    from hashlib import sha256

    from blake3 import blake3

    hashers = sha256(), blake3()
    size = 0
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            size += len(data)
            for hasher in hashers:
                hasher.update(data)
    return size, hashers[0].hexdigest(), hashers[1].hexdigest()


def _lock_errors(workspace: Workspace) -> list[UserError]:
    """Return what the workspace's own lock has too little or too much."""
    from unibuild.analysis.listing import declared_packages

    declared = {str(parse(text)): place for text, place in declared_packages(workspace).items()}
    own = locks.read(workspace.lock_path).packages
    missing = [
        UserError(_ID, f"{purl} is declared, and not in unibuild.lock", place, _LOCK_AGAIN)
        for purl, place in declared.items()
        if purl not in own
    ]
    stale = [
        UserError(
            _ID,
            f"unibuild.lock pins {purl}, which no target declares any more",
            _place_in_lock(workspace, purl),
            _LOCK_AGAIN,
        )
        for purl in own
        if purl not in declared
    ]
    return missing + stale


def _floating(workspace: Workspace, packages: list[_Package]) -> list[UserError]:
    """Return an error for each version that can mean another one tomorrow."""
    from unibuild.analysis.listing import declared_packages, place_of

    places = {str(parse(text)): place for text, place in declared_packages(workspace).items()}
    read = {str(parse(split_file(one.purl)[0])): one.label for one in packages}
    return [
        UserError(
            id=_ID,
            cause=f"'{parse(purl).version}' of {purl} is no single version",
            place=places.get(purl) or place_of(workspace, read[purl]),
            hint="name the version itself, and run 'unibuild lock'",
        )
        for purl in sorted({*places, *read})
        if not _is_one_version(purl)
    ]


def _is_one_version(purl: str) -> bool:
    package = parse(purl)
    if package.type == "deb":
        return _DEBIAN_VERSION.fullmatch(package.version) is not None
    from packaging.version import InvalidVersion, Version

    try:
        Version(package.version)
    except InvalidVersion:
        return False
    return True


def _sources_outside(graph: ActionGraph, workspace: Workspace) -> list[UserError]:
    """Return an error for each source that is no file inside its repository."""
    from unibuild.analysis.listing import place_of

    errors = {}
    for action in graph.actions:
        for artifact in (*action.inputs, *action.prunable):
            if artifact.origin is not Origin.SOURCE or artifact.path in errors:
                continue
            root, path = _located(graph.source_roots, artifact.path)
            if path.exists() and path.resolve().is_relative_to(root.resolve()):
                continue
            errors[artifact.path] = UserError(
                id=_ID,
                cause=f"the source {artifact.path} is not inside its repository",
                place=place_of(workspace, action.label),
                hint="copy the file into the workspace, or declare an external archive",
                detail=(f"it is {path.resolve()}",),
            )
    return list(errors.values())


def _located(roots: Mapping[str, str], path: str) -> tuple[Path, Path]:
    """Return the folder of the repository that a source belongs to, and the file's place."""
    prefixes = (prefix for prefix in roots if prefix and path.startswith(f"{prefix}/"))
    prefix = max(prefixes, key=len, default="")
    root = Path(roots[prefix])
    return root, root / (path[len(prefix) + 1 :] if prefix else path)


def _toolchains(graph: ActionGraph) -> dict[str, list[str]]:
    """Return the programs that actions start, each with the packages that it is made of."""
    makers = {output.path: action for action in graph.actions for output in action.outputs}
    found: dict[str, list[str]] = {}
    for action in graph.actions:
        program = action.arguments[0]
        if action.builtin or program in found:
            continue
        holder = _holder(action, program)
        if holder is not None:
            found[program] = sorted(_made_of(holder, makers))
    return dict(sorted(found.items()))


def _made_of(artifact: Artifact, makers: Mapping[str, Action]) -> set[str]:
    """Return the packages behind an artefact."""
    found: set[str] = set()
    seen = {artifact.path}
    pending = [artifact]
    while pending:
        one = pending.pop()
        if one.origin is Origin.PACKAGE:
            found.add(one.purl)
        maker = makers.get(one.path) if one.origin is Origin.GENERATED else None
        for below in maker.inputs if maker else ():
            if below.path not in seen:
                seen.add(below.path)
                pending.append(below)
    return found


def _holder(action: Action, program: str) -> Artifact | None:
    """Return the input that is ``program``, or the tree that it is in."""
    for artifact in action.inputs:
        path = artifact.input_path
        if program == path or (artifact.tree and program.startswith(f"{path}/")):
            return artifact
    return None


def _tools_undeclared(graph: ActionGraph, workspace: Workspace) -> list[UserError]:
    """Return an error for each program that is started and is no input."""
    from unibuild.analysis.listing import place_of

    strangers: dict[str, Action] = {}
    for action in graph.actions:
        program = action.arguments[0]
        if not action.builtin and _holder(action, program) is None:
            strangers.setdefault(program, action)
    return [
        UserError(
            id=_ID,
            cause=f"{action.mnemonic} of {action.label} starts {program}, which is none of its inputs",
            place=place_of(workspace, action.label),
            hint="declare the tool: an external archive, or a file of the workspace",
        )
        for program, action in strangers.items()
    ]


def _place_in_lock(workspace: Workspace, purl: str) -> Place | None:
    """Return where a package stands in the lock that pins it."""
    for repository, folder in workspace.repositories.items():
        path = folder / locks.LOCK_NAME
        lines = _lines(path)
        for number, line in enumerate(lines, 1):
            if line.strip() == f'purl = "{purl}"':
                return Place(
                    workspace.shown(repository, locks.LOCK_NAME), number, 1, line, len(line)
                )
    return None


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except OSError:
        return ()
