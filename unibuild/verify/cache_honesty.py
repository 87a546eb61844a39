"""V5, ``cache``: whatever a cache holds, the target comes out the same, and what it holds is right.

*Cold* is the rebuild without a cache (``twice``); *warm* the same once more in the cache that it left,
where nothing may run; *half-filled* a copy of that cache without every other action result and every
eighth file. Then the user's own cache: every entry that the target uses (``--all``: every entry) is
read and held against its digest, and every result against what the cold rebuild made.

Nothing in the user's cache is changed, not even repaired.

Facts: ``cold``, ``warm`` and ``half-filled`` with ``seconds``, ``executed`` and ``cached`` actions;
``store`` with ``entries`` read, ``results`` compared, ``absent`` actions without a result, ``wrong``.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.model.errors import DifferenceError, ErrorGroup, HostError, UnibuildError
from unibuild.store.layout import KINDS
from unibuild.verify import cache_contents, comparison, ordinary, twice
from unibuild.verify.checkout import copy_workspace
from unibuild.verify.comparison import compare
from unibuild.verify.outcome import Outcome
from unibuild.verify.rebuild import RebuildRequest
from unibuild.verify.rebuilding import Rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.execution.execution_log import ExecutionLog, LoggedAction
    from unibuild.verify.twice import Cold
    from unibuild.verify.workbench import Workbench

ERROR_ID = cache_contents.ERROR_ID
_SHOWN = 20
_LOST = {"actions": 2, "blobs": 8}
"""Of so many action results, or blobs, a half-filled cache lacks the last."""


def run(bench: Workbench) -> Outcome:
    """Do the check."""
    cold = twice.cold(bench)
    facts: dict[str, object] = {"cold": _facts(cold.log, cold.seconds)}
    errors: list[UnibuildError] = []
    notes = []
    if cold.clean:
        errors += _rebuilt(bench, cold, "warm", cold.cache, facts)
        with _half_filled(bench, cold) as cache:
            errors += _rebuilt(bench, cold, "half-filled", cache, facts)
    else:
        notes.append(
            "warm and half-filled caches were not tried, since the rebuild without a cache ended "
            f"early; results compared: {len(_judged(cold))}"
        )
    contents = cache_contents.examine(bench, _judged(cold))
    facts["store"] = {
        "entries": contents.entries,
        "results": contents.results,
        "absent": contents.absent,
        "wrong": len(contents.errors),
    }
    hindered = tuple(error for error in errors if isinstance(error, HostError))
    if hindered and not contents.errors:
        return Outcome("not-done", hindered[0].cause, hindered, tuple(notes), facts)
    errors = [*contents.errors, *errors]
    if not errors and cold.settled == "cache":
        errors.append(_taken_from_a_cache(cold))
    if len(errors) > _SHOWN:
        notes.append(f"{len(errors) - _SHOWN} more entries are wrong")
    if errors:
        return Outcome("failed", errors[0].cause, tuple(errors[:_SHOWN]), tuple(notes), facts)
    if not cold.clean:
        summary = "there is no rebuild to hold the cache against"
        return Outcome("not-done", summary, (_undecided(cold),), tuple(notes), facts)
    return Outcome(
        "passed",
        f"cold, warm and half-filled caches give the same; {contents.entries} entries are what they "
        "say",
        (),
        tuple(notes),
        facts,
    )


def _judged(cold: Cold) -> tuple[LoggedAction, ...]:
    """Return the actions of which the rebuild tells what they make."""
    found = cold.difference
    guilty = found.other if found is not None and cold.settled != "cache" else None
    return tuple(a for a in cold.log.actions.values() if not a.failed and a != guilty)


def _rebuilt(
    bench: Workbench, cold: Cold, name: str, cache: Path, facts: dict[str, object]
) -> list[UnibuildError]:
    """Rebuild in ``cache`` and return how that is not as the rebuild without one was."""
    bench.progress.step(f"rebuilding with a {name} cache")
    folder = bench.scratch / "cache" / name
    request = RebuildRequest(
        workspace=folder / "workspace",
        label=bench.label,
        cache=cache,
        log=folder / "log",
        packages=bench.cache_root,
        jobs=bench.jobs,
        sandbox=bench.sandbox,
    )
    copy_workspace(bench, request.workspace)
    with Rebuild.start(bench.rebuild_command, request, folder / "process") as rebuild:
        try:
            log = rebuild.finish()
        except ErrorGroup as group:
            return [_not_rebuilt(name, group.errors[0]), *group.errors]
        except HostError as error:
            return [error]
        except UnibuildError as error:
            return [_not_rebuilt(name, error), error]
    facts[name] = _facts(log, rebuild.seconds)
    return _differing(bench, cold, name, log)


def _differing(bench: Workbench, cold: Cold, name: str, log: ExecutionLog) -> list[UnibuildError]:
    """Return how a rebuild with a cache is not as that without one."""
    difference = compare(cold.log, log).first
    if difference is not None:
        if difference.cause != "outputs" and not ordinary.is_current(bench):
            return [ordinary.changed(bench)]
        cause = f"with a {name} cache {comparison.words(difference)}"
        return [DifferenceError(id=ERROR_ID, cause=cause, label=difference.action.label)]
    ran = [action for action in log.actions.values() if action.executed]
    if name == "warm" and ran:
        cause = f"with a warm cache {comparison.name(ran[0])} runs again, its result being there"
        return [DifferenceError(id=ERROR_ID, cause=cause, label=ran[0].label)]
    return []


@contextmanager
def _half_filled(bench: Workbench, cold: Cold) -> Iterator[Path]:
    """Have a copy of the rebuild's cache that lacks some of everything; it costs links, no bytes.

    Unpacked directories are lent to the copy meanwhile: their inodes must stay what they are.
    """
    cache = bench.scratch / "cache" / "half"
    source, copy = (root / bench.workspace.digest_function for root in (cold.cache, cache))
    order = {action.action: index for index, action in cold.log.actions.items()}
    for kind in KINDS:
        (copy / kind).mkdir(parents=True)
        if kind == "trees":
            continue
        paths = [path for path in (source / kind).glob("*/*") if path.is_file()]
        paths.sort(key=lambda path: (order.get(path.name, len(order)), path.name))
        for number, path in enumerate(paths, 1):
            if number % _LOST.get(kind, len(paths) + 1):
                place = copy / kind / path.parent.name / path.name
                place.parent.mkdir(exist_ok=True)
                os.link(path, place)
    (copy / "trees").rmdir()
    (source / "trees").rename(copy / "trees")
    try:
        yield cache
    finally:
        (copy / "trees").rename(source / "trees")


def _facts(log: ExecutionLog, seconds: float) -> dict[str, object]:
    executed = sum(action.executed for action in log.actions.values())
    return {
        "seconds": round(seconds, 3),
        "executed": executed,
        "cached": len(log.actions) - executed,
    }


def _not_rebuilt(name: str, error: UnibuildError) -> DifferenceError:
    return DifferenceError(
        id=ERROR_ID,
        cause=f"with a {name} cache the target cannot be rebuilt, and without one it can",
        detail=(error.cause,),
        label=error.label,
    )


def _taken_from_a_cache(cold: Cold) -> DifferenceError:
    difference = cold.difference
    if difference is None:
        raise AssertionError("settled without a difference")
    return DifferenceError(
        id=ERROR_ID,
        cause=f"what the build has of {comparison.name(difference.action)} came from a cache, and is "
        "not what its sources make",
        label=difference.action.label,
    )


def _undecided(cold: Cold) -> UnibuildError:
    host = next((error for error in cold.raised if isinstance(error, HostError)), None)
    return host or HostError(
        id="cache-not-compared",
        cause="the rebuild without a cache differs from the build or fails, so that it does not tell "
        "what a cache should hold",
        hint="see what the check 'twice' says",
    )
