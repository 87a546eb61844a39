"""The sources that a provenance names: fetched from Git or taken from a folder, compared, laid out.

Nothing is asked of anybody: what needs a password fails. A repository is anybody's: none of its hooks,
submodules or filters is followed, so a file that Git keeps elsewhere (LFS) is not the named one. Only
the files that the provenance names are laid out, so that nothing else can be in what is built of them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.execution.kept_graph import STATE_DIRECTORY
from unibuild.model.artifacts import GENERATED_PREFIX, OUTPUT_PREFIX
from unibuild.model.errors import DifferenceError, HostError, UserError
from unibuild.verify.attestation import dependencies
from unibuild.verify.attestation.strict_json import refuse, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.verify.attestation.provenance import Provenance, Source

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PROTOCOLS = ("https", "file")
_NO_STATE = (*("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
             *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
             *("GIT_QUARANTINE_PATH", "GIT_ATTR_SOURCE", "GIT_EXTERNAL_DIFF"))  # fmt: skip
"""What Git tells a hook or an alias of its repository, which is another one than ours."""
_SETTINGS = {
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "credential.interactive": "false",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",  # nothing of it may go on behind us
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "http.lowSpeedLimit": "1000",  # bytes a second; slower for half a minute is an end
    "http.lowSpeedTime": "30",
}
_ATTRIBUTES = "* -filter\n"
"""Attributes that no file of the repository overrides: a filter is a program of the user's."""
_NOT_SOURCES = (STATE_DIRECTORY, OUTPUT_PREFIX, GENERATED_PREFIX)
"""Folders of a workspace in which a build believes what it finds, since it made it itself."""
_LISTED = 5
_GIVE_THEM = "give the sources themselves: --sources DIR"


def bring(provenance: Provenance, given: Path | None, folder: Path) -> Path:
    """Return the folder that has the workspace: below ``given``, or of a new checkout in ``folder``.

    Raises a ``HostError`` when the sources cannot be fetched and a ``UserError`` when the provenance
    does not say enough to fetch them.
    """
    source = provenance.parameters.source
    below = relative(source.path, provenance) if source.path else Path()
    if given is not None:
        if not given.is_dir():
            raise UserError(
                id="missing-file",
                cause=f"there is no folder {given}",
                hint="--sources names a checkout, or the workspace in it",
            )
        inside = given / below
        return inside if inside.is_dir() else given
    _check_fetchable(provenance, source)
    _fetch(source.uri.removeprefix("git+"), source.commit, folder)
    found = os.path.realpath(folder / below)
    if not Path(found).is_dir() or not _is_below(found, os.path.realpath(folder)):
        raise _another(provenance, [f"{source.path} is no folder of the commit {source.commit}"])
    return folder / below


def compare(provenance: Provenance, root: Path) -> tuple[str, ...]:
    """Return the names of the workspace's files; a ``DifferenceError`` when one is not the named one."""
    names = []
    wrong = []
    top = os.path.realpath(root)
    for resource in provenance.of_kind("source"):
        if resource.annotations.get("repository", ""):
            continue  # of the standard repository, which is compared as a whole
        path = root / relative(resource.name, provenance)
        if path.relative_to(root).parts[0] in _NOT_SOURCES:
            refuse(provenance.shown, f"names {shortened(resource.name)}, which no source can be")
        names.append(resource.name)
        if not os.path.isfile(path):  # noqa: PTH113 - a name that no file can have is not there
            wrong.append(f"{resource.name} is not there")
        elif not _is_below(os.path.realpath(path), _top(top)):
            wrong.append(f"{resource.name} leads out of the sources")
        else:
            found = dependencies.sha256_of(str(path), resource.name)
            if found != resource.sha256:
                wrong.append(
                    f"{resource.name} is sha256:{found}, the provenance names "
                    f"sha256:{resource.sha256}"
                )
    if wrong:
        raise _another(provenance, wrong)
    return tuple(names)


def lay_out(names: tuple[str, ...], root: Path, destination: Path) -> None:
    """Copy the named files of the workspace ``root`` to the new folder ``destination``."""
    for name in names:
        place = destination / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, place)
        place.chmod(0o755 if os.access(root / name, os.X_OK) else 0o644)


def relative(name: str, provenance: Provenance) -> Path:
    """Return a relative path that stays below where it starts; ``bad-attestation`` for another."""
    parts = name.split("/")
    if not name or name.startswith("/") or "\0" in name or {"", ".", ".."} & set(parts):
        refuse(provenance.shown, f"names the file {shortened(name)}, which is no plain path")
    return Path(name)


def _is_below(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _top(root: str) -> str:
    """Return the checkout around a workspace, or the workspace: links may lead to its other files."""
    around = (Path(root), *Path(root).parents)
    return str(next((folder for folder in around if os.path.lexists(folder / ".git")), root))


def _check_fetchable(provenance: Provenance, source: Source) -> None:
    if source.dirty:
        first = ", ".join(source.dirty[:_LISTED])
        raise UserError(
            id="sources-not-committed",
            cause=f"{provenance.shown} names {len(source.dirty)} files that are in no commit",
            hint=f"commit them and attest again, or {_GIVE_THEM}",
            detail=(first,),
        )
    if not source.uri or not source.commit:
        raise UserError(
            id="sources-not-named",
            cause=f"{provenance.shown} does not say where its sources can be fetched",
            hint=_GIVE_THEM,
        )
    scheme, found, _ = source.uri.removeprefix("git+").partition("://")
    if not source.uri.startswith("git+") or not found or scheme not in _PROTOCOLS:
        raise HostError(
            id="sources-not-fetched",
            cause=f"sources are fetched by Git over {' or '.join(_PROTOCOLS)}, not from {source.uri}",
            hint=_GIVE_THEM,
        )
    if not _COMMIT.fullmatch(source.commit):
        refuse(provenance.shown, f"names {shortened(source.commit)}, which is no commit")


def _fetch(url: str, commit: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    form = ("--object-format=sha256",) if len(commit) == 64 else ()  # noqa: PLR2004 - SHA-256
    steps: Iterator[tuple[str, ...]] = iter(
        (
            ("init", "--quiet", "--template=", *form),
            ("fetch", "--quiet", "--no-tags", "--depth=1", "--", url, commit),
            ("checkout", "--quiet", "--detach", commit),
        )
    )
    for step in steps:
        why = _git(folder, *step)
        if step[0] == "init" and not why:
            (folder / ".git" / "info").mkdir()
            (folder / ".git" / "info" / "attributes").write_text(_ATTRIBUTES)
        if why and step[0] == "fetch":  # a server that gives no single commit gives its branches
            why = _git(folder, "fetch", "--quiet", "--", url, "+refs/*:refs/fetched/*")
        if why:
            raise HostError(
                id="sources-not-fetched",
                cause=f"the commit {commit} of {url} cannot be fetched: {why[-1]}",
                hint=f"let Git reach it without a question, or {_GIVE_THEM}",
                detail=tuple(why[:-1][:_LISTED]),
            )


def _git(folder: Path, *arguments: str) -> list[str]:
    """Run Git; return the lines that it said when it failed, nothing when it did not."""
    environment = {name: text for name, text in os.environ.items() if name not in _NO_STATE}
    environment |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": ":".join(_PROTOCOLS),
        "LC_ALL": "C",
    }
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *settings, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        return [f"git cannot be run: {error.strerror}"]
    if done.returncode == 0:
        return []
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return said or [f"git {arguments[0]} ended with {done.returncode}"]


def _another(provenance: Provenance, wrong: list[str]) -> DifferenceError:
    more = (f"and {len(wrong) - _LISTED} more",) if len(wrong) > _LISTED else ()
    return DifferenceError(
        id="artefact-not-reproduced",
        cause=f"the sources are not those that {provenance.shown} names",
        hint="the repository was rewritten, or the provenance is not of this commit",
        detail=(*wrong[:_LISTED], *more),
    )
