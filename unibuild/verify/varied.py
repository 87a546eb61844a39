"""V4, ``varied``: the target is rebuilt in other surroundings, and every action's outputs are compared.

Each variation changes one thing that must not matter (``unibuild.verify.variations``). Several are
combined in one rebuild, and the rebuilds go on side by side, each in a checkout of its own and an empty
cache, until all are done or one action differs. That action is then run alone under fewer and fewer
variations, until it is clear which one it follows.

A variation that this machine cannot do, that had no effect, or whose rebuild was ended by another's
difference is ``not-done``; asked for by its name and impossible, it is a ``HostError``.

Facts: ``variations`` by name with ``status`` (``passed``, ``failed``, ``not-done``), ``control`` and
``experiment`` (what was, and what was instead) and ``reason``; ``rebuilds``, ``actions`` and ``bytes``
compared in them, ``seconds``; of a guilty action ``difference`` with ``label``, ``mnemonic``, ``cause``,
``outputs`` (paths), ``verdict``, ``variations`` (guilty ones) and ``first_cause``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from unibuild.model.errors import HostError
from unibuild.verify import twice
from unibuild.verify.outcome import Outcome
from unibuild.verify.variations import catalogue
from unibuild.verify.variations.experiment import follow
from unibuild.verify.variations.folders import in_repository
from unibuild.verify.variations.report import Report
from unibuild.verify.variations.site import Site

if TYPE_CHECKING:
    from unibuild.verify.variations.catalogue import Choice
    from unibuild.verify.workbench import Workbench


def run(bench: Workbench) -> Outcome:
    """Do the check."""
    try:
        report = Report(bench, catalogue.choose(bench))
    except HostError as error:
        return Outcome("not-done", error.cause, (error,))
    attempt = 0
    while True:
        attempt += 1
        outcome = _attempt(bench, report, f"varied-{attempt}")
        if outcome is not None:
            return outcome


def _attempt(bench: Workbench, report: Report, name: str) -> Outcome | None:
    """Rebuild under what is left to vary; nothing when less is left now, and it is to be tried again."""
    began = time.monotonic()
    git = _git(bench, report.choice)
    sites = {
        Site(bench, bench.scratch / f"{name}.{turn}", turn, git): variations
        for turn, variations in report.choice.turns().items()
    }
    try:
        experiments = follow(sites, twice.reference(bench), bench.progress)
        report.count(experiments, time.monotonic() - began)
        return report.outcome(experiments)
    finally:
        for site in sites:
            site.close()


def _git(bench: Workbench, choice: Choice) -> str:
    """Return the commit of checkouts in which Git is not varied, should it be in others."""
    varied = any(each.name == "git" for each in choice.variations)
    return "sources" if varied and in_repository(bench.workspace.root) else ""
