from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import unibuild


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``unibuild`` in ``tmp_path`` unless told otherwise."""

    def call(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return unibuild(*arguments, cwd=cwd or tmp_path)

    return call
