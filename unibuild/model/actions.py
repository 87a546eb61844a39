"""Actions as rules declare them, and the graph of them that execution runs.

An action is data: a command line over artefacts. It becomes a Remote Execution API ``Action`` (and
so gets its digest) only when the digests of its inputs are known; see ``unibuild.store.reapi``.
What is for people only (``label``, ``mnemonic``, ``description``) is no part of that digest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.model.artifacts import Artifact

DEFAULT_ENVIRONMENT: tuple[tuple[str, str], ...] = (
    ("LC_ALL", "C.UTF-8"),
    ("SOURCE_DATE_EPOCH", "315532800"),  # 1980-01-01, the earliest time that a ZIP archive can hold
    ("TZ", "UTC"),
)


@dataclass(frozen=True, slots=True)
class Action:
    """One command, everything it reads and everything it makes.

    ``arguments[0]`` is a path relative to the working directory, or for a built-in action (see
    ``builtin``) the name ``@builtin/NAME``. ``depfile``, one of ``outputs``, lists in Makefile
    syntax the inputs that were really read; inputs it leaves out (only those in ``prunable``) do
    not make the action run again. ``test`` actions run only when tests are asked for. ``timeout``
    is in seconds.
    """

    label: str
    mnemonic: str
    arguments: tuple[str, ...]
    inputs: tuple[Artifact, ...]
    outputs: tuple[Artifact, ...]
    environment: tuple[tuple[str, str], ...] = DEFAULT_ENVIRONMENT
    builtin: str = ""
    depfile: Artifact | None = None
    prunable: tuple[Artifact, ...] = ()
    description: str = ""
    test: bool = False
    timeout: int = 600


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What analysis knows of one target: its rule, its outputs, and facts that verbs ask for.

    ``outputs`` are the default outputs that ``build`` makes; ``test_outputs`` those of its test
    action (log and verdict) that ``test`` makes; ``facts`` is JSON-like data for ``run``,
    ``explain`` and ``query`` (for example ``{"runnable": "image", "memory": "8M"}``).
    """

    label: str
    rule: str
    outputs: tuple[Artifact, ...]
    test_outputs: tuple[Artifact, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionGraph:
    """The evaluated graph for a set of requested targets: all that execution needs.

    ``actions`` is in topological order (producers first). ``requested`` are the labels asked for,
    in order. ``watched_files`` (absolute paths: BUILD.toml, WORKSPACE.toml, lock, rule modules) and
    ``watched_directories`` (absolute paths whose listing a glob or the package search depended on)
    are what makes this graph stale. ``source_roots`` maps the path prefix of each repository
    (``""`` for the main workspace, ``external/unibuild`` …) to its absolute directory.
    """

    actions: tuple[Action, ...]
    targets: Mapping[str, TargetResult]
    requested: tuple[str, ...]
    watched_files: tuple[str, ...]
    watched_directories: tuple[str, ...]
    source_roots: Mapping[str, str]
