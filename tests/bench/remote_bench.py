"""What the parts of ``remote.py`` share: the scratch folder, the servers, the workspaces, the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import workspaces
from bazel import Bazel
from support import servers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from contextlib import AbstractContextManager, ExitStack
    from pathlib import Path

    import meter

START: dict[str, Callable[..., AbstractContextManager[servers.Server]]] = {
    "casd": servers.casd,
    "bazel-remote": servers.bazel_remote,
    "buildgrid": servers.buildgrid,
}
BAZEL_REFUSES = ("casd",)
"""Servers that announce no API version as old as Bazel 4's 2.0."""


class MissingError(Exception):
    """What a part needs is not on this machine; the text says what and how to get it."""


class Row(NamedTuple):
    """One line of a part: what was measured, its measures by column, and what is to be reached."""

    what: str
    measures: dict[str, Any]
    reach: str = ""


class Bench:
    """One run of the script; servers live until it ends."""

    def __init__(
        self, place: Path, opened: ExitStack, options: argparse.Namespace, *, with_bazel: bool
    ) -> None:
        """Measure below ``place``."""
        self.place = place
        self.runs: int = options.runs
        self.jobs: int = options.jobs
        self.size: int = options.size
        self.memory_size: int = options.memory_size
        self.server_names: list[str] = options.servers.split(",")
        self.with_bazel = with_bazel
        self._opened = opened
        self._count = 0
        self._synthetic: dict[int, workspaces.Synthetic] = {}
        self._bazel: Bazel | None = None
        self._shared: dict[str, servers.Server] = {}
        self.filled: set[tuple[str, str]] = set()

    def folder(self) -> Path:
        """Return a path for something new."""
        self._count += 1
        return self.place / str(self._count)

    def server(self, name: str, **options: Any) -> AbstractContextManager[servers.Server]:
        """Start a server with nothing in it."""
        return START[name](self.folder(), **options)

    def shared(self, name: str) -> servers.Server:
        """Return the server of this name that lives until the end."""
        if name not in self._shared:
            try:
                self._shared[name] = self._opened.enter_context(self.server(name))
            except pytest.skip.Exception as skipped:
                raise MissingError(f"{skipped}") from None
        return self._shared[name]

    def synthetic(self, count: int) -> workspaces.Synthetic:
        """Return the generated workspace of ``count`` actions."""
        if count not in self._synthetic:
            self._synthetic[count] = workspaces.Synthetic(self.folder(), count, self.jobs)
        return self._synthetic[count]

    def bazel(self) -> Bazel:
        """Return the same graph as a workspace of Bazel's."""
        if self._bazel is None:
            self._bazel = Bazel(self.folder(), self.synthetic(self.size).graph, self.jobs)
            self._opened.callback(self._bazel.forget)
        return self._bazel


def cost(name: str, used: meter.Usage, *, server: bool = True) -> dict[str, float]:
    """Return the measures of a run as columns that begin with ``name``."""
    columns = {f"{name} s": used.seconds, f"{name} cpu": used.client}
    return {**columns, f"{name} server": used.server} if server else columns
