"""A site: the folder of one experiment, in which its rebuilds happen one after the other.

The checkout and the cache are brought to where the next rebuild wants them: renamed, or copied when it
is another file system. So the guilty action of an experiment is run again with the inputs that the
experiment made for it, under other variations.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.verify.checkout import copy_workspace
from unibuild.verify.rebuild import RebuildRequest
from unibuild.verify.rebuilding import Rebuild
from unibuild.verify.variations.draft import Draft
from unibuild.verify.variations.folders import remove

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.verify.variations.variation import Variation
    from unibuild.verify.workbench import Workbench

_GIT = (
    ("init", "--quiet"),
    ("add", "--all"),
    ("commit", "--quiet", "--no-verify", "--allow-empty", "--message={message}"),
)
_GIT_SETTINGS = ("user.name=nobody", "user.email=nobody@localhost", "commit.gpgsign=false")
_GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
}


class Site:
    """The folder ``path`` (new) of the experiment of ``turn``; ``git`` is what drafts begin with."""

    def __init__(self, bench: Workbench, path: Path, turn: int, git: str) -> None:
        """Make the folder."""
        path.mkdir(parents=True)
        self._bench = bench
        self._path = path
        self._runs = path.with_name(f"{path.name}-runs")
        self._turn = turn
        self._git = git
        self._count = 0
        self._last: Draft | None = None
        self._stores = {path}

    def start(
        self, variations: Iterable[Variation], only_action: str = "", *, afresh: bool = False
    ) -> tuple[Draft, Rebuild]:
        """Start a rebuild under ``variations``; the one before has to have ended.

        ``afresh`` empties checkout and cache of what was built before.
        """
        if afresh:
            self._forget()
        draft = self._draft(variations)
        self._furnish(draft)
        self._count += 1
        folder = self._runs / str(self._count)
        folder.mkdir(parents=True)
        request = RebuildRequest(
            workspace=draft.workspace_path,
            label=self._bench.label,
            cache=draft.cache_path,
            log=folder / "log",
            packages=self._bench.cache_root,
            jobs=draft.jobs,
            sandbox=self._bench.sandbox,
            order_seed=draft.order_seed,
            staging=draft.staging,
            supervisor=draft.supervisor,
            only_action=only_action,
        )
        rebuild = Rebuild.start(
            self._bench.rebuild_command, request, folder,
            prefix=draft.prefix(), environment=draft.environment, directory=folder,
        )  # fmt: skip
        return draft, rebuild

    def cache(self) -> Path:
        """Return where the cache of the last rebuild really is."""
        if self._last is None:
            raise AssertionError("no rebuild was started")
        return self._last.store / self._last.cache

    def _forget(self) -> None:
        if self._last is not None:
            remove(self.cache())
            remove(self._last.store / self._last.workspace)
        self._last = None

    def close(self) -> None:
        """Remove what is on other file systems; the rest goes with the scratch folder."""
        for store in self._stores - {self._path}:
            remove(store)

    def _draft(self, variations: Iterable[Variation]) -> Draft:
        draft = Draft(self._path, self._path, self._turn, self._bench.jobs, git=self._git)
        for variation in variations:
            variation.apply(draft)
        return draft

    def _furnish(self, draft: Draft) -> None:
        """Bring checkout and cache to where ``draft`` has them."""
        self._stores.add(draft.store)
        draft.store.mkdir(parents=True, exist_ok=True)
        workspace, cache = draft.store / draft.workspace, draft.store / draft.cache
        last = self._last
        if last is None:
            copy_workspace(self._bench, workspace)
            cache.mkdir(parents=True)
        else:
            _bring(last.store / last.workspace, workspace)
            _bring(last.store / last.cache, cache)
        if draft.git != (last.git if last else ""):
            _be_repository(workspace, draft.git)
        for name in draft.folders:
            (draft.store / name).mkdir(parents=True, exist_ok=True)
        self._last = draft


def _bring(here: Path, there: Path) -> None:
    if here == there:
        return
    there.parent.mkdir(parents=True, exist_ok=True)
    if here.stat().st_dev == there.parent.stat().st_dev:
        here.rename(there)
        return
    shutil.copytree(here, there, symlinks=True)
    remove(here)


def _be_repository(workspace: Path, message: str) -> None:
    """Make the folder a Git repository with one commit, the same for the same files, or none."""
    remove(workspace / ".git")
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    settings = [word for setting in _GIT_SETTINGS for word in ("-c", setting)]
    for words in _GIT if message else ():
        subprocess.run(
            ["git", *settings, *(word.format(message=message) for word in words)],
            cwd=workspace, env={**plain, **_GIT_ENVIRONMENT},
            stdin=subprocess.DEVNULL, capture_output=True, check=True,
        )  # fmt: skip
