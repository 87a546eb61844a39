from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from verify import rebuilds
from verify.rebuilds import GOOD, Small


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that has the shell's package and nothing else."""
    cache = tmp_path_factory.mktemp("seeded") / "cache"
    rebuilds.seed(cache)
    return cache


@pytest.fixture
def small(tmp_path: Path, seeded: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Small]:
    """Makes a small workspace with a cache of its own."""

    def make(build_text: str = GOOD, **more: object) -> Small:
        cache = tmp_path / "cache"
        shutil.copytree(seeded, cache)
        monkeypatch.setenv("UNIBUILD_CACHE", str(cache))
        return Small(tmp_path / "workspace", cache, tmp_path / "scratch", build_text, **more)  # type: ignore[arg-type]

    return make
