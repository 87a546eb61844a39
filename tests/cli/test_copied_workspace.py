"""A workspace that was copied or moved with all that it keeps builds from its own sources."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.types import Run

pytestmark = pytest.mark.network

BUILD = """\
[genrule.upper]
srcs = ["words"]
outs = ["upper"]
cmd = "tr a-z A-Z < $< > $@"
"""


def built(run: Run, root: Path) -> str:
    done = run("build", "//:upper", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    return (root / "unibuild-out" / "upper").read_text()


@pytest.mark.parametrize("carry", [shutil.copytree, shutil.move])
def test_it_is_built_from_its_own_sources(
    run: Run, tmp_path: Path, carry: Callable[[Path, Path], object]
) -> None:
    original, other = tmp_path / "original", tmp_path / "other"
    original.mkdir()
    (original / "WORKSPACE.toml").write_text('name = "original"\n')
    (original / "BUILD.toml").write_text(BUILD)
    (original / "words").write_text("first\n")
    assert built(run, original) == "FIRST\n"
    carry(original, other)
    assert built(run, other) == "FIRST\n"
    (other / "words").write_text("second\n")
    assert built(run, other) == "SECOND\n"
