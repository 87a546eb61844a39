"""What a verification works on: a target, built first, or an image file that needs no workspace."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.cli.verification_choice import is_file, options_of
from unibuild.cli.workspace import Composition, cache_root
from unibuild.model.errors import UserError
from unibuild.verify.report import Subject
from unibuild.verify.workbench import Bench, FileBench, ImageFiles, Workbench

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from unibuild.cli.terminal import Terminal
    from unibuild.execution.request import TargetReport
    from unibuild.verify.outcome import Progress

_STATE = ".unibuild/verify"
_KEPT_BESIDE = "unibuild-verify"
"""Where what differs is kept for a file, which has no workspace: below the current folder."""
_REBUILD = (sys.executable, "-m", "unibuild.cli.rebuild")
_MANIFEST, _SYMBOLS = ".manifest.json", ".symbols"


@dataclass(frozen=True, slots=True)
class Prepared:
    """The subject, the folder below which to rebuild, and what makes the bench once that is there."""

    subject: Subject
    scratch: Path
    bench: Callable[[Path, Progress], Bench]


def prepare(arguments: argparse.Namespace, terminal: Terminal) -> Prepared:
    """Build the label that ``arguments`` name, or look at the file."""
    return _of_file(arguments) if is_file(arguments.subject) else _of_label(arguments, terminal)


def _of_label(arguments: argparse.Namespace, terminal: Terminal) -> Prepared:
    asked = options_of(arguments)
    composition = Composition.here(terminal)
    target = composition.build_one(arguments, arguments.subject)
    root = composition.workspace.root
    image = _image_files(root, target)

    def bench(scratch: Path, progress: Progress) -> Bench:
        return Workbench(
            label=target.label,
            image=image,
            cache_root=composition.cache_root,
            jobs=arguments.jobs,
            sandbox=arguments.sandbox,
            scratch=scratch,
            kept=root / _STATE,
            rebuild_command=_REBUILD,
            options=asked,
            progress=progress,
            workspace=composition.workspace,
            target=target,
        )

    file = composition.shown(str(image.image)) if image else ""
    digest = sha256_of(image.image) if image else ""
    return Prepared(Subject(target.label, file, digest), root / _STATE, bench)


def _of_file(arguments: argparse.Namespace) -> Prepared:
    asked = options_of(arguments)
    path = Path(arguments.subject).absolute()
    if not path.is_file():
        raise UserError(
            id="missing-file",
            cause=f"there is no file {arguments.subject}",
            hint="name an image file, or a label such as //services/dns:image",
        )
    image = ImageFiles(path, path.with_suffix(_SYMBOLS), path.with_suffix(_MANIFEST))
    root = cache_root()

    def bench(scratch: Path, progress: Progress) -> Bench:
        return FileBench(
            label=arguments.subject,
            image=image,
            cache_root=root,
            jobs=arguments.jobs,
            sandbox=arguments.sandbox,
            scratch=scratch,
            kept=Path.cwd() / _KEPT_BESIDE,
            rebuild_command=_REBUILD,
            options=asked,
            progress=progress,
        )

    return Prepared(Subject("", arguments.subject, sha256_of(path)), root / "verify", bench)


def _image_files(root: Path, target: TargetReport) -> ImageFiles | None:
    """Return where an image target's files are, as its rule says; None for any other target."""
    if target.facts.get("runnable") != "image":
        return None
    manifest = root / str(target.facts["manifest"])
    symbols = manifest.with_name(manifest.name.removesuffix(_MANIFEST) + _SYMBOLS)
    return ImageFiles(root / str(target.facts["artifact"]), symbols, manifest)


def sha256_of(path: Path) -> str:
    """Return ``sha256:HEX`` of a file, by which others know it."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise UserError(
            id="unreadable",
            cause=f"cannot read {path}: {error.strerror}",
            hint="name a readable file",
        ) from None
