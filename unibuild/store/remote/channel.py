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
from urllib.parse import urlsplit

import grpc
import grpc.aio

from unibuild import __version__
from unibuild.model.errors import UserError
from unibuild.store.remote.credentials import Credentials
from unibuild.store.remote.messages_server import REQUEST_METADATA, encode_request_metadata
from unibuild.store.remote.patience import Patience, StallError
from unibuild.store.remote.redaction import Redactor, without_user_information
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable

    from unibuild.store.remote.settings import Connection

T = TypeVar("T")

MAXIMUM_MESSAGE = 4 << 20
SHORTEST_STALL, LONGEST_STALL = 1.0, 20.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_STALL_SHARE = 4  # of the time-out of a call


class Channel:
    """One server, as ``connection`` describes it."""

    def __init__(self, connection: Connection) -> None:
        """Check URL, certificates and token; each mistake is a ``UserError``. Sends nothing."""
        self.connection = connection
        self.redactor = Redactor()
        self.credentials = Credentials(connection, self.redactor)
        self.patience = Patience()
        self.received = 0
        self.sent = 0
        self.stall = min(max(connection.timeout / _STALL_SHARE, SHORTEST_STALL), LONGEST_STALL)
        self._metadata = ((REQUEST_METADATA, encode_request_metadata("unibuild", __version__, "")),)
        self._calls: dict[grpc.aio.Call, bool] = {}  # those under way, and whether they stalled
        self._progress = 0.0
        self._watch: asyncio.Task[None] | None = None
        self._channel = _open(connection)

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
            call = self._unary(method)(
                request, timeout=seconds or self.connection.timeout, metadata=headers
            )
            self.sent += len(request)
            try:
                answer: bytes = await self._guarded(method, call, call)
            except RemoteCallError as error:
                if again or not await self._renewed(error, generation):
                    raise
                continue
            self.received += len(answer)
            return answer
        raise AssertionError

    async def stream(
        self, method: str, request: bytes, *, seconds: float = 0, patient: bool = False
    ) -> AsyncGenerator[bytes]:
        """Yield the answers of a single attempt; ``patient``: silence is no stall."""
        headers, generation = await self._headers()
        method_call: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
        method_call = self._channel.unary_stream(method)
        call = method_call(request, timeout=seconds or self.connection.timeout, metadata=headers)
        self.sent += len(request)
        try:
            while True:
                answer = await self._guarded(method, call, call.read(), patient=patient)
                if not isinstance(answer, bytes):  # grpc.aio.EOF
                    return
                self.received += len(answer)
                yield answer
        except RemoteCallError as error:
            if await self._renewed(error, generation):
                raise RemoteCallError("UNAVAILABLE", error.method, error.detail) from None
            raise
        finally:
            call.cancel()

    async def upload(
        self, method: str, requests: AsyncIterator[bytes], *, seconds: float = 0
    ) -> bytes:
        """Send a stream and return its one answer, which may come before all is sent; one attempt."""
        headers, generation = await self._headers()
        method_call: grpc.aio.StreamUnaryMultiCallable[bytes, bytes]
        method_call = self._channel.stream_unary(method)
        call = method_call(timeout=seconds or self.connection.timeout, metadata=headers)
        try:
            try:
                await self._send(method, call, requests)
                answer: bytes = await self._guarded(method, call, call)
            except RemoteCallError as error:
                if await self._renewed(error, generation):
                    raise RemoteCallError("UNAVAILABLE", error.method, error.detail) from None
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

    def error(self, method: str, code: str, detail: str) -> RemoteCallError:
        """Return an error whose text is cleaned of secrets."""
        return RemoteCallError(code, _short(method), self.redactor.clean(detail))

    async def _send(
        self,
        method: str,
        call: grpc.aio.StreamUnaryCall[bytes, bytes],
        requests: AsyncIterator[bytes],
    ) -> None:
        """Send all of ``requests``, or as many as the server wants to see."""
        async for request in requests:
            if call.done():
                return  # it has answered already, with success or an error
            try:
                await self._guarded(method, call, call.write(request))
            except RemoteCallError:
                if call.done():
                    return
                raise
            except asyncio.InvalidStateError:
                return
            self.sent += len(request)
        with contextlib.suppress(asyncio.InvalidStateError):
            await self._guarded(method, call, call.done_writing())

    async def _headers(self) -> tuple[tuple[tuple[str, str | bytes], ...], int]:
        headers = await self.credentials.headers()
        return (*self._metadata, *headers), self.credentials.generation

    async def _renewed(self, error: RemoteCallError, generation: int) -> bool:
        """Whether the credentials of a refused call were replaced by newer ones."""
        if error.code != "UNAUTHENTICATED" or not self.credentials.can_refresh:
            return False
        await self.credentials.refresh(generation)
        return True

    def _unary(self, method: str) -> grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]:
        return self._channel.unary_unary(method)

    async def _guarded(
        self, method: str, call: grpc.aio.Call, step: Awaitable[T], *, patient: bool = False
    ) -> T:
        """Await one step of ``call``: its errors become ours, a stall ends it."""
        if not patient:
            self._enter(call)
        try:
            result = await step
        except grpc.aio.AioRpcError as error:
            raise self.error(method, error.code().name, error.details() or "") from None
        except asyncio.CancelledError:
            if self._calls.get(call):
                raise StallError(_short(method), self.stall) from None
            task = asyncio.current_task()
            if call.done() and task is not None and not task.cancelling():
                raise self.error(method, "CANCELLED", "the call was cancelled") from None
            call.cancel()
            raise
        finally:
            self._calls.pop(call, None)
        self._progress = time.monotonic()
        return result

    def _enter(self, call: grpc.aio.Call) -> None:
        if not self._calls:
            self._progress = time.monotonic()
        self._calls[call] = False
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._watch_progress())

    async def _watch_progress(self) -> None:
        """Cancel the calls under way once none of them has got anywhere for ``stall`` seconds."""
        while True:
            await asyncio.sleep(self.stall / 4)
            if self._calls and time.monotonic() - self._progress > self.stall:
                for call in list(self._calls):
                    self._calls[call] = True
                    call.cancel()
                self._progress = time.monotonic()


def _short(method: str) -> str:
    return method.rpartition("/")[2]


def _open(connection: Connection) -> grpc.aio.Channel:
    target = _target(connection)
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", MAXIMUM_MESSAGE),
        ("grpc.max_send_message_length", MAXIMUM_MESSAGE),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5000),
        ("grpc.primary_user_agent", f"unibuild/{__version__}"),
        ("grpc.enable_retries", 0),
    ]
    if connection.scheme == "unix" or is_loopback(connection.url):
        options.append(("grpc.enable_http_proxy", 0))
    if connection.scheme == "grpcs":
        return grpc.aio.secure_channel(target, _tls(connection), options=options)
    _refuse_plain_secrets(connection)
    return grpc.aio.insecure_channel(target, options=options)


def is_loopback(url: str) -> bool:
    """Whether the host of ``url`` is this machine by name or by the usual address."""
    return (urlsplit(url).hostname or "") in LOOPBACK


def _target(connection: Connection) -> str:
    """Return gRPC's name of the server."""
    url = connection.url
    if connection.scheme == "unix":
        path = url.partition(":")[2]
        return "unix:" + (path[2:] if path.startswith("///") else path)
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if connection.scheme == "grpcs" else 80)
    except ValueError:
        port = 0
    if connection.scheme not in ("grpc", "grpcs") or not parts.hostname or not port:
        raise _url_error(connection, "is not of the form grpc://HOST:PORT")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _url_error(connection, "has more than a host and a port")
    if parts.username or parts.password:
        raise _url_error(connection, "holds a user name or a password")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"dns:///{host}:{port}"


def _url_error(connection: Connection, what: str) -> UserError:
    return UserError(
        id="remote-url",
        cause=f"the server's URL {without_user_information(connection.url)} {what}",
        hint=f"in [{connection.setting}] write url as grpc://HOST:PORT, grpcs://HOST:PORT with TLS, "
        "or unix:PATH; an instance name has its own setting, and so have credentials",
    )


def _refuse_plain_secrets(connection: Connection) -> None:
    secret = connection.token_variable or connection.credential_helper
    if secret and connection.scheme == "grpc" and not is_loopback(connection.url):
        raise UserError(
            id="remote-plain-token",
            cause=f"a token would be sent to {connection.url} unencrypted",
            hint=f"use a grpcs:// URL in [{connection.setting}], or leave the token out",
        )


def _tls(connection: Connection) -> grpc.ChannelCredentials:
    if bool(connection.certificate) != bool(connection.key):
        raise UserError(
            id="remote-certificate",
            cause="a client certificate needs both certificate and key",
            hint=f"set both in [{connection.setting}], or none",
        )
    return grpc.ssl_channel_credentials(
        root_certificates=_read(connection, "ca", connection.ca),
        private_key=_read(connection, "key", connection.key),
        certificate_chain=_read(connection, "certificate", connection.certificate),
    )


def _read(connection: Connection, name: str, path: str) -> bytes | None:
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise UserError(
            id="remote-certificate",
            cause=f"{path} cannot be read: {error.strerror}",
            hint=f"{name} in [{connection.setting}] names a PEM file",
        ) from error
    if b"-----BEGIN " not in content:
        raise UserError(
            id="remote-certificate",
            cause=f"{path} is no PEM file",
            hint=f"{name} in [{connection.setting}] names a PEM file",
        )
    return content
