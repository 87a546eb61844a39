from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.tree import write_tree

from unibuild.analysis.analyse import analyse
from unibuild.loading.workspace import Workspace, read_workspace
from unibuild.model.actions import ActionGraph


class Sample:
    """A workspace made of a small dict, and what analysis makes of it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def workspace(self) -> Workspace:
        return read_workspace(self.root)

    def analyse(self, *patterns: str, **options: str) -> ActionGraph:
        return analyse(self.workspace, patterns, **options)  # type: ignore[arg-type]


@pytest.fixture
def sample(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Sample]:
    """Return a function that makes a workspace of ``files``, its WORKSPACE.toml supplied."""

    def make(files: Mapping[str, str | bytes]) -> Sample:
        defaults = {"WORKSPACE.toml": 'name = "sample"\n'}
        return Sample(write_tree(tmp_path / "sample", {**defaults, **files}))

    return make
