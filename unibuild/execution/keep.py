"""The kept graph on the long way: loading it, finding what changed since, and saving it again.

``kept_graph`` says what is kept where. Loading never fails: whatever is missing, damaged or made for
another cache or version is as good as absent, and the graph is analysed again.
"""

from __future__ import annotations

import contextlib
import errno
import marshal
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution.kept_graph import (
    FEW_OUTPUTS,
    GONE,
    NO_STAMP,
    STATE_DIRECTORY,
    Stamp,
    TargetEntry,
    dump,
    file_name,
    load,
    load_any,
    target_entries,
)
from unibuild.execution.plan import SOURCE, Plan, Record, Target
from unibuild.execution.values import RACY_NS, read_source, source_stamp
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unibuild.execution.kept_graph import Plain
    from unibuild.execution.values import Value
    from unibuild.store.digests import DigestFunction

_KEPT_REQUESTS = 16
_KINDS = ("check", "state", "graph", "ran", "before", "beforegraph")  # the last: see ``last_build``
_IGNORED_NAMES = frozenset((STATE_DIRECTORY, "unibuild-out"))


class Kept(NamedTuple):
    """A kept graph with all that was true of it; lists are aligned with each other."""

    plan: Plan
    values: list[Value | None]
    watched: list[str]
    watched_stamps: list[Stamp]
    fingerprints: list[str]
    sources: list[int]
    source_paths: list[str]
    source_stamps: list[Stamp]
    outputs: list[tuple[int, str, Stamp]]
    pending: list[int]
    identity: str


class Store:
    """The kept files of one request, valid for one workspace, cache and digest function."""

    def __init__(
        self,
        workspace_root: str,
        key: str,
        cache: str,
        function: DigestFunction,
        settings: object = None,
    ) -> None:
        """Use the state directory of the workspace, which exists; keep ``settings`` with the check."""
        self._root = workspace_root
        self._directory = f"{workspace_root}/{STATE_DIRECTORY}"
        self._key = key
        # A plan names sources by absolute paths: that of a workspace that was copied is another's.
        self._origin = (cache, function.name, os.path.realpath(workspace_root))
        self._function = function
        self._settings = settings

    def _path(self, kind: str) -> str:
        return f"{self._directory}/{file_name(kind, self._key)}"

    def load(self) -> Kept | None:
        """Return the kept graph, or nothing."""
        check, graph, state = (load(self._path(k), self._key) for k in ("check", "graph", "state"))
        if check is None or graph is None or state is None:
            return None
        (watched, watched_stamps), (source_paths, source_stamps), placed = check[3:6]
        output_paths, output_stamps = placed
        values, identity, fingerprints, sources, owners, pending = state
        if check[0] != self._origin or identity != graph[9]:
            return None
        plan = plan_of(graph)
        return Kept(
            plan,
            values,
            watched,
            watched_stamps,
            fingerprints,
            sources,
            source_paths,
            source_stamps,
            list(zip(owners, output_paths, output_stamps, strict=True)),
            pending,
            identity,
        )

    def save_graph(self, plan: Plan, records: Sequence[Record]) -> str:
        """Keep a newly analysed graph; returns the identity by which ``save`` refers to it."""
        blobs = [marshal.dumps(tuple(record)) for record in records]
        targets = [tuple(target) for target in plan.targets]
        identity = f"{time.time_ns()}-{os.getpid()}"
        dump(self._path("graph"), self._key, (*plan[:7], targets, blobs, identity))
        self._forget_old()
        return identity

    def load_plan(self) -> Plan:
        """Return the plan that ``save_graph`` has just kept."""
        graph = load(self._path("graph"), self._key)
        if graph is None:
            raise OSError(errno.EIO, "cannot be read again", self._path("graph"))
        return plan_of(graph)

    def save(self, kept: Kept) -> None:
        """Keep what is true after a build; the check is written last, since it vouches for all."""
        state = (
            kept.values, kept.identity, kept.fingerprints, kept.sources,
            [owner for owner, _, _ in kept.outputs], kept.pending,
        )  # fmt: skip
        dump(self._path("state"), self._key, state)
        complete = not kept.pending
        check = (
            self._origin,
            complete,
            len(kept.plan.outputs),
            (kept.watched, kept.watched_stamps),
            (kept.source_paths, kept.source_stamps),
            ([path for _, path, _ in kept.outputs], [stamp for _, _, stamp in kept.outputs]),
            self._summary(kept),
            self._settings,
        )
        dump(self._path("check"), self._key, check)

    @staticmethod
    def _summary(kept: Kept) -> tuple[int, int, list[TargetEntry] | None]:
        """Return what a null build shows: counts of targets and outputs, and them when few."""
        targets = kept.plan.targets
        count = sum(len(target.outputs) + len(target.tests) for target in targets)
        if count > FEW_OUTPUTS:
            return len(targets), count, None
        plain = [tuple(target) for target in targets]
        return len(targets), count, target_entries(kept.plan.paths, plain, kept.values)

    def invalidate(self) -> None:
        """Forget the check before outputs change, so that a killed build is never taken for done."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path("check"))

    def known_sources(self) -> dict[str, tuple[Stamp, Value]]:
        """Return stamps and values of sources from all kept requests, by absolute path."""
        known: dict[str, tuple[Stamp, Value]] = {}
        for name in os.listdir(self._directory):
            if not name.startswith("check-") or name.count(".") > 0:
                continue
            check = load_any(f"{self._directory}/{name}")
            state = load_any(f"{self._directory}/state-{name[6:]}")
            if check is None or state is None or check[0] != state[0]:
                continue
            if check[1][0] != self._origin:
                continue
            paths, stamps = check[1][4]
            values, numbers = state[1][0], state[1][3]
            for path, stamp, number in zip(paths, stamps, numbers, strict=True):
                known[os.path.join(self._root, path)] = (stamp, values[number])
        return known

    def _forget_old(self) -> None:
        checks = [n for n in os.listdir(self._directory) if n.startswith("graph-")]
        if len(checks) <= _KEPT_REQUESTS:
            return
        checks.sort(key=lambda name: os.stat(f"{self._directory}/{name}").st_mtime_ns)
        for name in checks[:-_KEPT_REQUESTS]:
            for kind in _KINDS:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self._directory}/{kind}-{name[6:]}")


def fingerprint(path: str, function: DigestFunction) -> str:
    """Return what a watched file or directory says: its bytes, or its names and their kinds."""
    try:
        with os.scandir(path) as listing:
            names = sorted(
                f"{entry.name}{'/' if entry.is_dir() else ''}"
                for entry in listing
                if entry.name not in _IGNORED_NAMES
            )
    except NotADirectoryError:
        return function.of_file(path).hash
    except OSError:
        return ""
    return function.hash("\0".join(names).encode(errors="surrogateescape"))


def plan_of(graph: Plain) -> Plan:
    """Return the plan that ``save_graph`` kept; descriptions of actions are decoded when asked for."""
    paths, kinds, trees, executables, extra, outputs, consumers, targets, records, _ = graph
    return Plan(
        paths,
        kinds,
        trees,
        executables,
        extra,
        outputs,
        consumers,
        [Target(*target) for target in targets],
        lambda index: Record(*marshal.loads(records[index])),
    )


class Changes(NamedTuple):
    """What differs from a kept graph: actions to evaluate, artefacts to put back in place."""

    dirty: set[int]
    outputs: set[int]


def find_changes(kept: Kept, workspace_root: str, function: DigestFunction) -> Changes | None:
    """Compare a kept graph with the disk and bring its stamps and source values up to date.

    Returns nothing when the graph itself is out of date and has to be analysed again.
    """
    here = os.getcwd()
    os.chdir(workspace_root)
    try:
        if not _watched_same(kept, function):
            return None
        dirty = set(kept.pending)
        for index, path in enumerate(_different(kept.source_paths, kept.source_stamps)):
            if path is None:
                continue
            number = kept.sources[index]
            try:
                value, stamp = read_source(path, kept.plan.paths[number], function)
            except UserError:
                return None
            kept.source_stamps[index] = stamp
            if value != kept.values[number]:
                kept.values[number] = value
                dirty.update(kept.plan.consumers[number])
        return Changes(dirty, _lost_outputs(kept.outputs))
    finally:
        os.chdir(here)


def _watched_same(kept: Kept, function: DigestFunction) -> bool:
    for index, path in enumerate(_different(kept.watched, kept.watched_stamps)):
        if path is None:
            continue
        stamp = source_stamp(path)
        if fingerprint(path, function) != kept.fingerprints[index]:
            return False
        kept.watched_stamps[index] = stamp
    return True


def _different(paths: list[str], stamps: list[Stamp]) -> Iterable[str | None]:
    stat = os.stat
    for path, stamp in zip(paths, stamps, strict=True):
        try:
            found = stat(path)
        except OSError:
            yield None if stamp == GONE else path
            continue
        present = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        yield None if present == stamp else path


def _lost_outputs(outputs: list[tuple[int, str, Stamp]]) -> set[int]:
    lost: set[int] = set()
    lstat = os.lstat
    for owner, path, (modified, changed, size, inode) in outputs:
        try:
            found = lstat(path)
        except OSError:
            lost.add(owner)
            continue
        if (
            found.st_mtime_ns != modified
            or found.st_ino != inode
            or found.st_size != size
            or (changed and found.st_ctime_ns != changed)
        ):
            lost.add(owner)
    return lost


def watch(
    paths: Iterable[str], function: DigestFunction, since_ns: int
) -> tuple[list[Stamp], list[str]]:
    """Return stamps and fingerprints of watched paths after an analysis that began at ``since_ns``.

    What changed since then may not be what the analysis saw; it gets a fingerprint that never fits.
    """
    stamps, prints = [], []
    for path in paths:
        stamp = source_stamp(path)
        late = _changed_at(path) >= since_ns - RACY_NS
        stamps.append(NO_STAMP if late else stamp)
        prints.append("changed" if late else fingerprint(path, function))
    return stamps, prints


def _changed_at(path: str) -> int:
    try:
        found = os.stat(path)
    except OSError:
        return 0
    return max(found.st_mtime_ns, found.st_ctime_ns)


def source_numbers(plan: Plan) -> list[int]:
    """Return the artefacts of a plan that are sources."""
    return [a for a, kind in enumerate(plan.kinds) if kind == SOURCE]
