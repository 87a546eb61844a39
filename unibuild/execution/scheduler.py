"""The scheduler: evaluates what is ready, from a cache where it can, and keeps all slots busy.

One thread and one loop: evaluate ready actions (compute the digest, look the result up), start
those that miss while slots are free, wait for children to end, take their outputs, wake consumers.
With a remote cache a local miss becomes a question to the courier; the action is parked until the
answer comes, and the loop goes on with others. A missing blob is ordinary at any point: it is
fetched, or its producer runs again, and whoever needed it waits.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution import depfile
from unibuild.execution.announcements import Announcements
from unibuild.execution.cone import Cone
from unibuild.execution.evaluation import Evaluator
from unibuild.execution.inputs import ChangedSourceError, MissingBlobError, Stage
from unibuild.execution.local_runs import LocalRuns, Made, Run
from unibuild.execution.outputs import Collector
from unibuild.execution.placing import Placing
from unibuild.execution.plan import PACKAGE
from unibuild.execution.reports import not_cached
from unibuild.execution.results import result_of
from unibuild.execution.runner import Runner
from unibuild.execution.values import KnownInputs
from unibuild.model.errors import InternalError, UnibuildError, UserError
from unibuild.store.action_cache import MADE_BY_ENGINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unibuild.execution.exchange import Exchange
    from unibuild.execution.execution_log import LogWriter
    from unibuild.execution.keys import Prepared
    from unibuild.execution.observer import Observer
    from unibuild.execution.outputs import Placer
    from unibuild.execution.plan import Plan
    from unibuild.execution.processes import Processes
    from unibuild.execution.remote_results import Hit, RemoteResults
    from unibuild.execution.remote_runs import RemoteRuns
    from unibuild.execution.request import BuildRequest
    from unibuild.execution.sandbox import Sandbox
    from unibuild.execution.values import Value
    from unibuild.store.cache import Cache
    from unibuild.store.reapi import ActionResult

_SOURCE_CHANGES = 8  # how often the sources of one action may change before the build gives up
_QUESTIONS = 4096  # open at once; more would only wait in the courier


class Workshop(NamedTuple):
    """What a build works with: its cache, sandbox, processes, listener; courier and log, if any."""

    cache: Cache
    sandbox: Sandbox
    processes: Processes
    observer: Observer
    exchange: Exchange | None
    log: LogWriter | None


class Scheduler:
    """One run over the open part of a plan; ``values`` and ``source_stamps`` are brought up to date."""

    def __init__(
        self,
        plan: Plan,
        values: list[Value | None],
        dirty: Iterable[int],
        workshop: Workshop,
        placer: Placer,
        request: BuildRequest,
        forced: Iterable[int] = (),
        *,
        edit: bool = False,
    ) -> None:
        """Prepare to evaluate the ``dirty`` actions and whatever their outputs change.

        ``edit``: the graph was kept, and what is open is what was edited since.
        """
        self._plan = plan
        self.values = values
        self._cache = cache = workshop.cache
        self._sandbox = sandbox = workshop.sandbox
        self._processes = workshop.processes
        self._observer = workshop.observer
        self._announce = Announcements(plan, workshop.observer, values, workshop.log)
        self._exchange = workshop.exchange
        self._request = request
        self._inputs = KnownInputs(plan, values, cache.function, request.fetch, request.digest_of)
        packages = self._inputs.packages
        copying = request.staging == "copy"
        stage = Stage(plan, values, cache.content, cache.trees, packages, copying=copying)
        self._runner = runner = Runner(
            plan, stage, cache.session, self._processes, sandbox, request.builtins, packages,
            request.supervisor,
        )  # fmt: skip
        collector = Collector(plan, cache.function, cache.content, cache.trees)
        self._placing = placing = Placing(
            plan, values, cache, placer, self._inputs, self._exchange, request.download
        )
        sent = self._exchange is not None and (
            self._exchange.remote.upload or request.where != "local"
        )
        self._evaluator = Evaluator(
            plan, values, self._inputs, placing, cache, sandbox, request.host, whole=sent,
            demanded=() if request.remote is None else request.remote.require_signed,
        )  # fmt: skip
        self._local = LocalRuns(plan, values, runner, collector, sandbox, request.jobs, self)
        self._remote, self._away = self._remote_parts(stage)
        self.cone = Cone(plan, values, dirty, request.order_seed)
        self._total = self.cone.unfinished
        self._hasty = edit and self._is_small()
        self._early: set[int] = set()
        self._forced = set(forced)
        self._producers: dict[int, int] = {}
        self._current: dict[int, Prepared] = {}
        self._changes: dict[int, int] = {}
        self._stopping = False
        self._uncached: list[str] = []
        self.executed: set[int] = set()
        self.remote_hits: set[int] = set()
        self.failures: list[UnibuildError] = []
        self.tests = self._announce.tests
        self.source_stamps = self._inputs.source_stamps

    def _remote_parts(self, stage: Stage) -> tuple[RemoteResults | None, RemoteRuns | None]:
        exchange = self._exchange
        if exchange is None:
            return None, None
        from unibuild.execution.remote_results import RemoteResults
        from unibuild.execution.remote_runs import RemoteRuns

        plan, values, request = self._plan, self.values, self._request
        results = RemoteResults(plan, values, self._cache, exchange, self._found, self._run)
        if request.where == "local" or request.only_cached:
            return results, None
        racing = request.where == "auto"
        return results, RemoteRuns(
            plan,
            values,
            stage,
            exchange,
            self._observer,
            request.jobs,
            racing,
            self,
        )

    def _is_small(self) -> bool:
        """Tell whether slots would stand idle while the courier only connects.

        What somebody has just edited is seldom in a cache; so the few actions behind an edit begin
        here at once where they can, and give way to a result that comes before they end.
        """
        request = self._request
        plain = request.where == "local" and not (request.only_cached or request.publish_all)
        few = self.cone.unfinished <= 2 * request.jobs
        return plain and few and not (request.remote is not None and request.remote.required)

    def run(self) -> None:
        """Evaluate until nothing is ready or running; failures are collected, not raised."""
        self._observer.graph_ready(self._total)
        if self._exchange is not None:
            self._processes.watch(self._exchange.descriptor)
        while True:
            self._advance()
            if self._exchange is not None and self._talk(self._exchange):
                continue
            if not self._processes.running and not self._waits_for_answers():
                break
            ended = self._processes.wait()
            if ended:
                self._local.ended(ended, keep_going=self._request.keep_going)
        if self._away is not None:
            self._away.give_all_up()
            self._announce.gave_all_up()
        self._placing.finish_targets()
        if self._uncached:
            self.failures.append(not_cached(self._uncached))

    def open_actions(self) -> list[int]:
        """Return the actions that are not done, or whose wanted outputs have not arrived."""
        opened = self.cone.open_actions()
        if self._placing.on_the_way:
            arriving = {self._producer(a) for a in self._placing.on_the_way}
            opened = sorted(arriving.union(opened))
        return opened

    def _advance(self) -> None:
        away = self._away
        while not self._stopping:
            if self._local.step() or (away is not None and away.step()):
                continue
            if self._exchange is None:
                if self._local.backlog > self._request.jobs:
                    return
            elif self._exchange.waiting > _QUESTIONS:
                return
            index = self.cone.next_ready()
            if index is None:
                return
            self._evaluate(index)

    def _talk(self, exchange: Exchange) -> bool:
        """Send questions and hand out answers; tell whether there is more to do because of them."""
        exchange.flush()
        self._processes.expect_room(exchange.wants_write)
        return exchange.dispatch() and not self._stopping

    def _waits_for_answers(self) -> bool:
        return self._exchange is not None and not self._stopping and self._exchange.waiting > 0

    # Evaluation: from values of inputs to a cached result or a run.

    def _evaluate(self, index: int) -> None:
        began = time.monotonic()
        prepared = self._current[index] = self._evaluator.prepare(index)
        if index in self._forced:
            self._run(prepared)
            return
        cached = self._evaluator.cached(prepared)
        if cached is None:
            if self._remote is None:
                self._run(prepared)
            else:
                self._remote.look_up(prepared)
                if self._hasty and self._remote.is_own(prepared, self._placing):
                    self._early.add(index)
                    self._local.offer(prepared)
            return
        run = Run(began, time.monotonic() - began, -1)
        self._complete(prepared, cached.values, cached.result.stdout, run)
        # Of a pruned result nobody else can know that it holds for these inputs, too.
        if cached.pruned or self._request.publish_all:
            self._publish(prepared, cached.result, ran=False, own=cached.own)

    def _found(self, prepared: Prepared, hit: Hit) -> None:
        """Go on with the values of a result that the remote cache has; blobs come as wanted."""
        if self._stopping or not self.current(prepared):
            return
        self.remote_hits.add(prepared.number)
        if self._remote is not None:
            self._remote.remember(prepared, hit)
        self._take_remote(prepared, hit, Run(hit.began, time.monotonic() - hit.began, -1))

    def _take_remote(self, prepared: Prepared, hit: Hit, run: Run) -> None:
        def stored() -> None:
            self._cache.actions.put(hit.action.hash, hit.result, hit.origin)

        self._complete(prepared, hit.values, hit.result.stdout, run, remote=True)
        self._placing.bring_outputs(prepared.record, hit.values, stored, self._make_again)

    # Running.

    def _run(self, prepared: Prepared) -> None:
        """Have an action run that no cache has a result of."""
        if self._stopping or prepared.number in self._early or not self.current(prepared):
            return
        if self._request.only_cached:
            self._leave(prepared)
            self.cone.fail(prepared.number)
            self._uncached.append(prepared.record.label)
            return
        if self._away is not None and self._may_run_away(prepared):
            self._away.offer(prepared)
            if self._request.where == "remote":
                return
        self.run_here(prepared)

    def _may_run_away(self, prepared: Prepared) -> bool:
        record = prepared.record
        plain = prepared.sandboxed and not record.builtin and not record.test
        return plain and prepared.number not in self._forced

    def run_here(self, prepared: Prepared) -> None:
        """Run an action on this machine, once its inputs are here."""
        if self._placing.is_elsewhere(prepared.record.inputs):
            self._bring(prepared, -1)
        else:
            self._local.offer(prepared)

    def current(self, prepared: Prepared) -> bool:
        """Tell whether an action is still to be run just so; it is evaluated again when it is stale."""
        index = prepared.number
        if self._current.get(index) is not prepared:
            return False
        if self.cone.stale(index) or prepared.sandboxed is not self._sandbox.active:
            self._retry(prepared)
            return False
        return True

    def repair(self, prepared: Prepared, error: MissingBlobError | ChangedSourceError) -> None:
        """Have an action evaluated again when it turns out that an input is gone or changed."""
        if isinstance(error, ChangedSourceError):
            self._refresh(prepared.number, error.artifact)
            self._retry(prepared)
            return
        self._bring(prepared, error.artifact)

    def _bring(self, prepared: Prepared, needed: int) -> None:
        """Have inputs fetched, and then the action run here."""

        def brought(lost: list[int]) -> None:
            if lost:
                self.make_again(lost, prepared)
            elif self.current(prepared):
                self._local.offer(prepared)

        self._placing.bring_inputs(prepared.record.inputs, needed, brought)

    def make_again(self, artifacts: Sequence[int], prepared: Prepared) -> None:
        """Have inputs made again that nobody has, and then the action that reads them."""
        for a in artifacts:
            self._make_again(a)
        if self._current.get(prepared.number) is prepared:
            self._retry(prepared)

    def _make_again(self, artifact: int) -> None:
        producer = self._producer(artifact)
        self._forced.add(producer)
        self.cone.again(producer)

    def _producer(self, artifact: int) -> int:
        if not self._producers:
            self._producers = self._plan.producers()
        producer = self._producers.get(artifact)
        if producer is None:
            raise InternalError(
                id="lost-input", cause=f"the input {self._plan.paths[artifact]} cannot be stored"
            )
        return producer

    def _retry(self, prepared: Prepared) -> None:
        self._leave(prepared)
        self.cone.retry(prepared.number)

    def _leave(self, prepared: Prepared) -> None:
        """Forget a prepared action, and end the runs of it that are under way."""
        del self._current[prepared.number]
        if prepared.number in self._early:
            self._early.remove(prepared.number)
            self._local.give_up(prepared)
            if self._remote is not None:
                self._remote.drop(prepared)
        if self._away is not None:
            self._away.give_up(prepared)
            self._local.give_up(prepared)

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

    # Endings.

    def began(self, prepared: Prepared) -> None:
        """Take note that a run has begun."""
        self._announce.began(prepared)

    def unsandboxed(self, prepared: Prepared, run: Run) -> None:
        """Go on without a sandbox where that is allowed, and evaluate the action again."""
        if self._sandbox.active:
            self._sandbox.unusable()
            self._observer.note(f"no sandbox: {self._sandbox.fallback}; actions run without one")
        self._announce.gave_up(prepared, run)
        if self._current.get(prepared.number) is prepared:
            self._retry(prepared)

    def made(self, prepared: Prepared, made: Made, run: Run) -> None:
        """Take what a run on this machine made, into the caches too."""
        if self._current.get(prepared.number) is not prepared:
            return
        record, paths = prepared.record, self._plan.paths
        for a, value in zip(record.outputs, made.values, strict=True):
            if not self._placing.place(a, value):
                raise InternalError(id="lost-output", cause=f"{paths[a]} vanished from the cache")
        result = result_of(self._plan, record, made.values, made.printed)
        action = prepared.key.digest
        self._cache.actions.put(action.hash, result)
        # What changed meanwhile was not what the action read.
        if prepared.pruned_key and not self.cone.stale(prepared.number):
            entry = depfile.Entry(action, made.used)
            depfile.remember(self._cache.inputs, prepared.pruned_key, entry)
        self.executed.add(prepared.number)
        self._forced.discard(prepared.number)
        self._complete(prepared, made.values, made.printed, run)
        self._publish(prepared, result, ran=True, own=True)

    def answered(self, prepared: Prepared, encoded: bytes, run: Run) -> bool:
        """Take what the remote engine answered; false when it does not keep the declaration."""
        from unibuild.execution.remote_results import Hit, exit_of

        status, printed = exit_of(encoded)
        if status:
            error = self._runner.refused(prepared.record, status, printed)
            self.failed(prepared, error, printed, run)
            return True
        judged = None if self._remote is None else self._remote.judge(prepared, encoded)
        if judged is None or self._remote is None:
            return False
        self.executed.add(prepared.number)
        hit = Hit(prepared.key.digest, *judged, run.began, MADE_BY_ENGINE)
        self._remote.remember(prepared, hit)
        self._take_remote(prepared, hit, run)
        return True

    def failed(self, prepared: Prepared, error: UnibuildError, printed: bytes, run: Run) -> None:
        """Take a failure: nothing that needs the action can be made."""
        if self._current.get(prepared.number) is not prepared:
            return
        self._leave(prepared)
        self.cone.fail(prepared.number)
        self.failures.append(error)
        self._stopping = self._stopping or not self._request.keep_going
        self._announce.failed(prepared, run, printed)

    def _publish(self, prepared: Prepared, result: ActionResult, *, ran: bool, own: bool) -> None:
        if self._remote is not None and self._remote.publishes(prepared):
            self._remote.publish(prepared, result, ran=ran, own=own)

    def _complete(
        self,
        prepared: Prepared,
        values: list[Value],
        printed: bytes,
        run: Run,
        *,
        remote: bool = False,
    ) -> None:
        self._leave(prepared)
        before = self.cone.unfinished
        self.cone.complete(prepared.number, values)
        skipped = before - self.cone.unfinished - 1
        if skipped > 0:
            self._total -= skipped
            self._observer.graph_ready(self._total)
        self._announce.made(prepared, run, printed, remote=remote)
