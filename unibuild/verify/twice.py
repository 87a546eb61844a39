"""V3, ``twice``: the target is rebuilt without any cache, and every action's outputs are compared.

The rebuild works in a checkout of its own and an empty cache; only package files are taken from the
user's cache, verified. Outputs are compared while it goes on, and it ends at the first action that
differs. That action is then run once more alone: when it repeats what the rebuild made, the user's
cache holds what the sources do not make; otherwise the action makes something else each time.

Facts: ``actions`` and ``bytes`` compared, ``total`` actions, ``seconds`` of the rebuild, and of a
guilty action ``difference`` with ``label``, ``mnemonic``, ``cause``, ``outputs`` (paths), ``settled``
and ``first_cause``.

``reference`` and ``cold`` are for other checks too: the log of the ordinary build, and the rebuild.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from unibuild.model.errors import DifferenceError, ErrorGroup, HostError, UnibuildError
from unibuild.verify import comparison, differing, ordinary
from unibuild.verify.checkout import copy_workspace
from unibuild.verify.comparison import Comparer, Comparison
from unibuild.verify.outcome import Outcome
from unibuild.verify.rebuild import RebuildRequest
from unibuild.verify.rebuilding import Rebuild

if TYPE_CHECKING:
    from pathlib import Path

    from unibuild.execution.execution_log import ExecutionLog
    from unibuild.verify.comparison import ActionDifference
    from unibuild.verify.workbench import Workbench

Settled = Literal["cache", "each-time", ""]
"""Whose fault a difference is: the cache's, the action's, or not known."""

ERROR_ID = "rebuild-differs"
_GLANCE = 0.1  # seconds between two looks at the log
_SETTLED = {
    "cache": "run once more alone, it gives what the rebuild gave: the cache holds something that "
    "the sources do not make",
    "each-time": "run once more alone, it gives yet another result: it does not make the same from "
    "the same inputs",
}

_BY_RULES = frozenset(("command", "missing", "added"))
_RULES_VARY = (
    "the rules declare other actions than before: look for a clock, random numbers or the order of a "
    "set in rule modules"
)


@dataclass(frozen=True, slots=True)
class Cold:
    """The rebuild without a cache: its checkout, its cache and its log.

    ``ended`` is false when it was stopped at ``difference``, which ``settled`` judges; ``raised`` is
    what the build raised.
    """

    workspace: Path
    cache: Path
    log: ExecutionLog
    comparison: Comparison
    seconds: float
    ended: bool
    settled: Settled = ""
    raised: tuple[UnibuildError, ...] = ()

    @property
    def difference(self) -> ActionDifference | None:
        """The guilty action, if any."""
        return self.comparison.first

    @property
    def moved(self) -> bool:
        """Whether it was not the sources of the ordinary build that were rebuilt."""
        return any(isinstance(error, HostError) for error in self.raised)

    @property
    def clean(self) -> bool:
        """Whether the rebuild came to its end and made everything as before."""
        return self.ended and not self.raised and not self.comparison.differences


def run(bench: Workbench) -> Outcome:
    """Do the check."""
    made = cold(bench)
    count = f"{made.comparison.compared} actions"
    facts: dict[str, object] = {
        "actions": made.comparison.compared,
        "bytes": made.comparison.bytes,
        "total": len(reference(bench).actions),
        "seconds": round(made.seconds, 3),
    }
    difference = made.difference
    if made.clean:
        return Outcome("passed", f"{count} rebuilt without a cache, all the same", facts=facts)
    if difference is None or difference.cause == "failed" or made.moved:
        return _not_rebuilt(made, facts)
    exhibit = differing.keep(bench, "twice", difference, made.cache)
    facts["difference"] = describe(difference, made.settled, exhibit.cause)
    error = DifferenceError(
        id=ERROR_ID,
        cause=comparison.words(difference),
        hint=_RULES_VARY if difference.cause in _BY_RULES else exhibit.hint,
        detail=(*said(made.settled), *exhibit.lines()),
        label=difference.action.label,
    )
    return Outcome("failed", comparison.words(difference), (error, *made.raised), facts=facts)


def reference(bench: Workbench) -> ExecutionLog:
    """Return the log of the ordinary build."""
    return ordinary.log(bench)


def cold(bench: Workbench) -> Cold:
    """Return the rebuild without a cache, made at the first call."""
    return bench.once(__name__, lambda: _cold(bench))


def said(settled: Settled) -> tuple[str, ...]:
    """Return what running the action once more told, as lines for a person."""
    return (_SETTLED[settled],) if settled else ()


def describe(difference: ActionDifference, settled: Settled, cause: str) -> dict[str, object]:
    """Return a difference as facts."""
    return {
        "label": difference.action.label,
        "mnemonic": difference.action.mnemonic,
        "cause": difference.cause,
        "outputs": [output.path for output, _ in difference.outputs],
        "settled": settled,
        "first_cause": cause,
    }


def _not_rebuilt(made: Cold, facts: dict[str, object]) -> Outcome:
    """Return the outcome of a rebuild that made nothing to compare: whose fault is in the error."""
    first = made.raised[0]
    if isinstance(first, HostError):
        return Outcome("not-done", "the rebuild could not be done here", made.raised, facts=facts)
    error = DifferenceError(
        id=ERROR_ID,
        cause="the target cannot be rebuilt from its sources without the cache",
        detail=(first.cause,),
        label=first.label,
    )
    return Outcome("failed", error.cause, (error, *made.raised), facts=facts)


def _cold(bench: Workbench) -> Cold:
    expected = reference(bench)
    folder = bench.scratch / "cold"
    request = RebuildRequest(
        workspace=folder / "workspace",
        label=bench.label,
        cache=folder / "cache",
        log=folder / "log",
        packages=bench.cache_root,
        jobs=bench.jobs,
        sandbox=bench.sandbox,
    )
    copy_workspace(bench, request.workspace)
    comparer = Comparer(expected)
    raised: tuple[UnibuildError, ...] = ()
    with Rebuild.start(bench.rebuild_command, request, folder / "process") as rebuild:
        stopped = _follow(bench, rebuild, comparer, len(expected.actions))
        if not stopped:
            try:
                rebuild.finish()
            except ErrorGroup as group:
                raised = group.errors
            except UnibuildError as error:
                raised = (error,)
    for action in rebuild.actions():
        comparer.add(action)  # what was done before the end, so that the first is named
    ended = not stopped and not raised
    compared = comparer.result(ended=ended)
    first = compared.first
    if first is not None and first.cause != "outputs" and not ordinary.is_current(bench):
        raised = (ordinary.changed(bench),)
    return Cold(
        request.workspace, request.cache, rebuild.so_far, compared, rebuild.seconds, ended,
        _settle(bench, request, first), raised,
    )  # fmt: skip


def _follow(bench: Workbench, rebuild: Rebuild, comparer: Comparer, total: int) -> bool:
    """Compare what the rebuild does until it ends; true when it is to be stopped."""
    done = 0
    going = True
    while going:
        bench.progress.step("rebuilding without a cache", done, total)
        rebuild.wait(_GLANCE)
        going = rebuild.running
        stop = False
        for action in rebuild.actions():
            done += 1
            difference = comparer.add(action)
            stop = stop or (difference is not None and difference.cause != "failed")
        if stop:
            return True
    return False


def _settle(
    bench: Workbench, request: RebuildRequest, difference: ActionDifference | None
) -> Settled:
    """Run a guilty action once more alone, in the rebuild's cache, and judge whose fault it is."""
    if difference is None or difference.cause != "outputs" or difference.other is None:
        return ""
    bench.progress.step(f"running {comparison.name(difference.action)} once more")
    folder = request.cache.parent / "alone"
    again = RebuildRequest(
        workspace=request.workspace,
        label=request.label,
        cache=request.cache,
        log=folder / "log",
        packages=request.packages,
        jobs=request.jobs,
        sandbox=request.sandbox,
        only_action=difference.action.outputs[0].path,
    )
    with Rebuild.start(bench.rebuild_command, again, folder) as rebuild:
        try:
            log = rebuild.finish()
        except (UnibuildError, ErrorGroup):
            return ""
    repeated = log.making(again.only_action)
    if repeated is None or repeated.action != difference.other.action:
        return ""
    return "cache" if repeated.outputs == difference.other.outputs else "each-time"
