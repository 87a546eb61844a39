"""The null build: what was true after the last build, checked with one ``stat`` a file.

This module is the only one of the engine that a build with nothing to do imports, so it imports
nothing but built-in modules. ``.unibuild/`` in the workspace holds, a request:

    check-KEY   stamps of all files read and written by the last successful build (this module)
    graph-KEY   the plan: artefacts, actions, targets (``keep``)
    state-KEY   values of all artefacts (``keep``)
    ran-KEY, before-KEY, beforegraph-KEY   what the last build did and began with (``last_build``)

Rules of use: a file is replaced by a rename and is believed only when its format, its key, its folder
and its own checksum fit; otherwise it counts as absent. The folder, because a plan names sources by
absolute paths: in a copy of the workspace they would be those of the original. A stamp is ``(mtime, ctime, size, inode)``;
``NO_STAMP`` matches nothing, ``GONE`` a file that is not there.
"""

from __future__ import annotations

import marshal
import os
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    Plain: TypeAlias = Any  # what marshal can hold; its shape is that of `keep`

FORMAT = "unibuild-kept-5"
STATE_DIRECTORY = ".unibuild"
Stamp = tuple[int, int, int, int]
NO_STAMP: Stamp = (0, 0, 0, 0)
GONE: Stamp = (-1, -1, -1, -1)
FEW_OUTPUTS = 10
"""So many outputs are described in the check itself, since a null build shows them."""

OutputEntry = tuple[str, str, int]
TargetEntry = tuple[str, str, "tuple[OutputEntry, ...]", "dict[str, object]"]


class KeptReport:
    """The answer of a build that had nothing to do; ``total`` actions are all up to date.

    ``target_count`` and ``output_count`` are known without reading more.
    """

    __slots__ = ("_directory", "_few", "_key", "output_count", "target_count", "total")

    def __init__(
        self,
        directory: str,
        key: str,
        total: int,
        summary: tuple[int, int, list[TargetEntry] | None],
    ) -> None:
        """Remember where the details are; unless they are few, they are read when asked for."""
        self._directory = directory
        self._key = key
        self.total = total
        self.target_count, self.output_count, self._few = summary

    def targets(self) -> list[TargetEntry]:
        """Return (label, rule, ((path, hash, size), ...), facts) of every requested target."""
        if self._few is not None:
            return self._few
        graph = load(f"{self._directory}/{file_name('graph', self._key)}", self._key)
        state = load(f"{self._directory}/{file_name('state', self._key)}", self._key)
        if graph is None or state is None:
            return []
        return target_entries(graph[0], graph[7], state[0])


def target_entries(paths: Plain, targets: Plain, values: Plain) -> list[TargetEntry]:
    """Return what ``KeptReport.targets`` promises from paths, targets and values of a plan."""
    return [
        (
            label,
            rule,
            tuple((_shown(paths[a]), *values[a][:2]) for a in (*outputs, *tests) if values[a]),
            facts,
        )
        for label, rule, outputs, tests, facts in targets
    ]


def _shown(path: str) -> str:
    """Return where the user finds what actions read at ``path``; sources are where they are."""
    prefix = "unibuild-gen/"
    return f"unibuild-out/{path[len(prefix) :]}" if path.startswith(prefix) else path


def request_key(
    kind: str,
    patterns: tuple[str, ...],
    *,
    version: str,
    sandbox: str = "required",
    download: str = "toplevel",
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Return the name of a request: all that its graph depends on and that no watched file holds.

    ``patterns`` are absolute. ``download`` counts because it changes which files a build leaves.
    """
    cache = environment.get("UNIBUILD_CACHE") or ""
    home = environment.get("XDG_CACHE_HOME") or environment.get("HOME") or ""
    return "\0".join((FORMAT, version, kind, sandbox, download, cache, home, *patterns))


def file_name(kind: str, key: str) -> str:
    """Return the name of a kept file inside the state directory."""
    data = key.encode(errors="surrogateescape")
    return f"{kind}-{zlib.crc32(data):08x}{zlib.adler32(data):08x}"


def try_null_build(workspace_root: str, key: str) -> KeptReport | None:
    """Return a report when nothing at all changed since the last build of ``key``, else nothing."""
    directory = f"{workspace_root}/{STATE_DIRECTORY}"
    kept = load(f"{directory}/{file_name('check', key)}", key)
    if kept is None:
        return None
    _, complete, total, watched, sources, outputs, summary, _ = kept
    if not complete:
        return None
    here = os.getcwd()
    try:
        os.chdir(workspace_root)
        try:
            if unchanged(*watched) and unchanged(*sources) and outputs_unchanged(*outputs):
                return KeptReport(directory, key, total, summary)
        finally:
            os.chdir(here)
    except OSError:
        return None
    return None


def settings(workspace_root: str, key: str) -> tuple[str, str, Plain] | None:
    """Return what ``build_kept`` needs of the last build of ``key``.

    That is its cache root, its digest function and its ``BuildRequest.kept_settings``.
    """
    directory = f"{workspace_root}/{STATE_DIRECTORY}"
    kept = load(f"{directory}/{file_name('check', key)}", key)
    return None if kept is None else (*kept[0][:2], kept[-1])


def load(path: str, key: str) -> Plain:
    """Return what ``dump`` wrote at ``path`` for ``key``, or nothing."""
    found = load_any(path)
    return found[1] if found is not None and found[0] == key else None


def load_any(path: str) -> tuple[str, Plain] | None:
    """Return the key and the value that ``dump`` wrote at ``path``, or nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, size)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if len(data) != size or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        return None
    try:
        key, folder, value = marshal.loads(data[4:])
    except (ValueError, EOFError, TypeError):
        return None
    return (key, value) if folder == _folder(path) else None


def dump(path: str, key: str, value: Plain) -> None:
    """Write ``value`` (plain data) in place of what is at ``path``; one process at a time."""
    data = marshal.dumps((key, _folder(path), value))
    aside = f"{path}.new"
    with open(aside, "wb") as file:
        file.write(zlib.crc32(data).to_bytes(4, "little"))
        file.write(data)
    os.rename(aside, path)


def _folder(path: str) -> str:
    return os.path.realpath(os.path.dirname(path))


def unchanged(paths: list[str], stamps: list[Stamp]) -> bool:
    """Tell whether all files still have their stamps."""
    stat = os.stat
    for path, stamp in zip(paths, stamps, strict=True):
        try:
            found = stat(path)
        except OSError:
            if stamp == GONE:
                continue
            return False
        if (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino) != stamp:
            return False
    return True


def outputs_unchanged(paths: list[str], stamps: list[Stamp]) -> bool:
    """Tell the same of outputs, where a change time of 0 stands for any."""
    # The change time of a hard link moves with every other link of the same blob: 0 is no stamp.
    lstat = os.lstat
    for path, (modified, changed, size, inode) in zip(paths, stamps, strict=True):
        found = lstat(path)
        if (
            found.st_mtime_ns != modified
            or found.st_ino != inode
            or found.st_size != size
            or (changed and found.st_ctime_ns != changed)
        ):
            return False
    return True
