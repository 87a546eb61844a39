"""Time to load and analyse a generated workspace, whole process: ``python tests/bench/analysis.py``.

10 layers, 10 genrules a package, each with its own source and 3 outputs of the layer before; the
question is a query that loads everything, so that no action runs. Medians of 10 runs.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = 10
RUNS = 10
ANALYSE = """\
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from unibuild.loading.workspace import read_workspace
from unibuild.analysis.analyse import analyse
print(len(analyse(read_workspace(Path({workspace!r})), ["//..."]).actions))
"""


def generate(folder: Path, count: int) -> None:
    """Write a workspace with ``count`` targets."""
    chance = random.Random(1)
    (folder / "WORKSPACE.toml").write_text('name = "generated"\n')
    each = count // LAYERS
    for layer in range(LAYERS):
        for package in range(each // 10):
            path = folder / f"layer{layer}" / f"package{package}"
            path.mkdir(parents=True)
            text = ""
            for number in range(10):
                (path / f"t{number}.in").write_text(f"{layer} {package} {number}\n")
                before = chance.sample(range(each), 3) if layer else []
                inputs = [f"//layer{layer - 1}/package{n // 10}:t{n % 10}" for n in before]
                listed = ", ".join(f'"{name}"' for name in [f"t{number}.in", *inputs])
                text += f"[genrule.t{number}]\nsrcs = [{listed}]\n"
                text += f'outs = ["t{number}.out"]\ncmd = "cat $(SRCS) > $@"\n\n'
            (path / "BUILD.toml").write_text(text)


def seconds(workspace: Path) -> float:
    """Return how long one process takes to analyse everything."""
    program = ANALYSE.format(root=str(ROOT), workspace=str(workspace))
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print one line for each size."""
    for count in (1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), count)
            times = [seconds(Path(folder)) for _ in range(RUNS)]
        print(f"analysis of {count:6} targets: {statistics.median(times):.2f} s")


if __name__ == "__main__":
    main()
