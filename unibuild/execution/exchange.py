"""A build's talk with its courier: every question has somebody who is told the answer.

The build goes on with other things meanwhile. Answers are handed out by ``dispatch`` alone, so that
nothing changes under the hands of whoever asks. What a person should know goes to the observer; a
refusal ends the build with the error that it names.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from unibuild.model import errors
from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import (
    Cancel,
    Noted,
    Publish,
    PushAsset,
    Refused,
    Statistics,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.execution.observer import Observer
    from unibuild.store.remote.requests import Reply, Request
    from unibuild.store.remote.settings import Remote

_FLUSH_EVERY = 64  # questions after which the courier may begin, though more will come
_TELL_EVERY = 0.2  # seconds between two reports of what was moved


class Exchange:
    """Questions to one courier and who waits for the answers; ``waiting`` tells how many do."""

    def __init__(
        self, remote: Remote, cache_root: str, function_name: str, observer: Observer
    ) -> None:
        """Start a courier for ``remote``, which connects while the build goes on."""
        self.remote = remote
        self._observer = observer
        self._link = Link.start(remote, cache_root, function_name)
        self._then: dict[int, Callable[[Reply], None]] = {}
        self._token = 0
        self._unsent = 0
        self._told = 0.0
        self._used = False

    @property
    def descriptor(self) -> int:
        """What is readable when ``dispatch`` has something to do."""
        return self._link.descriptor

    @property
    def wants_write(self) -> bool:
        """Whether the courier has not taken everything yet."""
        return self._link.wants_write

    @property
    def waiting(self) -> int:
        """The number of questions without an answer."""
        return len(self._then)

    def ask(self, question: Callable[[int], Request], then: Callable[[Reply], None]) -> int:
        """Ask what ``question`` makes of a new token, which is returned; ``then`` gets the answer."""
        self._token += 1
        self._then[self._token] = then
        self.tell(question(self._token))
        return self._token

    def tell(self, request: Request) -> None:
        """Send a request that has no answer."""
        self._used = self._used or isinstance(request, Publish | PushAsset)
        self._link.ask(request)
        self._unsent += 1
        if self._unsent >= _FLUSH_EVERY:
            self.flush()

    def cancel(self, token: int) -> None:
        """Give an execution up; its answer still comes."""
        self.tell(Cancel(token))

    def forget(self, token: int) -> None:
        """Have nobody wait for an answer."""
        self._then.pop(token, None)

    def flush(self) -> None:
        """Send what was asked, as far as the courier takes it without waiting."""
        self._unsent = 0
        self._link.flush()

    def dispatch(self) -> bool:
        """Hand out the answers that have come; tell whether there were any."""
        replies = self._link.replies()
        for reply in replies:
            self._take(reply)
        return bool(replies)

    def finish(self) -> Statistics:
        """Wait until everything is uploaded, end the courier and return its totals.

        A courier that was of no use yet, because the build was faster, is not waited for.
        """
        if not self._used:
            self.close()
            return Statistics()
        self._told = 0.0
        statistics = self._link.finish(self._tell)
        self.dispatch()
        self._observer.transfers(statistics)
        return statistics

    def close(self) -> None:
        """End the courier at once."""
        if not self._used and self._link.pid:
            os.kill(self._link.pid, signal.SIGKILL)  # it holds nothing; its own end would take time
        self._link.close()

    def _take(self, reply: Reply) -> None:
        if isinstance(reply, Noted):
            self._observer.note(reply.text)
        elif isinstance(reply, Refused):
            raise refusal(reply)
        elif isinstance(reply, Statistics):
            self._tell(reply)
        else:
            self._used = True
            then = self._then.pop(reply.token, None)
            if then is not None:
                then(reply)

    def _tell(self, statistics: Statistics) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY:
            self._told = now
            self._observer.transfers(statistics)


def refusal(reply: Refused) -> errors.UnibuildError:
    """Return the error that a courier's refusal names."""
    kind = getattr(errors, reply.kind, errors.HostError)
    error: errors.UnibuildError = kind(id=reply.id, cause=reply.cause, hint=reply.hint)
    if hasattr(error, "setting"):
        error.setting = reply.setting
    return error
