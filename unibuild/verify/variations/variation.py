"""What a variation is, and how a machine is asked whether it can do something.

Rules of use: a variation never changes this process, only the ``Draft`` it is given. ``lacking`` says
what is missing before anything is built, by trying it where it needs a privilege; ``ineffective``
says afterwards, from what the rebuild saw itself, that it had no effect. Turns are the experiments,
0 and 1: a variation takes part in those that it names, and may do another thing in each.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unibuild.verify.variations.draft import Draft
    from unibuild.verify.workbench import Workbench

    Seen = Mapping[str, object]

FIRST, SECOND = frozenset({0}), frozenset({1})
BOTH = FIRST | SECOND
TRIAL_SECONDS = 20


class Variation:
    """One variation: ``varies`` says in words what; a subclass says how."""

    name: ClassVar[str]
    varies: ClassVar[str]
    turns: ClassVar[frozenset[int]] = BOTH
    steadies: ClassVar[bool] = False
    """It makes constant what is otherwise drawn anew for each process."""

    among: ClassVar[bool] = False
    """It changes what other actions do meanwhile, which an action run alone does not see."""

    def control(self, bench: Workbench) -> str:
        """Return what the ordinary build had, as far as this process can tell."""
        raise NotImplementedError

    def experiment(self, bench: Workbench, turn: int) -> str:
        """Return what the rebuild of ``turn`` has instead."""
        raise NotImplementedError

    def lacking(self, bench: Workbench) -> str:
        """Return why this machine cannot do it, empty when it can."""
        return ""

    def apply(self, draft: Draft) -> None:
        """Change ``draft`` for its turn."""
        raise NotImplementedError

    def ineffective(self, draft: Draft, seen: Seen) -> str:
        """Return what a rebuild saw that this should have changed, empty when it had its effect."""
        raise NotImplementedError


def missing(*programs: str) -> str:
    """Return which of ``programs`` are not installed, as a reason."""
    absent = [program for program in programs if shutil.which(program) is None]
    return f"{' and '.join(absent)} is not installed" if absent else ""


def trial(command: Sequence[str], what: str) -> str:
    """Return why ``command`` does not work here, empty when it does; ``what`` it is needed for."""
    try:
        done = subprocess.run(
            [*command, "true"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=TRIAL_SECONDS, check=False,
        )  # fmt: skip
    except OSError as error:
        return f"{what}: {error.filename}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"{what}: {command[0]} does not end"
    if not done.returncode:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"{what}: {said[-1] if said else f'{command[0]} ended with {done.returncode}'}"


def unless(wanted: object, seen: object) -> str:
    """Return that ``seen`` is not what was ``wanted``, empty when it is."""
    return "" if wanted == seen else f"the rebuild saw {seen!r} instead of {wanted!r}"
