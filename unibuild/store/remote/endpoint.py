"""Where a server is and how it is reached: URL, TLS, limits of the connection.

No message is longer than 4 MiB in either direction, whatever a server announces. Authorities are those
that ``ca`` names, else the system's, else those that come with gRPC. gRPC is imported here and nowhere
else, since it must be told to be quiet before that.
"""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from unibuild import __version__
from unibuild.model.errors import UserError
from unibuild.store.remote.redaction import without_user_information

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.store.remote.settings import Connection

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it reads this when it is imported

import grpc
from grpc import aio

__all__ = ["aio", "host_and_port", "is_loopback", "open_channel", "socket_path"]

MAXIMUM_MESSAGE = 4 << 20
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_TLS_PORT, _PLAIN_PORT = 443, 80
_SYSTEM_AUTHORITIES = (  # Debian, Fedora, Alpine and others, as their TLS libraries have it
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


def open_channel(connection: Connection, maximum: int = MAXIMUM_MESSAGE) -> aio.Channel:
    """Return a channel to the server; a wrong URL or certificate is a ``UserError``."""
    target = _target(connection)
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", maximum),
        ("grpc.max_send_message_length", maximum),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5000),
        ("grpc.primary_user_agent", f"unibuild/{__version__}"),
        ("grpc.enable_retries", 0),
    ]
    if connection.scheme == "unix" or is_loopback(connection.url):
        options.append(("grpc.enable_http_proxy", 0))
    if connection.scheme == "grpcs":
        return aio.secure_channel(target, _tls(connection), options=options)
    _refuse_plain_secrets(connection)
    return aio.insecure_channel(target, options=options)


def is_loopback(url: str) -> bool:
    """Whether the host of ``url`` is this machine by name or by the usual address."""
    return host_and_port(url)[0] in LOOPBACK


def socket_path(url: str) -> str:
    """Return the path in ``unix:PATH`` or ``unix:///PATH``."""
    path = url.partition(":")[2]
    return path[2:] if path.startswith("///") else path


def host_and_port(url: str) -> tuple[str, int]:
    """Return where ``url`` points to, ("", 0) when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or (_TLS_PORT if parts.scheme == "grpcs" else _PLAIN_PORT)
    except ValueError:
        return "", 0
    return parts.hostname or "", port


def _target(connection: Connection) -> str:
    """Return gRPC's name of the server."""
    url = connection.url
    if connection.scheme == "unix":
        return f"unix:{socket_path(url)}"
    name, port = host_and_port(url)
    if connection.scheme not in ("grpc", "grpcs") or not name or not port:
        raise _url_error(connection, "is not of the form grpc://HOST:PORT")
    parts = urlsplit(url)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _url_error(connection, "has more than a host and a port")
    if parts.username or parts.password:
        raise _url_error(connection, "holds a user name or a password")
    return f"dns:///[{name}]:{port}" if ":" in name else f"dns:///{name}:{port}"


def _url_error(connection: Connection, what: str) -> UserError:
    return UserError(
        id="remote-url",
        cause=f"the server's URL {without_user_information(connection.url)} {what}",
        hint=f"in [{connection.setting}] write url as grpc://HOST:PORT, grpcs://HOST:PORT with TLS, "
        "or unix:PATH; an instance name has its own setting, and so have credentials",
        setting=f"{connection.setting}.url",
    )


def _refuse_plain_secrets(connection: Connection) -> None:
    secret = connection.token_variable or connection.credential_helper
    if secret and connection.scheme == "grpc" and not is_loopback(connection.url):
        raise UserError(
            id="remote-plain-token",
            cause=f"a token would be sent to {connection.url} unencrypted",
            hint=f"use a grpcs:// URL in [{connection.setting}], or leave the token out",
            setting=f"{connection.setting}.url",
        )


def _tls(connection: Connection) -> grpc.ChannelCredentials:
    if bool(connection.certificate) != bool(connection.key):
        raise _pem_error(
            connection,
            "key" if connection.certificate else "certificate",
            "a client certificate needs both certificate and key",
        )
    _check_pair(connection)
    return grpc.ssl_channel_credentials(
        root_certificates=_read(connection.ca or system_authorities()),
        private_key=_read(connection.key),
        certificate_chain=_read(connection.certificate),
    )


def system_authorities() -> str:
    """Return the file of the system's authorities, "" where there is none in a known place."""
    found = ssl.get_default_verify_paths().cafile
    places = (found, *_SYSTEM_AUTHORITIES) if found else _SYSTEM_AUTHORITIES
    return next((path for path in places if os.path.isfile(path)), "")


def _check_pair(connection: Connection) -> None:
    """See that the PEM files hold what they should; gRPC would only fail to connect."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with _pem_errors(connection, "ca", connection.ca):
        if connection.ca:
            context.load_verify_locations(connection.ca)
    with _pem_errors(connection, "certificate", connection.certificate):
        if connection.certificate:
            context.load_cert_chain(connection.certificate, connection.key, password=lambda: b"")


@contextmanager
def _pem_errors(connection: Connection, name: str, path: str) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        what = (
            "is no PEM file of what it should hold" if name == "ca" else "does not go with its key"
        )
        raise _pem_error(connection, name, f"{path} {what}") from error
    except OSError as error:
        # load_cert_chain does not say which of its two files it was.
        unread = next((p for p in (path, connection.key) if not os.access(p, os.R_OK)), path)
        name = "key" if unread == connection.key else name
        raise _pem_error(connection, name, f"{unread} cannot be read: {error.strerror}") from error


def _pem_error(connection: Connection, name: str, cause: str) -> UserError:
    return UserError(
        id="remote-certificate",
        cause=cause,
        hint=f"{name} in [{connection.setting}] names a PEM file; certificate and key go together",
        setting=f"{connection.setting}.{name}",
    )


def _read(path: str) -> bytes | None:
    if not path:
        return None
    with open(path, "rb") as file:
        return file.read()
