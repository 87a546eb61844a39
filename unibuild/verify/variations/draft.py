"""The draft of one rebuild: what variations change before it is started.

A rebuild's files are all below its *site*, a folder with one path for whoever varies what: the
workspace's copy, the cache, folders that a variation names. Where they really are is the *store*:
the site itself, or a folder of another file system that is mounted over it.

What is put before the rebuild's command line has a fixed order, outermost first: namespaces, the
preparations that need their privileges, the user, the process's own attributes, the terminal, the
library that fakes the clock. Nothing that needs cleaning up is left behind: mounts live in a mount
namespace, whose processes end with the first of them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unibuild.execution.request import Staging


@dataclass(slots=True)
class Draft:
    """One rebuild in the making; a fresh one is what the ordinary build had, in another folder.

    ``turn`` says for which experiment it is. ``workspace`` and ``cache`` are relative to the site.
    ``git`` is the message of the one commit that the checkout has; empty: it is no repository.
    ``preparations`` are lines of shell that run in the namespaces before all else.
    """

    site: Path
    store: Path
    turn: int
    jobs: int
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    workspace: str = "workspace"
    cache: str = "cache"
    folders: list[str] = field(default_factory=list)
    git: str = ""
    namespaces: set[str] = field(default_factory=set)
    preparations: list[str] = field(default_factory=list)
    user: tuple[int, int] | None = None
    personality: list[str] = field(default_factory=list)
    processors: str = ""
    umask: int | None = None
    terminal: bool = False
    preloaded: dict[str, str] = field(default_factory=dict)
    order_seed: int | None = None
    staging: Staging = "link"
    supervisor: tuple[str, ...] = ()

    @property
    def workspace_path(self) -> Path:
        """Where the rebuild sees its workspace."""
        return self.site / self.workspace

    @property
    def cache_path(self) -> Path:
        """Where the rebuild sees its cache."""
        return self.site / self.cache

    def folder(self, name: str) -> Path:
        """Have a folder ``name`` in the site and return the path by which the rebuild knows it."""
        self.folders.append(name)
        return self.site / name

    def mount(self, line: str) -> None:
        """Have ``line`` of shell, which mounts something, run in a mount namespace."""
        self.namespaces.add("mount")
        self.preparations.append(line)

    def prefix(self) -> list[str]:
        """Return what to put before a command line to start it as drafted."""
        line = [*self._outside(), *self._becoming(), *self._attributes()]
        if self.terminal:
            line += in_terminal()
        if self.preloaded:
            line += ["env", *(f"{name}={value}" for name, value in self.preloaded.items())]
        return line

    def _outside(self) -> list[str]:
        if not self.namespaces:
            return []
        line = unshare(self.namespaces)
        if self.preparations:
            script = "\n".join(("set -e", *self.preparations, 'exec "$@"'))
            line += ["sh", "-c", script, "surroundings"]
        return line

    def _attributes(self) -> list[str]:
        line = []
        if self.personality:  # one call: a second would undo the first
            line += ["setarch", os.uname().machine, *self.personality]
        if self.processors:
            line += ["taskset", "--cpu-list", self.processors]
        if self.umask is not None:
            line += ["sh", "-c", f'umask {self.umask:04o} && exec "$@"', "umask"]
        return line

    def _becoming(self) -> list[str]:
        """Become the user that is wanted, or again the one that needed to be root for a while."""
        user = self.user
        if user is None and self.namespaces and os.geteuid():
            user = os.geteuid(), os.getegid()
        return [] if user is None else becoming(*user)


def unshare(namespaces: set[str]) -> list[str]:
    """Return what starts the command after it in ``namespaces``: ``mount``, ``uts`` (unshare(1)).

    With a mount namespace comes one of processes: when the first process ends, the others do, and
    with them the mounts. Whoever is not root becomes so inside.
    """
    line = ["unshare"]
    if os.geteuid():
        line += ["--user", "--map-root-user"]
    if "uts" in namespaces:
        line += ["--uts"]
    if "mount" in namespaces:
        line += ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return line


def in_terminal() -> list[str]:
    """Return what gives the command after it a terminal to print to."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("terminal.py"))]


def becoming(user: int, group: int) -> list[str]:
    """Return what starts the command after it as another user, as far as it can tell (unshare(1))."""
    return ["unshare", "--user", f"--map-user={user}", f"--map-group={group}"]
