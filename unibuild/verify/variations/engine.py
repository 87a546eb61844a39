"""Variations of how a build goes about it: when, how much at once, in which order, how laid out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.verify.variations.variation import FIRST, Variation

if TYPE_CHECKING:
    from unibuild.verify.variations.draft import Draft
    from unibuild.verify.variations.variation import Seen
    from unibuild.verify.workbench import Workbench

_DAY = 24 * 60 * 60
SHIFT = 398 * _DAY + 11 * 60 * 60 + 23 * 60 + 17
"""Seconds: more than a year and a month, so that no field of a date is the same, and half a day."""
_TRIAL_SECONDS = 5
_LIBRARIES = ("lib", "lib64", "lib32")


class Time(Variation):
    """The clock: of unibuild itself by libfaketime, of sandboxed actions by a supervisor."""

    name = "time"
    varies = "clock"
    turns = FIRST

    def control(self, bench: Workbench) -> str:
        """Return that it is right."""
        return "right"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the shift."""
        return f"{SHIFT // _DAY} days, 11 hours, 23 minutes and 17 seconds fast"

    def lacking(self, bench: Workbench) -> str:
        """Look for the library, and whether actions can be supervised."""
        if not library():
            return "libfaketime is not installed"
        if bench.sandbox == "none":
            return ""
        return not_supervised()

    def apply(self, draft: Draft) -> None:
        """Fake the clock of the rebuild, and of its actions, whose environment is their own."""
        from unibuild.verify import supervision

        loaded = draft.environment.get("LD_PRELOAD")
        draft.preloaded.update(
            LD_PRELOAD=f"{library()}:{loaded}" if loaded else library(),
            FAKETIME=f"+{SHIFT}",
            NO_FAKE_STAT="1",  # times of files stay what they are
        )
        draft.supervisor = supervision.command(None, shift=SHIFT)

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Compare with the clock here, within a day."""
        clock = seen["time"]
        shifted = isinstance(clock, float) and abs(clock - time.time() - SHIFT) < _DAY
        return "" if shifted else f"the rebuild's clock said {clock}"


@cache
def not_supervised() -> str:
    """Return why the clock of an action cannot be shifted, tried with a small one; empty if it can."""
    from unibuild.verify import supervision

    clock = (sys.executable, "-I", "-S", "-c", "import time; print(int(time.time()))")
    try:
        done = subprocess.run(
            [*supervision.command(None, shift=SHIFT), *clock], stdin=subprocess.DEVNULL,
            capture_output=True, check=True, text=True, timeout=_TRIAL_SECONDS,
        )  # fmt: skip
        shifted = int(done.stdout) - time.time()
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()
        return (
            f"an action cannot be supervised: {said[-1] if said else f'status {error.returncode}'}"
        )
    except subprocess.TimeoutExpired:
        return "a supervised action does not end"
    except (OSError, ValueError) as error:
        return f"an action cannot be supervised: {error}"
    return "" if abs(shifted - SHIFT) < _DAY else "a supervised action sees the right clock"


@cache
def library() -> str:
    """Return the path of libfaketime, empty when it is not installed."""
    for folder in _LIBRARIES:
        for pattern in ("*/faketime", "faketime"):
            for place in sorted(Path("/usr", folder).glob(pattern)):
                if (place / "libfaketime.so.1").exists():
                    return str(place / "libfaketime.so.1")
    return ""


class Jobs(Variation):
    """How many actions run at once."""

    name = "jobs"
    varies = "number of actions that run at once"
    among = True

    def control(self, bench: Workbench) -> str:
        """Return the number."""
        return str(bench.jobs)

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the number of the turn: one, and more than there are processors."""
        return str(self._jobs(turn))

    @staticmethod
    def _jobs(turn: int) -> int:
        return (os.cpu_count() or 1) + 1 if turn else 1

    def apply(self, draft: Draft) -> None:
        """Ask for it."""
        draft.jobs = self._jobs(draft.turn)

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Nothing: it is no surroundings, the rebuild is asked for it."""
        return ""


class Order(Variation):
    """The order in which actions that are ready begin."""

    name = "order"
    varies = "order in which actions begin"
    among = True

    def control(self, bench: Workbench) -> str:
        """Return the usual."""
        return "that of the graph"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the seed."""
        return f"drawn with seed {turn + 1}"

    def apply(self, draft: Draft) -> None:
        """Give the seed."""
        draft.order_seed = draft.turn + 1

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Nothing: it is no surroundings, the rebuild is asked for it."""
        return ""


class Staging(Variation):
    """How inputs are laid out for actions."""

    name = "staging"
    varies = "inputs as hard links or copies"
    turns = FIRST

    def control(self, bench: Workbench) -> str:
        """Return the usual."""
        return "hard links" if bench.sandbox != "none" else "copies"

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return the other."""
        return "copies"

    def lacking(self, bench: Workbench) -> str:
        """Look for the sandbox: without one nothing is linked."""
        return "" if bench.sandbox != "none" else "without a sandbox inputs are always copies"

    def apply(self, draft: Draft) -> None:
        """Ask for copies."""
        draft.staging = "copy"

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Nothing: it is no surroundings, the rebuild is asked for it."""
        return ""
