"""HTTP as little as needed: read a document, stream a file, begin again where it broke off.

The standard library's client is enough for a handful of large files: it honours the proxy variables
of the environment, ``SSL_CERT_FILE`` and netrc(5). What ends well after a moment (a reset, a 503)
is tried again; what does not (a 404) is told at once, and what seldom does (no network) soon.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Protocol, TypeVar

from unibuild.model.errors import HostError

if TYPE_CHECKING:
    import urllib.parse
    import urllib.request
    from collections.abc import Callable, Mapping
    from http.client import HTTPResponse

_Result = TypeVar("_Result")
_CHUNK = 1 << 17
_DOCUMENT_LIMIT = 256 << 20
_PAUSES = (0.5, 2.0, 5.0)
_GONE = frozenset({401, 403, 404, 410, 416, 451})
_PARTIAL_CONTENT = 206


class Progress(Protocol):
    """Told while bytes arrive: the package URL or file, bytes done, bytes in all (0: unknown)."""

    def __call__(self, name: str, done: int, total: int, /) -> None:
        """Take note; must be quick and must not raise."""


class GoneError(Exception):
    """The server answered, and has no such thing (or does not give it to us)."""


@dataclass(frozen=True, slots=True)
class Transport:
    """How to reach servers: proxies by scheme, a PEM file (empty: the system's), a timeout (s)."""

    proxies: Mapping[str, str] = field(default_factory=dict)
    certificates: str = ""
    timeout: float = 60.0
    trusted_hosts: tuple[str, ...] = ()
    pauses: tuple[float, ...] = _PAUSES

    def read(self, url: str, accept: str = "*/*") -> tuple[bytes, str, str]:
        """Return a document with its media type and final URL; GoneError, ``unreachable``."""

        def attempt() -> tuple[bytes, str, str]:
            with self._open(url, {"Accept": accept}) as response:
                data = response.read(_DOCUMENT_LIMIT + 1)
                if len(data) > _DOCUMENT_LIMIT:
                    raise GoneError(f"{url} is larger than {_DOCUMENT_LIMIT} bytes")
                return data, response.headers.get_content_type(), response.url

        return self._persist(url, attempt)

    def stream(self, url: str, target: IO[bytes], notify: Callable[[int], None]) -> None:
        """Append the rest of a file to ``target`` (positioned at its end); tell its length.

        When the server cannot continue in the middle, ``target`` is emptied first.
        """

        def attempt() -> None:
            have = target.seek(0, 2)
            headers = {"Range": f"bytes={have}-"} if have else {}
            with self._open(url, headers) as response:
                if have and getattr(response, "status", None) != _PARTIAL_CONTENT:
                    target.seek(0)
                    target.truncate()
                    have = 0
                expected = have + int(response.headers.get("Content-Length") or -have - 1)
                while chunk := response.read(_CHUNK):
                    target.write(chunk)
                    have += len(chunk)
                    notify(have)
                if have < expected:
                    raise OSError(f"the connection closed after {have} of {expected} bytes")
                target.flush()

        self._persist(url, attempt)

    def _persist(self, url: str, attempt: Callable[[], _Result]) -> _Result:
        import http.client
        import urllib.error

        pauses = iter(self.pauses)
        tried = False
        while True:
            try:
                return attempt()
            except urllib.error.HTTPError as error:
                error.close()
                if error.code in _GONE:
                    raise GoneError(f"{url}: {error.code} {error.reason}") from None
                problem = f"{error.code} {error.reason}"
            except urllib.error.URLError as error:
                if isinstance(error.reason, FileNotFoundError | IsADirectoryError):
                    raise GoneError(f"{url}: no such file") from None
                problem = str(error.reason)
                if _no_network(error.reason):
                    pauses = iter(tuple(pauses)[:1] if not tried else ())
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
            pause = next(pauses, None)
            if pause is None:
                raise HostError(
                    id="unreachable",
                    cause=f"cannot read {url}: {problem}",
                    hint="look at the network, and at the proxy and certificates of pip and apt",
                )
            tried = True
            time.sleep(pause)

    def _open(self, url: str, headers: Mapping[str, str]) -> HTTPResponse:
        import urllib.error
        import urllib.parse
        import urllib.request

        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https", "file"}:
            raise GoneError(f"{url}: only http, https and file are understood")
        host = parts.netloc.rpartition("@")[2]
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            urllib.parse.urlunsplit(parts._replace(netloc=host)),
            headers={"User-Agent": "unibuild", **headers, **_credentials(parts)},
        )
        response: HTTPResponse = self._opener(parts.hostname or "").open(
            request, timeout=self.timeout
        )
        return response

    def _opener(self, host: str) -> urllib.request.OpenerDirector:
        import ssl
        import urllib.request

        context = ssl.create_default_context(cafile=self.certificates or None)
        if host in self.trusted_hosts:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
        if self.proxies:
            handlers.append(urllib.request.ProxyHandler(dict(self.proxies)))
        return urllib.request.build_opener(*handlers)


def _no_network(reason: object) -> bool:
    """Tell errors that a network that is there gives once in a while, but no absent one recovers."""
    import errno
    import socket

    if isinstance(reason, socket.gaierror | ConnectionRefusedError):
        return True
    codes = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}
    return isinstance(reason, OSError) and reason.errno in codes


def _credentials(parts: urllib.parse.SplitResult) -> dict[str, str]:
    """Return an Authorization header from the URL itself or from netrc(5), if either has one."""
    import base64
    import netrc
    import urllib.parse

    user, password = parts.username, parts.password
    if user is None:
        try:
            found = netrc.netrc().authenticators(parts.hostname or "")
        except (OSError, netrc.NetrcParseError):
            return {}
        if not found:
            return {}
        user, _, password = found
    pair = f"{urllib.parse.unquote(user)}:{urllib.parse.unquote(password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
