"""Files that the user named or owns: written aside and renamed, never half."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` whole or not at all; ``unwritable`` when it cannot be.

    A file that exists keeps its mode.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(data)
        if path.exists():
            aside.chmod(path.stat().st_mode & 0o7777)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise UserError(
            id="unwritable",
            cause=f"cannot write {path}: {error.strerror}",
            hint="name a file in a directory that exists and that you may write to",
        ) from None
