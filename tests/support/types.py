"""Types of the shared fixtures."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Protocol


class Run(Protocol):
    """Runs the real program: ``run("build", "//a", cwd=folder)``."""

    def __call__(
        self, *arguments: str, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command line."""
