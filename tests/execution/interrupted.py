"""A build with a courier that never ends by itself; tells the courier's process id, for a test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from execution.project import Project
from execution.team import Machine

from unibuild.execution.observer import ActionEvent


def endless(project: Project) -> None:
    """Declare one action that sleeps."""
    project.shell("long", "sleep 600")


def tell(_: ActionEvent) -> None:
    """Print the process id of the first child, which is the courier."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii")
    sys.stdout.write(f"{min(map(int, children.split()))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    machine = Machine(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], endless)
    machine.recorder.on_start = tell
    machine.build()
