"""Several machines of one team: each has a workspace and a local cache of its own, and one server."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from execution.project import Project, made, source

from unibuild.execution.request import BuildReport
from unibuild.store.remote.settings import Connection, Remote

FUNCTION = "sha256"


class Machine(Project):
    """One machine; ``declare`` writes the sources and actions that all machines have."""

    def __init__(
        self, place: Path, busybox: Path, url: str, declare: Callable[[Project], None], **team: Any
    ) -> None:
        place.mkdir()
        super().__init__(place / "workspace", place / "cache", busybox)
        declare(self)
        self.connection = Connection(url, timeout=20) if url else None
        self.set(**team)

    def set(self, **team: Any) -> None:
        """Change options of the build; those of ``Remote`` by their names."""
        of_remote = {"upload", "required", "jobs", "require_signed"} & team.keys()
        settings = {name: team.pop(name) for name in of_remote}
        if self.connection is None:
            self.team["remote"] = None
        elif settings or "remote" not in self.team:
            settings.setdefault("upload", True)
            execution = self.connection
            self.team["remote"] = Remote(self.connection, execution, **settings)
        self.team.setdefault("digest_function", FUNCTION)
        self.team |= team

    def connect(self, url: str) -> None:
        """Use another server, or none."""
        self.connection = Connection(url, timeout=20) if url else None
        self.team.pop("remote", None)
        self.set()

    def forget_local(self) -> None:
        """Empty the local cache, and nothing else."""
        shutil.rmtree(self.cache)

    def forget_all(self) -> None:
        """Make the machine as new: only sources are left."""
        self.forget_local()
        for name in ("unibuild-out", ".unibuild"):
            shutil.rmtree(self.root / name)

    def good(self, **options: object) -> BuildReport:
        """Build; nothing may fail."""
        report = self.build(**options)
        assert report.failures == ()
        return report

    def stored(self, kind: str = "blobs") -> set[str]:
        """Return the names of what the local cache holds."""
        base = self.cache / FUNCTION / kind
        return {path.name for path in base.glob("??/*") if not path.name.endswith(".stamps")}


Make = Callable[..., Machine]


def diamond(project: Project) -> None:
    """A big intermediate, a directory with an executable, and an end that is small."""
    project.write("text", "text\n")
    project.shell(
        "a", "cat text unique > unibuild-out/a; seq 1 60000 >> unibuild-out/a",
        (source("text"), source("unique")),
    )  # fmt: skip
    project.shell(
        "l", "head -n 1 unibuild-gen/a > unibuild-out/l; echo l >> unibuild-out/l", (made("a"),)
    )
    project.shell(
        "t",
        "mkdir -p unibuild-out/t/d; head -n 1 unibuild-gen/a > unibuild-out/t/d/r;"
        " echo 'echo ran' > unibuild-out/t/x; chmod +x unibuild-out/t/x; ln -s d/r unibuild-out/t/s",
        (made("a"),), (made("t", tree=True),),
    )  # fmt: skip
    project.shell(
        "end", "cat unibuild-gen/l unibuild-gen/t/s > unibuild-out/end; sh unibuild-gen/t/x",
        (made("l"), made("t", tree=True), source("unique")),
    )  # fmt: skip
    project.requested = ["//:end"]


END = "text\nl\ntext\n"
BIG = 300_000
"""Fewer bytes than the intermediate ``a`` of ``diamond`` has."""
