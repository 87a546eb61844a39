"""The whole way of one build: kept graph, analysis when stale, execution, outputs, kept graph.

``kept_graph.try_null_build`` is tried by the caller before this module is imported at all; then
``build_kept``, which needs no workspace to be read, then ``build``. Builds of one workspace wait for
each other; builds of different workspaces share a cache at the same time.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.execution import keep, last_build
from unibuild.execution.kept_graph import NO_STAMP, STATE_DIRECTORY
from unibuild.execution.outputs import Placer
from unibuild.execution.plan import make_plan
from unibuild.execution.processes import Processes
from unibuild.execution.reports import all_tests, made_targets
from unibuild.execution.request import (
    BuildReport,
    BuildRequest,
    BuiltinCall,
    OutputReport,
    TargetReport,
    TestReport,
)
from unibuild.execution.sandbox import Sandbox
from unibuild.execution.scheduler import Scheduler, Workshop
from unibuild.execution.values import RACY_NS, source_stamp
from unibuild.model.errors import HostError, InternalError
from unibuild.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unibuild.execution.exchange import Exchange
    from unibuild.execution.execution_log import LogWriter
    from unibuild.execution.kept_graph import Stamp
    from unibuild.execution.observer import Observer
    from unibuild.execution.plan import Plan
    from unibuild.execution.values import Value

__all__ = [
    "BuildReport",
    "BuildRequest",
    "BuiltinCall",
    "OutputReport",
    "TargetReport",
    "TestReport",
    "build",
    "build_kept",
]

LARGE = 2000
"""Actions from which the memory that the analysis needed is worth giving back."""


def build(request: BuildRequest, observer: Observer) -> BuildReport:
    """Bring the requested targets' outputs up to date and report what was done.

    Failures of actions are in the report; mistakes found by the analysis and faults of the host are
    raised. On an interrupt every child is ended before ``KeyboardInterrupt`` goes on.
    """
    report = _build(request, observer, kept_only=False)
    if report is None:
        raise InternalError(id="no-report", cause="the build ended without a report")
    return report


def build_kept(request: BuildRequest, observer: Observer) -> BuildReport | None:
    """Build from the kept graph alone; nothing when it does not fit and an analysis is needed.

    The caller need not read the workspace for this: ``kept_graph.settings`` has what a request
    takes from there, and ``analyse`` is not called.
    """
    return _build(request, observer, kept_only=True)


def _build(request: BuildRequest, observer: Observer, *, kept_only: bool) -> BuildReport | None:
    began = time.monotonic()
    root = str(request.workspace_root)
    sandbox = Sandbox(request.sandbox)
    if sandbox.fallback:
        observer.note(f"no sandbox: {sandbox.fallback}; actions run without one")
    with (
        _interruptible(),
        _workspace_lock(root, observer),
        _file_system_faults(),
        _execution_log(request) as log,
        closing(Cache(str(request.cache_root), request.digest_function, observer.note)) as cache,
        closing(Processes()) as processes,
        closing(
            _Build(request, Workshop(cache, sandbox, processes, observer, None, log), began)
        ) as run,
    ):
        report = run.from_kept() if kept_only else run.from_kept() or run.afresh()
        return None if report is None else run.finish(report)


@contextmanager
def _file_system_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:  # a full disk, a directory that may not be written, …
        raise HostError(
            id="file-system",
            cause=f"{error.strerror or error}: {error.filename}",
        ) from error


@contextmanager
def _execution_log(request: BuildRequest) -> Iterator[LogWriter | None]:
    if request.execution_log is None:
        yield None
        return
    from unibuild.execution.execution_log import LogWriter

    log = LogWriter(request.execution_log)
    try:
        yield log
    finally:
        log.close()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end a build in the orderly way of an interrupt."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _workspace_lock(root: str, observer: Observer) -> Iterator[None]:
    directory = f"{root}/{STATE_DIRECTORY}"
    try:
        _make_own_directories(root)
        descriptor = os.open(f"{directory}/lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise HostError(
            id="workspace-not-writable",
            cause=f"{directory} cannot be written: {error.strerror}",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            observer.note("another build of this workspace is running; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_own_directories(root: str) -> None:
    """Make what a build adds to the workspace's root, before the root's own stamp is taken."""
    missing = [
        name for name in (STATE_DIRECTORY, "unibuild-out") if not os.path.isdir(f"{root}/{name}")
    ]
    for name in missing:
        os.makedirs(f"{root}/{name}", exist_ok=True)
    if STATE_DIRECTORY in missing:
        with open(f"{root}/{STATE_DIRECTORY}/.gitignore", "w", encoding="ascii") as file:
            file.write("*\n")
    if missing:
        time.sleep(RACY_NS / 10**9)  # or the root would count as changed during the analysis


def _give_memory_back() -> None:
    """Return to the system what the analysis needed; a build of many actions goes on for long."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others keep less
    if trim is not None:
        trim(0)


class _Build:
    def __init__(self, request: BuildRequest, workshop: Workshop, began: float) -> None:
        self.request = request
        self.workshop = workshop
        self.cache = workshop.cache
        self.began = began
        self.root = str(request.workspace_root)
        self.exchange: Exchange | None = None
        self.kept = keep.Store(
            self.root,
            request.key,
            str(request.cache_root),
            self.cache.function,
            request.kept_settings,
        )

    def connect(self) -> None:
        """Start the courier, which connects while this process goes on; once there is work."""
        if self.request.remote is None or self.exchange is not None:
            return
        from unibuild.execution.exchange import Exchange

        cache_root, function = str(self.request.cache_root), self.cache.function.name
        self.exchange = Exchange(self.request.remote, cache_root, function, self.workshop.observer)

    def finish(self, report: BuildReport) -> BuildReport:
        """Wait for uploads, and add what was moved to the report."""
        if self.exchange is None:
            return report
        statistics = self.exchange.finish()
        return replace(report, remote=statistics, seconds=time.monotonic() - self.began)

    def close(self) -> None:
        """End the courier, whatever it does."""
        if self.exchange is not None:
            self.exchange.close()

    def from_kept(self) -> BuildReport | None:
        kept = None if self.request.only_action else self.kept.load()
        if kept is None:
            return None
        changes = keep.find_changes(kept, self.root, self.cache.function)
        if changes is None:
            return None
        placer = self._placer(kept.plan)
        dirty = changes.dirty | self._restore(kept, changes.outputs, placer)
        if self.request.publish_all or self.request.only_cached or self.workshop.log is not None:
            dirty.update(range(len(kept.plan.outputs)))
        if dirty:
            self.connect()
        scheduler = self._schedule(kept.plan, kept.values, dirty, placer, edit=True)
        return self._conclude(kept, placer, scheduler)

    def afresh(self) -> BuildReport:
        self.connect()
        if self.request.only_action:
            return self._only_action()
        since = time.time_ns()
        graph = self.request.analyse()
        plan, records = make_plan(graph, tests=self.request.kind == "test")
        watched = [*graph.watched_files, *graph.watched_directories]
        stamps, prints = keep.watch(watched, self.cache.function, since)
        values, source_stamps = self._known_values(plan)
        last_build.set_graph_aside(self.root, self.request.key)
        self.kept.invalidate()
        identity = self.kept.save_graph(plan, records)
        everything = range(len(records))
        del graph, records
        if len(everything) >= LARGE:
            del plan  # read again it takes less room: nothing of the analysis is between its parts
            _give_memory_back()
            plan = self.kept.load_plan()
        placer = self._placer(plan)
        scheduler = self._schedule(plan, values, everything, placer)
        scheduler.source_stamps.update(source_stamps)
        kept = keep.Kept(
            plan, values, [self._relative(path) for path in watched], stamps, prints,
            [], [], [], [], [], identity,
        )  # fmt: skip
        return self._conclude(kept, placer, scheduler)

    def _only_action(self) -> BuildReport:
        plan, records = make_plan(
            self.request.analyse(),
            tests=self.request.kind == "test",
            only_output=self.request.only_action,
        )
        values, _ = self._known_values(plan)
        forced = {plan.producers()[plan.targets[0].outputs[0]]}
        scheduler = self._schedule(plan, values, range(len(records)), self._placer(plan), forced)
        scheduler.run()
        last_build.note_asked(self.root, self.request.key, plan, scheduler.executed)
        return self._report(plan, scheduler)

    def _placer(self, plan: Plan) -> Placer:
        return Placer(self.root, plan, self.cache.content, self.cache.trees)

    def _schedule(
        self,
        plan: Plan,
        values: list[Value | None],
        dirty: Iterable[int],
        placer: Placer,
        forced: Iterable[int] = (),
        *,
        edit: bool = False,
    ) -> Scheduler:
        workshop = self.workshop._replace(exchange=self.exchange)
        return Scheduler(plan, values, dirty, workshop, placer, self.request, forced, edit=edit)

    def _known_values(self, plan: Plan) -> tuple[list[Value | None], dict[int, Stamp]]:
        """Return values of sources that other kept graphs know and that did not change since."""
        values: list[Value | None] = [None] * len(plan.paths)
        stamps: dict[int, Stamp] = {}
        known = self.kept.known_sources()
        for a in keep.source_numbers(plan):
            path = str(plan.extra[a])
            stamp, value = known.get(path, (NO_STAMP, None))
            if value is not None and stamp != NO_STAMP and source_stamp(path) == stamp:
                values[a] = value
                stamps[a] = stamp
        return values, stamps

    def _restore(self, kept: keep.Kept, lost: set[int], placer: Placer) -> set[int]:
        """Put lost or modified outputs back; return the actions whose outputs are not stored."""
        producers = kept.plan.producers() if lost else {}
        unstored: set[int] = set()
        for a in sorted(lost):
            value = kept.values[a]
            if (value is None or not placer.place(a, value)) and a in producers:
                unstored.add(producers[a])
        return unstored

    def _conclude(self, kept: keep.Kept, placer: Placer, scheduler: Scheduler) -> BuildReport:
        plan = kept.plan
        self.kept.invalidate()
        scheduler.run()
        placed = placer.placed
        outputs = [entry for entry in kept.outputs if entry[0] not in placed]
        outputs += [(a, *entry) for a, entries in placed.items() for entry in entries]
        kept = kept._replace(outputs=outputs, pending=scheduler.open_actions())
        if scheduler.source_stamps:
            kept = self._with_sources(kept, scheduler.source_stamps)
        last_build.set_state_aside(self.root, self.request.key)
        self.kept.save(kept)
        last_build.note(self.root, self.request.key, plan, scheduler.executed)
        return self._report(plan, scheduler)

    def _with_sources(self, kept: keep.Kept, read: dict[int, Stamp]) -> keep.Kept:
        """Add the stamps of sources that this build was the first to read, or read again."""
        stamps = {**dict(zip(kept.sources, kept.source_stamps, strict=True)), **read}
        numbers = [a for a in keep.source_numbers(kept.plan) if a in stamps]
        return kept._replace(
            sources=numbers,
            source_paths=[self._relative(str(kept.plan.extra[a])) for a in numbers],
            source_stamps=[stamps[a] for a in numbers],
        )

    def _relative(self, path: str) -> str:
        return path[len(self.root) + 1 :] if path.startswith(f"{self.root}/") else path

    def _report(self, plan: Plan, scheduler: Scheduler) -> BuildReport:
        undone = set(scheduler.open_actions())
        unmade = {a for index in undone for a in plan.outputs[index]}
        total, executed = len(plan.outputs), len(scheduler.executed)
        return BuildReport(
            targets=made_targets(plan, scheduler.values, unmade),
            total=total,
            executed=executed,
            cached=total - executed - len(undone),
            seconds=time.monotonic() - self.began,
            failures=tuple(scheduler.failures),
            tests=all_tests(plan, unmade, scheduler.tests),
            sandboxed=self.workshop.sandbox.active,
            remote_hits=len(scheduler.remote_hits - scheduler.executed),
        )
