"""What a build is asked and what it answers: plain data shared with the command line.

``session.build`` takes a ``BuildRequest`` and returns a ``BuildReport``; a built-in action takes a
``BuiltinCall``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from unibuild.model.actions import ActionGraph
    from unibuild.model.errors import UnibuildError
    from unibuild.store.digests import Digest
    from unibuild.store.remote.requests import Statistics
    from unibuild.store.remote.settings import Download, Remote, Where

Kind = Literal["build", "test"]
SandboxMode = Literal["required", "auto", "none"]
Staging = Literal["link", "copy"]


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build of ``patterns`` (absolute labels or patterns) in a workspace.

    ``key`` names the kept graph and must differ whenever anything differs that the graph depends on
    and that is in no watched file: ``kept_graph.request_key`` makes it. ``analyse`` is called only
    when no kept graph fits. ``digest_of`` returns what the lock says of a package URL; ``fetch``
    turns it into a verified local file, and is called only when an action that reads it must run
    here and the remote has no copy. Without ``digest_of`` a package is fetched to learn its digest.
    ``builtins`` maps a built-in action's name to ``module:function``. ``only_action`` (an output
    path without prefix) restricts the build to the action that makes that output, and runs it even
    if cached. ``jobs`` is at least 1. ``host`` holds what a result may depend on that is no input:
    the value ``@host/NAME`` of an action's environment variable stands for ``host[NAME]``; it is
    part of ``key`` too. ``@host/sandbox`` is always there: ``bubblewrap`` or ``none``.

    ``remote`` is the team's cache and remote engine; ``download`` says what is brought here of
    results found there, ``where`` actions run. ``publish_all`` uploads cached results too,
    ``only_cached`` runs nothing and reports what no cache has: both look at every action again.
    ``kept_settings`` is anything that ``marshal`` can hold; ``kept_graph.settings`` gives it back.

    ``execution_log`` is a file to be written (``execution_log``); it too has every action looked at.
    The rest must not change an output, and ``verify`` tries that: ``order_seed`` shuffles the order in
    which ready actions start, ``staging`` says whether a sandbox's files are links to the store or
    copies, ``supervisor`` is put before the command line of an action, its sandbox's included (an
    absolute program first; built-in actions have none), ``{output}`` in it being the action's first output path without prefix, with ``/`` as ``%2F``.
    """

    workspace_root: Path
    cache_root: Path
    patterns: tuple[str, ...]
    key: str
    analyse: Callable[[], ActionGraph]
    fetch: Callable[[str], Path]
    builtins: Mapping[str, str] = field(default_factory=dict)
    kind: Kind = "build"
    jobs: int = 2
    keep_going: bool = False
    sandbox: SandboxMode = "required"
    digest_function: str = "blake3"
    only_action: str = ""
    host: Mapping[str, str] = field(default_factory=dict)
    digest_of: Callable[[str], Digest] | None = None
    remote: Remote | None = None
    download: Download = "toplevel"
    where: Where = "local"
    publish_all: bool = False
    only_cached: bool = False
    kept_settings: object = None
    execution_log: Path | None = None
    order_seed: int | None = None
    staging: Staging = "link"
    supervisor: tuple[str, ...] = ()


class OutputReport(NamedTuple):
    """One output in ``unibuild-out/``: path relative to the workspace, digest, size in bytes.

    For a directory the digest and size are those of its Tree message.
    """

    path: str
    digest: str
    size: int


class TargetReport(NamedTuple):
    """One requested target with its outputs, and the facts that analysis recorded for verbs."""

    label: str
    rule: str
    outputs: tuple[OutputReport, ...]
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TestReport:
    """The verdict of one test target; ``log`` is what the test printed."""

    label: str
    passed: bool
    cached: bool
    seconds: float
    log: bytes


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; ``total`` actions, of which ``executed`` ran and ``cached`` did not need to.

    ``failures`` is empty exactly when everything asked for was made; failed and skipped actions are
    in ``total`` only. ``sandboxed`` is false when the build fell back to running without a sandbox.
    ``remote`` are the courier's totals, None when none was needed; ``remote_hits`` of the ``cached``
    actions were found in the remote cache.
    """

    targets: Sequence[TargetReport]
    total: int
    executed: int
    cached: int
    seconds: float
    failures: tuple[UnibuildError, ...] = ()
    tests: tuple[TestReport, ...] = ()
    sandboxed: bool = True
    remote: Statistics | None = None
    remote_hits: int = 0


@dataclass(frozen=True, slots=True)
class BuiltinCall:
    """What a built-in action's function gets; it must create every path of ``outputs``.

    Keys are the paths that the action's arguments use (``input_path`` and ``output_path`` of the
    artefacts); values are where the bytes really are. Inputs must not be changed. Text for a person
    goes to the file ``log``, which exists. ``arguments`` are those after ``@builtin/NAME``;
    ``environment`` is the action's, with ``@host/NAME`` values filled in.
    """

    arguments: tuple[str, ...]
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
