"""The scheduler: evaluates what is ready, from a cache where it can, and keeps all slots busy.

One thread and one loop: evaluate ready actions (compute the digest, look the result up), start
those that miss while slots are free, wait for children to end, take their outputs, wake consumers.
A missing blob is ordinary at any point: its producer runs again and whoever needed it waits.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution import depfile
from unibuild.execution.cone import Cone
from unibuild.execution.inputs import (
    ActionKeys,
    ChangedSourceError,
    MissingBlobError,
    Stage,
)
from unibuild.execution.observer import ActionEvent, ActionOutcome
from unibuild.execution.outputs import Collector
from unibuild.execution.plan import GENERATED, LITERAL, PACKAGE
from unibuild.execution.request import TestReport
from unibuild.execution.results import result_of, values_of
from unibuild.execution.runner import Runner
from unibuild.execution.sandbox import FAILURE_MARK
from unibuild.execution.values import KnownInputs
from unibuild.model.errors import InternalError, UnibuildError, UserError
from unibuild.store.digests import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from unibuild.execution.inputs import Staged
    from unibuild.execution.observer import Observer
    from unibuild.execution.outputs import Placer
    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.processes import Child, Processes
    from unibuild.execution.runner import Started
    from unibuild.execution.sandbox import Sandbox
    from unibuild.execution.values import Value
    from unibuild.store.cache import Cache
    from unibuild.store.reapi import ActionResult

_HOST = "@host/"
_SOURCE_CHANGES = 8  # how often the sources of one action may change before the build gives up


class Options(NamedTuple):
    """What the scheduler has to know of a request; ``fetch`` is that of the request."""

    jobs: int
    keep_going: bool
    builtins: Mapping[str, str]
    fetch: Callable[[str], object]
    host: Mapping[str, str]
    forced: frozenset[int] = frozenset()


class _Prepared(NamedTuple):
    number: int
    record: Record
    key: str
    pruned_key: str
    sandboxed: bool


class Scheduler:
    """One run over the open part of a plan; ``values`` and ``source_stamps`` are brought up to date."""

    def __init__(
        self,
        plan: Plan,
        values: list[Value | None],
        dirty: Iterable[int],
        cache: Cache,
        sandbox: Sandbox,
        processes: Processes,
        placer: Placer,
        observer: Observer,
        options: Options,
    ) -> None:
        """Prepare to evaluate the ``dirty`` actions and whatever their outputs change."""
        self._plan = plan
        self.values = values
        self._cache = cache
        self._sandbox = sandbox
        self._processes = processes
        self._placer = placer
        self._observer = observer
        self._options = options
        self._inputs = KnownInputs(plan, values, cache.function, options.fetch)
        packages = self._inputs.packages
        stage = Stage(plan, values, cache.content, cache.trees, packages)
        self._keys = ActionKeys(plan, values, cache.function)
        self._collector = Collector(plan, cache.function, cache.content, cache.trees)
        self._runner = Runner(
            plan, stage, cache.session, processes, sandbox, options.builtins, packages
        )
        self.cone = Cone(plan, values, dirty)
        self._total = self.cone.unfinished
        self._forced = set(options.forced)
        self._wanted = frozenset(plan.wanted())
        self._producers: dict[int, int] = {}
        self._prepared: deque[_Prepared] = deque()
        self._staged: deque[tuple[_Prepared, Staged | None]] = deque()
        self._started: dict[int, tuple[_Prepared, Started, int]] = {}
        self._slots = list(range(options.jobs))[::-1]
        self._changes: dict[int, int] = {}
        self._stopping = False
        self.executed: set[int] = set()
        self.evaluated = 0
        self.failures: list[UnibuildError] = []
        self.failed: list[int] = []
        self.tests: list[TestReport] = []
        self.source_stamps = self._inputs.source_stamps

    def run(self) -> None:
        """Evaluate until nothing is ready or running; failures are collected, not raised."""
        self._observer.graph_ready(self._total)
        while True:
            self._advance()
            if not self._processes.running:
                return
            ended = [(child, *self._started.pop(child.token)) for child in self._processes.wait()]
            self._slots += [slot for _, _, _, slot in ended]
            # Keep the slots busy first; what has ended can wait until the next ones run.
            if self._options.keep_going or not any(child.status for child, *_ in ended):
                while self._slots and self._staged:
                    self._start(*self._staged.popleft())
            for child, prepared, started, slot in ended:
                self._finish(child, prepared, started, slot)

    def finish_targets(self) -> None:
        """Learn the values of requested artefacts that no action makes; place literal ones."""
        for target in self._plan.targets:
            for a in (*target.outputs, *target.tests):
                kind = self._plan.kinds[a]
                if kind == GENERATED or self.values[a] is not None:
                    continue
                value = self.values[a] = self._inputs.value(a)
                if kind == LITERAL:
                    extra = self._plan.extra[a]
                    self._cache.content.put_bytes(extra if isinstance(extra, bytes) else b"")
                    self._placer.place(a, value)

    def _advance(self) -> None:
        jobs = self._options.jobs
        while not self._stopping:
            if self._slots and self._staged:
                self._start(*self._staged.popleft())
            elif self._prepared and len(self._staged) < jobs:
                self._stage(self._prepared.popleft())
            elif len(self._prepared) <= jobs:
                index = self.cone.next_ready()
                if index is None:
                    return
                self._evaluate(index)
            else:
                return

    # Evaluation: from values of inputs to a cached result or a prepared run.

    def _evaluate(self, index: int) -> None:
        began = time.monotonic()
        record = self._record(index)
        self._inputs.learn(record)
        sandboxed = self._sandbox.active
        key = self._keys.action(record, sandboxed=sandboxed)
        pruned_key = ""
        if record.depfile >= 0:
            pruned_key = self._keys.without_prunable(record, sandboxed=sandboxed)
        if index not in self._forced and self._use_cached(index, record, key, pruned_key, began):
            return
        self._prepared.append(_Prepared(index, record, key, pruned_key, sandboxed))

    def _record(self, index: int) -> Record:
        """Return the action with what it may know of the host filled in: ``@host/NAME`` values."""
        record = self._plan.record(index)
        if not any(value.startswith(_HOST) for _, value in record.environment):
            return record
        sandbox = "bubblewrap" if self._sandbox.active else "none"
        host = {**self._options.host, "sandbox": sandbox}
        environment = tuple(
            (name, host.get(value[len(_HOST) :], "") if value.startswith(_HOST) else value)
            for name, value in record.environment
        )
        return record._replace(environment=environment)

    def _use_cached(
        self, index: int, record: Record, key: str, pruned_key: str, began: float
    ) -> bool:
        result = self._cache.actions.get(key)
        values = None if result is None else self._usable(record, result)
        if values is None and pruned_key:
            other = depfile.find(self._cache.inputs, pruned_key, self._plan, self.values, record)
            result = None if other is None else self._cache.actions.get(other)
            values = None if result is None else self._usable(record, result)
        if result is None or values is None:
            return False
        self._complete(index, record, values, result.stdout, began, time.monotonic() - began, -1)
        return True

    def _usable(self, record: Record, result: ActionResult) -> list[Value] | None:
        """Return the values of a cached result whose blobs are all there, placed where wanted."""
        values = values_of(self._plan, record, result)
        if values is None:
            return None
        for a, value in zip(record.outputs, values, strict=True):
            if a in self._wanted:
                there = self._placer.place(a, value)
            else:
                stored = self._cache.trees if a in self._plan.trees else self._cache.content
                there = stored.contains(Digest(value[0], value[1]))
            if not there:
                return None
        return values

    # Running.

    def _stage(self, prepared: _Prepared) -> None:
        if self._outdated(prepared):
            return
        with self._repairing(prepared.number):
            self._staged.append((prepared, self._runner.stage(prepared.record)))

    def _start(self, prepared: _Prepared, staged: Staged | None) -> None:
        index, record = prepared.number, prepared.record
        if self._outdated(prepared):
            self._runner.discard(staged)
            return
        with self._repairing(index):
            started = self._runner.start(index, record, staged)
            self._started[index] = (prepared, started, self._slots.pop())
            self._observer.action_started(self._event(index, record))

    def _outdated(self, prepared: _Prepared) -> bool:
        """Have an action evaluated again whose inputs or sandbox changed since it was."""
        if self.cone.stale(prepared.number) or prepared.sandboxed is not self._sandbox.active:
            self.cone.retry(prepared.number)
            return True
        return False

    @contextmanager
    def _repairing(self, index: int) -> Iterator[None]:
        """Have an action evaluated again when it turns out that an input is gone or changed."""
        try:
            yield
        except MissingBlobError as missing:
            self._make_again(missing.artifact)
            self.cone.retry(index)
        except ChangedSourceError as changed:
            self._refresh(index, changed.artifact)
            self.cone.retry(index)

    def _make_again(self, artifact: int) -> None:
        if not self._producers:
            self._producers = self._plan.producers()
        producer = self._producers.get(artifact)
        if producer is None:
            raise InternalError(
                id="lost-input", cause=f"the input {self._plan.paths[artifact]} cannot be stored"
            )
        self._forced.add(producer)
        self.cone.again(producer)

    def _refresh(self, index: int, artifact: int) -> None:
        self._changes[index] = self._changes.get(index, 0) + 1
        path = self._plan.paths[artifact]
        if self._changes[index] > _SOURCE_CHANGES:
            raise UserError(
                id="source-keeps-changing", cause=f"{path} changes faster than it can be built"
            )
        if self._plan.kinds[artifact] == PACKAGE:
            raise InternalError(id="package-changed", cause=f"the fetched file of {path} changed")
        value = self._inputs.value(artifact)
        if value != self.values[artifact]:
            self.values[artifact] = value
            self._observer.note(f"{path} changed during the build; what reads it is built again")
            self.cone.changed(artifact)

    def _finish(self, child: Child, prepared: _Prepared, started: Started, slot: int) -> None:
        seconds = child.ended - child.started
        clean = False
        try:
            clean = self._judge(prepared, started, slot, seconds)
        finally:
            self._runner.release(started, clean=clean)

    def _judge(self, prepared: _Prepared, started: Started, slot: int, seconds: float) -> bool:
        """Deal with an ended action and tell whether it succeeded."""
        index, record = prepared.number, prepared.record
        printed = self._runner.printed(started)
        if self._sandbox_failed(prepared, started, printed):
            self.cone.retry(index)
            outcome = ActionOutcome(
                executed=False, failed=False, started=started.child.started, seconds=seconds,
                slot=slot, output=b"",
            )  # fmt: skip
            self._observer.action_finished(self._event(index, record), outcome)
            return False
        error = self._runner.failure(record, started, printed)
        if error is None:
            try:
                values = self._take(prepared, started, printed)
            except UserError as wrong:
                error = self._runner.explained(wrong, record, printed)
        if error is not None:
            self._fail(index, record, error, started, seconds, slot, printed)
            return False
        self.executed.add(index)
        self._forced.discard(index)
        self._complete(index, record, values, printed, started.child.started, seconds, slot)
        return True

    def _sandbox_failed(self, prepared: _Prepared, started: Started, printed: bytes) -> bool:
        if (
            prepared.record.builtin
            or not prepared.sandboxed
            or not started.child.status
            or not printed.startswith(FAILURE_MARK)
        ):
            return False
        if self._sandbox.active:
            if not self._sandbox.probe():
                return False
            self._sandbox.unusable()
            self._observer.note(f"no sandbox: {self._sandbox.fallback}; actions run without one")
        return True

    def _take(self, prepared: _Prepared, started: Started, printed: bytes) -> list[Value]:
        record = prepared.record
        paths = self._plan.paths
        self._collector.check(record, started.outputs)
        used: depfile.Used = []
        if record.depfile >= 0:
            place = f"{started.outputs}/{paths[record.depfile].partition('/')[2]}"
            with open(place, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
            for a in depfile.used_inputs(record, self._plan, text, started.inputs):
                value = self.values[a]
                if value is not None:
                    used.append((paths[a], value))
        values = self._collector.take(record, started.outputs)
        for a, value in zip(record.outputs, values, strict=True):
            if a in self._wanted and not self._placer.place(a, value):
                raise InternalError(id="lost-output", cause=f"{paths[a]} vanished from the cache")
        result = result_of(self._plan, record, values, printed)
        self._cache.actions.put(prepared.key, result)
        if prepared.pruned_key:
            depfile.remember(self._cache.inputs, prepared.pruned_key, prepared.key, used)
        return values

    # Endings.

    def _complete(
        self,
        index: int,
        record: Record,
        values: list[Value],
        printed: bytes,
        began: float,
        seconds: float,
        slot: int,
    ) -> None:
        before = self.cone.unfinished
        self.cone.complete(index, values)
        skipped = before - self.cone.unfinished - 1
        if skipped > 0:
            self._total -= skipped
            self._observer.graph_ready(self._total)
        if record.test:
            self.tests.append(TestReport(record.label, True, slot < 0, seconds, printed))
        self._observer.action_finished(
            self._event(index, record),
            ActionOutcome(slot >= 0, False, began, seconds, slot, printed),
        )

    def _fail(
        self,
        index: int,
        record: Record,
        error: UnibuildError,
        started: Started,
        seconds: float,
        slot: int,
        printed: bytes,
    ) -> None:
        self.cone.fail(index)
        self.failed.append(index)
        self.failures.append(error)
        if record.test:
            self.tests.append(TestReport(record.label, False, False, seconds, printed))
        self._stopping = self._stopping or not self._options.keep_going
        outcome = ActionOutcome(True, True, started.child.started, seconds, slot, printed)
        self._observer.action_finished(self._event(index, record), outcome)

    def _event(self, index: int, record: Record) -> ActionEvent:
        output = self._plan.paths[record.outputs[0]].partition("/")[2] if record.outputs else ""
        return ActionEvent(
            index, record.label, record.mnemonic, record.description, output, record.test
        )
