"""A connection to one server: bytes in, bytes out, over gRPC (``grpc.aio``).

``unary`` tries again by itself; a stream is one attempt, which its caller repeats through
``Channel.patience.persist``. Every error is a ``RemoteCallError`` whose text is free of secrets. No
message is longer than 4 MiB in either direction, whatever a server announces.

A ``Channel`` is made inside a running event loop and does nothing until the first call.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, TypeVar

from unibuild import __version__
from unibuild.model.errors import UserError
from unibuild.store.remote.credentials import Credentials
from unibuild.store.remote.endpoint import MAXIMUM_MESSAGE, aio, open_channel
from unibuild.store.remote.messages_server import REQUEST_METADATA, encode_request_metadata
from unibuild.store.remote.patience import CROWDED, CallError, Patience
from unibuild.store.remote.redaction import Redactor
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable

    from unibuild.store.remote.settings import Connection

T = TypeVar("T")
Headers = tuple[tuple[str, str | bytes], ...]

SHORTEST_STALL, LONGEST_STALL = 1.0, 20.0
SECOND_STALL = 3.0
"""Seconds of silence that end the calls of a server that has just stalled."""

_FIRST_WORD = 0.002
"""Seconds for a server to say that it wants no more than the first message of an upload."""

_OVERTAKEN = "Internal error from Core"
"""What gRPC says when a write fails before it has read why: the server's own words are lost."""

_HELPER = "the credential helper"

_STALL_SHARE = 8  # of the time-out of a call


class Channel:
    """One server, as ``connection`` describes it."""

    def __init__(self, connection: Connection, maximum: int = MAXIMUM_MESSAGE) -> None:
        """Check URL, certificates and token; each mistake is a ``UserError``. Sends nothing.

        ``maximum`` is the longest message in bytes; only the conformance suite tries longer ones.
        """
        self.connection = connection
        self.redactor = Redactor()
        self.credentials = Credentials(connection, self.redactor)
        self.patience = Patience()
        self.received = 0
        self.sent = 0
        self.stall = min(max(connection.timeout / _STALL_SHARE, SHORTEST_STALL), LONGEST_STALL)
        self._metadata = ((REQUEST_METADATA, encode_request_metadata("unibuild", __version__, "")),)
        self._calls: dict[aio.Call, bool] = {}  # those under way, and whether they stalled
        self._progress = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._channel = open_channel(connection, maximum)

    @property
    def instance(self) -> str:
        """REAPI's instance name."""
        return self.connection.instance

    async def unary(
        self, method: str, request: bytes, *, seconds: float = 0, most: int = 5
    ) -> bytes:
        """Return the answer; tried at most ``most`` times, each for ``seconds`` (0: the setting)."""

        async def attempt() -> bytes:
            return await self.unary_once(method, request, seconds=seconds)

        return await self.patience.persist(_short(method), attempt, most)

    async def unary_once(self, method: str, request: bytes, *, seconds: float = 0) -> bytes:
        """Return the answer of a single attempt."""
        for again in (False, True):
            headers, generation = await self._headers()
            try:
                return await self._called(method, request, seconds, headers)
            except RemoteCallError as error:
                if again or not await self._renewed(error, generation):
                    raise
        raise AssertionError

    async def _called(self, method: str, request: bytes, seconds: float, headers: Headers) -> bytes:
        window = self.patience.window
        await window.enter()
        try:
            call = self._unary(method)(
                request, timeout=seconds or self.connection.timeout, metadata=headers
            )
            self.sent += len(request)
            answer = _answered(method, await self._guarded(method, call, call, time.monotonic()))
        finally:
            window.leave()
        self.received += len(answer)
        return answer

    async def stream(
        self, method: str, request: bytes, *, seconds: float = 0, patient: bool = False
    ) -> AsyncGenerator[bytes]:
        """Yield the answers of a single attempt; ``patient``: silence is no stall."""
        headers, generation = await self._headers()
        method_call: aio.UnaryStreamMultiCallable[bytes, bytes]
        method_call = self._channel.unary_stream(method)
        call = method_call(request, timeout=seconds or self.connection.timeout, metadata=headers)
        self.sent += len(request)
        began = time.monotonic()
        try:
            while True:
                answer = await self._guarded(method, call, call.read(), began, patient=patient)
                if not isinstance(answer, bytes):  # aio.EOF
                    return
                self.received += len(answer)
                yield answer
        except RemoteCallError as error:
            if await self._renewed(error, generation):
                raise _again(error) from None
            raise
        finally:
            call.cancel()

    async def upload(
        self, method: str, requests: AsyncGenerator[bytes], *, seconds: float = 0
    ) -> bytes:
        """Send a stream and return its one answer, which may come before all is sent; one attempt."""
        headers, generation = await self._headers()
        method_call: aio.StreamUnaryMultiCallable[bytes, bytes]
        method_call = self._channel.stream_unary(method)
        call = method_call(timeout=seconds or self.connection.timeout, metadata=headers)
        began = time.monotonic()
        try:
            try:
                async with contextlib.aclosing(requests):
                    await self._send(method, call, requests, began)
                answer = _answered(method, await self._guarded(method, call, call, began))
            except RemoteCallError as error:
                if await self._renewed(error, generation):
                    raise _again(error) from None
                raise
        finally:
            call.cancel()
        self.received += len(answer)
        return answer

    async def close(self) -> None:
        """End all calls and the connection."""
        if self._watch is not None:
            self._watch.cancel()
        await self._channel.close()

    async def _send(
        self,
        method: str,
        call: aio.StreamUnaryCall[bytes, bytes],
        requests: AsyncGenerator[bytes],
        began: float,
    ) -> None:
        """Send all of ``requests``, or as many as the server wants to see."""
        first = True
        async for request in requests:
            if call.done():
                return  # it has answered already, with success or an error
            try:
                await self._guarded(method, call, call.write(request), began)
            except CallError as error:
                if call.done() and not error.stalled:
                    return  # awaiting the answer gives the server's own reason
                raise
            except asyncio.InvalidStateError:
                return
            self.sent += len(request)
            await asyncio.sleep(_FIRST_WORD if first else 0)
            first = False
        with contextlib.suppress(asyncio.InvalidStateError):
            await self._guarded(method, call, call.done_writing(), began)

    async def _headers(self) -> tuple[Headers, int]:
        try:
            headers = await self.credentials.headers()
        except UserError as error:
            if not self.credentials.generation:
                raise
            # It worked before: no longer a wrong setting, but one more thing that may pass.
            raise RemoteCallError("UNAUTHENTICATED", _HELPER, error.cause) from error
        return (*self._metadata, *headers), self.credentials.generation

    async def _renewed(self, error: RemoteCallError, generation: int) -> bool:
        """Whether the credentials of a refused call were replaced by newer ones."""
        if error.code != "UNAUTHENTICATED" or not self.credentials.can_refresh:
            return False
        try:
            await self.credentials.refresh(generation)
        except UserError:
            return False  # the server's own refusal says more
        return True

    def _unary(self, method: str) -> aio.UnaryUnaryMultiCallable[bytes, bytes]:
        return self._channel.unary_unary(method)

    async def _guarded(
        self,
        method: str,
        call: aio.Call,
        step: Awaitable[T],
        began: float,
        *,
        patient: bool = False,
    ) -> T:
        """Await one step of ``call``: its errors become ours, a stall ends it."""
        if not patient:
            self._enter(call)
        try:
            result = await step
        except aio.AioRpcError as error:
            code, said = error.code().name, error.details() or ""
            if code != "DEADLINE_EXCEEDED":
                self._progress = time.monotonic()  # a refusal is an answer too
            if said == _OVERTAKEN:
                code, said = "ABORTED", "the call ended while it was written to"
            raise CallError(
                code,
                _short(method),
                self.redactor.clean(said),
                began=began,
                crowded=code == CROWDED and self.patience.window.shrink(began),
            ) from None
        except asyncio.CancelledError:
            if self._calls.get(call):
                said = "nothing came any more"
                raise CallError(
                    "DEADLINE_EXCEEDED", _short(method), said, began=began, stalled=True
                ) from None
            task = asyncio.current_task()
            if call.done() and task is not None and not task.cancelling():
                said = "the call was cancelled"
                raise CallError("CANCELLED", _short(method), said, began=began) from None
            call.cancel()
            raise
        finally:
            self._calls.pop(call, None)
        self._progress = time.monotonic()
        return result

    def _enter(self, call: aio.Call) -> None:
        if not self._calls:
            self._progress = time.monotonic()
        self._calls[call] = False
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._watch_progress())

    async def _watch_progress(self) -> None:
        """Cancel the calls under way once none of them has got anywhere for ``stall`` seconds."""
        while True:
            limit = self.stall
            if self.patience.breaker.has_stalled:
                limit = min(limit, SECOND_STALL)
            await asyncio.sleep(limit / 4)
            if self._calls and time.monotonic() - self._progress > limit:
                for call in list(self._calls):
                    self._calls[call] = True
                    call.cancel()
                self._progress = time.monotonic()


def _answered(method: str, answer: bytes | None) -> bytes:
    """Return the answer of a call that ended well; a wrong server may have given none."""
    if answer is None:
        raise RemoteCallError("INTERNAL", _short(method), "success without an answer")
    return answer


def _again(error: RemoteCallError) -> RemoteCallError:
    """Return what makes ``persist`` try once more, with credentials that are new."""
    return RemoteCallError("ABORTED", error.method, error.detail)


def _short(method: str) -> str:
    return method.rpartition("/")[2]
