"""Where a mistake that a build found stands: execution knows labels and settings, not files.

The workspace is read only when there is such a mistake, so that a build from the kept graph, which
reads none, loses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.model.errors import ErrorGroup, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from unibuild.loading.workspace import Workspace
    from unibuild.model.errors import Place, UnibuildError
    from unibuild.store.remote.settings import Remote


def add_places(
    errors: Iterable[UnibuildError], read: Callable[[], Workspace], remote: Remote | None = None
) -> None:
    """Point each error that names a target or a setting at its place; ``read`` gives the workspace.

    ``remote`` is what the build used: a setting that the command line overrode is not at fault.
    """
    for error in errors:
        if error.place is not None:
            continue
        if error.setting:
            error.place = _setting_place(read(), error.setting, remote)
        elif error.label and isinstance(error, UserError):
            from unibuild.analysis.listing import place_of

            error.place = place_of(read(), error.label)


def of_raised(error: UnibuildError | ErrorGroup) -> tuple[UnibuildError, ...]:
    """Return the errors that were raised as one."""
    return error.errors if isinstance(error, ErrorGroup) else (error,)


def _setting_place(workspace: Workspace, setting: str, remote: Remote | None) -> Place | None:
    path = setting.split(".")
    table = workspace.settings.cache.remote
    used = remote.cache if remote is not None else None
    configured = table.url if table is not None else ""
    if path[:2] == ["cache", "remote"] and (used is None or used.url != configured):
        return None
    while path and not workspace.has(*path):
        path.pop()  # the table, where the setting itself is not written
    return workspace.place(*path) if path else None
