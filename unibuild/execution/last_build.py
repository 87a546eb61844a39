"""What the last build began with and what ran in it, put aside for ``rebuilt``.

Most builds are never asked about, so this costs two renames and one small file; all comparing waits
until somebody asks. In ``.unibuild/``, a request:

    ran-KEY         when the last build was and what ran in it
    before-KEY      the state (values of all artefacts) that it began with
    beforegraph-KEY the plan of that state, unless it is still the kept one

Rules of use: ``set_graph_aside`` before a new graph is kept, ``set_state_aside`` before a state is, and
``note`` after it.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from unibuild.execution.kept_graph import STATE_DIRECTORY, dump, file_name
from unibuild.execution.plan import shown_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.execution.plan import Plan, Record


def path_of(workspace_root: str, key: str, kind: str) -> str:
    """Return the path of a kept file of a request."""
    return f"{workspace_root}/{STATE_DIRECTORY}/{file_name(kind, key)}"


def set_graph_aside(workspace_root: str, key: str) -> None:
    """Keep the graph of the last complete build, which a new one is about to replace."""
    if os.path.exists(path_of(workspace_root, key, "check")):  # else that build was killed
        _move(workspace_root, key, "graph", "beforegraph")


def set_state_aside(workspace_root: str, key: str) -> None:
    """Keep the state of the last build, which that of this one is about to replace."""
    _move(workspace_root, key, "state", "before")


def _move(workspace_root: str, key: str, kind: str, aside_kind: str) -> None:
    aside = path_of(workspace_root, key, aside_kind)
    # Renaming over a file makes some file systems write the new one out first: it costs 20 ms.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(aside)
    with contextlib.suppress(FileNotFoundError):
        os.rename(path_of(workspace_root, key, kind), aside)


def note(workspace_root: str, key: str, plan: Plan, executed: Iterable[int]) -> None:
    """List what ran in the build that has just been kept."""
    ran = [plan.paths[plan.outputs[index][0]] for index in executed if plan.outputs[index]]
    dump(path_of(workspace_root, key, "ran"), key, (time.time(), ran, []))


def note_asked(workspace_root: str, key: str, plan: Plan, executed: Iterable[int]) -> None:
    """List what ran because it was asked for by name; nothing else is kept of such a build."""
    asked = []
    for record in map(plan.record, executed):
        if record.outputs:
            output = shown_path(plan, record.outputs[0])
            asked.append((record.label, record.mnemonic, output))
    dump(path_of(workspace_root, key, "ran"), key, (time.time(), [], asked))


def history_key(plan: Plan, record: Record) -> str:
    """Return the name of an action's step in the team's cache, "" when it makes nothing."""
    if not record.outputs:
        return ""
    from hashlib import sha256

    output = plan.paths[record.outputs[0]]
    return sha256(f"{record.label}\0{output}".encode()).hexdigest()
