"""With everything fetched, every verb works in a network namespace with nothing in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

pytestmark = [pytest.mark.network, pytest.mark.boot]

VERBS = (
    ("build", "//hello:image"),
    ("run", "//hello:image"),
    ("test", "//hello:all"),
    ("explain", "//hello:image"),
    ("why", "//hello:image", "kernel/console"),
    ("size", "//hello:image"),
    ("targets",),
    ("query", "deps(//hello:image)"),
    ("lock", "--check"),
    ("fetch",),
    ("schema", "build"),
    ("cache", "info"),
    ("doctor",),
    ("clean",),
    ("build", "//hello:image"),
)


def _alone(*arguments: str, cwd: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run in a fresh network namespace: not even loopback is up."""
    namespace = ["unshare", "--net"]
    if os.geteuid():  # without a mapping of its own user the namespace could hold no sandbox
        namespace += ["--user", "--map-current-user"]
    return subprocess.run(
        [*namespace, sys.executable, "-m", "unibuild", *arguments],
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            "UNIBUILD_CACHE": str(cache),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_all_verbs_work_without_a_network(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare(1) is not installed")
    examples = tmp_path / "examples"
    shutil.copytree(
        ROOT / "examples", examples, ignore=shutil.ignore_patterns("unibuild-out", ".unibuild")
    )
    cache = tmp_path / "cache"
    fetched = unibuild("fetch", cwd=examples, environment={"UNIBUILD_CACHE": str(cache)})
    assert fetched.returncode == 0, fetched.stderr
    for verb in VERBS:
        result = _alone(*verb, cwd=examples, cache=cache)
        assert result.returncode == 0, f"{verb}: {result.stderr}"


def test_without_the_packages_the_error_says_what_is_missing(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare(1) is not installed")
    (tmp_path / "WORKSPACE.toml").write_text('name = "empty"\n')
    (tmp_path / "BUILD.toml").write_text('[genrule.a]\nouts = ["a"]\ncmd = "echo > $@"\n')
    result = _alone("build", "//:a", cwd=tmp_path, cache=tmp_path / "cache")
    assert result.returncode == 3
    assert result.stderr.count("error[") == 1
    assert "busybox-static" in result.stderr
