"""Experiments: rebuilds from nothing under several variations each, side by side, compared as they go.

All end at the first action that differs from the ordinary build. Whether each variation had its effect
is told by what the rebuild saw (``unibuild.verify.surroundings``).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unibuild.model.errors import ErrorGroup, UnibuildError
from unibuild.verify import surroundings
from unibuild.verify.comparison import Comparer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unibuild.execution.execution_log import ExecutionLog
    from unibuild.verify.comparison import ActionDifference, Comparison
    from unibuild.verify.outcome import Progress
    from unibuild.verify.rebuilding import Rebuild
    from unibuild.verify.variations.draft import Draft
    from unibuild.verify.variations.site import Site
    from unibuild.verify.variations.variation import Variation

_GLANCE = 0.05  # seconds between two looks at a log


@dataclass(slots=True)
class Experiment:
    """One rebuild under ``variations`` in ``site``, running or ended.

    ``difference`` is the first action that was not as before, ``raised`` what the build raised;
    ``ended`` tells that it came to its end. ``ineffective`` says by name which variations had no
    effect, and what was seen instead.
    """

    site: Site
    variations: tuple[Variation, ...]
    draft: Draft
    rebuild: Rebuild
    comparer: Comparer
    difference: ActionDifference | None = None
    raised: tuple[UnibuildError, ...] = ()
    ended: bool = False
    ineffective: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(
        cls, site: Site, variations: tuple[Variation, ...], reference: ExecutionLog
    ) -> Experiment:
        """Start the rebuild, to be compared with ``reference``."""
        draft, rebuild = site.start(variations)
        return cls(site, variations, draft, rebuild, Comparer(reference))

    @property
    def comparison(self) -> Comparison:
        """What was compared by now."""
        return self.comparer.result(ended=False)

    def look(self) -> int:
        """Compare what was done since the last look, and return how many actions that were."""
        new = self.rebuild.actions()
        for action in new:
            found = self.comparer.add(action)
            self.difference = self.difference or found
        return len(new)

    def conclude(self) -> None:
        """Note how an ended rebuild ended."""
        try:
            self.rebuild.finish()
        except ErrorGroup as group:
            self.raised = group.errors
        except UnibuildError as error:
            self.raised = (error,)
        self.look()
        self.ended = True
        if self.difference is None and not self.raised:
            self.difference = self.comparer.result(ended=True).first

    def judge(self) -> None:
        """Note which variations had no effect, by what the rebuild saw."""
        seen = surroundings.read(self.rebuild.log)
        for variation in self.variations:
            why = "the rebuild did not begin" if seen is None else ""
            if seen is not None:
                why = variation.ineffective(self.draft, seen)
            if why:
                self.ineffective[variation.name] = why


def follow(
    sites: Mapping[Site, tuple[Variation, ...]], reference: ExecutionLog, progress: Progress
) -> list[Experiment]:
    """Do the experiments of all ``sites`` at once; return them, none of them running any more."""
    running: list[Experiment] = []
    try:
        for site, variations in sites.items():
            progress.step("copying the checkout")
            running.append(Experiment.start(site, variations, reference))
        _watch(running, len(reference.actions) * len(running), progress)
    finally:
        for experiment in running:
            experiment.rebuild.stop()
    for experiment in running:
        experiment.look()
        experiment.judge()
    return running


def _watch(experiments: Sequence[Experiment], total: int, progress: Progress) -> None:
    done = 0
    going = list(experiments)
    while going:
        progress.step("rebuilding in other surroundings", done, total)
        time.sleep(_GLANCE)
        ended = [each for each in going if not each.rebuild.running]
        done += sum(each.look() for each in going)
        for each in ended:
            each.conclude()
            going.remove(each)
        if any(each.difference is not None or each.raised for each in experiments):
            return
