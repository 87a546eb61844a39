"""Why a server cannot be used: from a failed first call to one error with the setting to change.

gRPC says little more than "unavailable". A look at the socket itself tells the rest: nobody there, TLS
where none is spoken, a certificate that is not believed, a web server. A ``UserError`` is a mistake in
the settings; a ``HostError`` may pass.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import ssl
from typing import TYPE_CHECKING

from unibuild.model.errors import HostError, UnibuildError, UserError
from unibuild.store.remote.endpoint import host_and_port, socket_path, system_authorities

if TYPE_CHECKING:
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.services import RemoteCallError
    from unibuild.store.remote.settings import Connection

_LOOK = 2.0  # seconds for each look at the socket
_SILENT = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "INTERNAL", "UNKNOWN"})
_HTTP_STATUS = re.compile(r"http2? (?:header with )?status:? (\d+)|http1\.x", re.IGNORECASE)
_WRONG_DATES = ("expired", "not yet valid")


async def explain(channel: Channel, error: RemoteCallError) -> UnibuildError:
    """Return what is wrong, after the first call of ``channel`` failed with ``error``."""
    connection = channel.connection
    if error.code in _SILENT:
        found = await _look(connection, error)
        if found is not None:
            return found
        if _HTTP_STATUS.search(error.detail):
            return _not_reapi(connection, "is a web server, but speaks no gRPC")
        return unreachable(connection, error.detail or error.code)
    return _explain_answer(connection, error)


def unreachable(connection: Connection, why: str) -> HostError:
    """Return the error for a server that does not answer."""
    return HostError(
        id="remote-unreachable",
        setting=f"{connection.setting}.url",
        cause=f"{connection.url} cannot be reached: {why}",
        hint=f"see that the server runs, and that url in [{connection.setting}] is right",
    )


def _explain_answer(connection: Connection, error: RemoteCallError) -> UnibuildError:
    url, setting = connection.url, connection.setting
    said = f": {error.detail}" if error.detail else ""
    if error.code == "UNIMPLEMENTED":
        return _not_reapi(connection, "speaks gRPC, but not the Remote Execution API")
    if error.code in ("INVALID_ARGUMENT", "NOT_FOUND"):
        return UserError(
            id="remote-instance",
            setting=f"{setting}.instance",
            cause=f"{url} has no instance {connection.instance!r}{said}",
            hint=f"set instance in [{setting}] to a name that the server has",
        )
    if error.code == "UNAUTHENTICATED" and "certificate" in error.detail:
        return _certificate_wanted(connection)
    if error.code == "UNAUTHENTICATED":
        given = connection.token_variable or connection.credential_helper
        key = "credential_helper" if connection.credential_helper else "token_variable"
        return UserError(
            id="remote-unauthenticated",
            setting=f"{setting}.{key}",
            cause=f"{url} does not accept who we are{said}",
            hint=f"renew the token that {given} gives"
            if given
            else f"set token_variable or credential_helper in [{setting}]",
        )
    if error.code == "PERMISSION_DENIED":
        return UserError(
            id="remote-permission",
            setting=setting,
            cause=f"{url} does not let us in{said}",
            hint=f"ask for a token with the right to read, or change it in [{setting}]",
        )
    return unreachable(connection, f"{error.code}{said}")


def _not_reapi(connection: Connection, what: str) -> UserError:
    return UserError(
        id="remote-not-reapi",
        setting=f"{connection.setting}.url",
        cause=f"{connection.url} {what}",
        hint=f"give url in [{connection.setting}] the port of the cache's gRPC service",
    )


async def _look(connection: Connection, error: RemoteCallError) -> UnibuildError | None:
    """Return what a look at the socket tells, or nothing."""
    try:
        if connection.scheme == "unix":
            return await _look_at_file(connection)
        if connection.scheme == "grpcs":
            return await _look_through_tls(connection)
        return await _look_at_plain(connection)
    except TimeoutError:
        return unreachable(connection, "no answer")
    except socket.gaierror:
        return unreachable(connection, "the name of the host is not known")
    except OSError as failed:
        reason = os.strerror(failed.errno).lower() if failed.errno else error.detail
        return unreachable(connection, reason)


async def _look_at_file(connection: Connection) -> UnibuildError | None:
    path = socket_path(connection.url)
    async with asyncio.timeout(_LOOK):
        _reader, writer = await asyncio.open_unix_connection(path)
    writer.close()
    return None


async def _look_at_plain(connection: Connection) -> UnibuildError | None:
    """See whether a server that should speak gRPC without TLS speaks something else."""
    host, port = host_and_port(connection.url)
    async with asyncio.timeout(_LOOK):
        reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_LOOK):
                if (await reader.read(16)).startswith(b"HTTP/1."):
                    return await _web_or_tls(connection, host, port)
    finally:
        writer.close()
    if await _speaks_tls(host, port):
        return _wrong_scheme(connection, "grpcs", "speaks TLS")
    return None


async def _web_or_tls(connection: Connection, host: str, port: int) -> UserError:
    if await _speaks_tls(host, port):  # a TLS server may say in plain HTTP that it wants TLS
        return _wrong_scheme(connection, "grpcs", "speaks TLS")
    return _not_reapi(connection, "is a web server, but speaks no gRPC")


async def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent: this only asks whether TLS is spoken
    try:
        async with asyncio.timeout(_LOOK):
            _reader, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _look_through_tls(connection: Connection) -> UnibuildError | None:
    host, port = host_and_port(connection.url)
    context = ssl.create_default_context(cafile=connection.ca or system_authorities() or None)
    context.set_alpn_protocols(["h2"])
    try:
        if connection.certificate:
            context.load_cert_chain(connection.certificate, connection.key)
        async with asyncio.timeout(_LOOK):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                # TLS 1.3 is over for us before a server judges our certificate; one that is content
                # speaks first (RFC 9113, section 3.4).
                if not await reader.read(1):
                    return _certificate_wanted(connection)
            finally:
                writer.close()
    except ssl.SSLCertVerificationError as error:
        return _untrusted(connection, error.verify_message)
    except ssl.SSLError as error:
        return _tls_failed(connection, error)
    except TimeoutError:
        async with asyncio.timeout(_LOOK):
            _reader, writer = await asyncio.open_connection(host, port)
        writer.close()
    return None


def _untrusted(connection: Connection, why: str) -> UserError:
    setting = connection.setting
    if any(words in why for words in _WRONG_DATES):
        hint = "compare this machine's clock with the certificate's dates; renew it if it is old"
    elif "match" in why or "mismatch" in why:
        hint = f"write the name in the certificate as host of url in [{setting}]"
    else:
        hint = f"set ca in [{setting}] to the PEM file of the authority that signed it"
    return UserError(
        id="remote-certificate",
        setting=f"{connection.setting}.ca",
        cause=f"the certificate of {connection.url} is not believed: {why}",
        hint=hint,
    )


def _tls_failed(connection: Connection, error: ssl.SSLError) -> UserError:
    reason = (error.reason or "").replace("_", " ").lower()
    if "wrong version number" in reason or "record layer" in reason or "http request" in reason:
        return _wrong_scheme(connection, "grpc", "speaks no TLS")
    if "certificate required" in reason or "handshake failure" in reason or "unknown ca" in reason:
        return _certificate_wanted(connection)
    return UserError(
        id="remote-certificate",
        setting=f"{connection.setting}.ca",
        cause=f"TLS with {connection.url} fails: {reason or error}",
        hint=f"see ca, certificate and key in [{connection.setting}]",
    )


def _certificate_wanted(connection: Connection) -> UserError:
    what = "another client certificate" if connection.certificate else "a client certificate"
    return UserError(
        id="remote-client-certificate",
        setting=f"{connection.setting}.certificate",
        cause=f"{connection.url} asks for {what}",
        hint=f"set certificate and key in [{connection.setting}] to PEM files that it accepts",
    )


def _wrong_scheme(connection: Connection, scheme: str, what: str) -> UserError:
    rest = connection.url.partition("://")[2]
    return UserError(
        id="remote-scheme",
        setting=f"{connection.setting}.url",
        cause=f"{connection.url} {what}",
        hint=f'write url = "{scheme}://{rest}" in [{connection.setting}]',
    )
