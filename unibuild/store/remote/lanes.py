"""Bounded work in an event loop: many things to do, few at once, and a task only for those.

``Lanes`` runs jobs; ``Gatherer`` collects keys that come in one by one and handles them in batches.
Jobs report their own faults; one that lets an error out ends the courier.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from unibuild.store.digests import Digest

    Job = Callable[[], Awaitable[None]]

Result = TypeVar("Result")

GATHER = 0.001  # seconds in which requests that belong together arrive
BATCH_BYTES = 3 << 20  # below the 4 MiB that a message may have, whatever else is in it
BATCH_COUNT = 2048


def spawn(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Start a task whose errors reach the loop's exception handler even if nobody awaits it."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)

    def look(task: asyncio.Task[Result]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            loop.call_exception_handler({"message": "a task failed", "exception": error})

    task.add_done_callback(look)
    return task


class Lanes:
    """At most ``width`` jobs at once; the others wait in a queue, first come, first served."""

    def __init__(self, width: int) -> None:
        """Start with nothing to do."""
        self._width = width
        self._waiting: deque[Job] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def submit(self, job: Job) -> None:
        """Run ``job`` as soon as a lane is free."""
        self._waiting.append(job)
        if len(self._running) < self._width:
            self._idle.clear()
            self._running.add(spawn(self._work()))

    @property
    def busy(self) -> int:
        """How many jobs run or wait."""
        return len(self._waiting) + len(self._running)

    async def drain(self) -> None:
        """Wait until there is nothing left to do."""
        await self._idle.wait()

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._waiting.popleft()()
        finally:
            task = asyncio.current_task()
            if task is not None:
                self._running.discard(task)
            if not self._running and not self._waiting:
                self._idle.set()


class Gatherer:
    """Hands digests that are added one by one to ``handle``, in batches bounded in bytes and number.

    A batch goes when it is full, or ``GATHER`` seconds after its first digest; while ``width``
    batches are under way the next one grows.
    """

    def __init__(self, width: int, handle: Callable[[list[Digest]], Awaitable[None]]) -> None:
        """Call ``handle`` with at most ``width`` batches at once."""
        self._handle = handle
        self._lanes = Lanes(width)
        self._width = width
        self._pending: deque[Digest] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, digest: Digest) -> None:
        """Have ``digest`` handled soon."""
        self._pending.append(digest)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self._go)

    def _go(self) -> None:
        self._timer = None
        while self._pending and self._lanes.busy < self._width:
            self._lanes.submit(self._next)

    async def _next(self) -> None:
        while self._pending:
            batch: list[Digest] = []
            size = 0
            while self._pending and len(batch) < BATCH_COUNT:
                if batch and size + self._pending[0].size > BATCH_BYTES:
                    break
                digest = self._pending.popleft()
                size += digest.size
                batch.append(digest)
            await self._handle(batch)
