"""Supervision: running an action under the eyes of a process that sees its system calls.

``command`` is what is put before an action's command line; ``supervisor.py`` says what it does.
``read`` reads the report that it leaves. This module and those the supervisor loads import next to
nothing: a supervisor is started for every action.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as the typing module has it, which is not loaded
if TYPE_CHECKING:
    from pathlib import Path

Seen = tuple[str, str, str, int]
FAILURE_MARK = "unibuild supervisor: "
"""What a supervisor that cannot do its work begins its last words with, on standard error."""
_START = (
    "import sys; sys.path.append({place!r}); "
    "from unibuild.verify.supervision.supervisor import main; main()"
)


def command(report: Path | None, shift: int = 0, hide: Path | None = None) -> tuple[str, ...]:
    """Return the command line that supervises the one put behind it.

    What is seen is appended to ``report`` (None: nothing is watched), the date is moved by ``shift``
    seconds, and with ``hide``, a folder, other facts of the host are told: see ``judgement.hide_host``. It
    contains ``{output}``, for the action's name.
    """
    place = os.path.abspath(f"{os.path.dirname(__file__)}/../../..")
    line = [sys.executable, "-I", "-S", "-c", _START.format(place=place)]
    if report is not None:
        line += ("--report", str(report), "--name", "{output}")
    if shift:
        line += ("--shift", str(shift))
    if hide is not None:
        line += ("--hide", str(hide))
    return (*line, "--")


def available() -> str:
    """Return why nothing can be supervised on this machine, or nothing when it can."""
    import platform
    import subprocess
    import tempfile
    from pathlib import Path

    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"supervision is made for Linux on x86_64, and this is {platform.machine()}"
    clock = "import time; time.time()"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        done = subprocess.run(
            (*command(report, 1), sys.executable, "-I", "-S", "-c", clock),
            capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        seen = [one for some in read(report).values() for one in some]
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode:
        why = said[-1] if said else f"the supervisor ended with {done.returncode}"
        return f"processes cannot be traced here: {why.removeprefix(FAILURE_MARK)}"
    kinds = {kind for kind, *_ in seen}
    if not {"execute", "open"} <= kinds or not any(one[:2] == ("clock", "date") for one in seen):
        return "processes cannot be traced here: what they call is not seen (Linux before 5.3?)"
    return ""


def read(report: Path) -> dict[str, list[Seen]]:
    """Return what a report says was seen, for each action by its name; an action may have run twice.

    One thing seen is kind, what, program and how often. Kinds: ``open``, ``write``, ``make``,
    ``look``, ``execute`` (what is a path), ``network``, ``clock``, ``random``, ``host``, ``unseen``.
    A last line that was cut short is left out.
    """
    import json

    found: dict[str, list[Seen]] = {}
    if not report.exists():
        return found
    for line in report.read_text(encoding="ascii").splitlines(keepends=True):
        if line.endswith("\n"):
            said = json.loads(line)
            found.setdefault(said["name"], []).extend(tuple(seen) for seen in said["seen"])
    return found
