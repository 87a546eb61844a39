"""Run the conformance suite as its user does: a program of its own (a test process that forks
couriers must not hold gRPC's threads)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.command import ROOT
from support.servers import Server


@dataclass(frozen=True, slots=True)
class Examination:
    """What the program said and how it ended; ``outcomes`` by the names of the checks."""

    status: int
    error: str
    verdicts: tuple[dict[str, Any], ...]

    @property
    def outcomes(self) -> dict[str, str]:
        """Return the outcome of each check."""
        return {verdict["name"]: verdict["outcome"] for verdict in self.verdicts}

    @property
    def unusual(self) -> dict[str, str]:
        """Return what does not simply pass."""
        return {name: outcome for name, outcome in self.outcomes.items() if outcome != "passes"}

    def detail(self, name: str) -> str:
        """Return what a check has to say."""
        return next(str(verdict["detail"]) for verdict in self.verdicts if verdict["name"] == name)


def words(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program with any words."""
    return subprocess.run(
        [sys.executable, "-m", "cache.conformance", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def examine(
    server: Server | str,
    *options: object,
    digest: str = "sha256",
    token: str = "",
    environment: Mapping[str, str] | None = None,
) -> Examination:
    """Examine a server, with the credentials that it was started with."""
    arguments = [*options, f"--digest={digest}", "--json"]
    if isinstance(server, Server):
        for name in ("ca", "certificate", "key"):
            if value := getattr(server, name):
                arguments += [f"--{name}={value}"]
        server = server.url
    variables = dict(environment or {})
    if token:
        arguments.append("--token-variable=EXAMINERS_TOKEN")
        variables["EXAMINERS_TOKEN"] = token
    done = words(server, *arguments, **variables)
    document = json.loads(done.stdout) if done.stdout else {"verdicts": ()}
    return Examination(done.returncode, done.stderr, tuple(document["verdicts"]))
