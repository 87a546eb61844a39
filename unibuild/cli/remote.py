"""Which remote servers a build uses: settings, then the environment, then options; the last one wins.

``choose`` is the one place that decides. It takes the settings as plain data, so that a build from
the kept graph, which does not read WORKSPACE.toml, decides the same; hence no pydantic here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, cast

from unibuild.cli.shortcut import REMOTE_VARIABLE
from unibuild.model.errors import UserError
from unibuild.store.remote.settings import Connection, Remote

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from unibuild.loading.workspace import Workspace
    from unibuild.store.remote.settings import Download, Where

    Plain: TypeAlias = Any  # what marshal can hold

OFF = "off"
_OPTION = "--remote-cache"
_CACHE = "cache.remote"
_EXECUTION = "execution.remote"
_FILES = ("ca", "certificate", "key", "credential_helper")
NAME_A_CACHE = (
    f"name one: `url` under [{_CACHE}] in WORKSPACE.toml, {REMOTE_VARIABLE}, or {_OPTION}=URL"
)


class Choice(NamedTuple):
    """What a build does with remote servers; ``remote`` is None when there are none to use."""

    remote: Remote | None = None
    download: Download = "toplevel"
    where: Where = "local"


class RemoteOptions(NamedTuple):
    """The options of the command line: "" and None where nothing was said."""

    mode: str = "on"
    cache_url: str = ""
    upload: bool | None = None
    download: str = ""
    where: str = "local"

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> RemoteOptions:
        """Take them from parsed arguments (``options.add_build_options``)."""
        return cls(
            arguments.remote,
            arguments.remote_cache,
            arguments.upload,
            arguments.download,
            arguments.execute,
        )

    @classmethod
    def of_plain(cls, options: Mapping[str, str]) -> RemoteOptions:
        """Take them from a plain build (``shortcut.PlainBuild.options``)."""
        upload = options.get("upload")
        return cls(
            options.get("remote", "on"),
            options.get("remote_cache", ""),
            None if upload is None else upload == "yes",
            options.get("download", ""),
            options.get("execute", "local"),
        )


def plain_settings(workspace: Workspace) -> Plain:
    """Return both tables of WORKSPACE.toml as plain data, to be kept with the graph; None for none."""
    tables = workspace.settings.cache.remote, workspace.settings.execution.remote
    if tables == (None, None):
        return None
    return tuple(None if table is None else table.model_dump() for table in tables)


def choose(
    settings: Plain,
    root: str,
    options: RemoteOptions,
    environment: Mapping[str, str] = os.environ,
) -> Choice:
    """Return what to use in the workspace at ``root``, whose tables are ``settings``.

    Raises ``UserError`` for a URL that cannot be one, and for options that ask for what is not there.
    """
    cache_table, execution_table = settings or (None, None)
    table = cache_table or {}
    where = cast("Where", options.where)
    download = cast("Download", options.download or table.get("download", "toplevel"))
    if options.mode == "off":
        if where != "local":
            raise _usage("--remote=off and remote execution exclude each other", "leave one out")
        return Choice(None, download)
    cache = _cache(table, root, options, environment)
    execution = None if where == "local" else _engine(execution_table or {}, cache, root)
    asked = "--upload" if options.upload and cache is None else ""
    if options.mode == "required" and cache is None and execution is None:
        asked = "--remote=required"
    if asked:
        cause = f"{asked} needs a remote cache, and there is none"
        raise UserError(id="no-remote-cache", cause=cause, hint=NAME_A_CACHE)
    if cache is None and execution is None:
        return Choice(None, download)
    remote = Remote(
        cache=cache,
        execution=execution,
        upload=_upload(table, cache, options),
        required=options.mode == "required",
        require_signed=tuple(table.get("require_signed", ())),
        signing_key=signing_key(settings, root),
        compress=table.get("compress", True),
        **_taken(execution_table or {}, "jobs", "priority"),
    )
    return Choice(remote, download, where)


def signing_key(settings: Plain, root: str) -> str:
    """Return the path of the private key that signs results, "" for the user's own."""
    table = (settings or (None,))[0] or {}
    return _path(root, table.get("signing_key", ""))


def check_files(workspace: Workspace, remote: Remote | None) -> None:
    """Raise ``missing-file`` at its place for a file that a server in use needs and that is not there."""
    connections = (remote.cache, remote.execution) if remote is not None else ()
    for connection in connections:
        if connection is None:
            continue
        for name in _FILES:
            path = getattr(connection, name)
            if path.startswith("/") and not os.path.isfile(path):
                raise UserError(
                    id="missing-file",
                    cause=f"`{connection.setting}.{name}` names no file: {path}",
                    place=workspace.place(*connection.setting.split("."), name),
                    hint=f"`{name}` is absolute, or from the workspace root",
                )


def explicit_cache(url: str, name: str = _OPTION) -> str:
    """Return ``url`` as the option or variable ``name`` gives it; ``bad-url`` when it cannot be one."""
    from unibuild.loading.server_url import mistake_in

    mistake = mistake_in(url)
    if mistake is not None:
        shown = "" if "@" in url or not url else f" (`{url}`)"
        raise UserError("bad-url", f"`{name}`{shown} {mistake.cause}", hint=mistake.hint)
    return url


def _cache(
    table: Mapping[str, Plain],
    root: str,
    options: RemoteOptions,
    environment: Mapping[str, str],
) -> Connection | None:
    configured = table.get("url", "")
    named, name = options.cache_url, _OPTION
    if not named:
        named, name = environment.get(REMOTE_VARIABLE, ""), REMOTE_VARIABLE
        if named == OFF:
            return None
    if not named:
        return _connection(table, configured, root, _CACHE) if configured else None
    url = explicit_cache(named, name)
    if configured and _server(configured) != _server(url):
        # The table's credentials are that server's; this one is not to see them.
        return Connection(url=url, **_taken(table, "timeout"))
    return _connection(table, url, root, _CACHE)


def _engine(table: Mapping[str, Plain], cache: Connection | None, root: str) -> Connection:
    if table.get("url"):
        return _connection(table, table["url"], root, _EXECUTION)
    if cache is not None and not cache.is_bucket:
        return cache
    cause = "remote execution needs a server, and there is none"
    if cache is not None:
        cause = "remote execution needs a server, and the cache is a folder"
    raise UserError(
        id="no-remote-execution",
        cause=cause,
        hint=f'name one in WORKSPACE.toml: `url = "grpc://HOST:PORT"` under [{_EXECUTION}]',
    )


def _connection(table: Mapping[str, Plain], url: str, root: str, setting: str) -> Connection:
    helper = table.get("credential_helper", "")
    return Connection(
        url=url,
        instance=table.get("instance", ""),
        headers=tuple((name.lower(), value) for name, value in table.get("headers", {}).items()),
        token_variable=table.get("token_variable", ""),
        credential_helper=_path(root, helper) if "/" in helper else helper,
        ca=_path(root, table.get("ca", "")),
        certificate=_path(root, table.get("certificate", "")),
        key=_path(root, table.get("key", "")),
        setting=setting,
        **_taken(table, "timeout"),
    )


def _upload(table: Mapping[str, Plain], cache: Connection | None, options: RemoteOptions) -> bool:
    upload = bool(table.get("upload", False)) if options.upload is None else options.upload
    if not upload or cache is None or not cache.is_bucket:
        return upload and cache is not None
    if options.upload:
        raise _usage(
            f"--upload cannot write to {cache.scheme}:, which is read only",
            "`unibuild cache push LABEL --to URL` fills a bucket or folder",
        )
    return False


def _taken(table: Mapping[str, Plain], *names: str) -> dict[str, Plain]:
    return {name: table[name] for name in names if name in table}


def _server(url: str) -> str:
    """Return scheme, host and port of a URL; all of one that has none."""
    scheme, slashes, rest = url.partition("://")
    return f"{scheme}{slashes}{rest.partition('/')[0]}" if slashes else url


def _path(root: str, path: str) -> str:
    return os.path.join(root, os.path.expanduser(path)) if path else ""


def _usage(cause: str, hint: str) -> UserError:
    return UserError(id="bad-usage", cause=cause, hint=hint)
