"""A build that the kept graph can tell: an edit of sources, and nothing else.

The workspace is not read and nothing is analysed, so what these need is not imported: it would cost
several times the build itself.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

from unibuild.cli import outcome
from unibuild.cli.builtins import BUILTINS
from unibuild.cli.places import add_places, of_raised
from unibuild.cli.progress import progress
from unibuild.cli.shortcut import REMOTE_VARIABLE
from unibuild.model.errors import ErrorGroup, InternalError, UnibuildError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from unibuild.cli.shortcut import PlainBuild
    from unibuild.cli.terminal import Terminal
    from unibuild.cli.workspace import Composition
    from unibuild.execution.observer import Observer
    from unibuild.execution.request import BuildReport, BuildRequest, SandboxMode
    from unibuild.external.fetch import Fetcher
    from unibuild.loading.workspace import Workspace
    from unibuild.model.actions import ActionGraph
    from unibuild.store.remote.settings import Download, Remote, Where


def build(asked: PlainBuild, terminal: Terminal) -> int | None:
    """Build from the kept graph and return the exit code; ``None`` when that graph is stale."""
    from unibuild.execution import kept_graph

    found = kept_graph.settings(asked.root, asked.key)
    if found is None:
        return None
    choice = _choice(asked, found[2])
    display = progress(terminal)
    try:
        with ExitStack() as opened:
            request = _request(asked, found, choice, terminal, display, opened)
            report = _build(request, display)
    except (UnibuildError, ErrorGroup) as error:
        add_places(of_raised(error), lambda: _workspace(asked), choice[0])
        raise
    finally:
        display.close()
    if report is None:
        return None
    add_places(report.failures, lambda: _workspace(asked), choice[0])
    return outcome.show(report, terminal, as_json="json" in asked.options, prefix=asked.prefix)


def _choice(asked: PlainBuild, settings: object) -> tuple[Remote | None, Download, Where]:
    """Return which servers to use; where none is named, nothing about them is imported."""
    if settings is None and not asked.names_servers and not os.environ.get(REMOTE_VARIABLE):
        return None, "toplevel", "local"
    from unibuild.cli.remote import RemoteOptions, choose

    return choose(settings, asked.root, RemoteOptions.of_plain(asked.options))


def lazy_fetch(
    opened: ExitStack, compose: Callable[[], AbstractContextManager[Fetcher]]
) -> Callable[[str], Path]:
    """Return a fetch function that is composed only when a first package is asked for."""
    fetchers: list[Fetcher] = []

    def fetch(purl: str) -> Path:
        if not fetchers:
            fetchers.append(opened.enter_context(compose()))
        return fetchers[0].path(purl)

    return fetch


def _request(
    asked: PlainBuild,
    found: tuple[str, str, object],
    choice: tuple[Remote | None, Download, Where],
    terminal: Terminal,
    observer: Observer,
    opened: ExitStack,
) -> BuildRequest:
    from unibuild.execution.request import BuildRequest

    composed: list[Composition] = []

    def composition() -> Composition:
        from unibuild.cli.workspace import Composition

        if not composed:
            composed.append(Composition.of(Path(asked.root), terminal))
        return composed[0]

    cache_root, digest_function, settings = found
    remote, download, where = choice
    return BuildRequest(
        workspace_root=Path(asked.root),
        cache_root=Path(cache_root),
        patterns=tuple(asked.patterns),
        key=asked.key,
        analyse=_never,
        fetch=lazy_fetch(opened, lambda: composition().fetcher(observer)),
        digest_of=lambda purl: composition().digest_of(purl),
        builtins=BUILTINS,
        jobs=int(asked.options.get("jobs") or os.cpu_count() or 1),
        keep_going="keep_going" in asked.options,
        sandbox=cast("SandboxMode", asked.sandbox),
        digest_function=digest_function,
        remote=remote,
        download=download,
        where=where,
        kept_settings=settings,
    )


def _workspace(asked: PlainBuild) -> Workspace:
    from unibuild.loading.workspace import read_workspace

    return read_workspace(Path(asked.root))


def _build(request: BuildRequest, observer: Observer) -> BuildReport | None:
    from unibuild.execution import session

    return session.build_kept(request, observer)


def _never() -> ActionGraph:
    raise InternalError(id="internal-fault", cause="a kept build was asked to analyse")
