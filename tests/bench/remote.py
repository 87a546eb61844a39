"""Builds with a remote cache, beside Bazel 4 with the same servers: prints tables, tests nothing.

    .venv/bin/python tests/bench/remote.py                       everything, 8 minutes when idle
    .venv/bin/python tests/bench/remote.py warm image --runs 5   some parts
    .venv/bin/python tests/bench/remote.py --without-bazel --json

Needs what ``./check`` installs (the servers) and fetches (the toolchains); what is missing is said
and its part left out. Bazel is Debian's ``bazel-bootstrap`` (4.2.3, no server of its own needed).

warm         N actions, all found in the remote cache by a machine that has nothing; three ways of
             bringing outputs. Bazel once without its daemon, else with it (after ``clean``).
             Nix' figure in papers fetches the last layer only: compare it with ``last layer``.
upload       the first build with upload over the same build without
image        the DNS image of examples/ from a warm cache: seconds, and bytes on the wire as counted
             by a relay between client and server
memory       client memory at 10,000 actions. PSS counts: the courier and built-in actions are forks, whose
             pages a sum of RSS counts several times (``own`` is without the actions' processes)
zstd         a toolchain's real files through the courier, in MB/s of content (bazel-remote has zstd)
execution    actions run by casd's workers
idle         null and leaf builds with a remote cache configured, and without
unreachable  seconds that a server adds that refuses, or accepts and never answers

All on loopback; whole processes; medians of interleaved runs. ``cpu`` is user plus system time of
the client, courier or daemon included, ``server`` that of the server; on a busy machine they are
the figures to compare, not the seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import bazel
import remote_builds
import remote_transfers
from remote_bench import Bench, MissingError, Row

PARTS = {
    "upload": remote_builds.upload,
    "warm": remote_builds.warm,
    "image": remote_builds.image,
    "zstd": remote_transfers.zstd,
    "execution": remote_builds.execution,
    "idle": remote_builds.idle,
    "unreachable": remote_builds.unreachable,
    "memory": remote_builds.memory,
}


def show(part: str, rows: list[Row]) -> None:
    """Print one part as a table; a column is every measure that a row has."""
    names = list(dict.fromkeys(name for row in rows for name in row.measures))
    width = max(len(row.what) for row in rows)
    print(f"\n{part}; load {os.getloadavg()[0]:.1f}")
    print(" " * width + "".join(f" | {name}" for name in names) + " | reach")
    for row in rows:
        cells = [_cell(row.measures.get(name)).rjust(len(name)) for name in names]
        print(row.what.ljust(width) + "".join(f" | {cell}" for cell in cells) + f" | {row.reach}")
    sys.stdout.flush()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--runs", type=int, default=3, help="runs of each cell (default 3)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--size", type=int, default=1000, help="actions (default 1,000)")
    parser.add_argument("--memory-size", type=int, default=10_000, help="actions of part memory")
    parser.add_argument("--servers", default="casd,bazel-remote,buildgrid", help="for part warm")
    parser.add_argument("--without-bazel", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    result: dict[str, Any] = {"cpus": os.cpu_count()}
    why = "left out as asked" if options.without_bazel else bazel.missing()
    if why:
        print(f"without Bazel: {why}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="unibuild-bench-") as place, ExitStack() as opened:
        os.environ["XDG_CONFIG_HOME"] = place  # a signing key of its own
        bench = Bench(Path(place), opened, options, with_bazel=not why)
        for part in [part for part in PARTS if part in options.parts] or PARTS:
            try:
                rows = PARTS[part](bench)
            except MissingError as missing:
                print(f"{part}: left out: {missing}", file=sys.stderr)
                continue
            result[part] = [row._asdict() for row in rows]
            if not options.json:
                show(part, rows)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
