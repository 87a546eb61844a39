"""``cache push``, ``cache pull`` and ``cache key``: what a team's cache is given and gives.

Both verbs are builds: of everything, published; and of nothing but what a cache knows. They ask for
the server by name, so one that fails is an error.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.cli import options
from unibuild.cli.outcome import show_failures
from unibuild.cli.remote import (
    NAME_A_CACHE,
    Choice,
    RemoteOptions,
    explicit_cache,
    plain_settings,
    signing_key,
)
from unibuild.cli.terminal import size_text
from unibuild.cli.workspace import Composition
from unibuild.loading.server_url import ENGINE_SCHEMES, WRITABLE_FOLDERS
from unibuild.model.counting import plural
from unibuild.model.errors import DifferenceError, UserError
from unibuild.store.remote.requests import Statistics

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal
    from unibuild.execution.request import BuildReport
    from unibuild.store.remote.settings import Remote

_NOT_CACHED = "not-cached"
"""The id of the failure that ``BuildRequest.only_cached`` reports."""


def configure(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the three actions."""
    push = actions.add_parser("push", help="build, and publish everything in the remote cache")
    options.add_patterns(push, what="what to publish")
    push.add_argument(
        "--to", default="", metavar="URL",
        help="publish here instead: s3://BUCKET/FOLDER, file:///FOLDER, or a server's URL",
    )  # fmt: skip
    pull = actions.add_parser("pull", help="take what the remote cache has, run nothing")
    options.add_patterns(pull, what="what to take")
    for parser in (push, pull):
        options.add_json(parser)
        options.add_build_options(parser)
    actions.add_parser("key", help="print the public key that results are signed with")


def push(arguments: argparse.Namespace, composition: Composition) -> int:
    """Build what is not built, and publish every result and all that belongs to it."""
    choice = _push_choice(arguments, composition)
    report = composition.build(
        arguments, arguments.patterns, "build", choice=choice, transfer="push"
    )
    terminal = composition.terminal
    show_failures(report, terminal)
    moved = report.remote or Statistics()
    if arguments.json:
        _show_json(terminal, report, published=moved.published)
    terminal.note(
        f"published {plural(moved.published, 'result')} of {plural(report.total, 'action')}; "
        f"uploaded {plural(moved.uploaded, 'blob')}, {size_text(moved.uploaded_bytes)}"
    )
    return report.failures[0].exit_code if report.failures else 0


def pull(arguments: argparse.Namespace, composition: Composition) -> int:
    """Bring everything that the remote cache has of the targets; name what it has not."""
    choice = composition.remote(arguments)
    cache = _configured(choice.remote, "pull")
    choice = Choice(replace(cache, upload=False, required=True), "all")
    report = composition.build(
        arguments, arguments.patterns, "build", choice=choice, transfer="pull"
    )
    terminal = composition.terminal
    moved = report.remote or Statistics()
    missing = [name for failure in report.failures for name in failure.detail]
    if arguments.json:
        _show_json(terminal, report, missing=missing)
    terminal.note(
        f"{plural(report.total, 'action')}: {report.remote_hits:,} remote, "
        f"{report.cached - report.remote_hits:,} here already; "
        f"downloaded {plural(moved.downloaded, 'blob')}, {size_text(moved.downloaded_bytes)}"
    )
    for failure in report.failures:
        if failure.id != _NOT_CACHED:
            raise failure
        raise DifferenceError(
            id=failure.id,
            cause=f"no cache has a result for {plural(len(missing), 'action')}",
            hint="'unibuild build' makes it here; 'unibuild cache push' shares it",
            detail=failure.detail,
        )
    return 0


def key(_arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the public key of the workspace's or the user's private one, which is made if need be."""
    from pathlib import Path

    from unibuild.loading.workspace import find_workspace, read_workspace
    from unibuild.store.remote.signatures import Signer

    try:
        root = find_workspace(Path.cwd())
    except UserError:  # outside a workspace there is the user's own key
        path = ""
    else:
        path = signing_key(plain_settings(read_workspace(root)), str(root))
    terminal.data(Signer(path, create=True).public)
    return 0


def _push_choice(arguments: argparse.Namespace, composition: Composition) -> Choice:
    """Return where to publish: ``--to``, else the cache that builds use."""
    if not arguments.to:
        choice = composition.remote(arguments)
        remote = _configured(choice.remote, "push")
        if remote.cache is not None and remote.cache.is_bucket:
            raise UserError(
                id="read-only-cache",
                cause="the configured cache is a folder, which builds only read",
                hint="say that it is to be written: `unibuild cache push LABEL --to URL`",
            )
    else:
        explicit_cache(arguments.to, "--to")
        scheme = arguments.to.partition(":")[0]
        if scheme not in (*ENGINE_SCHEMES, *WRITABLE_FOLDERS):
            raise UserError(
                id="read-only-cache",
                cause=f"--to cannot write to {scheme}:, which is read only",
                hint="push to the folder behind it: s3://BUCKET/FOLDER or file:///FOLDER",
            )
        asked = RemoteOptions.of(arguments)._replace(cache_url=arguments.to, upload=None)
        choice = composition.servers(asked)
        remote = _configured(choice.remote, "push")
    return choice._replace(remote=replace(remote, upload=True, required=True))


def _configured(remote: Remote | None, verb: str) -> Remote:
    if remote is None or remote.cache is None:
        raise UserError(
            id="no-remote-cache",
            cause=f"cache {verb} needs a remote cache, and there is none",
            hint=NAME_A_CACHE,
        )
    return remote


def _show_json(terminal: Terminal, report: BuildReport, **more: object) -> None:
    moved = report.remote or Statistics()
    value = {
        "actions": {
            "total": report.total,
            "executed": report.executed,
            "cached": report.cached,
            "remote": report.remote_hits,
        },
        "downloaded": moved.downloaded,
        "downloaded_bytes": moved.downloaded_bytes,
        "uploaded": moved.uploaded,
        "uploaded_bytes": moved.uploaded_bytes,
        **more,
    }
    terminal.data(json.dumps(value))
