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
from unibuild.cli.progress import progress
from unibuild.model.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from unibuild.cli.shortcut import PlainBuild
    from unibuild.cli.terminal import Terminal
    from unibuild.execution.observer import Observer
    from unibuild.execution.request import BuildReport, BuildRequest, SandboxMode
    from unibuild.external.fetch import Fetcher
    from unibuild.model.actions import ActionGraph


def build(asked: PlainBuild, terminal: Terminal) -> int | None:
    """Build from the kept graph and return the exit code; ``None`` when that graph is stale."""
    from unibuild.execution import kept_graph

    found = kept_graph.settings(asked.root, asked.key)
    if found is None:
        return None
    display = progress(terminal)
    try:
        with ExitStack() as opened:
            report = _build(_request(asked, found, terminal, display, opened), display)
    finally:
        display.close()
    if report is None:
        return None
    as_json = "json" in asked.options
    return outcome.show(report, terminal, asked.root, as_json=as_json, prefix=asked.prefix)


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
    terminal: Terminal,
    observer: Observer,
    opened: ExitStack,
) -> BuildRequest:
    from unibuild.execution.request import BuildRequest

    def fetcher() -> AbstractContextManager[Fetcher]:
        from unibuild.cli.workspace import Composition

        return Composition.of(Path(asked.root), terminal).fetcher(observer)

    cache_root, digest_function, _ = found
    return BuildRequest(
        workspace_root=Path(asked.root),
        cache_root=Path(cache_root),
        patterns=tuple(asked.patterns),
        key=asked.key,
        analyse=_never,
        fetch=lazy_fetch(opened, fetcher),
        builtins=BUILTINS,
        jobs=int(asked.options.get("jobs") or os.cpu_count() or 1),
        keep_going="keep_going" in asked.options,
        sandbox=cast("SandboxMode", asked.sandbox),
        digest_function=digest_function,
    )


def _build(request: BuildRequest, observer: Observer) -> BuildReport | None:
    from unibuild.execution import session

    return session.build_kept(request, observer)


def _never() -> ActionGraph:
    raise InternalError(id="internal-fault", cause="a kept build was asked to analyse")
