"""The folder that a verification rebuilds in: its own, and gone afterwards however it ended.

Whoever works in a scratch folder holds its lock (flock), which the system lets go of when the process
ends. So the next verification knows which folders were left over by one that was killed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unibuild.model.errors import HostError
from unibuild.store.layout import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PREFIX = "scratch-"


@contextmanager
def scratch(parent: Path, *, keep: bool) -> Iterator[Path]:
    """Make an empty folder below ``parent``; unless it is to be kept, remove it at the end.

    What earlier verifications left in ``parent`` is removed first, also what they kept.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder, lock = _claimed(parent)
    except OSError as error:
        raise HostError(
            id="no-scratch",
            cause=f"cannot make a folder to rebuild in below {parent}: {error.strerror}",
            hint="verify writes beside the outputs of a build: the folder must be writable",
        ) from None
    try:
        _remove_left_over(parent, folder)
        yield folder
    finally:
        if not keep:
            remove_tree(str(folder))
        os.close(lock)


def _claimed(parent: Path) -> tuple[Path, int]:
    """Return a new folder and its lock; another verification may take it for left over till then."""
    while True:
        folder = parent / f"{_PREFIX}{secrets.token_hex(4)}"
        folder.mkdir()
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        if _locked(lock) and folder.is_dir():
            return folder, lock
        os.close(lock)


def _remove_left_over(parent: Path, own: Path) -> None:
    for path in parent.iterdir():
        if path == own:
            continue
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
            continue
        try:
            lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        if _locked(lock):
            remove_tree(str(path))
        os.close(lock)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
