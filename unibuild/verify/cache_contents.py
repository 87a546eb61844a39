"""What the user's cache holds of a target, against digests and against what a clean rebuild made.

The cache is only looked at. An entry that does not match its own name or checksum is *damaged*; a
result that is whole and yet not what its Action makes is *wrong*: somebody put it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.execution import depfile
from unibuild.execution.execution_log import logged_outputs
from unibuild.execution.plan import GENERATED
from unibuild.execution.results import values_of
from unibuild.model.errors import DifferenceError
from unibuild.store import gc
from unibuild.store.inspection import Inspection
from unibuild.verify import ordinary
from unibuild.verify.comparison import listed, name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.execution.execution_log import LoggedAction, LoggedOutput
    from unibuild.execution.keys import Prepared
    from unibuild.execution.values import Value
    from unibuild.verify.workbench import Workbench

ERROR_ID = "cache-not-honest"
_REPAIR = "'unibuild cache verify' drops what is damaged, and the next build makes it again"
_KINDS = {
    "blobs": "the stored file of {}",
    "trees": "the unpacked directory of {}",
    "actions": "the stored result of {}",
    "inputs": "the stored record of what {} reads",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What was looked at: ``entries`` read, ``results`` compared, ``absent`` actions without one.

    ``errors`` are one an entry that is damaged or wrong.
    """

    entries: int
    results: int
    absent: int
    errors: tuple[DifferenceError, ...]


def examine(bench: Workbench, made: tuple[LoggedAction, ...]) -> Contents:
    """Look at every entry that the target uses, or at all; ``made`` is what a clean rebuild made."""
    entries, damaged = _damaged(bench, made)
    results = absent = 0
    wrong = []
    for action in made:
        bench.progress.step("comparing the cache's results", results + absent, len(made))
        stored = list(_stored(bench, action))
        results += len(stored)
        absent += not stored
        wrong += [
            _wrong(bench, action, digest, outputs)
            for digest, outputs in stored
            if outputs != action.outputs
        ]
    return Contents(entries, results, absent, (*wrong, *damaged))


def _stored(
    bench: Workbench, action: LoggedAction
) -> Iterator[tuple[str, tuple[LoggedOutput, ...]]]:
    """Yield what builds would take for this action: Action digest and outputs."""
    inspection = _inspection(bench)
    plan, values = ordinary.kept(bench).plan, ordinary.kept(bench).values
    prepared = _prepared(bench).get(action.outputs[0].path)
    if prepared is None:
        return
    digests = [action.action]
    if prepared.pruned_key and prepared.key.digest.hash == action.action:
        known = depfile.entries(inspection, prepared.pruned_key)
        other = depfile.find(known, plan, values, prepared.record)
        if other is not None and other.hash != action.action:
            digests.append(other.hash)
    for digest in digests:
        result = inspection.result(digest)
        found = None if result is None else values_of(plan, prepared.record, result)
        if found is not None:
            yield digest, logged_outputs(plan, prepared.record, found)


def _prepared(bench: Workbench) -> dict[str, Prepared]:
    def make() -> dict[str, Prepared]:
        log = ordinary.log(bench).actions
        return {log[one.number].outputs[0].path: one for one in ordinary.prepared(bench)}

    return bench.once(__name__, make)


def _inspection(bench: Workbench) -> Inspection:
    return Inspection(str(bench.cache_root), bench.workspace.digest_function)


def _wrong(
    bench: Workbench, action: LoggedAction, digest: str, stored: tuple[LoggedOutput, ...]
) -> DifferenceError:
    pairs = [(a, b) for a, b in zip(stored, action.outputs, strict=False) if a != b]
    paths = [right.path for _, right in pairs]
    detail = []
    for found, right in pairs:
        detail += [f"stored:  {_described(found)}", f"rebuilt: {_described(right)}"]
    return DifferenceError(
        id=ERROR_ID,
        cause=f"the cache's result of {name(action)} has another {listed(paths)} than its sources "
        "make",
        hint=f"delete {_inspection(bench).path('actions', digest)}, and find out who wrote it",
        detail=tuple(detail),
        label=action.label,
    )


def _described(output: LoggedOutput) -> str:
    executable = ", executable" if output.executable else ""
    return f"{output.path} {output.digest} ({output.size} bytes{executable})"


def _damaged(
    bench: Workbench, made: tuple[LoggedAction, ...]
) -> tuple[int, tuple[DifferenceError, ...]]:
    inspection = _inspection(bench)
    used = _used(bench, made)
    wrong: dict[tuple[str, str], str] = {}
    if bench.options.everything:
        bench.progress.step("reading the whole cache")
        entries = sum(usage.entries for usage in gc.info(str(bench.cache_root)))
        for problem in gc.verify(str(bench.cache_root)):
            key = (problem.kind, problem.name)
            wrong[key] = used.get(key, f"no part of {bench.label}")
    else:
        entries = 0
        for done, ((kind, entry), what) in enumerate(used.items()):
            bench.progress.step("reading the cache", done, len(used))
            entries += 1
            if not inspection.intact(kind, entry):
                wrong[kind, entry] = what
    return entries, tuple(
        DifferenceError(
            id=ERROR_ID,
            cause=f"{_KINDS[kind].format(what)} is damaged: it is not what its digest says",
            hint=_REPAIR,
            detail=(f"stored:  {inspection.path(kind, entry)}",),
        )
        for (kind, entry), what in wrong.items()
    )


def _used(bench: Workbench, made: tuple[LoggedAction, ...]) -> dict[tuple[str, str], str]:
    """Return the entries that the target uses, by kind and name, with what each is to people."""
    used: dict[tuple[str, str], str] = {}
    kept = ordinary.kept(bench)
    for action in (*ordinary.log(bench).actions.values(), *made):
        used.setdefault(("actions", action.action), name(action))
        for output in action.outputs:
            what = f"{output.path}, made by {name(action)},"
            _use(used, output.digest, what, tree=output.tree)
    for one in ordinary.prepared(bench):
        if one.pruned_key:
            who = f"{one.record.mnemonic} of {one.record.label}"
            used.setdefault(("inputs", one.pruned_key), who)
    for artifact, value in enumerate(kept.values):
        if value is not None and kept.plan.kinds[artifact] != GENERATED:
            _use(used, value[0], f"{kept.plan.paths[artifact]}", tree=_is_tree(value))
    return used


def _use(used: dict[tuple[str, str], str], digest: str, what: str, *, tree: bool) -> None:
    kinds = [("blobs", digest), ("trees", digest)] if tree else [
        ("blobs", digest), ("blobs", f"{digest}.x"),
    ]  # fmt: skip
    for kind in kinds:
        used.setdefault(kind, what)


def _is_tree(value: Value) -> bool:
    return len(value) == 4  # noqa: PLR2004 - a directory
