"""How long a server is borne with: retries with backoff and jitter, stalls, and a breaker.

Calls that fail for a passing reason are tried again, at growing intervals. Faults that pile up with
no success between them, over several rounds, open the *breaker*: every call then fails at once, and
the build goes on without the server. After a while one call is let through to see whether it is back.
Faults of calls that ran at the same time count as one round, so that a hundred calls lost in a
restart are no worse than one. A *stall* is a time in which calls are under way and none gets anywhere.
A server that refuses calls because there are too many at once gets fewer: the *window* shrinks.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

WIDEST, NARROWEST = 64, 4
"""Bounds of the calls under way at once."""

_ROUNDS_TO_WIDEN = 8

ROUNDS = 5
STALLS = 2
FIRST_DELAY = 0.1
FACTOR = 3.0
LONGEST_DELAY = 5.0
FIRST_REST = 15.0
LONGEST_REST = 120.0

ATTEMPTS = {
    "UNAVAILABLE": 5,
    "ABORTED": 3,
    "RESOURCE_EXHAUSTED": 3,
    "INTERNAL": 2,
    "UNKNOWN": 2,
    "CANCELLED": 3,
    "DEADLINE_EXCEEDED": 2,
}
"""How often a call is tried in all, by the code of its last fault. All other codes are answers."""

_SILENCE = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})
"""Codes of a server that does not answer; the others may come from what was asked, and weigh half."""

CROWDED = "RESOURCE_EXHAUSTED"
"""The code of a server that has too many calls at once, among other things."""

OPEN = "the server is given up for now"


class CallError(RemoteCallError):
    """A call got a status other than OK, or none; any other ``RemoteCallError`` is about an answer.

    ``began`` is when (monotonic seconds). ``stalled``: nothing came for so long that it was ended.
    ``crowded``: it was refused for being one of too many, and the window is narrower now.
    """

    def __init__(
        self,
        code: str,
        method: str,
        detail: str,
        *,
        began: float,
        stalled: bool = False,
        crowded: bool = False,
    ) -> None:
        """Name status and method; ``detail`` is free of secrets."""
        super().__init__(code, method, detail)
        self.began = began
        self.stalled = stalled
        self.crowded = crowded


class Breaker:
    """Counts rounds of faults; while it is open, nothing is asked."""

    def __init__(self, rounds: int = ROUNDS, stalls: int = STALLS) -> None:
        """Open after ``rounds`` rounds of faults without a success, or after ``stalls`` stalls."""
        self._rounds = rounds
        self._limit_of_stalls = stalls
        self._faults = 0.0
        self._stalls = 0
        self._last_fault = float("-inf")
        self._retry_at = 0.0
        self._rest = FIRST_REST
        self._probing = False
        self.open = False
        self.reason = ""

    @property
    def has_stalled(self) -> bool:
        """Whether the server has stalled since its last success."""
        return self._stalls > 0

    def admit(self, method: str) -> None:
        """Raise ``RemoteCallError`` (UNAVAILABLE) while open, but for one probe after each rest."""
        if not self.open:
            return
        if self._probing or time.monotonic() < self._retry_at:
            raise RemoteCallError("UNAVAILABLE", method, f"{OPEN}: {self.reason}")
        self._probing = True

    def succeeded(self) -> None:
        """Forget the faults: the server answered."""
        self._faults, self._stalls = 0.0, 0
        if self.open:
            self.open = self._probing = False
            self._rest = FIRST_REST

    def failed(self, error: CallError) -> None:
        """Count a fault."""
        if self.open:
            if self._probing:
                self._rest = min(self._rest * 2, LONGEST_REST)
                self._trip(error)
            return
        if error.began < self._last_fault:
            return  # it ran beside one that is counted already
        self._last_fault = time.monotonic()
        self._faults += 1.0 if error.code in _SILENCE else 0.5
        self._stalls += error.stalled
        if self._faults >= self._rounds or self._stalls >= self._limit_of_stalls:
            self._trip(error)

    def released(self) -> None:
        """Note that a call ended without a verdict: it was cancelled by ourselves."""
        self._probing = False

    def _trip(self, error: RemoteCallError) -> None:
        self.open, self._probing = True, False
        self._retry_at = time.monotonic() + self._rest
        self.reason = f"{error.code} {error.detail}".strip()


class Window:
    """Bounds how many calls are under way: halved when the server says so, widened by successes."""

    def __init__(self, widest: int = WIDEST) -> None:
        """Begin with ``widest``."""
        self._widest = widest
        self._size = float(widest)
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._shrunk = float("-inf")

    @property
    def size(self) -> int:
        """How many calls may be under way now."""
        return int(self._size)

    async def enter(self) -> None:
        """Take a place, when one is free; those who came first go first."""
        if self._used < int(self._size):
            self._used += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()  # it was given just then
            raise

    def leave(self) -> None:
        """Give a place back, to those who wait."""
        self._used -= 1
        while self._waiting and self._used < int(self._size):
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                self._used += 1

    def widen(self) -> None:
        """Note a success: some rounds of them make room for one call more."""
        if self._size < self._widest:
            self._size = min(self._size + 1 / (_ROUNDS_TO_WIDEN * self._size), float(self._widest))

    def shrink(self, began: float) -> bool:
        """Halve the window after a call begun then was refused; False: it is narrow already.

        Calls that ran at the same time shrink it once.
        """
        if began < self._shrunk:
            return True
        if self._size <= NARROWEST:
            return False
        self._shrunk = time.monotonic()
        self._size = max(self._size / 2, float(NARROWEST))
        return True


class Patience:
    """Tries calls again as long as that makes sense."""

    def __init__(self, breaker: Breaker | None = None, window: Window | None = None) -> None:
        """Share ``breaker`` and ``window`` with all calls to one server."""
        self.breaker = breaker or Breaker()
        self.window = window or Window()

    async def persist(
        self, method: str, attempt: Callable[[], Awaitable[T]], most: int = ATTEMPTS["UNAVAILABLE"]
    ) -> T:
        """Return what ``attempt`` returns, tried at most ``most`` times; raises its last error."""
        number = 0
        while True:
            self.breaker.admit(method)
            try:
                result = await attempt()
            except RemoteCallError as error:
                fault = error if isinstance(error, CallError) else None
                if fault is None or error.code not in ATTEMPTS:
                    self.breaker.succeeded()
                if error.code not in ATTEMPTS:
                    raise
                number += fault is None or not fault.crowded
                if fault is not None and not fault.crowded:
                    self.breaker.failed(fault)
                if number >= min(ATTEMPTS[error.code], most) or self.breaker.open:
                    raise
            except BaseException:
                self.breaker.released()
                raise
            else:
                self.breaker.succeeded()
                self.window.widen()
                return result
            await asyncio.sleep(delay(number or 1))


def delay(number: int) -> float:
    """Return the seconds to wait after the failed attempt ``number``: half fixed, half by chance."""
    whole = min(FIRST_DELAY * FACTOR ** (number - 1), LONGEST_DELAY)
    return whole * (0.5 + random.random() / 2)  # noqa: S311 - jitter is no secret
