"""Bazel 4 beside unibuild: the same synthetic graph, the same server, no network.

The actions run the same shell text with the host's tools, from a rule of five lines (a genrule adds
a set-up script to each). ``--jobs`` bounds lookups too, so it is set high; what runs here is bounded
by ``--local_cpu_resources``. Debian's package is ``bazel-bootstrap``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import meter
import synthetic

if TYPE_CHECKING:
    from collections.abc import Sequence

RULE = """\
def _step(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".out")
    paths = " ".join([source.path for source in ctx.files.srcs])
    ctx.actions.run_shell(
        outputs = [out],
        inputs = ctx.files.srcs,
        command = COMMAND.replace("INPUTS", paths).replace("OUTPUT", out.path),
    )
    return [DefaultInfo(files = depset([out]))]

COMMAND = {command!r}
step = rule(_step, attrs = {{"srcs": attr.label_list(allow_files = True)}})
"""


def missing() -> str:
    """Return why Bazel cannot be measured, "" when it can."""
    if shutil.which("bazel"):
        return ""
    return "no bazel on PATH (Debian: apt-get install bazel-bootstrap)"


class Bazel:
    """One workspace with the synthetic graph, and a folder for all that Bazel keeps."""

    def __init__(self, place: Path, graph: list[synthetic.Node], jobs: int) -> None:
        """Write the workspace below ``place``."""
        self.root = place / "bazel"
        self._kept = place / "bazel-kept"
        self._jobs = jobs
        self.root.mkdir(parents=True)
        synthetic.write_sources(self.root, graph)
        (self.root / "WORKSPACE").touch()
        (self.root / "BUILD").touch()
        rule = RULE.format(command=synthetic.command("INPUTS", "OUTPUT"))
        (self.root / "step.bzl").write_text(rule, encoding="ascii")
        packages: dict[str, list[str]] = {}
        for node in graph:
            below = [synthetic.Node(node.layer - 1, number, ()) for number in node.reads]
            labels = [f"//{other.package}:{other.name}" for other in below]
            text = f"step(name = {node.name!r}, srcs = {[f'{node.name}.txt', *labels]!r})\n"
            packages.setdefault(node.package, []).append(text)
        head = (
            'load("//:step.bzl", "step")\npackage(default_visibility = ["//visibility:public"])\n'
        )
        for package, targets in packages.items():
            (self.root / package / "BUILD").write_text(head + "".join(targets), encoding="ascii")

    def build(
        self, pattern: str, *options: str, servers: Sequence[int] = (), memory: bool = False
    ) -> meter.Usage:
        """Build ``pattern`` and measure client and daemon together."""
        command = self._command(
            "build", f"--jobs={25 * self._jobs}", f"--local_cpu_resources={self._jobs}",
            "--noshow_progress", "--color=no", "--nosandbox_debug", *options, pattern,
        )  # fmt: skip
        daemon = self._daemon()
        before = meter.cpu_seconds(daemon) if daemon else 0.0
        used = meter.run(
            command, cwd=self.root, environment=dict(os.environ), servers=servers, memory=memory
        )
        after = self._daemon()
        cpu = (meter.cpu_seconds(after) if after else 0.0) - (before if after == daemon else 0.0)
        rss = meter.peak_mib(after) if after else 0.0
        return used._replace(client=used.client + cpu, rss_mib=rss)

    def clean(self) -> None:
        """Forget results and outputs; the daemon and its loaded graph stay."""
        self._quietly("clean")

    def forget(self) -> None:
        """End the daemon and put its folder away: as on a machine that never built this workspace."""
        self._quietly("shutdown")
        base = self._base()
        if base:
            meter.put_away(base, self._kept.parent)

    def _base(self) -> Path | None:
        return next((path.parent for path in self._kept.glob("*/DO_NOT_BUILD_HERE")), None)

    def _daemon(self) -> int:
        base = self._base()
        with contextlib.suppress(OSError, ValueError):
            if base:
                pid = int((base / "server" / "server.pid.txt").read_text(encoding="ascii"))
                os.kill(pid, 0)
                return pid
        return 0

    def _quietly(self, verb: str) -> None:
        subprocess.run(self._command(verb), cwd=self.root, capture_output=True, check=True)

    def _command(self, verb: str, *rest: str) -> list[str]:
        return [
            "bazel",
            "--nohome_rc",
            "--noworkspace_rc",
            f"--output_user_root={self._kept}",
            verb,
            *rest,
        ]
