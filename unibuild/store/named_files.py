"""Files that the user named or owns: written aside and renamed, never half."""

from __future__ import annotations

import os
from pathlib import Path

from unibuild.model.errors import UserError


def replace_file(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` whole or not at all; ``unwritable`` when it cannot be.

    A file that exists keeps its mode, and a symbolic link stays one: its file is replaced. What is no
    file (``/dev/stdout``, a named pipe) is written to and never replaced.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(Path(os.path.realpath(path)), data)
    except OSError as error:
        raise UserError(
            id="unwritable",
            cause=f"cannot write {path}: {error.strerror}",
            hint="name a file in a directory that exists and that you may write to",
        ) from None


def _replace(path: Path, data: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    try:
        with aside.open("xb") as file:  # not through a link that somebody put there
            file.write(data)
        if path.exists():
            aside.chmod(path.stat().st_mode & 0o7777)
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
