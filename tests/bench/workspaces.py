"""Workspaces and local caches for measuring builds with a remote cache.

``Synthetic`` is the generated graph under SHA-256, the one function that packaged servers have.
``dns_workspace`` is a copy of ``examples/`` under SHA-256. Local caches are new directories; those
that have to build something begin with what the user's cache has fetched already, so that no
measured run uses the network.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import meter
import synthetic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
UB = REPOSITORY / "ub"
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from unibuild.external import lock  # noqa: E402 - the repository's own code
from unibuild.external.packages import digest_of  # noqa: E402
from unibuild.store.layout import Layout  # noqa: E402

DNS_IMAGE = "//services/dns:image"


class Workspace:
    """A workspace at ``root`` with local caches at ``place``; the environment names no server."""

    def __init__(self, root: Path, place: Path, jobs: int) -> None:
        """Use what is at ``root``."""
        self.root = root
        self.jobs = jobs
        self.cache = place / "cache"

    def build(
        self,
        *arguments: str,
        servers: Sequence[int] = (),
        memory: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[meter.Usage, dict[str, Any]]:
        """Run ``unibuild build --json``; return its cost and what it reported."""
        return self.measure(
            "build", *arguments, servers=servers, memory=memory, environment=environment
        )

    def measure(
        self,
        verb: str,
        *arguments: str,
        servers: Sequence[int] = (),
        memory: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[meter.Usage, dict[str, Any]]:
        """Run a verb that takes build options with ``--json``; return its cost and its report."""
        command = [
            str(UB), "-C", str(self.root), verb, "--json", f"--jobs={self.jobs}", *arguments,
        ]  # fmt: skip
        used = meter.run(
            command, cwd=self.root, environment=self._environment(environment), servers=servers,
            memory=memory,
        )  # fmt: skip
        return used, _last_object(used.text)

    def command(self, *arguments: str) -> None:
        """Run another verb, which is not measured."""
        command = [str(UB), "-C", str(self.root), *arguments]
        meter.run(command, cwd=self.root, environment=self._environment(None))

    def keep(self, cache: Path) -> None:
        """Use ``cache`` as the local cache; it ends at the next ``forget``."""
        meter.put_away(self.cache, self.cache.parent)
        cache.rename(self.cache)

    def _environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        own = {
            "UNIBUILD_CACHE": str(self.cache),
            "NO_COLOR": "1",
        }
        kept = {name: text for name, text in os.environ.items() if name != "UNIBUILD_REMOTE_CACHE"}
        return {**kept, **own, **(more or {})}

    def forget(self, *, fetched: bool) -> None:
        """Forget the workspace's outputs and state and the local cache; ``fetched`` files may stay."""
        for path in (self.root / "unibuild-out", self.root / ".unibuild", self.cache):
            meter.put_away(path, self.cache.parent)
        if fetched:
            seed(self.cache)


class Synthetic(Workspace):
    """The generated graph of ``count`` actions."""

    def __init__(self, place: Path, count: int, jobs: int) -> None:
        """Write it below ``place``."""
        root = place / f"synthetic-{count}"
        root.mkdir(parents=True)
        super().__init__(root, place, jobs)
        self.graph = synthetic.nodes(count)
        synthetic.write_sources(root, self.graph)
        synthetic.write_unibuild(root, self.graph)
        (root / "WORKSPACE.toml").write_text('name = "synthetic"\ndigest = "sha256"\n')
        self._edits = 0
        time.sleep(0.1)  # files younger than a clock tick would be read twice

    def edit_leaf(self) -> None:
        """Change a source that one action reads."""
        self._edits += 1
        leaf = self.graph[-1]
        text = synthetic.source_text(leaf, body=f"edit {self._edits}")
        (self.root / leaf.package / f"{leaf.name}.txt").write_text(text, encoding="ascii")
        time.sleep(0.03)


def dns_workspace(place: Path, jobs: int, digest: str = "sha256") -> Workspace:
    """Copy ``examples/`` below ``place``, with SHA-256 unless told otherwise."""
    root = place / "examples"
    ignored = shutil.ignore_patterns("unibuild-out", ".unibuild")
    shutil.copytree(REPOSITORY / "examples", root, ignore=ignored, symlinks=True)
    settings = root / "WORKSPACE.toml"
    settings.write_text(settings.read_text() + f'\ndigest = "{digest}"\n')
    return Workspace(root, place, jobs)


def user_cache() -> Path:
    """Return the local cache that unibuild uses by default."""
    named = os.environ.get("UNIBUILD_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else (Path(base) if base else Path.home() / ".cache") / "unibuild"


def seed(cache: Path) -> None:
    """Link what the user's cache has fetched into a new cache, under the names of both functions."""
    functions = ("blake3", "sha256")
    for locked in (REPOSITORY / "unibuild.lock", REPOSITORY / "examples" / "unibuild.lock"):
        packages = lock.read(locked).packages if locked.exists() else {}
        for file in (file for files in packages.values() for file in files):
            had, new = (
                [
                    Path(Layout(str(base), function).path("blobs", digest_of(file, function).hash))
                    for function in functions
                ]
                for base in (user_cache(), cache)
            )
            for source in [path for path in had if path.exists()][:1]:
                for target in new:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _link(source, target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _last_object(text: str) -> dict[str, Any]:
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            found: dict[str, Any] = json.loads(line)
            return found
    return {}
