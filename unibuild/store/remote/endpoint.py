"""Where a server is and how it is reached: URL, TLS, limits of the connection.

No message is longer than 4 MiB in either direction, whatever a server announces. Authorities are those
that ``ca`` names, else the system's, else those that come with gRPC. gRPC is imported here and nowhere
else, since it must be told to be quiet before that.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from unibuild import __version__
from unibuild.model.errors import UserError
from unibuild.store.remote.redaction import without_user_information

if TYPE_CHECKING:
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
    return (urlsplit(url).hostname or "") in LOOPBACK


def socket_path(url: str) -> str:
    """Return the path in ``unix:PATH`` or ``unix:///PATH``."""
    path = url.partition(":")[2]
    return path[2:] if path.startswith("///") else path


def host_and_port(url: str) -> tuple[str, int]:
    """Return where ``url`` points to, the port 0 when it is wrong."""
    parts = urlsplit(url)
    try:
        port = parts.port or (_TLS_PORT if parts.scheme == "grpcs" else _PLAIN_PORT)
    except ValueError:
        port = 0
    return parts.hostname or "", port


def _target(connection: Connection) -> str:
    """Return gRPC's name of the server."""
    url = connection.url
    if connection.scheme == "unix":
        return f"unix:{socket_path(url)}"
    parts = urlsplit(url)
    name, port = host_and_port(url)
    if connection.scheme not in ("grpc", "grpcs") or not name or not port:
        raise _url_error(connection, "is not of the form grpc://HOST:PORT")
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
        root_certificates=_read(connection, "ca", connection.ca or system_authorities()),
        private_key=_read(connection, "key", connection.key),
        certificate_chain=_read(connection, "certificate", connection.certificate),
    )


def system_authorities() -> str:
    """Return the file of the system's authorities, "" where there is none in a known place."""
    found = ssl.get_default_verify_paths().cafile
    places = (found, *_SYSTEM_AUTHORITIES) if found else _SYSTEM_AUTHORITIES
    return next((path for path in places if os.path.isfile(path)), "")


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
