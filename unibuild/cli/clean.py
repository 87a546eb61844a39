"""Delete unibuild-out/ and .unibuild/ (the kept graph) of this workspace.

The cache stays: the next build links everything from there again. To empty the cache, use
'unibuild cache gc --max-size 0'.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from unibuild.model.artifacts import OUTPUT_PREFIX
from unibuild.model.errors import HostError

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(_parser: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def execute(_arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Delete the outputs of the workspace around the current directory."""
    from pathlib import Path

    from unibuild.loading.workspace import find_workspace

    root = find_workspace(Path.cwd())
    folders = [root / name for name in (OUTPUT_PREFIX, ".unibuild") if (root / name).exists()]
    try:
        for folder in folders:
            shutil.rmtree(folder)
    except OSError as error:
        raise HostError(
            id="clean-failed",
            cause=f"cannot delete {error.filename}: {error.strerror}",
            hint="another user may own it, or a file in it may be in use",
        ) from None
    names = " and ".join(f"{folder.name}/" for folder in folders)
    terminal.note(f"deleted {names}" if folders else "nothing to clean")
    return 0
