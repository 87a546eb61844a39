"""Copies of the checkout, as a fresh clone would have it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def files() -> list[str]:
    """Return what git tracks, or would with the next commit, below the checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [name for name in listed.split("\0") if name and os.path.lexists(ROOT / name)]


def copy_to(target: Path, *names: str) -> Path:
    """Copy the checkout, or only the files and folders named, into ``target``."""
    for name in files():
        if names and not any(name == one or name.startswith(f"{one}/") for one in names):
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name, follow_symlinks=False)
    return target
