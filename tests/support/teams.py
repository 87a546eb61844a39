"""A small workspace that builds with the team's cache, and colleagues with caches of their own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from support.command import unibuild

BUILD = """\
[genrule.first]
srcs = ["words"]
outs = ["first"]
cmd = "tr a-z A-Z < $(location words) > $@"

[genrule.second]
srcs = [":first"]
outs = ["second"]
cmd = "cat $(location :first) $(location :first) > $@"
"""


@dataclass
class Team:
    """A workspace in ``folder``; ``run`` types a command as one of the team."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the workspace; its words make its actions its own."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "BUILD.toml").write_text(BUILD)
        (self.root / "words").write_text(f"words of {self.folder.name}\n")

    @property
    def root(self) -> Path:
        """The workspace."""
        return self.folder / "workspace"

    def use(self, url: str, *lines: str, digest: str = "sha256", execution: str = "") -> None:
        """Write a WORKSPACE.toml that names the cache at ``url``, with more lines in its table."""
        table = "\n".join((f'url = "{url}"', *lines))
        more = f"[execution.remote]\n{execution}\n" if execution else ""
        (self.root / "WORKSPACE.toml").write_text(
            f'name = "team"\ndigest = "{digest}"\n\n[cache.remote]\n{table}\n{more}'
        )

    def run(
        self, *arguments: str, who: str = "me", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with the local cache and the keys of ``who``."""
        own = {
            "UNIBUILD_CACHE": str(self.folder / f"cache-of-{who}"),
            "XDG_CONFIG_HOME": str(self.folder / f"configuration-of-{who}"),
        }
        return unibuild(*arguments, cwd=self.root, environment=own | self.environment | environment)
