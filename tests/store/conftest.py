from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from unibuild.store.cache import Cache


class Opened(Cache):
    """A cache in a temporary directory that remembers what it noted."""

    def __init__(self, root: Path, function: str = "blake3") -> None:
        self.root = root
        self.notes: list[str] = []
        super().__init__(str(root), function, self.notes.append)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(tmp_path / "cache")
    yield opened
    opened.close()
