from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.tree import write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """Return a function that writes files, given by path, and returns their folder."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        return write_tree(tmp_path / "workspace", files)

    return write
