"""Proxies between a client and a real server, with the faults that networks and servers have.

``wire`` forwards bytes: it can refuse, cut, reset, stall and drip. ``calls`` forwards the gRPC calls
of any service as raw messages: it can answer in the server's stead, change messages, hold them or
lose them. A test changes either from its own thread while traffic runs; ``heal`` ends all faults.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from support.call_proxy import Plan

T = TypeVar("T")
Rewrite = Callable[[bytes], bytes]
Answer = Callable[[Sequence[bytes]], Sequence[bytes]]

CHUNK = 1 << 16
_LASTING = ThreadPoolExecutor(1)  # a server ends with the thread that started it
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread while the block runs."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # broken connections are the purpose
    thread = threading.Thread(target=loop.run_forever, name="fault proxy", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        _wait(loop, _cancel_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _wait(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(60)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 0


@dataclass
class Cut:
    """Ends a connection after so many more bytes ``up`` (to the server) or ``down``; None: never."""

    up: int | None = None
    down: int | None = None
    reset: bool = False
    times: int = 1


class Wire:
    """A forwarder of bytes; its methods may be called from any thread."""

    def __init__(self, target: str, loop: asyncio.AbstractEventLoop) -> None:
        self.target = target
        self.connections = 0
        self.sent = {"up": 0, "down": 0}
        self.port = 0
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._cut: Cut | None = None
        self._stalled_until = 0.0
        self._drip: tuple[int, float] | None = None

    @property
    def url(self) -> str:
        return f"{urlsplit(self.target).scheme}://127.0.0.1:{self.port}"

    def cut(
        self, *, up: int | None = None, down: int | None = None, reset: bool = False, times: int = 1
    ) -> None:
        """End the connection that next carries so many bytes one way, ``times`` times."""
        self._cut = Cut(up, down, reset, times)

    def stall(self, seconds: float) -> None:
        """Let nothing pass for so long, from now on; connections stay open."""
        self._stalled_until = time.monotonic() + seconds

    def drip(self, size: int, pause: float) -> None:
        """Let ``size`` bytes pass at once, with a pause in seconds after each."""
        self._drip = (size, pause)

    def end_all(self, *, reset: bool = False) -> None:
        """End every open connection now."""
        self._loop.call_soon_threadsafe(self._end, list(self._open), reset)

    def refuse(self) -> None:
        """End every connection and refuse new ones, as a machine without the server does."""
        _wait(self._loop, self._close())
        self.end_all()

    def heal(self) -> None:
        """Forward everything again."""
        self._cut = self._drip = None
        self._stalled_until = 0.0
        _wait(self._loop, self._listen())

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        pair = [writer]
        self._open.add(writer)
        try:
            below_reader, below_writer = await asyncio.open_connection(*_address(self.target))
            pair.append(below_writer)
            self._open.add(below_writer)
            await asyncio.gather(
                self._pump("up", reader, below_writer, pair),
                self._pump("down", below_reader, writer, pair),
            )
        except OSError:
            pass
        finally:
            self._end(pair, reset=False)
            self._open.difference_update(pair)

    async def _pump(
        self,
        way: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: list[asyncio.StreamWriter],
    ) -> None:
        while data := await reader.read(CHUNK):
            await self._pass()
            data, ends = self._shortened(way, data)
            while data:
                size, pause = self._drip or (len(data), 0)
                writer.write(data[:size])
                await writer.drain()
                self.sent[way] += len(data[:size])
                data = data[size:]
                await asyncio.sleep(pause)
            if ends is not None:
                self._end(pair, reset=ends.reset)
                return
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _pass(self) -> None:
        rest = self._stalled_until - time.monotonic()
        if rest > 0:
            await asyncio.sleep(rest)

    def _shortened(self, way: str, data: bytes) -> tuple[bytes, Cut | None]:
        cut = self._cut
        left = getattr(cut, way) if cut else None
        if cut is None or left is None:
            return data, None
        if len(data) < left:
            setattr(cut, way, left - len(data))
            return data, None
        cut.times -= 1
        if not cut.times:
            self._cut = None
        return data[:left], cut

    @staticmethod
    def _end(writers: Sequence[asyncio.StreamWriter], reset: bool) -> None:
        for writer in writers:
            if reset and (found := writer.get_extra_info("socket")):
                with contextlib.suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            if reset:
                writer.transport.abort()
            else:
                writer.close()


@contextmanager
def wire(target: str) -> Iterator[Wire]:
    """Forward bytes between a free port and the server at the URL ``target``."""
    with _event_loop() as loop:
        proxy = Wire(target, loop)
        proxy.heal()
        try:
            yield proxy
        finally:
            proxy.refuse()


@dataclass
class Fault:
    """What happens to calls of one method; the default is nothing.

    The first ``skip`` calls are spared, ``times`` limits how many are hit (None: all). A call is
    held for ``delay`` seconds; ``hang`` never answers it. ``status`` (a gRPC status name) is given
    in the server's stead, or after that many replies, or after that many requests. ``answer`` makes
    the replies from the requests without asking the server. ``rewrite`` changes each reply and
    ``rewrite_request`` each request, ``copies`` of a reply are sent. ``meanwhile`` runs when
    the call comes, and the call waits for it: a server may be killed there.
    """

    status: str = ""
    detail: str = "a fault of the test"
    after_replies: int | None = None
    after_requests: int | None = None
    delay: float = 0
    hang: bool = False
    answer: Answer | None = None
    rewrite: Rewrite | None = None
    rewrite_request: Rewrite | None = None
    copies: int = 1
    meanwhile: Callable[[], object] | None = None
    skip: int = 0
    times: int | None = None
    hits: int = 0

    def takes(self) -> bool:
        """Tell whether it concerns this call, which is counted."""
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True

    def plan(self, number: int) -> Plan:
        """Return it as the proxy's process takes it, for the call of that number."""
        return Plan(
            number,
            self.status,
            self.detail,
            self.after_replies,
            self.after_requests,
            self.delay,
            self.hang,
            self.copies,
            self.answer is not None,
            self.rewrite is not None,
            self.rewrite_request is not None,
        )


@dataclass
class Seen:
    """One call that came: the method's last name and the headers of the client."""

    method: str
    headers: dict[str, str]


class Calls:
    """A forwarder of gRPC calls; ``faults`` by method (``GetActionResult``), "*" for all others."""

    def __init__(self) -> None:
        self.port = 0
        self.faults: dict[str, Fault] = {}
        self.seen: list[Seen] = []
        self.counts: Counter[str] = Counter()
        self._chosen: dict[int, Fault] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def heal(self) -> None:
        """Forward everything again."""
        self.faults.clear()

    def serve(self, connection: Connection) -> None:
        """Answer the questions of the proxy's process until it ends."""
        lock = threading.Lock()

        def reply(number: int, kind: str, arguments: Sequence[Any]) -> None:
            answer = getattr(self, f"_{kind}")(*arguments)
            with lock, contextlib.suppress(OSError):
                connection.send((number, answer))

        while True:
            try:
                number, kind, *arguments = connection.recv()
            except (EOFError, OSError):
                return
            # A thread each: a question about one call may be waited for while others go on.
            threading.Thread(target=reply, args=(number, kind, arguments), daemon=True).start()

    def _call(self, method: str, headers: Sequence[tuple[str, str]]) -> Plan:
        name = method.rpartition("/")[2]
        with self._lock:
            number = len(self.seen)
            self.seen.append(Seen(name, dict(headers)))
            self.counts[name] += 1
            fault = self.faults.get(name) or self.faults.get("*")
            if fault is None or not fault.takes():
                return Plan(number)
            self._chosen[number] = fault
        if fault.meanwhile is not None:
            _LASTING.submit(fault.meanwhile).result()
        return fault.plan(number)

    def _answer(self, number: int, requests: Sequence[bytes]) -> Sequence[bytes]:
        answer = self._chosen[number].answer
        return answer(requests) if answer else ()

    def _rewrite(self, number: int, reply: bytes) -> bytes:
        rewrite = self._chosen[number].rewrite
        return rewrite(reply) if rewrite else reply

    def _rewrite_request(self, number: int, request: bytes) -> bytes:
        rewrite = self._chosen[number].rewrite_request
        return rewrite(request) if rewrite else request


@contextmanager
def calls(target: str) -> Iterator[Calls]:
    """Forward gRPC calls between a free port and the server at the URL ``target``."""
    ours, theirs = Pipe()
    with ours:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "support.call_proxy",
                str(theirs.fileno()), urlsplit(target).netloc,
            ],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            pass_fds=[theirs.fileno()],
        )  # fmt: skip
        theirs.close()
        proxy = Calls()
        thread = threading.Thread(target=proxy.serve, args=(ours,), daemon=True)
        try:
            _, _, proxy.port = ours.recv()
            thread.start()
            yield proxy
        finally:
            process.kill()
            process.wait()
            if thread.is_alive():
                thread.join()
