"""Actions that run on this machine: inputs laid out, a free slot taken, outputs collected.

A run goes through three places: ``prepared`` (known, nothing done), ``staged`` (inputs laid out, so
that a slot that gets free is busy again at once) and started. What becomes of it is told to the
scheduler, which may also give a run up at any time.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Protocol

from unibuild.execution import depfile
from unibuild.execution.inputs import ChangedSourceError, MissingBlobError
from unibuild.execution.sandbox import FAILURE_MARK
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from unibuild.execution.inputs import Staged
    from unibuild.execution.keys import Prepared
    from unibuild.execution.outputs import Collector
    from unibuild.execution.plan import Plan
    from unibuild.execution.processes import Child
    from unibuild.execution.runner import Runner, Started
    from unibuild.execution.sandbox import Sandbox
    from unibuild.execution.values import Value
    from unibuild.model.errors import UnibuildError


class Run(NamedTuple):
    """When a run began (``time.monotonic``), the seconds it took and the worker it was on."""

    began: float
    seconds: float
    slot: int


class Made(NamedTuple):
    """What a successful run left: values of its outputs, what it printed, what it really read."""

    values: list[Value]
    printed: bytes
    used: depfile.Used


class Owner(Protocol):
    """The scheduler, as runs see it."""

    def current(self, prepared: Prepared) -> bool:
        """Tell whether the action is still to be run just so; see to it that it is done otherwise."""

    def repair(self, prepared: Prepared, error: MissingBlobError | ChangedSourceError) -> None:
        """Deal with an input that is gone or changed, and have the action evaluated again."""

    def began(self, prepared: Prepared) -> None:
        """Take note that a process was started."""

    def made(self, prepared: Prepared, made: Made, run: Run) -> None:
        """Take what a successful run made."""

    def failed(self, prepared: Prepared, error: UnibuildError, printed: bytes, run: Run) -> None:
        """Take a failure."""

    def unsandboxed(self, prepared: Prepared, run: Run) -> None:
        """Have an action evaluated again whose sandbox could not be set up."""


class _Running(NamedTuple):
    prepared: Prepared
    started: Started
    slot: int


class LocalRuns:
    """The runs of one build on this machine, at most ``jobs`` at once."""

    def __init__(
        self,
        plan: Plan,
        values: list[Value | None],
        runner: Runner,
        collector: Collector,
        sandbox: Sandbox,
        jobs: int,
        owner: Owner,
    ) -> None:
        """Start with none."""
        self._plan = plan
        self._values = values
        self._runner = runner
        self._collector = collector
        self._sandbox = sandbox
        self._jobs = jobs
        self._owner = owner
        self._prepared: deque[Prepared] = deque()
        self._staged: deque[tuple[Prepared, Staged | None]] = deque()
        self._running: dict[int, _Running] = {}
        self._given_up: set[int] = set()
        self._slots = list(range(jobs))[::-1]
        self._tokens = count()

    @property
    def backlog(self) -> int:
        """The number of actions that wait to be laid out."""
        return len(self._prepared)

    def offer(self, prepared: Prepared) -> None:
        """Take an action to be run."""
        self._prepared.append(prepared)

    def step(self) -> bool:
        """Bring one run forward; tell whether there was one."""
        if self._slots and self._staged:
            self._start(*self._staged.popleft())
        elif self._prepared and len(self._staged) < self._jobs:
            self._stage(self._prepared.popleft())
        else:
            return False
        return True

    def give_up(self, prepared: Prepared) -> None:
        """End the run of an action that was made elsewhere, if it has begun."""
        for token, running in self._running.items():
            if running.prepared is prepared and token not in self._given_up:
                self._given_up.add(token)
                running.started.child.kill()

    def ended(self, children: list[Child], *, keep_going: bool) -> None:
        """Deal with processes that have ended."""
        ended = [(child, self._running.pop(child.token)) for child in children]
        self._slots += [running.slot for _, running in ended]
        # Keep the slots busy first; what has ended can wait until the next ones run.
        if keep_going or not any(child.status for child in children):
            while self._slots and self._staged:
                self._start(*self._staged.popleft())
        for child, running in ended:
            clean = False
            try:
                if child.token in self._given_up:
                    self._given_up.remove(child.token)
                else:
                    clean = self._judge(child, running)
            finally:
                self._runner.release(running.started, clean=clean)

    def _stage(self, prepared: Prepared) -> None:
        if not self._owner.current(prepared):
            return
        try:
            self._staged.append((prepared, self._runner.stage(prepared.record)))
        except (MissingBlobError, ChangedSourceError) as error:
            self._owner.repair(prepared, error)

    def _start(self, prepared: Prepared, staged: Staged | None) -> None:
        if not self._owner.current(prepared):
            self._runner.discard(staged)
            return
        token = next(self._tokens)
        try:
            started = self._runner.start(token, prepared.record, staged)
        except (MissingBlobError, ChangedSourceError) as error:
            self._owner.repair(prepared, error)
            return
        self._running[token] = _Running(prepared, started, self._slots.pop())
        self._owner.began(prepared)

    def _judge(self, child: Child, running: _Running) -> bool:
        """Tell the scheduler how a run ended; true when it made its outputs and no more."""
        prepared, started, slot = running
        run = Run(child.started, child.ended - child.started, slot)
        printed = self._runner.printed(started)
        if self._sandbox_failed(prepared, started, printed):
            self._owner.unsandboxed(prepared, run)
            return False
        error = self._runner.failure(prepared.record, started, printed)
        if error is None:
            try:
                made = self._take(prepared, started, printed)
            except UserError as wrong:
                error = self._runner.explained(wrong, prepared.record, printed)
        if error is not None:
            self._owner.failed(prepared, error, printed, run)
            return False
        self._owner.made(prepared, made, run)
        return True

    def _sandbox_failed(self, prepared: Prepared, started: Started, printed: bytes) -> bool:
        if (
            prepared.record.builtin
            or not prepared.sandboxed
            or not started.child.status
            or not printed.startswith(FAILURE_MARK)
        ):
            return False
        return not self._sandbox.active or bool(self._sandbox.probe())

    def _take(self, prepared: Prepared, started: Started, printed: bytes) -> Made:
        record = prepared.record
        paths = self._plan.paths
        self._collector.check(record, started.outputs)
        used: depfile.Used = []
        if record.depfile >= 0:
            place = f"{started.outputs}/{paths[record.depfile].partition('/')[2]}"
            with open(place, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
            for a in depfile.used_inputs(record, self._plan, text, started.inputs):
                value = self._values[a]
                if value is not None:
                    used.append((paths[a], value))
        return Made(self._collector.take(record, started.outputs), printed, used)
