"""From a finished build to its report; targets are described only when somebody looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from unibuild.execution.plan import shown_path
from unibuild.execution.request import OutputReport, TargetReport, TestReport
from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.execution.plan import Plan, Target
    from unibuild.execution.values import Value


class Targets(Sequence[TargetReport]):
    """The reports of ``targets``, made one by one on demand: most builds only count them."""

    __slots__ = ("_plan", "_targets", "_values")

    def __init__(
        self, plan: Plan, values: Sequence[Value | None], targets: Sequence[Target]
    ) -> None:
        """Describe ``targets`` of ``plan``, whose outputs have these ``values``."""
        self._plan = plan
        self._values = values
        self._targets = targets

    def __len__(self) -> int:
        """Return the number of targets."""
        return len(self._targets)

    @overload
    def __getitem__(self, index: int) -> TargetReport: ...

    @overload
    def __getitem__(self, index: slice) -> Targets: ...

    def __getitem__(self, index: int | slice) -> TargetReport | Targets:
        """Return the report of one target, or a part of the sequence."""
        if isinstance(index, slice):
            return Targets(self._plan, self._values, self._targets[index])
        target = self._targets[index]
        outputs = tuple(
            OutputReport(shown_path(self._plan, a), value[0], value[1])
            for a in (*target.outputs, *target.tests)
            if (value := self._values[a]) is not None
        )
        return TargetReport(target.label, target.rule, outputs, target.facts)

    def __iter__(self) -> Iterator[TargetReport]:
        """Yield all reports in order."""
        return (self[index] for index in range(len(self._targets)))

    @property
    def output_count(self) -> int:
        """The number of outputs of all targets together."""
        return sum(len(target.outputs) + len(target.tests) for target in self._targets)


def made_targets(plan: Plan, values: Sequence[Value | None], unmade: set[int]) -> Targets:
    """Return the targets of ``plan`` but for those that lack one of the ``unmade`` artefacts."""
    targets: Sequence[Target] = plan.targets
    if unmade:
        targets = [t for t in targets if unmade.isdisjoint((*t.outputs, *t.tests))]
    return Targets(plan, values, targets)


def all_tests(plan: Plan, unmade: set[int], run: list[TestReport]) -> tuple[TestReport, ...]:
    """Return the verdicts of this run and those of tests that nothing could have changed."""
    looked_at = {report.label for report in run}
    unchanged = [
        TestReport(target.label, passed=True, cached=True, seconds=0.0, log=b"")
        for target in plan.targets
        if target.tests and target.label not in looked_at and unmade.isdisjoint(target.tests)
    ]
    return (*run, *unchanged)


def not_cached(labels: list[str]) -> ActionError:
    """Return the error of a build that may run nothing and found no results for these actions."""
    many = len(labels)
    return ActionError(
        id="not-cached",
        cause=f"{many} action{'' if many == 1 else 's'} without a result in any cache",
        hint="build the targets where results are uploaded, or with 'unibuild build' here",
        detail=tuple(dict.fromkeys(labels)),
    )
