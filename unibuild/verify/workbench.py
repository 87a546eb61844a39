"""What a check works with: the built target or a file, folders to rebuild in, the user's options.

The command line makes one bench a run: a ``Workbench`` for a label, after it has built the target with
the ordinary cache, or a ``FileBench`` for an image file, which may lie outside any workspace. A check
whose subject is a label takes a ``Workbench``; one that serves both takes a ``Bench``. Checks share
costly intermediates by ``once``: the first to ask makes them, the next gets the same.
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
    """What the user asked beyond the label; empty means not asked.

    ``sources`` is a folder that has the sources which a provenance names, used instead of fetching them.
    ``everything``: all checks were asked for, and a check looks at all that it can.
    """

    vary: tuple[str, ...] = ()
    reference: str = ""
    provenances: tuple[Path, ...] = ()
    signed_by: tuple[str, ...] = ()
    threshold: int = 0
    policy: Path | None = None
    reproduced: int = 0
    hardening: str = "base"
    absent: Path | None = None
    sources: Path | None = None
    vsa: Path | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The three files of an image target, where the ordinary build put them.

    Of an image file that the user named, symbols and manifest may be absent: they are where a build
    puts them, beside it.
    """

    image: Path
    symbols: Path
    manifest: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One verification, whatever its subject.

    ``label`` is what messages call the subject: the target's label, or the file as the user named it.
    ``image`` is None for a target that is no image. ``scratch`` is an empty folder that is removed at
    the end; ``kept`` is where what differs is kept for the user, made by whoever needs it.
    ``rebuild_command`` starts the process that reads a ``RebuildRequest`` (see ``rebuild.py``).
    """

    label: str
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

    def once(self, key: str, make: Callable[[], Made]) -> Made:
        """Return what ``make`` makes, made at the first call with this ``key`` (a module's name)."""
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]  # type: ignore[return-value]  # one key, one type: that of `make`


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench(Bench):
    """One verification of ``target`` (built, up to date) in ``workspace``."""

    workspace: Workspace
    target: TargetReport


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBench(Bench):
    """One verification of an image file; ``image`` is never None."""

    image: ImageFiles
