"""What a bucket's settings mean to ``obstore``, and which of them cannot work."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obstore.store import ClientConfig

    from unibuild.store.remote.settings import Connection

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONNECT = timedelta(seconds=10)
_LONGEST = timedelta(hours=6)  # of one blob; a stall ends it much sooner
_QUERY = ("anonymous", "endpoint", "region")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


def understood(connection: Connection) -> tuple[dict[str, str], ClientConfig]:
    """Return what the URL's query says and how HTTP is to be spoken; raises ``UserError``."""
    if connection.certificate:
        raise UserError(
            id="bucket-client-certificate",
            cause=f"a folder behind {connection.scheme}: cannot be given a client certificate",
            hint=f"remove certificate and key from [{connection.setting}]",
            setting=f"{connection.setting}.certificate",
        )
    _refuse_plain_token(connection)
    options = _query_options(connection)
    return options, _client(connection, options)


def _query_options(connection: Connection) -> dict[str, str]:
    """Return what the URL's query says."""
    query = urlsplit(connection.url).query
    options = dict(parse_qsl(query, keep_blank_values=True))
    allowed = _QUERY if connection.scheme == "s3" else ()
    for name in options:
        if name not in allowed:
            listed = ", ".join(_QUERY)
            raise UserError(
                id="bucket-url-option",
                cause=f"the URL of [{connection.setting}] has an unknown option {name!r}",
                hint=f"an s3 URL may have {listed}; others have none",
                setting=f"{connection.setting}.url",
            )
    return options


def _refuse_plain_token(connection: Connection) -> None:
    secret = connection.token_variable or connection.credential_helper
    here = urlsplit(connection.url).hostname in _LOOPBACK
    if secret and connection.scheme == "http" and not here:
        raise UserError(
            id="remote-plain-token",
            cause=f"a token would be sent to {connection.url} unencrypted",
            hint=f"use an https:// URL in [{connection.setting}], or leave the token out",
            setting=f"{connection.setting}.url",
        )


def _client(connection: Connection, options: Mapping[str, str]) -> ClientConfig:
    """Return how HTTP is spoken: a stall ends a call, its length does not."""
    endpoints = (options.get("endpoint"), *map(os.environ.get, _ENDPOINTS))
    endpoint = connection.url if connection.scheme == "http" else next(filter(None, endpoints), "")
    client: ClientConfig = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": min(_CONNECT, timedelta(seconds=connection.timeout)),
        "read_timeout": timedelta(seconds=connection.timeout),
        "timeout": _LONGEST,
    }
    if connection.ca:
        try:
            client["root_certificate"] = Path(connection.ca).read_bytes()
        except OSError as error:
            raise UserError(
                id="bucket-ca",
                cause=f"{connection.ca} cannot be read: {error.strerror}",
                hint=f"change ca in [{connection.setting}]",
                setting=f"{connection.setting}.ca",
            ) from error
    return client
