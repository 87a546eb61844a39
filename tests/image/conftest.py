from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

# The hand-made ELF file is shared with the tests of the room below; test folders are no packages.
_spec = importlib.util.spec_from_file_location(
    "elf_fixtures", Path(__file__).parents[1] / "elf" / "conftest.py"
)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
linked = _module.linked
pvh_note = _module.pvh_note


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the workspace of small programs, for one module's tests to build in and edit."""
    copy = tmp_path_factory.mktemp("images") / "workspace"
    return shutil.copytree(Path(__file__).with_name("workspace"), copy)
