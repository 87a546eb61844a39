"""The part of a plan that a change can reach, and the order in which it becomes ready.

An action is evaluated when every producer before it is done and at least one of its inputs really
changed; otherwise it is done without being looked at. That is early cutoff: a producer that ran
again and made the same bytes wakes nobody.

An action that is done may have to run again in the same build (its stored output turned out to be
gone, a source was edited meanwhile); ``again`` reopens it, and those waiting for it wait once more.
"""

from __future__ import annotations

import heapq
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unibuild.execution.plan import Plan
    from unibuild.execution.values import Value


class Status(IntEnum):
    """Where an action stands."""

    DONE = 0
    WAITING = 1
    READY = 2
    RUNNING = 3
    FAILED = 4


class Cone:
    """Status of all actions of a plan; ``dirty`` ones must be evaluated, others may be skipped."""

    def __init__(
        self,
        plan: Plan,
        values: list[Value | None],
        dirty: Iterable[int],
        order_seed: int | None = None,
    ) -> None:
        """Open everything that the ``dirty`` actions can reach; ``values`` is kept up to date.

        Of what is ready, the first in the graph comes first; ``order_seed`` draws another order.
        """
        self._outputs = plan.outputs
        self._consumers = plan.consumers
        self._values = values
        self.status = [Status.DONE] * len(plan.outputs)
        self._waits = [0] * len(plan.outputs)
        self._dirty = bytearray(len(plan.outputs))
        self._ready: list[int] = []  # ranks
        self._rank, self._at_rank = _ranks(len(plan.outputs), order_seed)
        self.unfinished = 0
        self._open(dirty)

    def _open(self, dirty: Iterable[int]) -> None:
        status, waits = self.status, self._waits
        pending = []
        for index in dirty:
            self._dirty[index] = 1
            if status[index] is Status.DONE:
                status[index] = Status.WAITING
                pending.append(index)
        reached = pending[:]
        while pending:
            for a in self._outputs[pending.pop()]:
                for consumer in self._consumers[a]:
                    waits[consumer] += 1
                    if status[consumer] is Status.DONE:
                        status[consumer] = Status.WAITING
                        pending.append(consumer)
                        reached.append(consumer)
        self.unfinished = len(reached)
        for index in reached:
            if not waits[index]:
                self._make_ready(index)

    def next_ready(self) -> int | None:
        """Return the first action to evaluate and regard it as being evaluated, or nothing."""
        while self._ready:
            index = self._at_rank[heapq.heappop(self._ready)]
            if self.status[index] is not Status.READY:
                continue
            if self._waits[index]:
                self.status[index] = Status.WAITING
                continue
            self._dirty[index] = 0
            self.status[index] = Status.RUNNING
            return index
        return None

    def stale(self, index: int) -> bool:
        """Tell whether an input of the action changed after ``next_ready`` returned it."""
        return bool(self._dirty[index] or self._waits[index])

    def retry(self, index: int) -> None:
        """Evaluate a running action again as soon as its producers are done."""
        self._dirty[index] = 1
        if self._waits[index]:
            self.status[index] = Status.WAITING
        else:
            self._make_ready(index)

    def complete(self, index: int, made: Iterable[Value]) -> None:
        """Record what a running action made and wake those whose inputs changed by it."""
        self._finish(index)
        pending = []
        for a, value in zip(self._outputs[index], made, strict=True):
            changed = self._values[a] != value
            self._values[a] = value
            for consumer in self._consumers[a]:
                if changed:
                    self._dirty[consumer] = 1
                pending.append(consumer)
        self._release(pending)
        if self._dirty[index]:
            self.again(index)

    def fail(self, index: int) -> None:
        """Record a failure: nothing that needs the action is ever ready."""
        self.status[index] = Status.FAILED

    def again(self, index: int) -> None:
        """Reopen an action that is done; all others keep their state but wait for it."""
        if self.status[index] is not Status.DONE:
            self._dirty[index] = 1
            return
        self.unfinished += 1
        for a in self._outputs[index]:
            for consumer in self._consumers[a]:
                self._waits[consumer] += 1
        self._dirty[index] = 1
        if self._waits[index]:
            self.status[index] = Status.WAITING
        else:
            self._make_ready(index)

    def changed(self, artifact: int) -> None:
        """Have every consumer of an artefact evaluated (again)."""
        for consumer in self._consumers[artifact]:
            self.again(consumer)

    def open_actions(self) -> list[int]:
        """Return the actions that are not done: failed, waiting for a failed one, or never begun."""
        if not self.unfinished:
            return []
        return [index for index, status in enumerate(self.status) if status is not Status.DONE]

    def _make_ready(self, index: int) -> None:
        self.status[index] = Status.READY
        heapq.heappush(self._ready, self._rank[index])

    def _finish(self, index: int) -> None:
        self.status[index] = Status.DONE
        self.unfinished -= 1

    def _release(self, pending: list[int]) -> None:
        waits, status = self._waits, self.status
        while pending:
            index = pending.pop()
            waits[index] -= 1
            if waits[index]:
                continue
            if status[index] is Status.WAITING:
                if self._dirty[index]:
                    self._make_ready(index)
                    continue
                self._finish(index)
                for a in self._outputs[index]:
                    pending += self._consumers[a]
            elif status[index] is Status.DONE and self._dirty[index]:
                self.again(index)


def _ranks(count: int, seed: int | None) -> tuple[Sequence[int], Sequence[int]]:
    """Return the rank of each action, and the action of each rank."""
    if seed is None:
        return range(count), range(count)
    import random

    at_rank = random.Random(seed).sample(range(count), count)  # noqa: S311 - no secret
    rank = [0] * count
    for place, index in enumerate(at_rank):
        rank[index] = place
    return rank, at_rank
