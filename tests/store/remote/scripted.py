"""A gRPC server that does to each call what a test says, for what no real server does wrong.

Runs in the event loop of a test that is ``apart``. A method is a coroutine function of the request
(an asynchronous generator for answers in a stream); it aborts with ``Refusal``.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any


class Refusal(Exception):  # noqa: N818 - it is what the server answers
    """The call ends with the status ``code`` (its name) and ``detail``."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass
class Scripted:
    """The server: its address, and how often each method was called with which headers."""

    url: str = ""
    methods: dict[str, Callable[..., Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def count(self, method: str) -> int:
        """Return how often ``method`` was called."""
        return self.calls.count(method)


async def _unary(method: Callable[..., Any], request: Any, context: Any) -> bytes:
    import grpc

    try:
        answer: bytes = await method(request)
    except Refusal as refusal:
        await context.abort(grpc.StatusCode[refusal.code], refusal.detail)
    return answer


async def _stream(method: Callable[..., Any], request: bytes, context: Any) -> AsyncIterator[bytes]:
    import grpc

    try:
        async for answer in method(request):
            yield answer
    except Refusal as refusal:
        await context.abort(grpc.StatusCode[refusal.code], refusal.detail)


def _handler(server: Scripted, uploads: tuple[str, ...]) -> Any:
    import grpc

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            name = details.method
            if name not in server.methods:
                return None
            server.calls.append(name)
            server.headers.append({key: str(value) for key, value in details.invocation_metadata})
            method = server.methods[name]
            if name in uploads:
                return grpc.stream_unary_rpc_method_handler(partial(_unary, method))
            if inspect.isasyncgenfunction(method):

                async def stream(request: bytes, context: Any) -> AsyncIterator[bytes]:
                    async for answer in _stream(method, request, context):
                        yield answer

                return grpc.unary_stream_rpc_method_handler(stream)
            return grpc.unary_unary_rpc_method_handler(partial(_unary, method))

    return Handler()


@asynccontextmanager
async def scripted(
    methods: dict[str, Callable[..., Any]], *uploads: str
) -> AsyncIterator[Scripted]:
    """Serve ``methods`` by their full names; ``uploads`` are those that take a stream."""
    from grpc import aio

    server = Scripted(methods=methods)
    running = aio.server(options=[("grpc.max_send_message_length", 64 << 20)])
    running.add_generic_rpc_handlers((_handler(server, uploads),))
    port = running.add_insecure_port("127.0.0.1:0")
    server.url = f"grpc://127.0.0.1:{port}"
    await running.start()
    try:
        yield server
    finally:
        await running.stop(0)
