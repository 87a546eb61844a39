"""Addresses of caches and engines, read strictly: a URL that cannot work is told before it is tried.

    grpcs://cache.example.test              Remote Execution API over TLS, port 443
    grpc://127.0.0.1:8980                   without TLS; a port must be named
    unix:/run/cache.sock                    the same on this machine
    https://HOST/FOLDER  http://HOST/FOLDER  s3://bucket/folder  file:///folder    read-only folders

Rules of use: this module imports nothing heavy, since a build from the kept graph reads the URL of
an option or of the environment with it. No sentence repeats a URL that may hold a password.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from unibuild.model.suggestions import did_you_mean
from unibuild.store.remote.settings import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINE_SCHEMES = ("grpc", "grpcs", "unix")
WRITABLE_FOLDERS = ("s3", "file")
_OTHER_NAMES = {"http+grpc": "grpc", "https+grpc": "grpcs", "dns": "grpc", "tcp": "grpc"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", re.DOTALL)
_LARGEST_PORT = 65535
_LONGEST_SOCKET_PATH = 107


class Mistake(NamedTuple):
    """What is wrong, as the end of a sentence that begins with the setting, and what is right."""

    cause: str
    hint: str


def mistake_in(url: str, schemes: tuple[str, ...] = SCHEMES) -> Mistake | None:
    """Return what is wrong with ``url`` for a server that has one of ``schemes``, or nothing."""
    return next(_mistakes(url, schemes), None)


def _mistakes(url: str, schemes: tuple[str, ...]) -> Iterator[Mistake]:
    """Yield mistakes; each presumes that there were none before it, so only the first one counts."""
    if not url:
        yield Mistake("is empty", f"write {_EXAMPLES[schemes[0]]}")
    if not url.isprintable() or " " in url:
        yield Mistake("has a blank or a control character in it", "write the URL without it")
    found = _SCHEME.match(url)
    if found is None:
        yield _without_scheme(url)
        return
    scheme, rest = found[1], url[found.end() :]
    if scheme not in SCHEMES:
        yield _unknown_scheme(scheme, schemes)
    if scheme not in schemes:
        yield Mistake(f"cannot begin with `{scheme}:`", f"it begins with {_listed(schemes)}")
    if scheme == "unix":
        yield from _socket_mistakes(rest)
        return
    if not rest.startswith("//"):
        yield Mistake(f"lacks the slashes after `{scheme}:`", f"write {_EXAMPLES[scheme]}")
    yield from _location_mistakes(scheme, rest[2:])


def _location_mistakes(scheme: str, location: str) -> Iterator[Mistake]:
    """Yield mistakes in what follows the slashes; a folder may have options in a query (``bucket``)."""
    if scheme not in ENGINE_SCHEMES:
        location = location.partition("?")[0]
    authority, _, path = location.partition("/")
    if "@" in authority:
        hint = (
            "name the variable that holds the token in `token_variable`, or a `credential_helper`"
        )
        yield Mistake("holds a name or password", hint)
    if scheme == "file":
        if authority or not path:
            yield Mistake("names no folder", f"write {_EXAMPLES[scheme]}")
        return
    if scheme in ENGINE_SCHEMES and path:
        instance = f'`instance = "{path.strip("/")}"`'
        yield Mistake(
            f"goes on after host and port: `/{path}`",
            f"the instance name is a setting of its own: {instance}",
        )
    yield from _authority_mistakes(scheme, authority)


_EXAMPLES = {
    "grpc": "`grpc://HOST:PORT`",
    "grpcs": "`grpcs://HOST` or `grpcs://HOST:PORT`",
    "unix": "`unix:/run/cache.sock`",
    "http": "`http://HOST/FOLDER`",
    "https": "`https://HOST/FOLDER`",
    "s3": "`s3://BUCKET/FOLDER`",
    "file": "`file:///FOLDER`",
}


def _without_scheme(url: str) -> Mistake:
    if re.fullmatch(r"[\w.-]+:\d+", url):
        return Mistake(
            "does not say how to speak to it", f"write `grpcs://{url}` or `grpc://{url}`"
        )
    if url.startswith("/"):
        return Mistake("does not say what it is", f"write `unix:{url}` or `file://{url}`")
    return Mistake(f"does not begin with {_listed(SCHEMES)}", f"write {_EXAMPLES['grpcs']}")


def _unknown_scheme(scheme: str, schemes: tuple[str, ...]) -> Mistake:
    lower = scheme.lower()
    meant = lower if lower in schemes else _OTHER_NAMES.get(lower, "")
    hint = f"did you mean `{meant}`?" if meant in schemes else did_you_mean(lower, schemes)
    return Mistake(f"cannot begin with `{scheme}:`", hint or f"it begins with {_listed(schemes)}")


def _socket_mistakes(path: str) -> Iterator[Mistake]:
    if not path.strip("/"):
        yield Mistake("names no socket", f"write {_EXAMPLES['unix']}")
    if len(path.encode()) > _LONGEST_SOCKET_PATH:
        yield Mistake(
            f"names a socket by more than {_LONGEST_SOCKET_PATH} bytes",
            "Linux allows no longer path; use a shorter one, such as a link to it",
        )


def _authority_mistakes(scheme: str, authority: str) -> Iterator[Mistake]:
    match = _AUTHORITY.fullmatch(authority)
    host, port = (match[1], match[2]) if match is not None else (authority, None)
    if authority.count(":") > 1 and not authority.startswith("["):
        hint = f"write an IPv6 address in brackets: `[{authority}]`"
        yield Mistake(f"has the host `{authority}`", hint)
    if not host:
        yield Mistake("names no host", f"write {_EXAMPLES[scheme]}")
    if not _HOST.fullmatch(host) or ".." in host:
        yield Mistake(f"has the host `{host}`, which cannot be one", f"write {_EXAMPLES[scheme]}")
    if port is None:
        if scheme == "grpc":
            hint = f"write {_EXAMPLES['grpc']}, or with TLS {_EXAMPLES['grpcs']}"
            yield Mistake("names no port", hint)
        return
    if scheme == "s3":
        yield Mistake("has a port", f"write {_EXAMPLES['s3']}; AWS_ENDPOINT_URL names the server")
    if not (port.isascii() and port.isdecimal() and 0 < int(port) <= _LARGEST_PORT):
        hint = f"a port is a number from 1 to {_LARGEST_PORT}"
        yield Mistake(f"has the port `{port}`", hint)


def _listed(schemes: tuple[str, ...]) -> str:
    """Return the beginnings of URLs of ``schemes``, as a sentence lists them."""
    names = [f"`{one}:`" if one == "unix" else f"`{one}://`" for one in schemes]
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
