"""Proxies between a client and a real server, with the faults that networks and servers have.

``wire`` forwards bytes: it can refuse, cut, reset, stall and drip. ``calls`` forwards the gRPC calls
of any service as raw messages: it can answer in the server's stead, change messages, hold them or
lose them. A test changes either from its own thread while traffic runs; ``heal`` ends all faults.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import grpc
import grpc.aio

T = TypeVar("T")
Rewrite = Callable[[bytes], bytes]
Answer = Callable[[Sequence[bytes]], Sequence[bytes]]

CHUNK = 1 << 16
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
QUICK_AGAIN = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200))
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
    ``rewrite_request`` each request, ``copies`` of a reply are sent. ``meanwhile`` runs in a thread
    of its own when the call comes, and the call waits for it: a server may be killed there.
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


NO_FAULT = Fault()


@dataclass
class Seen:
    """One call that came: the method's last name and the headers of the client."""

    method: str
    headers: dict[str, str]


class Calls(grpc.GenericRpcHandler):  # type: ignore[misc] # the stubs name no base
    """A forwarder of gRPC calls; ``faults`` by method (``GetActionResult``), "*" for all others."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.port = 0
        self.faults: dict[str, Fault] = {}
        self.seen: list[Seen] = []
        self.counts: Counter[str] = Counter()
        self._channel: Any = None

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def heal(self) -> None:
        """Forward everything again."""
        self.faults.clear()

    def service(self, details: Any) -> Any:
        async def handler(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            async for reply in self._handle(details.method, requests, context):
                yield reply

        return grpc.stream_stream_rpc_method_handler(handler)

    async def _handle(
        self, method: str, requests: AsyncIterator[bytes], context: Any
    ) -> AsyncIterator[bytes]:
        name = method.rpartition("/")[2]
        headers: dict[str, str] = dict(context.invocation_metadata() or ())
        self.seen.append(Seen(name, headers))
        self.counts[name] += 1
        fault = self.faults.get(name) or self.faults.get("*") or NO_FAULT
        if fault is not NO_FAULT and not fault.takes():
            fault = NO_FAULT
        await self._before(fault, context)
        if fault.answer is not None:
            for reply in fault.answer([request async for request in requests]):
                yield reply
            return
        async for reply in self._forward(method, fault, requests, context):
            yield reply

    async def _before(self, fault: Fault, context: Any) -> None:
        if fault.meanwhile is not None:
            await asyncio.to_thread(fault.meanwhile)
        await asyncio.sleep(fault.delay)
        if fault.hang:
            await asyncio.Event().wait()
        if fault.status and fault.after_replies is None and fault.after_requests is None:
            await context.abort(grpc.StatusCode[fault.status], fault.detail)

    async def _forward(
        self, method: str, fault: Fault, requests: AsyncIterator[bytes], context: Any
    ) -> AsyncIterator[bytes]:
        async def forwarded() -> AsyncIterator[bytes]:
            count = 0
            async for request in requests:
                if count == fault.after_requests:
                    await asyncio.Event().wait()
                count += 1
                yield fault.rewrite_request(request) if fault.rewrite_request else request

        kept = [
            (key, value)
            for key, value in context.invocation_metadata() or ()
            if not key.startswith("grpc-") and key not in {"user-agent", "te", "content-type"}
        ]
        call = self._channel.stream_stream(method)(
            forwarded(), metadata=kept, timeout=context.time_remaining()
        )
        count = 0
        replies = aiter(call)
        try:
            while True:
                if count == fault.after_replies and fault.status:
                    await context.abort(grpc.StatusCode[fault.status], fault.detail)
                reply = await self._next(replies, fault, context)
                if reply is None:
                    break
                count += 1
                for _ in range(fault.copies):
                    yield fault.rewrite(reply) if fault.rewrite else reply
        except grpc.aio.AioRpcError as error:
            trailing = tuple(error.trailing_metadata() or ())
            await context.abort(error.code(), error.details() or "", trailing)
        finally:
            call.cancel()

    async def _next(
        self, replies: AsyncIterator[bytes], fault: Fault, context: Any
    ) -> bytes | None:
        waits: Awaitable[bytes] = anext(replies)
        if fault.after_requests is None:
            return await anext_or_none(waits)
        # The server waits for requests that were lost: soon the call ends with the fault's status.
        try:
            return await asyncio.wait_for(anext_or_none(waits), 0.3)
        except TimeoutError:
            await context.abort(grpc.StatusCode[fault.status], fault.detail)
            return None


async def anext_or_none(waits: Awaitable[T]) -> T | None:
    """Return the next item, or None at the end."""
    try:
        return await waits
    except StopAsyncIteration:
        return None


@dataclass
class _Running:
    calls: Calls
    server: Any = field(default=None)

    async def start(self) -> None:
        host, port = _address(self.calls.target)
        self.calls._channel = grpc.aio.insecure_channel(
            f"{host}:{port}", options=[*UNLIMITED, *QUICK_AGAIN]
        )
        self.server = grpc.aio.server(options=UNLIMITED)
        self.server.add_generic_rpc_handlers((self.calls,))
        self.calls.port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop(0)
        await self.calls._channel.close()


@contextmanager
def calls(target: str) -> Iterator[Calls]:
    """Forward gRPC calls between a free port and the server at the URL ``target``."""
    with _event_loop() as loop:
        running = _Running(Calls(target))
        _wait(loop, running.start())
        try:
            yield running.calls
        finally:
            _wait(loop, running.stop())
