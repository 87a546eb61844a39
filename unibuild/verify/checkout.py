"""A copy of the workspace to rebuild in: what the graph reads and watches, and nothing else.

Other files of the folder (what Git ignores, editors' leftovers, a forgotten header) are not there, so
that an action that needs one fails in the rebuild rather than at whoever checks the sources out.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.execution.plan import SOURCE
from unibuild.loading.directories import WORKSPACE_FILE
from unibuild.loading.workspace import STANDARD_REPOSITORY
from unibuild.verify import ordinary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.loading.workspace import Workspace
    from unibuild.verify.workbench import Workbench


def copy_workspace(bench: Workbench, destination: Path) -> None:
    """Copy the main workspace's files to the new folder ``destination``.

    The standard repository stays where it is; the copy's WORKSPACE.toml says so where it must.
    """
    root = bench.workspace.root
    destination.mkdir(parents=True)
    for path in sorted(set(_read_and_watched(bench))):
        if not path.is_relative_to(root):
            continue
        place = destination / path.relative_to(root)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif path.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            shutil.copymode(path, place)
    write_settings(bench.workspace, destination / WORKSPACE_FILE)


def _read_and_watched(bench: Workbench) -> Iterator[Path]:
    kept = ordinary.kept(bench)
    for path in kept.watched:
        yield bench.workspace.root / path
    for artifact, kind in enumerate(kept.plan.kinds):
        if kind == SOURCE:
            yield Path(str(kept.plan.extra[artifact]))


def write_settings(workspace: Workspace, place: Path) -> None:
    """Write WORKSPACE.toml, the standard repository in it by its absolute path if it names one."""
    standard = workspace.repositories.get(STANDARD_REPOSITORY, workspace.root)
    text = workspace.text
    if workspace.settings.standard_repository:
        lines = text.splitlines(keepends=True)
        lines[workspace.place("standard_repository").line - 1] = ""
        text = "".join(lines)
    elif standard != workspace.root:
        place.write_text(text, encoding="utf-8")
        return
    if standard == workspace.root:
        standard = place.parent
    quoted = str(standard).replace("\\", "\\\\").replace('"', '\\"')
    place.write_text(f'standard_repository = "{quoted}"\n{text}', encoding="utf-8")
