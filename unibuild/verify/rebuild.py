"""Rebuilding in a process of its own: what it is asked, how it is started, what it left.

The process (``unibuild.cli.rebuild``) reads a ``RebuildRequest`` from a JSON file, builds like
``unibuild build`` does but in the cache, order and surroundings that the request names, and writes an
execution log line by line while it goes on (``unibuild.execution.execution_log``). Being a process, it
can have another environment, user, clock or folder; being asked by a file, it needs no options that a
user could mistake for his own.

What the build raised is left beside the log, in ``error_file``, as a JSON list of objects with ``kind``
(the class), ``id``, ``cause``, ``hint``, ``detail`` and ``label``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from unibuild.model import errors
from unibuild.model.errors import ErrorGroup, InternalError, UnibuildError

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

    def write(self, path: Path) -> None:
        """Write the request as JSON; all its paths are absolute."""
        plain = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(self).items()
        }
        path.write_text(json.dumps(plain, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> RebuildRequest:
        """Return the request at ``path``, as ``write`` wrote it."""
        plain = json.loads(path.read_text(encoding="utf-8"))
        packages = plain.pop("packages")
        return cls(
            workspace=Path(plain.pop("workspace")),
            cache=Path(plain.pop("cache")),
            log=Path(plain.pop("log")),
            packages=None if packages is None else Path(packages),
            supervisor=tuple(plain.pop("supervisor")),
            **plain,
        )


def error_file(log: Path) -> Path:
    """Return where a rebuild leaves what it raised."""
    return log.with_name(f"{log.name}.error")


def write_errors(log: Path, raised: tuple[UnibuildError, ...]) -> None:
    """Leave errors for whoever started the rebuild."""
    plain = [
        {
            "kind": type(error).__name__,
            "id": error.id,
            "cause": str(error),
            "hint": error.hint,
            "detail": error.detail,
            "label": error.label,
        }
        for error in raised
    ]
    error_file(log).write_text(json.dumps(plain, indent=1), encoding="utf-8")


def read_errors(log: Path) -> UnibuildError | ErrorGroup | None:
    """Return what a rebuild left as its error, to be raised, or nothing."""
    path = error_file(log)
    if not path.exists():
        return None
    found = tuple(map(_error, json.loads(path.read_text(encoding="utf-8"))))
    return found[0] if len(found) == 1 else ErrorGroup(found)


def _error(plain: dict[str, object]) -> UnibuildError:
    kind = cast("type[UnibuildError]", getattr(errors, str(plain["kind"]), InternalError))
    detail = cast("list[str]", plain["detail"])
    return kind(
        id=str(plain["id"]),
        cause=str(plain["cause"]),
        hint=str(plain["hint"]),
        detail=tuple(detail),
        label=str(plain["label"]),
    )
