from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from execution.project import Project
from support.command import unibuild


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static shell that the standard repository pins, fetched and unpacked by unibuild."""
    root = tmp_path_factory.mktemp("busybox")
    (root / "WORKSPACE.toml").write_text('name = "busybox"\n', encoding="utf-8")
    done = unibuild("build", "--json", "@unibuild//toolchains/busybox:package", cwd=root)
    assert done.returncode == 0, done.stderr
    (output,) = json.loads(done.stdout)["targets"][0]["outputs"]
    return root / output["path"] / "bin" / "busybox"


@pytest.fixture
def project(tmp_path: Path, busybox: Path) -> Project:
    return Project(tmp_path / "workspace", tmp_path / "cache", busybox)


@pytest.fixture
def another(tmp_path: Path, busybox: Path) -> Callable[[str], Project]:
    """Makes further workspaces that share the cache."""

    def make(name: str) -> Project:
        return Project(tmp_path / name, tmp_path / "cache", busybox)

    return make
