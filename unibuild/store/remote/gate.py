"""The way to one server: opened in the background, decided on quickly, tried again when closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from unibuild.model.errors import UnibuildError
from unibuild.store.remote.lanes import spawn
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Opened = TypeVar("Opened")

_SILENT = RemoteCallError("DEADLINE_EXCEEDED", "connect")
DECISION = 2.5  # seconds after which a build goes on without a server that does not answer
PATIENCE = 12.0  # seconds that an attempt may take
_LAST_CALL = 6.0  # seconds that an attempt has once the build has ended: stalls of 5 s pass
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 30.0


class Gate(Generic[Opened]):
    """What ``connect`` returns, once it did; nothing as long as it fails.

    Those who enter while the first attempt goes on wait for its end, but at most ``decision`` seconds
    from the beginning; it may still succeed for those who come later. ``failed`` is told of each
    failed attempt; a ``UnibuildError`` (a wrong setting) is the last.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Opened]],
        failed: Callable[[RemoteCallError | UnibuildError], None],
        decision: float = DECISION,
    ) -> None:
        """Begin to connect."""
        self._connect = connect
        self._failed = failed
        self._opened: Opened | None = None
        self._decided = asyncio.Event()
        self._attempted = asyncio.Event()
        self._timer = asyncio.get_running_loop().call_later(decision, self._decide)
        self._task = spawn(self._try())

    @property
    def now(self) -> Opened | None:
        """What is behind the gate, if it is open."""
        return self._opened

    async def enter(self) -> Opened | None:
        """Return what is behind the gate, or nothing when it is closed."""
        if self._opened is None:
            await self._decided.wait()
        return self._opened

    async def enter_late(self) -> Opened | None:
        """Do the same for one whom nobody waits for: the first attempt may take its time."""
        if self._opened is None:
            await self._attempted.wait()
        return self._opened

    def hurry(self) -> None:
        """Let those who can wait do so no longer than ``_LAST_CALL`` seconds from now."""
        if not self._attempted.is_set():
            asyncio.get_running_loop().call_later(_LAST_CALL, self._attempted.set)

    def _decide(self) -> None:
        if not self._attempted.is_set():
            self._failed(_SILENT)
            self._decided.set()

    async def _try(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    self._opened = await self._connect()
            except UnibuildError as error:
                self._failed(error)
                break
            except RemoteCallError as error:
                self._failed(error)
            except TimeoutError:
                self._failed(_SILENT)
            else:
                break
            self._end_attempt()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE)
        self._end_attempt()

    def _end_attempt(self) -> None:
        self._timer.cancel()
        self._attempted.set()
        self._decided.set()
