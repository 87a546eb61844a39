"""Judges from outside: reprotest and diffoscope, on PATH or in an environment made for them.

They are asked only where ``UNIBUILD_OUTSIDE_JUDGES`` is set, since they take minutes: to ``1`` (those
on PATH, else those of an environment in the user's cache folder, which is made when it is missing, as
``outside-judges.lock`` pins it) or to a folder that holds both programs. Both are run as programs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support.command import ROOT

from unibuild.cli.terminal import Terminal
from unibuild.cli.workspace import Composition
from unibuild.external import lock
from unibuild.store.cache import Cache

VARIABLE = "UNIBUILD_OUTSIDE_JUDGES"
LOCK = Path(__file__).with_name("outside-judges.lock")
TOOLS = ("readelf", "objdump", "xxd", "file", "faketime", "setarch", "taskset", "diff")
"""Programs that the judges start; without them they would see less and say so nowhere."""
_DIFFOSCOPE = "from diffoscope.main import main; main()"
_REPROTEST = """\
import importlib.resources as resources, sys
files = resources.files
resources.files = lambda package="reprotest": files(package)  # Python 3.11 has no default for it
from reprotest import main
sys.exit(main())
"""


class UnavailableError(Exception):
    """The judges cannot be asked; the text says why."""


@dataclass(frozen=True)
class Judges:
    """How the two programs are started."""

    reprotest: tuple[str, ...]
    diffoscope: tuple[str, ...]


def find() -> Judges:
    """Return the judges, made first where that was asked for."""
    chosen = os.environ.get(VARIABLE, "")
    if not chosen:
        raise UnavailableError(f"set {VARIABLE}=1 to let reprotest and diffoscope judge (minutes)")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise UnavailableError(f"the judges need {', '.join(missing)}")
    if chosen != "1":
        return _in(Path(chosen))
    on_path = shutil.which("reprotest"), shutil.which("diffoscope")
    if on_path[0] and on_path[1]:
        return Judges((on_path[0],), (on_path[1],))
    return _in(_environment() / "bin")


def _in(folder: Path) -> Judges:
    """Return those that a folder's Python finds; its scripts may name a folder of the past."""
    python = str(folder / "python3")
    wanted = "import diffoscope.main, libarchive, magic, reprotest"
    try:
        done = subprocess.run([python, "-c", wanted], capture_output=True, text=True, check=False)
    except OSError as error:
        raise UnavailableError(f"{python}: {error.strerror}") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        raise UnavailableError(f"{python} does not find the judges: {reason}")
    return Judges((python, "-c", _REPROTEST), (python, "-c", _DIFFOSCOPE))


def _environment() -> Path:
    """Return the environment of the lock, filled aside and renamed, so that it is whole."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unibuild-judges"
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    place = base / digest[:16]
    base.mkdir(parents=True, exist_ok=True)
    with (base / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if place.is_dir():
            return place
        aside = Path(tempfile.mkdtemp(prefix=".making-", dir=base))
        try:
            _fill(aside)
            aside.rename(place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return place


def _fill(folder: Path) -> None:
    """Install what the lock names: what builds first, so that the judges are built with just that."""
    pip = (str(folder / "bin" / "python3"), "-m", "pip", "install", "--quiet", "--no-input",
           "--disable-pip-version-check", "--require-hashes", "--no-deps")  # fmt: skip
    parts = [folder / "build.lock", folder / "judges.lock"]
    commands = [
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "-r", str(parts[0])],
        [*pip, "--no-build-isolation", "-r", str(parts[1])],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no words"])[-1]
            raise UnavailableError(f"the judges cannot be installed: {reason}")
        for part, text in zip(parts, LOCK.read_text().split("# judges\n"), strict=True):
            part.write_text(text)


def seed(cache: Path) -> None:
    """Put the packages that images need into the new ``cache``, from that of whoever tests."""
    usual = Composition.of(ROOT, Terminal()).cache_root
    opened = Cache(str(cache), "blake3", lambda _: None)
    try:
        for files in lock.read(ROOT / "unibuild.lock").packages.values():
            for file in files:
                blob = usual / "blake3" / "blobs" / file.blake3[:2] / file.blake3
                if blob.is_file():
                    opened.content.put_copy(str(blob))
    finally:
        opened.close()
