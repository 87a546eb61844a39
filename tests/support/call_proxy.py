"""The process behind ``fault_proxy.calls``: it forwards gRPC calls and asks the test what to spoil.

It is a process of its own because a process that has used grpc.aio cannot be forked any more, and
unibuild forks its courier. It knows no faults: for each call, and for each message of a call that
is to be changed, it asks through the connection whose descriptor is its first argument.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import grpc
import grpc.aio

UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
QUICK_AGAIN = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200))
LOST_SECONDS = 0.3  # that a server is given to answer although requests were lost
STREAMED_REQUESTS = "/Write"
OWN_HEADERS = {"user-agent", "te", "content-type"}


class Plan(NamedTuple):
    """What to do to one call; ``number`` names it when the test is asked about its messages."""

    number: int
    status: str = ""
    detail: str = ""
    after_replies: int | None = None
    after_requests: int | None = None
    delay: float = 0
    hang: bool = False
    copies: int = 1
    answers: bool = False
    rewrites: bool = False
    rewrites_requests: bool = False


class Asking:
    """Questions to the test over a connection, any number at once."""

    def __init__(self, connection: Connection, ended: Callable[[], object]) -> None:
        self._connection = connection
        self._ended = ended
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        asyncio.get_running_loop().add_reader(connection.fileno(), self._receive)

    async def __call__(self, kind: str, *arguments: object) -> Any:
        self._count += 1
        future = asyncio.get_running_loop().create_future()
        self._open[self._count] = future
        self._connection.send((self._count, kind, *arguments))
        return await future

    def _receive(self) -> None:
        try:
            while self._connection.poll():
                number, answer = self._connection.recv()
                future = self._open.pop(number)
                if not future.done():
                    future.set_result(answer)
        except (EOFError, OSError):
            self._ended()


class Handler(grpc.GenericRpcHandler):  # type: ignore[misc] # the stubs name no base
    """Takes every method as a stream of raw messages in both directions."""

    def __init__(self, channel: Any, ask: Asking) -> None:
        self._channel = channel
        self._ask = ask

    def service(self, details: Any) -> Any:
        async def handler(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            headers = tuple((str(k), str(v)) for k, v in context.invocation_metadata() or ())
            plan = Plan(*await self._ask("call", details.method, headers))
            async for reply in self._handle(details.method, plan, requests, context):
                yield reply

        return grpc.stream_stream_rpc_method_handler(handler)

    async def _handle(
        self, method: str, plan: Plan, requests: AsyncIterator[bytes], context: Any
    ) -> AsyncIterator[bytes]:
        if not method.endswith(STREAMED_REQUESTS):
            # To refuse a call whose request was not read is to reset its stream, and grpc.aio then
            # loses the status now and then.
            requests = _given([request async for request in requests])
        await asyncio.sleep(plan.delay)
        if plan.hang:
            await asyncio.Event().wait()
        if plan.status and plan.after_replies is None and plan.after_requests is None:
            await _fail(plan, context)
        if plan.answers:
            taken = [request async for request in requests]
            for reply in await self._ask("answer", plan.number, taken):
                yield reply
            return
        async for reply in self._forward(method, plan, requests, context):
            for _ in range(plan.copies):
                yield await self._ask("rewrite", plan.number, reply) if plan.rewrites else reply

    async def _requests(self, plan: Plan, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        count = 0
        async for request in requests:
            if count == plan.after_requests:
                await asyncio.Event().wait()
            count += 1
            if plan.rewrites_requests:
                yield await self._ask("rewrite_request", plan.number, request)
            else:
                yield request

    async def _forward(
        self, method: str, plan: Plan, requests: AsyncIterator[bytes], context: Any
    ) -> AsyncIterator[bytes]:
        headers = [
            (key, value)
            for key, value in context.invocation_metadata() or ()
            if not key.startswith("grpc-") and key not in OWN_HEADERS
        ]
        call = self._channel.stream_stream(method)(
            self._requests(plan, requests), metadata=headers, timeout=context.time_remaining()
        )
        try:
            count = 0
            replies = aiter(call)
            while True:
                if plan.status and count == plan.after_replies:
                    await _fail(plan, context)
                reply = await self._next(replies, plan, context)
                if reply is None:
                    return
                count += 1
                yield reply
        except grpc.aio.AioRpcError as error:
            trailing = tuple(error.trailing_metadata() or ())
            await context.abort(error.code(), error.details() or "", trailing)
        finally:
            call.cancel()

    @staticmethod
    async def _next(replies: AsyncIterator[bytes], plan: Plan, context: Any) -> bytes | None:
        # A server that lost requests waits for ever: soon the call ends with the fault's status.
        patience = None if plan.after_requests is None else LOST_SECONDS
        try:
            return await asyncio.wait_for(_next_or_none(replies), patience)
        except TimeoutError:
            await _fail(plan, context)
            return None


async def _given(requests: list[bytes]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


async def _next_or_none(replies: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(replies)
    except StopAsyncIteration:
        return None


async def _fail(plan: Plan, context: Any) -> None:
    await context.abort(grpc.StatusCode[plan.status], plan.detail)


async def serve(connection: Connection, target: str) -> None:
    """Forward calls to ``target`` (HOST:PORT) until the test closes its end of the connection."""
    ended = asyncio.Event()
    channel = grpc.aio.insecure_channel(target, options=[*UNLIMITED, *QUICK_AGAIN])
    server = grpc.aio.server(options=UNLIMITED)
    ask = Asking(connection, ended.set)
    server.add_generic_rpc_handlers((Handler(channel, ask),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    connection.send((0, "ready", port))
    await ended.wait()
    await server.stop(0)
    await channel.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(Connection(int(sys.argv[1])), sys.argv[2]))
