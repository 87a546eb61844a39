"""Issue: two clones, different in path length, user, time, jobs, umask, zone, locale, file order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command import ROOT

pytestmark = [pytest.mark.network, pytest.mark.exclusive]

TARGETS = (
    *("//hello:image", "//services/dns:image", "//services/dns:dns"),
    "//services/web:image",
)
NOBODY = 65534


@dataclass(frozen=True)
class Variation:
    folder: Path
    jobs: int
    umask: int
    environment: dict[str, str]
    user: int | None
    reverse: bool


def test_two_clones_give_the_same_bytes(tmp_path: Path) -> None:
    memory = _memory_folder(tmp_path)
    short = Variation(
        folder=tmp_path / "a",
        jobs=1,
        umask=0o022,
        environment={"TZ": "Etc/GMT+12", "LC_ALL": "C"},
        user=None,
        reverse=False,
    )
    long = Variation(
        folder=memory / "a-folder-with-a-much-longer-name" / "and a space",
        jobs=3,
        umask=0o002,
        environment={"TZ": "Etc/GMT-14", "LC_ALL": "et_EE.UTF-8", "COLUMNS": "300"},
        user=NOBODY if os.geteuid() == 0 else None,
        reverse=True,
    )
    try:
        first = _build(short)
        second = _build(long)
    finally:
        shutil.rmtree(memory, ignore_errors=True)
    assert len(first) >= 6
    assert first == second


def _memory_folder(fallback: Path) -> Path:
    """A tmpfs lists a folder's entries in another order than a disk does."""
    shared = Path("/dev/shm")  # noqa: S108 - a file system, not a temporary file
    folder = Path(tempfile.mkdtemp(dir=shared if os.access(shared, os.W_OK) else fallback))
    folder.chmod(0o755)
    return folder


def _build(variation: Variation) -> dict[str, str]:
    """Clone, build with a cache of its own, and return the digest of every output."""
    checkout = _clone(variation)
    cache = variation.folder / "cache"
    cache.mkdir()
    if variation.user is not None:
        _give_away(variation.folder, variation.user)
    result = subprocess.run(
        [_interpreter(variation.user), "-m", "unibuild", "-C", str(checkout / "examples"), "build", "--json",
         "--jobs", str(variation.jobs), *TARGETS],
        env=_environment(variation, checkout, cache),
        umask=variation.umask,
        user=variation.user,
        group=variation.user,
        extra_groups=[] if variation.user is not None else None,
        cwd=variation.folder,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["actions"]["cached"] == 0
    return {
        output["path"]: output["digest"]
        for target in report["targets"]
        for output in target["outputs"]
    }


def _interpreter(user: int | None) -> str:
    """An interpreter of this version that ``user`` may run: ours may be in a private folder."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in (sys.executable, "/usr/bin/python3"):
        try:
            found = subprocess.run(
                [candidate, "-c", script], user=user, capture_output=True, text=True, check=False
            )
        except PermissionError:
            continue
        if found.stdout.strip() == wanted:
            return candidate
    pytest.fail(f"no Python {wanted} that user {user} may run")


def _environment(variation: Variation, checkout: Path, cache: Path) -> dict[str, str]:
    home = variation.folder / "home"
    home.mkdir(exist_ok=True)
    if variation.user is not None:
        os.chown(home, variation.user, variation.user)
    return {
        **os.environ,
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(checkout), sysconfig.get_path("purelib")]),
        "UNIBUILD_CACHE": str(cache),
        "NO_COLOR": "1",
        **variation.environment,
    }


def _clone(variation: Variation) -> Path:
    """Copy what git tracks, file by file, in the order of names or backwards."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    names = sorted((name for name in listed if name), reverse=variation.reverse)
    checkout = variation.folder / "checkout"
    for name in names:
        source = ROOT / name
        if not source.is_symlink() and not source.exists():
            continue
        target = checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target, follow_symlinks=False)
        if not source.is_symlink():
            target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    return checkout


def _give_away(folder: Path, user: int) -> None:
    for parent, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            os.lchown(Path(parent) / name, user, user)
