"""What a check works with: the workspace, the built target, folders to rebuild in, the user's options.

The command line makes one ``Workbench`` a run, after it has built the target with the ordinary cache.
Checks share costly intermediates by ``once``: the first to ask makes them, the next gets the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from unibuild.verify.outcome import Progress

if TYPE_CHECKING:
    from unibuild.execution.request import SandboxMode, TargetReport
    from unibuild.loading.workspace import Workspace

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked beyond the label; empty means not asked."""

    vary: tuple[str, ...] = ()
    reference: str = ""
    provenances: tuple[Path, ...] = ()
    signed_by: tuple[str, ...] = ()
    threshold: int = 0
    policy: Path | None = None
    reproduced: int = 0
    hardening: str = "base"
    absent: Path | None = None


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The three files of an image target, where the ordinary build put them."""

    image: Path
    symbols: Path
    manifest: Path


@dataclass(frozen=True, slots=True)
class Workbench:
    """One verification of ``target`` (built, up to date).

    ``image`` is None for a target that is no image. ``scratch`` is an empty folder that is removed at
    the end; ``kept`` is where what differs is kept for the user, made by whoever needs it.
    ``rebuild_command`` starts the process that reads a ``RebuildRequest`` (see ``rebuild.py``).
    """

    workspace: Workspace
    target: TargetReport
    image: ImageFiles | None
    cache_root: Path
    jobs: int
    sandbox: SandboxMode
    scratch: Path
    kept: Path
    rebuild_command: tuple[str, ...]
    options: Options
    progress: Progress
    memory: dict[str, object] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The label of the target."""
        return self.target.label

    def once(self, key: str, make: Callable[[], Made]) -> Made:
        """Return what ``make`` makes, made at the first call with this ``key`` (a module's name)."""
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]  # type: ignore[return-value]  # one key, one type: that of `make`
