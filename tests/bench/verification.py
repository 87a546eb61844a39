"""What proving an image costs beside building it: prints the table, tests nothing.

    .venv/bin/python tests/bench/verification.py            V3, V4 and V5 of //services/dns:image
    .venv/bin/python tests/bench/verification.py --checks twice --runs 3

``clean build`` begins with an empty cache and no outputs (packages are fetched); each check is one
``unibuild verify --only``, the target being built. Seconds are wall time of the whole command, medians;
``times`` is that in clean builds, of which the issue allows 1.15 for V3 and 4 for all of V4;
``processor`` is user and system time without that of the actions. ``compared`` are actions and bytes of
outputs. Memory is the highest sum over the process tree, the actions' own
included, and without them. Other work on the machine shows in every figure: look at the load first.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import meter
import workspaces

if TYPE_CHECKING:
    from workspaces import Workspace

REACH = {"twice": 1.15, "varied": 4.0}
CHECKS = ("twice", "varied", "cache")


def clean_build(workspace: Workspace) -> meter.Usage:
    """Build from nothing but fetched packages; the outputs stay."""
    workspace.forget(fetched=True)
    used, report = workspace.build(workspaces.DNS_IMAGE, memory=True)
    if report["actions"]["cached"]:
        raise SystemExit(f"no clean build: {report['actions']}")
    return used


def check(workspace: Workspace, name: str) -> tuple[meter.Usage, dict[str, Any]]:
    """Do one check; return its cost and its facts."""
    used, report = workspace.measure("verify", "--only", name, workspaces.DNS_IMAGE, memory=True)
    (result,) = report["checks"]
    if result["status"] != "passed":
        raise SystemExit(f"{name}: {result}")
    return used, result["facts"]


def row(name: str, used: meter.Usage, clean: meter.Usage, facts: dict[str, Any]) -> str:
    """Return a line of the table."""
    compared = f"{facts['actions']:,} / {facts['bytes']:,}" if "actions" in facts else "-"
    times = used.seconds / clean.seconds
    reach = f"of {REACH[name]}" if name in REACH else ""
    return (
        f"{name:12} {used.seconds:8.2f} {times:6.2f} {reach:8} "
        f"{used.client:9.2f} {compared:>18} "
        f"{used.rss_mib:9.0f} {used.own_mib:9.0f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", default=",".join(CHECKS))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{arguments.jobs} jobs, load {load:.1f}, {arguments.runs} runs")
    head = f"{'':12} {'seconds':>8} {'times':>6} {'':8} {'processor':>9} "
    print(f"{head}{'actions / bytes':>18} {'MiB':>9} {'own MiB':>9}")
    with tempfile.TemporaryDirectory() as place:
        workspace = workspaces.dns_workspace(Path(place), arguments.jobs, "blake3")
        clean = meter.median([clean_build(workspace) for _ in range(arguments.runs)])
        print(row("clean build", clean, clean, {}), flush=True)
        for name in arguments.checks.split(","):
            found = [check(workspace, name) for _ in range(arguments.runs)]
            used = meter.median([one for one, _ in found])
            print(row(name, used, clean, found[-1][1]), flush=True)


if __name__ == "__main__":
    main()
