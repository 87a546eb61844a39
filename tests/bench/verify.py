"""Measure ``unibuild verify``: its rebuilds (V3, V4, V5) against one clean build of the DNS image.

    python3 tests/bench/verify.py [--runs N] [--jobs N] [--label LABEL] [--checks twice,varied,cache]

A clean build begins with what was fetched and nothing else, as the rebuilds do; medians of wall time.
``times`` is the check's own time divided by that of the clean build: V3 is to be at most 1.15, V4, which
builds twice side by side under all variations that this machine can do, at most 4. V5 alone makes V3's
rebuild too; together they share it. Memory is the highest
resident sum, sampled every 20 ms: of the verifying process alone, of the process tree without the
actions, and of all. Other work on the machine shows in every figure: look at the load first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import workspaces

if TYPE_CHECKING:
    import meter

CHECKS = {"twice": ("V3 twice", 1.15), "varied": ("V4 varied", 4.0), "cache": ("V5 cache", None)}


class Measured(NamedTuple):
    """One check's run: the process's cost, and the check as the report has it."""

    used: meter.Usage
    check: dict[str, Any]


def clean_build(workspace: workspaces.Workspace, label: str) -> tuple[float, int]:
    """Return how long a build from nothing takes, and how many actions it has."""
    workspace.forget(fetched=True)
    used, report = workspace.build(label)
    actions = report["actions"]
    if actions["executed"] != actions["total"]:
        sys.exit(f"the clean build was none: {actions}")
    return used.seconds, actions["total"]


def verification(workspace: workspaces.Workspace, label: str, check: str) -> Measured:
    """Return the cost and the result of one check of the built target."""
    used, report = workspace.measure("verify", f"--only={check}", label, memory=True)
    (found,) = report["checks"]
    if found["status"] != "passed":
        sys.exit(f"{check}: {found['summary']}")
    return Measured(used, found)


def not_done(check: dict[str, Any]) -> str:
    """Return which variations were not done, with the reason."""
    rows = check["facts"].get("variations", {}).items()
    return "; ".join(f"{name}: {row['reason']}" for name, row in rows if row["status"] != "passed")


def show(title: str, runs: list[Measured], clean: float, reach: float | None) -> None:
    """Print one check's rows."""
    seconds = statistics.median(run.check["seconds"] for run in runs)
    peaks = [max(sizes) for sizes in zip(*map(_memory, runs), strict=True)]
    facts = runs[-1].check["facts"]
    wanted = "" if reach is None else f" (<= {reach})"
    verdict = "" if reach is None or seconds <= reach * clean else "  MISSED"
    print(f"{title:16}{seconds:8.2f} s  {seconds / clean:5.2f} times{wanted}{verdict}")
    if "actions" in facts:
        print(f"{'':16}{facts['actions']:,} actions and {facts['bytes']:,} bytes compared")
    print(
        f"{'':16}MiB at most: {peaks[0]:.0f} verify, {peaks[1]:.0f} with rebuilds, {peaks[2]:.0f} all"
    )
    left = not_done(runs[-1].check)
    if left:
        print(f"{'':16}not varied: {left}")


def _memory(run: Measured) -> tuple[float, float, float]:
    return run.used.root_mib, run.used.own_mib, run.used.rss_mib


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--label", default=workspaces.DNS_IMAGE)
    parser.add_argument("--checks", default=",".join(CHECKS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
        workspace = workspaces.dns_workspace(Path(place), options.jobs, "blake3")
        before = os.getloadavg()[0]
        builds = [clean_build(workspace, options.label) for _ in range(options.runs)]
        clean = statistics.median(seconds for seconds, _ in builds)
        print(f"{options.label}, {builds[0][1]} actions; load {before:.1f}, {options.jobs} jobs")
        print(f"{'clean build':16}{clean:8.2f} s")
        for check in options.checks.split(","):
            title, reach = CHECKS[check]
            runs = [verification(workspace, options.label, check) for _ in range(options.runs)]
            show(title, runs, clean, reach)


if __name__ == "__main__":
    main()
