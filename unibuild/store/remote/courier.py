"""The courier: a forked process that speaks to the servers, so that the build never has to.

It takes requests from its socket, works on many at once in one event loop, and answers each. It
ends with the socket's other end, whatever it is doing: all it writes is written aside and renamed.
It opens the cache for itself, so that collection respects what it uses and its scratch is its own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from typing import TYPE_CHECKING, Any, NoReturn

from unibuild.store.cache import Cache
from unibuild.store.remote.errands import Errands
from unibuild.store.remote.lanes import spawn
from unibuild.store.remote.protocol import CHUNK, Decoder, Finish, Finished, encode
from unibuild.store.remote.requests import Noted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.store.remote.protocol import AnyMessage
    from unibuild.store.remote.settings import Remote

_STATISTICS_INTERVAL = 0.1  # seconds
_PR_SET_PDEATHSIG = 1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP)


def serve(
    descriptor: int,
    parent: int,
    mask: Iterable[int | signal.Signals],
    remote: Remote,
    cache_root: str,
    function_name: str,
) -> NoReturn:
    """Be the courier of process ``parent``, just forked from it, until ``descriptor`` ends."""
    _settle(descriptor, parent, mask)
    connection = socket.socket(fileno=descriptor)
    connection.setblocking(False)
    asyncio.run(_serve(connection, remote, cache_root, function_name))
    os._exit(0)


def _settle(descriptor: int, parent: int, mask: Iterable[int | signal.Signals]) -> None:
    """Give up everything inherited: terminal, signals' handlers, descriptors, the parent's garbage."""
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGPIPE else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.setsid()
    gc.freeze()  # nothing of the parent is finalised here; descriptors below it are closed next
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != descriptor:  # noqa: PLR2004 - standard streams
            try:
                os.close(int(name))
            except OSError:
                continue  # that of the listing itself
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


async def _serve(
    connection: socket.socket, remote: Remote, cache_root: str, function_name: str
) -> None:
    loop = asyncio.get_running_loop()
    post = Post(connection)
    cache = Cache(cache_root, function_name, lambda text: post.send(Noted(text)))

    def crashed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        post.send(Noted(f"internal error of the courier: {_described(context)}"))
        post.flush()
        cache.close()
        os._exit(1)

    loop.set_exception_handler(crashed)
    errands = Errands(remote, cache, cache_root, post.send)
    post.open(errands)
    await post.ended.wait()
    errands.close()
    cache.close()
    post.close()
    os._exit(0)


def _described(context: dict[str, Any]) -> str:
    """Return what can be said of an error without the values in it, which may be secret."""
    error = context.get("exception")
    if not isinstance(error, BaseException):
        return str(context.get("message"))
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__name__} at {os.path.basename(place)}"


class Post:
    """Messages to and from the build."""

    def __init__(self, connection: socket.socket) -> None:
        """Speak through ``connection``."""
        self._socket = connection
        self._decoder = Decoder()
        self._replies: list[AnyMessage] = []
        self._out = bytearray()
        self._flushing = False
        self._writing = False
        self._errands: Errands | None = None
        self._loop = asyncio.get_running_loop()
        self._finish: asyncio.Task[None] | None = None
        self.finished: Finished | None = None
        self.ended = asyncio.Event()

    def open(self, errands: Errands) -> None:
        """Begin to take requests for ``errands``."""
        self._errands = errands
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._loop.call_later(_STATISTICS_INTERVAL, self._tick)

    def send(self, message: AnyMessage) -> None:
        """Send a message with all others of this turn of the loop."""
        self._replies.append(message)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what the socket takes now; the rest follows when it takes more."""
        self._flushing = False
        if self._replies:
            self._out += encode(self._replies)
            self._replies.clear()
        while self._out:
            try:
                sent = self._socket.send(self._out)
            except BlockingIOError:
                if not self._writing:
                    self._writing = True
                    self._loop.add_writer(self._socket.fileno(), self.flush)
                return
            except OSError:
                self.ended.set()
                return
            del self._out[:sent]
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket.fileno())

    def close(self) -> None:
        """Send the last message, if the build waits for one."""
        if self.finished is not None:
            self._socket.setblocking(True)
            self.send(self.finished)
            self.flush()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or self._errands is None:
            self._loop.remove_reader(self._socket.fileno())
            self.ended.set()
            return
        for message in self._decoder.feed(data):
            if isinstance(message, Finish):
                self._finish = spawn(self._conclude(self._errands))
            else:
                self._errands.take(message)

    async def _conclude(self, errands: Errands) -> None:
        await errands.finish()
        self.finished = Finished(errands.statistics())
        self.ended.set()

    def _tick(self) -> None:
        """Tell how far everything is, when something moved."""
        if self._errands is not None and self._errands.moved():
            self.send(self._errands.statistics())
        self._loop.call_later(_STATISTICS_INTERVAL, self._tick)
