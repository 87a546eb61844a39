"""Actions that run on the remote engine's workers, beside those that run here.

Built-in actions and tests run here, since they are part of unibuild or need this machine; so do
actions without a sandbox and those whose stored result was lost, which the engine would answer from
its own cache. What the engine gets wrong (a worker that died, a deadline, outputs that are not as
declared) is run there once more and then here; a command that fails there has failed.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from unibuild.execution.inputs import ChangedSourceError, MissingBlobError
from unibuild.execution.last_build import history_key
from unibuild.execution.local_runs import Run
from unibuild.execution.plan import GENERATED
from unibuild.store.digests import Digest
from unibuild.store.remote.requests import Execute, Executed, Input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.execution.exchange import Exchange
    from unibuild.execution.inputs import Stage
    from unibuild.execution.keys import Prepared
    from unibuild.execution.observer import Observer
    from unibuild.execution.plan import Plan
    from unibuild.execution.values import Value
    from unibuild.store.remote.requests import Reply

_ATTEMPTS = 2  # of one action on the remote engine
_PATIENCE = 4  # faults in a row after which the engine is left alone for the rest of the build


class Owner(Protocol):
    """The scheduler, as remote runs see it."""

    def current(self, prepared: Prepared) -> bool:
        """Tell whether the action is still to be run just so."""

    def repair(self, prepared: Prepared, error: MissingBlobError | ChangedSourceError) -> None:
        """Deal with an input that is gone or changed, and have the action evaluated again."""

    def make_again(self, artifacts: Sequence[int], prepared: Prepared) -> None:
        """Have inputs made again that nobody has, and then the action that reads them."""

    def began(self, prepared: Prepared) -> None:
        """Take note that a worker was asked."""

    def answered(self, prepared: Prepared, encoded: bytes, run: Run) -> bool:
        """Take a result, success or failure; false when it does not keep the declaration."""

    def run_here(self, prepared: Prepared) -> None:
        """Run an action on this machine."""


class _Running(NamedTuple):
    prepared: Prepared
    slot: int
    began: float


class RemoteRuns:
    """The runs of one build on the remote engine; ``exchange.remote.jobs`` at once."""

    def __init__(
        self,
        plan: Plan,
        values: Sequence[Value | None],
        stage: Stage,
        exchange: Exchange,
        observer: Observer,
        first_slot: int,
        racing: bool,
        owner: Owner,
    ) -> None:
        """Start with none; the slots of remote runs are numbered from ``first_slot``.

        ``racing``: every action is also run on this machine, so a fault needs nothing more.
        """
        self._plan = plan
        self._values = values
        self._stage = stage
        self._exchange = exchange
        self._observer = observer
        self._racing = racing
        self._owner = owner
        self._waiting: deque[Prepared] = deque()
        self._running: dict[int, _Running] = {}
        self._slots = list(range(first_slot, first_slot + max(1, exchange.remote.jobs)))[::-1]
        self._attempts: dict[int, int] = {}
        self._faults = 0
        self._told = False

    @property
    def usable(self) -> bool:
        """Whether the engine is still worth asking."""
        return self._faults < _PATIENCE

    def offer(self, prepared: Prepared) -> None:
        """Take an action to be run."""
        self._waiting.append(prepared)

    def step(self) -> bool:
        """Start a run if one waits and there is room; tell whether something was done."""
        if not self._waiting or not self._slots:
            return False
        prepared = self._waiting.popleft()
        if not self._owner.current(prepared):
            return True
        if not self.usable:
            self._run_here(prepared)
            return True
        try:
            self._start(prepared)
        except (MissingBlobError, ChangedSourceError) as error:
            self._owner.repair(prepared, error)
        return True

    def give_up(self, prepared: Prepared) -> None:
        """Cancel the run of an action that was made here, if it has begun."""
        for token, running in self._running.items():
            if running.prepared is prepared:
                self._exchange.cancel(token)

    def give_all_up(self) -> None:
        """Cancel everything: the build ends."""
        self._waiting.clear()
        for token in self._running:
            self._exchange.cancel(token)

    def _start(self, prepared: Prepared) -> None:
        record = prepared.record
        inputs = tuple(self._input(a) for a in record.inputs)
        key = prepared.key
        token = self._exchange.ask(
            lambda token: Execute(
                token,
                key.action,
                key.command,
                key.directories,
                inputs,
                record.timeout,
                again=prepared.number in self._attempts,
                history=history_key(self._plan, record),
            ),
            self._answered,
        )
        self._running[token] = _Running(prepared, self._slots.pop(), time.monotonic())
        self._owner.began(prepared)

    def _input(self, artifact: int) -> Input:
        value = self._values[artifact]
        if value is None:
            raise MissingBlobError(artifact)
        if self._plan.kinds[artifact] != GENERATED:
            self._stage.locate(artifact)  # so that the courier finds it in the store
        if len(value) == 4:  # noqa: PLR2004 - a directory
            return Input(Digest(value[2], value[3]), Digest(value[0], value[1]))
        return Input(Digest(value[0], value[1]))

    def _answered(self, reply: Reply) -> None:
        if not isinstance(reply, Executed):
            return
        prepared, slot, began = self._running.pop(reply.token)
        self._slots.append(slot)
        if not self._owner.current(prepared):
            return
        run = Run(began, time.monotonic() - began, slot)
        lost = self._lost(prepared, reply)
        if lost and prepared.number not in self._attempts:
            self._attempts[prepared.number] = 1
            self._owner.make_again(lost, prepared)
        elif reply.result is None or reply.timed_out:
            told = reply.result is None and not (reply.timed_out or reply.missing)  # by the courier
            self._fault(prepared, reply.why or "it gave no result", told=told)
        elif self._owner.answered(prepared, reply.result, run):
            self._faults = 0
        else:
            self._fault(prepared, "the outputs are not those that the action declares")

    def _lost(self, prepared: Prepared, reply: Executed) -> list[int]:
        missing = set(reply.missing)
        return [
            a
            for a in prepared.record.inputs
            if (value := self._values[a]) is not None
            and self._plan.kinds[a] == GENERATED
            and (
                Digest(value[0], value[1]) in missing
                or (len(value) == 4 and Digest(value[2], value[3]) in missing)  # noqa: PLR2004
            )
        ]

    def _fault(self, prepared: Prepared, why: str, *, told: bool = False) -> None:
        self._faults += 1
        attempts = self._attempts.get(prepared.number, 0) + 1
        self._attempts[prepared.number] = attempts
        again = attempts < _ATTEMPTS and self.usable
        if not (told or self._told):
            then = "it is run there once more" if again else "it is run here"
            label = prepared.record.label
            self._observer.note(f"remote execution of {label} failed: {why}; {then}")
        self._told = True
        if again:
            self._waiting.append(prepared)
        else:
            self._run_here(prepared)

    def _run_here(self, prepared: Prepared) -> None:
        if not self._racing:
            self._owner.run_here(prepared)
