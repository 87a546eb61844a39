"""The engine alone, on a generated workspace, beside Ninja: prints the table, tests nothing.

    .venv/bin/python tests/bench/engine.py                 N = 1,000 and 10,000, 10 runs a cell
    .venv/bin/python tests/bench/engine.py 1000 --runs 3

Whole-process wall seconds, medians; ``unibuild`` is the real command with its real sandbox and no
daemon, Ninja (1.8 or later, on PATH) runs the same commands without one. ``cold`` starts from an
empty cache (the shell's package stays fetched) and runs a third as often; ``outputs deleted`` keeps
the cache. Memory is the highest sum of resident memory over the process tree in a cold build,
sampled every 20 ms. Other work on the machine shows in every figure: look at the load first.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import synthetic

ROOT = Path(__file__).resolve().parents[2]
UB = ROOT / "ub"
CONES = {100: 80, 1000: 527, 10000: 4273}
"""Cones of the issue's edit at the bottom, by number of targets."""


class Bench:
    """One workspace for all tools, and a cache of its own."""

    def __init__(self, place: Path, count: int, jobs: int) -> None:
        """Generate ``count`` targets below ``place``."""
        self.root = place / f"synthetic-{count}"
        self.cache = place / "cache"
        self.jobs = jobs
        self.graph = synthetic.nodes(count)
        self.edits = 0
        self.root.mkdir()
        synthetic.write_sources(self.root, self.graph)
        synthetic.write_unibuild(self.root, self.graph)
        number = synthetic.root_with_cone(self.graph, CONES.get(count, count // 2))
        self.cone = synthetic.cone(self.graph, number)
        self.bottom = next(n for n in self.graph if (n.layer, n.number) == (0, number))
        self.leaf = self.graph[-1]

    def unibuild(self, *arguments: str) -> list[str]:
        """Return a command line of the real command."""
        return [str(UB), "-C", str(self.root), "build", f"--jobs={self.jobs}", *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment of all runs."""
        return {**os.environ, "UNIBUILD_CACHE": str(self.cache), "NO_COLOR": "1"}

    def shell(self) -> Path:
        """Return the pinned busybox, built by unibuild itself."""
        label = "@unibuild//toolchains/busybox:package"
        done = subprocess.run(
            self.unibuild("--json", label), env=self.environment(), capture_output=True, check=True
        )
        (output,) = json.loads(done.stdout)["targets"][0]["outputs"]
        return self.root / output["path"] / "bin" / "busybox"

    def edit(self, node: synthetic.Node, *, comment: bool = False) -> None:
        """Change a source: its text, or only a comment that no output shows."""
        self.edits += 1
        mark = str(self.edits)
        text = synthetic.source_text(node, comment=mark, body="" if comment else f"edit {mark}")
        (self.root / node.package / f"{node.name}.txt").write_text(text, encoding="ascii")
        time.sleep(0.03)  # an editor is not quicker; a younger file would be read twice

    def forget_cache(self) -> None:
        """Empty the cache but for what was fetched, and the workspace of all that a build made."""
        for name in ("unibuild-out", ".unibuild", "out", ".ninja_log", ".ninja_deps"):
            remove(self.root / name)
        for kind in ("blobs", "trees", "actions", "inputs"):
            remove(self.cache / "blake3" / kind)


def remove(path: Path) -> None:
    """Delete a file or a directory, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def seconds(command: list[str], bench: Bench) -> float:
    """Run a command and return how long it took."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=bench.root, env=bench.environment(), capture_output=True, check=False
    )
    took = time.perf_counter() - began
    if done.returncode:
        sys.exit(done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace"))
    return took


def median(
    runs: int, command: list[str], bench: Bench, prepare: Callable[[], None] = lambda: None
) -> float:
    """Return the median of ``runs`` runs, each after ``prepare``."""
    taken = []
    for _ in range(runs):
        prepare()
        taken.append(seconds(command, bench))
    return statistics.median(taken)


def peak_memory(command: list[str], bench: Bench) -> float:
    """Return the highest sum of resident memory of a command and its children, in MiB."""
    child = subprocess.Popen(
        command, cwd=bench.root, env=bench.environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    peak = 0
    while child.poll() is None:
        peak = max(peak, sum(resident(number) for number in tree(child.pid)))
        time.sleep(0.02)
    return peak * os.sysconf("SC_PAGE_SIZE") / 2**20


def tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [root]
    for number in found:
        try:
            tasks = Path(f"/proc/{number}/task").iterdir()
            for task in tasks:
                found += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:
            continue
    return found


def resident(number: int) -> int:
    """Return the resident pages of a process, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{number}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0


def measure_unibuild(bench: Bench, runs: int) -> dict[str, float]:
    """Return all rows for unibuild."""
    build = bench.unibuild("//...")
    rows = {"cold": median(max(1, runs // 3), build, bench, bench.forget_cache)}
    seconds(build, bench)
    rows["null"] = median(runs, build, bench)
    rows["leaf"] = median(runs, build, bench, lambda: bench.edit(bench.leaf))
    rows["no effect"] = median(runs, build, bench, lambda: bench.edit(bench.bottom, comment=True))
    rows["cone"] = median(max(1, runs // 3), build, bench, lambda: bench.edit(bench.bottom))
    deleted = bench.root / "unibuild-out"
    rows["outputs deleted"] = median(max(1, runs // 2), build, bench, lambda: remove(deleted))

    def forget() -> None:
        remove(deleted)
        remove(bench.root / ".unibuild")

    rows["outputs and kept graph deleted"] = median(max(1, runs // 2), build, bench, forget)
    bench.forget_cache()
    rows["MiB"] = peak_memory(build, bench)
    return rows


def measure_ninja(bench: Bench, runs: int) -> dict[str, float]:
    """Return the rows that Ninja has; without restat an edit without effect runs the whole cone."""
    shell = bench.root / "busybox"
    shutil.copy(bench.shell(), shell)
    synthetic.write_ninja(bench.root, bench.graph, str(shell))
    build = ["ninja", f"-j{bench.jobs}"]
    rows = {"cold": median(max(1, runs // 3), build, bench, bench.forget_cache)}
    rows["null"] = median(runs, build, bench)
    rows["leaf"] = median(runs, build, bench, lambda: bench.edit(bench.leaf))
    cone = max(1, runs // 3)
    rows["no effect"] = median(cone, build, bench, lambda: bench.edit(bench.bottom, comment=True))
    rows["cone"] = median(cone, build, bench, lambda: bench.edit(bench.bottom))
    bench.forget_cache()
    rows["MiB"] = peak_memory(build, bench)
    return rows


def show(count: int, cone: int, columns: dict[str, dict[str, float]]) -> None:
    """Print one table."""
    print(f"\nsynthetic {count:,}, cone of {cone:,} actions; load {os.getloadavg()[0]:.1f}")
    print(f"{'':32}" + "".join(f"{name:>12}" for name in columns))
    for row in columns["unibuild"]:
        cells = [f"{rows[row]:12.3f}" if row in rows else f"{'-':>12}" for rows in columns.values()]
        print(f"{row:32}" + "".join(cells))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, default=[1000, 10000])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    for count in options.sizes:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
            bench = Bench(Path(place), count, options.jobs)
            bench.shell()  # fetched before anything is measured
            columns = {"unibuild": measure_unibuild(bench, options.runs)}
            if shutil.which("ninja"):
                columns["ninja"] = measure_ninja(bench, options.runs)
            show(count, bench.cone, columns)


if __name__ == "__main__":
    main()
