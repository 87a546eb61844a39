"""Rebuilding in a process of its own: what it is asked, how it is started, what it left.

The process (``unibuild.cli.rebuild``) reads a ``RebuildRequest`` from a JSON file, builds like
``unibuild build`` does but in the cache, order and surroundings that the request names, and writes an
execution log line by line while it goes on (``unibuild.execution.execution_log``). Being a process, it
can have another environment, user, clock or folder; being asked by a file, it needs no options that a
user could mistake for his own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unibuild.execution.request import SandboxMode, Staging


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """One rebuild of ``label`` in the workspace at ``workspace``.

    ``cache`` is the cache to build in (empty for a build from nothing); ``packages`` the cache whose
    verified package files are used instead of fetching, None to fetch. ``log`` is the execution log to
    write. ``order_seed`` shuffles the order in which ready actions start; None keeps the usual one.
    ``staging`` says how inputs are laid out. ``supervisor`` is put before every sandboxed action's
    command line, with ``{output}`` replaced by the action's first output path, ``/`` as ``%2F``.
    ``only_action`` (an output path without prefix) rebuilds just the action that makes it, its inputs
    taken from ``cache`` where they are there.
    """

    workspace: Path
    label: str
    cache: Path
    log: Path
    packages: Path | None = None
    jobs: int = 1
    sandbox: SandboxMode = "required"
    order_seed: int | None = None
    staging: Staging = "link"
    supervisor: tuple[str, ...] = ()
    only_action: str = ""
