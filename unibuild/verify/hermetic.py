"""V2, ``hermetic``: every sandboxed action is rebuilt under supervision, and what it looks at is judged.

The rebuild has a checkout and an empty cache of its own, a clock that is 397 days ahead, and is told
other facts of the host (``supervision``). An action fails the check when it looks at a file that it
did not declare, at the network, at a header that its depfile leaves out (a change of that header would
go unnoticed), or when it makes something else than in the ordinary build: then the clock, random numbers
or facts of the host that it was seen to read are named. Read without an effect, they are notes.

Built-in actions are unibuild's own code and are not traced; ``twice`` compares what they make.

Facts: ``traced`` and ``builtin`` actions, ``sandboxed``, ``shift`` of the clock in seconds, ``seconds``
of the rebuild, ``findings``: [{label, mnemonic, output, kind, what, words, programs, count, failed}];
kinds: undeclared, network, clock, random, host, unseen, depfile, output.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.execution import depfile
from unibuild.execution.sandbox import Sandbox
from unibuild.model.errors import (
    DifferenceError,
    ErrorGroup,
    HostError,
    UnibuildError,
    UserError,
)
from unibuild.store.layout import Layout
from unibuild.verify import comparison, differing, ordinary, supervision, twice
from unibuild.verify.checkout import copy_workspace
from unibuild.verify.outcome import Outcome
from unibuild.verify.rebuild import RebuildRequest
from unibuild.verify.rebuilding import Rebuild
from unibuild.verify.supervision import judgement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unibuild.execution.execution_log import ExecutionLog, LoggedAction
    from unibuild.execution.plan import Plan, Record
    from unibuild.verify.comparison import ActionDifference
    from unibuild.verify.supervision import Seen
    from unibuild.verify.supervision.judgement import Finding
    from unibuild.verify.workbench import Workbench

ERROR_ID = "not-hermetic"
SHIFT = 397 * 86_400 + 5 * 3600 + 7 * 60 + 11
"""Another year, month, day, weekday, hour and minute, whenever it is."""
_GLANCE = 0.1  # seconds between two looks at the log
_LISTED = 3
_HINTS = {
    "undeclared": "name what it reads among its inputs (srcs, hdrs, tools), or have it do without",
    "network": "what comes from a network is a package: declare it (external_archive)",
    "depfile": "have the depfile name all that was read, or do not call it prunable",
}
_SAME_HINT = (
    "take dates from SOURCE_DATE_EPOCH and seeds from an attribute; facts of the host are no input"
)


@dataclass(frozen=True, slots=True)
class _Traced:
    """The supervised rebuild: its log, what was seen of each action, its cache, what it raised."""

    log: ExecutionLog
    seen: Mapping[str, Sequence[Seen]]
    cache: Path
    seconds: float
    raised: tuple[UnibuildError, ...] = ()

    @property
    def commands(self) -> list[LoggedAction]:
        """The actions that are no built-in ones."""
        return [action for action in self.log.actions.values() if not action.builtin]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One action with what is to be said of it, and how its outputs differ, if they do."""

    action: LoggedAction
    findings: tuple[Finding, ...]
    difference: ActionDifference | None = None

    @property
    def differs(self) -> bool:
        """Whether the same action made something else."""
        return self.difference is not None and self.difference.cause == "outputs"

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings for which the action fails."""
        return tuple(f for f in self.findings if self.differs or f.verdict == "forbidden")


def run(bench: Workbench) -> Outcome:
    """Do the check."""
    why = supervision.available()
    if why:
        return _not_done(HostError(id="not-supervised", cause=why, hint=_how_to_trace()))
    expected = twice.reference(bench)
    traced = _rebuild(bench, len(expected.actions))
    lacking = _lacking(traced)
    return _verdict(bench, expected, traced) if lacking is None else _not_done(lacking)


def _lacking(traced: _Traced) -> HostError | None:
    """Return what kept the rebuild from being seen, if anything."""
    for raised in traced.raised:
        if isinstance(raised, HostError):
            return raised
        for line in raised.detail:
            if line.startswith(supervision.FAILURE_MARK):
                cause = line.removeprefix(supervision.FAILURE_MARK)
                return HostError(id="not-supervised", cause=cause, label=raised.label)
    unseen = [a for a in traced.commands if a.outputs and _name(a) not in traced.seen]
    if not unseen:
        return None
    first = comparison.name(unseen[0])
    cause = f"{_counted(len(unseen), 'action')} ran unseen, the first is {first}"
    return HostError(id="not-supervised", cause=cause)


def _verdict(bench: Workbench, expected: ExecutionLog, traced: _Traced) -> Outcome:
    sandboxed = Sandbox(bench.sandbox).active
    judged = _judge_all(bench, expected, traced, sandboxed=sandboxed)
    errors = [error for one in judged if (error := _error(bench, one, traced)) is not None]
    count = len(traced.commands)
    builtin = len(traced.log.actions) - count
    facts = {
        "traced": count,
        "builtin": builtin,
        "sandboxed": sandboxed,
        "shift": SHIFT,
        "seconds": round(traced.seconds, 3),
        "findings": [_fact(one, finding) for one in judged for finding in one.findings],
    }
    notes = _notes(judged, builtin, sandboxed=sandboxed)
    if not errors and not traced.raised:
        if any(one.difference is not None for one in judged):
            return _not_done(ordinary.changed(bench))  # and nobody is guilty of it
        words = f"{_counted(count, 'action')} traced: nothing undeclared, no network"
        return Outcome("passed", words, notes=notes, facts=facts)
    errors = errors or [_broken(traced.raised[0])]
    words = errors[0].cause if len(errors) == 1 else f"{len(errors)} actions are not hermetic"
    return Outcome("failed", words, (*errors, *traced.raised), notes, facts)


def _not_done(error: HostError) -> Outcome:
    return Outcome("not-done", "actions could not be traced here", (error,))


def _how_to_trace() -> str:
    return "allow ptrace(2) and seccomp filters (in a container: --cap-add=SYS_PTRACE), on x86_64"


def _rebuild(bench: Workbench, total: int) -> _Traced:
    folder = bench.scratch / "hermetic"
    report = folder / "report"
    hide = judgement.hide_host(folder / "host")
    request = RebuildRequest(
        workspace=folder / "workspace",
        label=bench.label,
        cache=folder / "cache",
        log=folder / "log",
        packages=bench.cache_root,
        jobs=bench.jobs,
        sandbox=bench.sandbox,
        supervisor=supervision.command(report, SHIFT, hide),
    )
    copy_workspace(bench, request.workspace)
    raised: tuple[UnibuildError, ...] = ()
    with Rebuild.start(bench.rebuild_command, request, folder / "process") as rebuild:
        done = 0
        while rebuild.running:
            done += len(rebuild.actions())
            bench.progress.step("rebuilding under supervision", done, total)
            rebuild.wait(_GLANCE)
        try:
            rebuild.finish()
        except ErrorGroup as group:
            raised = group.errors
        except UnibuildError as error:
            raised = (error,)
    seen = supervision.read(report)
    return _Traced(rebuild.so_far, seen, request.cache, rebuild.seconds, raised)


def _name(action: LoggedAction) -> str:
    return action.outputs[0].path.replace("/", "%2F")


def _judge_all(
    bench: Workbench, expected: ExecutionLog, traced: _Traced, *, sandboxed: bool
) -> list[_Judged]:
    compared = comparison.compare(expected, traced.log)
    differences = {one.action.index: one for one in compared.differences}
    plan = ordinary.kept(bench).plan
    records = {
        plan.paths[prepared.record.outputs[0]]
        .partition("/")[2]
        .replace("/", "%2F"): prepared.record
        for prepared in ordinary.prepared(bench)
    }
    logged = {_name(action): action for action in traced.log.actions.values() if action.outputs}
    by_index = expected.actions
    judged = []
    for name, record in records.items():
        if not record.builtin and name not in traced.seen:
            continue
        action = logged.get(name) or next(a for a in by_index.values() if _name(a) == name)
        seen = traced.seen.get(name, ())
        findings = judgement.judge(seen, sandboxed=sandboxed)
        if name in logged and record.depfile >= 0:
            text = _depfile(bench, plan, record, logged[name], traced.cache)
            findings += _left_out(plan, record, text, seen)
        judged.append(_Judged(action, findings, differences.get(action.index)))
    return judged


def _depfile(
    bench: Workbench, plan: Plan, record: Record, action: LoggedAction, cache: Path
) -> str:
    path = plan.paths[record.depfile].partition("/")[2]
    (digest,) = (output.digest for output in action.outputs if output.path == path)
    blob = Path(Layout(str(cache), bench.workspace.digest_function).path("blobs", digest))
    return blob.read_text(encoding="utf-8", errors="surrogateescape")


def _left_out(plan: Plan, record: Record, text: str, seen: Iterable[Seen]) -> tuple[Finding, ...]:
    """Return the inputs that were read and that neither the depfile names nor a change reruns for."""
    named = set(depfile.used_inputs(record, plan, text, judgement.BUILD))
    read = judgement.opened(seen)
    found = []
    for a in record.prunable:
        path = plan.paths[a]
        in_tree = a in plan.trees and any(one.startswith(f"{path}/") for one in read)
        if a not in named and (path in read or in_tree):
            words = f"reads {path}, which its depfile leaves out: a change of it would go unnoticed"
            found.append(judgement.Finding("depfile", path, words, "forbidden", (), 1))
    return tuple(found)


def _error(bench: Workbench, judged: _Judged, traced: _Traced) -> UnibuildError | None:
    who, failed = comparison.name(judged.action), judged.failed
    lines = tuple(f"it also {finding.words}" for finding in failed[1:])
    if judged.differs and judged.difference is not None:
        exhibit = differing.keep(bench, "hermetic", judged.difference, traced.cache)
        why = f"it {failed[0].words}" if failed else _unexplained(judged.action)
        return DifferenceError(
            id=ERROR_ID,
            cause=f"{who} makes something else at another time and host: {why}",
            detail=(*lines, *exhibit.lines()),
            label=judged.action.label,
            hint=_SAME_HINT,
        )
    if not failed:
        return None
    return UserError(
        id=ERROR_ID,
        cause=f"{who} {failed[0].words}",
        detail=lines,
        label=judged.action.label,
        hint=_HINTS.get(failed[0].kind, ""),
    )


def _unexplained(action: LoggedAction) -> str:
    if action.builtin:
        return "it is unibuild's own code and was not traced"
    return "it was seen to read nothing that could be why"


def _broken(raised: UnibuildError) -> UnibuildError:
    return DifferenceError(
        id=ERROR_ID,
        cause="the target cannot be rebuilt at another time and host",
        detail=(raised.cause,),
        label=raised.label,
    )


def _fact(judged: _Judged, finding: Finding) -> dict[str, object]:
    return {
        "label": judged.action.label,
        "mnemonic": judged.action.mnemonic,
        "output": judged.action.outputs[0].path,
        "kind": finding.kind,
        "what": finding.what,
        "words": finding.words,
        "programs": list(finding.programs),
        "count": finding.count,
        "failed": finding in judged.failed,
    }


def _notes(judged: list[_Judged], builtin: int, *, sandboxed: bool) -> tuple[str, ...]:
    """Say what was seen without an effect, how often, and what nobody looked at."""
    seen: dict[tuple[str, str], int] = {}
    followers = 0
    for one in judged:
        followers += one.difference is not None and not one.differs
        for finding in one.findings:
            if finding not in one.failed:
                key = (finding.verdict, finding.words)
                seen[key] = seen.get(key, 0) + 1
    effect = {
        "by-effect": "without effect on the outputs",
        "untried": "the same in both builds, so its effect is not known",
    }
    notes = [
        f"{_counted(count, 'action')}: {words}, {effect[verdict]}"
        for (verdict, words), count in sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    ]
    if followers:
        notes.append(
            f"{_counted(followers, 'action')} given other inputs by those before: not judged"
        )
    if builtin:
        notes.append(
            f"{_counted(builtin, 'built-in action')} not traced, being unibuild's own code"
        )
    if not sandboxed:
        notes.append("actions ran without a sandbox, so files of the host could be seen")
    return tuple(notes)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
