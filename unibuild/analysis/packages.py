"""External packages: every one that an action reads is pinned by a lock file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.external import lock
from unibuild.loading.workspace import LOCK_FILE
from unibuild.model.artifacts import Origin
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unibuild.analysis.targets import Target
    from unibuild.loading.workspace import Workspace
    from unibuild.model.actions import Action


def check_packages(
    actions: Sequence[Action], workspace: Workspace, target_of: Callable[[str], Target]
) -> list[UserError]:
    """Return one error for each external package that is not in a lock file."""
    users: dict[str, Action] = {}
    for action in actions:
        for artifact in action.inputs:
            if artifact.origin is Origin.PACKAGE:
                users.setdefault(artifact.purl, action)
    if not users:
        return []
    try:
        locked = lock.merge(_read_locks(workspace))
    except UserError as error:
        return [error]
    errors = []
    for purl, action in users.items():
        try:
            locked.find(purl)
        except UserError as error:
            target = target_of(action.label)
            set_here = target.attributes.model_fields_set
            named = [name for name in ("purl", "go_sum") if name in set_here]
            error.place = target.place(named[0] if named else None)
            errors.append(error)
    return errors


def _read_locks(workspace: Workspace) -> list[lock.Lock]:
    """Return the locks of the workspace and its repositories; errors name files as people do."""
    locks = []
    for repository, folder in workspace.repositories.items():
        try:
            locks.append(lock.read(folder / LOCK_FILE))
        except UserError as error:
            if error.place is not None:
                error.place = replace(error.place, file=workspace.shown(repository, LOCK_FILE))
            raise
    return locks
