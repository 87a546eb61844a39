"""``[cache.remote]`` and ``[execution.remote]`` of WORKSPACE.toml, and what can be wrong in them.

The models are the source of the reference and of the schema. What pydantic cannot say with a hint
is found by ``remote_mistakes``: addresses, names of headers, keys, and secrets written in plain. A
line that holds a secret is shown with its values hidden.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, Strict

from unibuild.loading.server_url import ENGINE_SCHEMES, mistake_in
from unibuild.model.errors import UserError
from unibuild.store.remote.signatures import check_public_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unibuild.model.errors import Place

    Path = tuple[str | int, ...]
    PlaceOf = Callable[[Path, bool], Place]

CACHE = ("cache", "remote")
EXECUTION = ("execution", "remote")
_LONGEST_TIMEOUT = 3600
_MOST_JOBS = 10_000
_PRIORITY_LIMIT = 2**31 - 1
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9_.-]+")
_RESERVED_HEADERS = frozenset({"content-type", "host", "te", "user-agent"})
_SECRET_HEADER = re.compile(
    r"authorization|cookie|token|secret|passw|credential|api[-_.]?key|(?:^|[-_.])auth(?:$|[-_.])",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(r"(?:bearer|basic|token)\s+\S", re.IGNORECASE)
_RESERVED_INSTANCE = frozenset(
    {"blobs", "uploads", "actions", "actionResults", "operations", "capabilities", "compressed-blobs"}
)  # fmt: skip
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_CREDENTIALS_ARE_NAMED = (
    'name the environment variable that holds the token, `token_variable = "CACHE_TOKEN"`, '
    "or a `credential_helper`, which can give any header"
)


class RemoteTable(BaseModel):
    """How to reach one server."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: str = Field(
        "",
        description="Address of the server: `grpcs://HOST[:PORT]`, `grpc://HOST:PORT`, `unix:/PATH`.",
    )
    instance: str = Field(
        "", description="Instance name, where the server holds several caches apart."
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Headers sent with every call. Secrets do not belong here: "
        "see `token_variable` and `credential_helper`.",
    )
    token_variable: str = Field(
        "", description="Environment variable that holds the bearer token, such as `CACHE_TOKEN`."
    )
    credential_helper: str = Field(
        "",
        description="Program that gives the credentials, by Bazel's credential helper protocol: a "
        "name on PATH, or a path from the workspace root.",
    )
    ca: str = Field(
        "",
        description="PEM file of the authorities to believe instead of the system's, absolute or "
        "from the workspace root.",
    )
    certificate: str = Field(
        "", description="PEM file of the client's own certificate (mTLS); needs `key`."
    )
    key: str = Field("", description="PEM file of the private key of `certificate`.")
    timeout: int = Field(
        60,
        ge=1,
        le=_LONGEST_TIMEOUT,
        description="Seconds that a single call may take, 1 to 3600.",
    )


class RemoteCacheSettings(RemoteTable):
    """A team's cache."""

    url: str = Field(
        "",
        description="Address of the cache. A server of the Remote Execution API: "
        "`grpcs://HOST[:PORT]`, `grpc://HOST:PORT`, `unix:/PATH`. A folder to read from: "
        "`https://HOST/FOLDER`, `http://HOST/FOLDER`, `s3://BUCKET/FOLDER`, `file:///FOLDER`. "
        "`UNIBUILD_REMOTE_CACHE` (a URL, or `off`) and `--remote-cache` override it; another "
        "server named so is sent none of this table's headers, credentials and certificates. "
        "Without a URL here, the table holds for whichever server is named so.",
    )
    upload: bool = Field(
        False, description="Whether builds publish their results; `--upload` overrides it."
    )
    require_signed: Annotated[tuple[str, ...], Strict(strict=False)] = Field(
        (),
        description="Public keys (`ed25519:BASE64`, as `unibuild cache key` prints them) of which "
        "one must have signed a result for it to be believed. Default: no signature is asked for.",
    )
    signing_key: str = Field(
        "",
        description="PEM file of the private key that signs published results, absolute, from the "
        "home folder (`~/…`) or from the workspace root. Default: the user's own, made when "
        "first needed.",
    )
    compress: bool = Field(
        True, description="Whether content travels compressed (zstd) where the server has that."
    )
    download: Literal["all", "toplevel", "minimal"] = Field(
        "toplevel",
        description="What is brought here of results found in the cache: every output (`all`), "
        "those of the targets asked for (`toplevel`), or none (`minimal`). `--download` overrides it.",
    )


class RemoteExecutionSettings(RemoteTable):
    """An engine that runs actions."""

    url: str = Field(
        "",
        description="Address of a server with the Execution service of the Remote Execution API: "
        "`grpcs://HOST[:PORT]`, `grpc://HOST:PORT`, `unix:/PATH`. Default: the cache's server, "
        "reached as `[cache.remote]` says.",
    )
    jobs: int = Field(
        16, ge=1, le=_MOST_JOBS, description="How many actions may be on its workers at once."
    )
    priority: int = Field(
        0,
        ge=-_PRIORITY_LIMIT,
        le=_PRIORITY_LIMIT,
        description="Priority of the actions; lower ones run first, where the server has priorities.",
    )


class _Found(NamedTuple):
    """One mistake, before its place is looked up; ``secret`` lines are shown without values."""

    path: Path
    cause: str
    hint: str
    at_key: bool = False
    secret: bool = False
    id: str = "bad-value"


def remote_mistakes(
    cache: RemoteCacheSettings | None, execution: RemoteExecutionSettings | None, place: PlaceOf
) -> list[UserError]:
    """Return the mistakes in both tables, each at its place.

    ``place(path, key)`` tells where a setting stands in WORKSPACE.toml: its key or its value.
    """
    found: list[_Found] = []
    if cache is not None:
        found += _server_mistakes(cache, CACHE)
        found += _cache_mistakes(cache)
    if execution is not None:
        found += _server_mistakes(execution, EXECUTION)
        if execution.url:
            found += _url_mistakes(execution.url, EXECUTION, ENGINE_SCHEMES)
    errors = [_error(one, place) for one in found]
    return sorted(errors, key=lambda error: error.place.line if error.place else 0)


def hide_values(place: Place) -> Place:
    """Return ``place``, a key's, with the quoted values of its line hidden: one is a secret."""
    start, end = place.column - 1, place.column - 1 + place.length
    before, after = _hidden(place.text[:start]), _hidden(place.text[end:])
    text = before + place.text[start:end] + after
    return replace(place, text=text, column=len(before) + 1)


def hide_secret(place: Place | None) -> Place | None:
    """Return ``place``, of text that is no TOML, without the value of a line that holds a secret."""
    if place is None or not is_secret(place.text):
        return place
    shown = place.text.partition("=")[0].rstrip()
    return replace(place, text=f"{shown} = …", column=min(place.column, len(shown) + 4), length=1)


def is_secret(name: str, value: str = "") -> bool:
    """Tell whether a header of this name, or with this value, holds a secret."""
    return _SECRET_HEADER.search(name) is not None or _SECRET_VALUE.match(value) is not None


def _hidden(text: str) -> str:
    """Return ``text`` without its quoted values; of one left open, nothing is kept either."""
    plain = _QUOTED.sub("…", text)
    cut = re.search(r"[\"']", plain)
    return plain[: cut.start()] + "…" if cut is not None else plain


def _error(found: _Found, place: PlaceOf) -> UserError:
    where = place(found.path, found.at_key or found.secret)
    if found.secret:
        where = hide_values(where)
    name = ".".join(str(part) for part in found.path if not isinstance(part, int))
    index = next((part for part in found.path if isinstance(part, int)), None)
    spoken = f"element {index + 1} of `{name}`" if index is not None else f"`{name}`"
    return UserError(found.id, f"{spoken} {found.cause}", where, found.hint)


def _server_mistakes(table: RemoteTable, path: Path) -> Iterator[_Found]:
    """Yield what can be wrong with any server; a wrong URL is found by ``_url_mistakes``."""
    segments = table.instance.split("/") if table.instance else []
    if "" in segments or not table.instance.isprintable():
        hint = "write it without a slash at its ends, such as `team/main`"
        yield _Found((*path, "instance"), "cannot be an instance name", hint)
    for reserved in sorted(_RESERVED_INSTANCE.intersection(segments)):
        hint = "the Remote Execution API keeps this word for its own resource names"
        yield _Found((*path, "instance"), f"cannot have `{reserved}` in it", hint)
    yield from _header_mistakes(table, path)
    yield from _credential_mistakes(table, path)
    yield from _tls_mistakes(table, path)


def _url_mistakes(url: str, path: Path, schemes: tuple[str, ...] | None = None) -> Iterator[_Found]:
    mistake = mistake_in(url, schemes) if schemes else mistake_in(url)
    if mistake is not None:
        secret = "@" in url
        kind = "plain-secret" if "password" in mistake.cause else "bad-url"
        yield _Found((*path, "url"), mistake.cause, mistake.hint, secret=secret, id=kind)


def _header_mistakes(table: RemoteTable, path: Path) -> Iterator[_Found]:
    for name, value in table.headers.items():
        at = (*path, "headers", name)
        if not _HEADER.fullmatch(name):
            hint = "a header's name has letters, digits and `-`, `_`, `.` only"
            yield _Found(at, "cannot be a header", hint, secret=True)
        elif is_secret(name, value):
            yield _Found(at, "is a secret written in plain", _CREDENTIALS_ARE_NAMED,
                         secret=True, id="plain-secret")  # fmt: skip
        elif name.lower() in _RESERVED_HEADERS or name.lower().startswith("grpc-"):
            yield _Found(at, "is a header that the connection itself sets", "remove it",
                         at_key=True)  # fmt: skip
        elif name.lower().endswith("-bin"):
            yield _Found(at, "would be a header of bytes", "name it without `-bin`", at_key=True)
        elif not (value.isascii() and value.isprintable()):
            yield _Found(at, "has a value that a header cannot carry",
                         "a header's value is printable ASCII")  # fmt: skip


def _credential_mistakes(table: RemoteTable, path: Path) -> Iterator[_Found]:
    if table.token_variable and not _VARIABLE.fullmatch(table.token_variable):
        yield _Found(
            (*path, "token_variable"),
            "is no name of an environment variable",
            'write the name, never the token itself: `token_variable = "CACHE_TOKEN"`',
            secret=True,
        )
    elif table.token_variable and table.credential_helper:
        yield _Found(
            (*path, "credential_helper"),
            "and `token_variable` are both given",
            "keep one of them: a token comes from the variable, or from the helper",
            at_key=True,
        )


def _tls_mistakes(table: RemoteTable, path: Path) -> Iterator[_Found]:
    if bool(table.certificate) != bool(table.key):
        given, lacking = ("certificate", "key") if table.certificate else ("key", "certificate")
        hint = f"add `{lacking}`, the PEM file that belongs to it"
        yield _Found((*path, given), f"needs `{lacking}` too", hint)
    if table.url.startswith(("grpc:", "unix:", "http:", "file:")):
        for name in ("ca", "certificate"):
            if getattr(table, name):
                hint = f"`url` asks for a connection without it; write `{_with_tls(table.url)}`"
                yield _Found((*path, name), "is for TLS", hint)


def _with_tls(url: str) -> str:
    scheme, _, rest = url.partition(":")
    return (
        f"https:{rest}"
        if scheme == "http"
        else f"grpcs:{rest}"
        if scheme == "grpc"
        else "grpcs://…"
    )


def _cache_mistakes(cache: RemoteCacheSettings) -> Iterator[_Found]:
    if cache.url:
        yield from _url_mistakes(cache.url, CACHE)
    if cache.upload and cache.url and not cache.url.startswith(("grpc:", "grpcs:", "unix:")):
        hint = (
            "write `upload = false`; `unibuild cache push LABEL --to URL` fills a bucket or folder"
        )
        yield _Found((*CACHE, "upload"), "cannot be true for a folder, which is read only", hint)
    for index, key in enumerate(cache.require_signed):
        try:
            check_public_key(key, "")
        except UserError as error:
            yield _Found((*CACHE, "require_signed", index), "is no public key", error.hint)
