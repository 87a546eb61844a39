"""The build's side of its courier: ask, look for replies, never wait unless told to.

    link = Link.start(remote, cache_root, function_name)
    link.ask(request); …; link.flush()        # queued, then sent as far as the socket takes it
    poll(link.descriptor, link.wants_write)   # readable: there may be replies
    for reply in link.replies(): …
    statistics = link.finish(progress)        # waits for uploads; replies() may hold more afterwards
    link.close()                              # ends the courier at once; may follow finish

Every request with a token is answered exactly once: when the courier dies, however it does, ``Link``
answers in its place with misses and one ``Noted`` (``Refused`` where the remote side is required).
``descriptor`` stays the same and can still be polled then. Publications are dropped here when
uploads are not allowed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from typing import TYPE_CHECKING

from unibuild.store.remote.protocol import CHUNK, FRAME_MESSAGES, Decoder, Finish, Finished, encode
from unibuild.store.remote.requests import (
    Cancel,
    Execute,
    Executed,
    Fetch,
    FetchAsset,
    Fetched,
    FindHistory,
    Found,
    History,
    Lookup,
    Noted,
    Publish,
    PushAsset,
    Refused,
    Statistics,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.store.remote.requests import Reply, Request
    from unibuild.store.remote.settings import Remote

_PATIENCE = 1000  # milliseconds that a courier has to end by itself
_COMPANY = 64  # publications that are sent together
_COMPANY_SECONDS = 0.25  # at least so long after the last ones
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Link:
    """A courier and the socket to it; one build's, used by one thread."""

    def __init__(self, ours: socket.socket, pid: int, remote: Remote) -> None:
        """Speak to process ``pid`` through ``ours``; ``start`` makes both."""
        ours.setblocking(False)
        self._socket = ours
        self._pid = pid
        self._remote = remote
        self._decoder = Decoder()
        self._asked: list[Request | Finish] = []
        self._published: list[Request | Finish] = []
        self._publish_at = 0.0
        self._out = bytearray()
        self._kept: list[Reply] = []
        self._misses: dict[int, Found | Fetched | Executed | History] = {}
        self._event = -1  # what makes ``descriptor`` readable once the courier is gone
        self._statistics = Statistics()
        self._finished = False

    @classmethod
    def start(cls, remote: Remote, cache_root: str, function_name: str) -> Link:
        """Fork a courier that shares the cache at ``cache_root``; it connects while the caller goes on."""
        ours, theirs = socket.socketpair()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            parent = os.getpid()
            pid = os.fork()
            if not pid:
                try:
                    from unibuild.store.remote.courier import serve

                    serve(theirs.detach(), parent, before, remote, cache_root, function_name)
                finally:
                    os._exit(1)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return cls(ours, pid, remote)

    @property
    def descriptor(self) -> int:
        """What to poll: readable when ``replies`` may have something."""
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether ``flush`` has something left to send; poll for writing then."""
        return bool(self._out)

    @property
    def pid(self) -> int:
        """The courier's process id, 0 when it is gone."""
        return self._pid

    def ask(self, request: Request) -> None:
        """Queue a request; ``flush`` sends it."""
        miss = _miss(request)
        if miss is not None:
            self._misses[miss.token] = miss
        elif isinstance(request, Publish | PushAsset) and not self._remote.upload:
            return
        if self._event >= 0:
            self._answer_misses()
        elif isinstance(request, Publish):
            self._published.append(request)
        elif not isinstance(request, Cancel) or request.token in self._misses:
            self._asked.append(request)

    def flush(self) -> None:
        """Send what was asked, as far as the socket takes it without waiting.

        Publications, which nobody waits for, go in company: each message wakes the courier, which
        would take the processor from the actions of the build.
        """
        if self._published and (
            len(self._published) >= _COMPANY or time.monotonic() >= self._publish_at
        ):
            self._publish_now()
        while self._asked:
            batch, self._asked = self._asked[:FRAME_MESSAGES], self._asked[FRAME_MESSAGES:]
            self._out += encode(batch)
        if self._event >= 0:
            self._out.clear()
        while self._out:
            try:
                sent = self._socket.send(self._out)
            except BlockingIOError:
                return
            except OSError:  # the courier is gone; what it still said is read before its end
                self._out.clear()
                return
            del self._out[:sent]

    def _publish_now(self) -> None:
        self._asked += self._published
        self._published.clear()
        self._publish_at = time.monotonic() + _COMPANY_SECONDS

    def replies(self) -> list[Reply]:
        """Return what has come in, without waiting."""
        self._receive()
        found, self._kept = self._kept, []
        return found

    def wait(self, token: int) -> Reply:
        """Wait for the one reply with ``token``; others are kept for ``replies``."""
        while True:
            self._receive()
            for index, reply in enumerate(self._kept):
                if getattr(reply, "token", None) == token:
                    return self._kept.pop(index)
            if token not in self._misses:
                raise KeyError(token)
            self._pause()

    def finish(self, progress: Callable[[Statistics], None]) -> Statistics:
        """Wait until everything is uploaded, end the courier and return its totals.

        ``progress`` is told now and then. Notes and refusals that come meanwhile are kept for
        ``replies``.
        """
        if self._event < 0 and not self._finished:
            self._publish_now()
            self._asked.append(Finish())
        while self._event < 0 and not self._finished:
            self._pause()
            self._receive()
            statistics = [reply for reply in self._kept if isinstance(reply, Statistics)]
            if statistics:
                self._kept = [reply for reply in self._kept if not isinstance(reply, Statistics)]
                progress(statistics[-1])
        self.close()
        return self._statistics

    def close(self) -> None:
        """End the courier at once, whatever it is doing; nothing is left half-written."""
        if self._socket.fileno() < 0:
            return
        self._finished = True
        self._socket.close()
        if self._event >= 0:
            os.close(self._event)
            self._event = -1
        self._reap(_PATIENCE)

    def _pause(self) -> None:
        self.flush()
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN | (select.POLLOUT if self.wants_write else 0))
        poll.poll()

    def _receive(self) -> None:
        if self._event >= 0:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._event)
            return
        while not self._finished:
            try:
                data = self._socket.recv(CHUNK)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            if not data:
                self._lose()
                return
            for message in self._decoder.feed(data):
                self._take(message)

    def _take(self, message: object) -> None:
        if isinstance(message, Finished):
            self._finished = True
            self._statistics = message.statistics
        elif isinstance(message, Found | Fetched | Executed | History):
            if self._misses.pop(message.token, None) is not None:
                self._kept.append(message)
        elif isinstance(message, Noted | Refused | Statistics):
            if isinstance(message, Statistics):
                self._statistics = message
            self._kept.append(message)

    def _lose(self) -> None:
        """Go on without the courier: its descriptor becomes one that this side makes readable."""
        status = self._reap(_PATIENCE)
        self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        os.dup2(self._event, self._socket.fileno(), inheritable=False)
        self._asked.clear()
        self._published.clear()
        self._out.clear()
        how = f"signal {-status}" if status < 0 else f"status {status}"
        cause = f"the process that speaks to the remote cache ended unexpectedly ({how})"
        if self._remote.required:
            self._kept.append(Refused("HostError", "courier-ended", cause, "run the build again"))
        else:
            self._kept.append(Noted(f"{cause}; the build goes on without it"))
        self._answer_misses()

    def _answer_misses(self) -> None:
        self._kept += self._misses.values()
        self._misses.clear()
        if self._kept:
            os.eventfd_write(self._event, 1)

    def _reap(self, patience: int) -> int:
        """Wait for the courier's end, and bring it about when it takes too long."""
        if not self._pid:
            return 0
        descriptor = os.pidfd_open(self._pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(patience):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)


def _miss(request: Request) -> Found | Fetched | Executed | History | None:
    """Return the answer that a request gets when nobody can do anything for it."""
    if isinstance(request, Lookup):
        return Found(request.token, None)
    if isinstance(request, Fetch):
        return Fetched(request.token, tuple(blob.digest for blob in request.blobs))
    if isinstance(request, Execute):
        return Executed(request.token, None, "the remote engine cannot be reached")
    if isinstance(request, FetchAsset):
        return Fetched(request.token, (request.digest,))
    if isinstance(request, FindHistory):
        return History(request.token, None)
    return None
