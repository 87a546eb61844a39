"""The ordinary build of a target as it left it: its kept graph, and its execution log made of that.

Nothing is built, looked up or repaired here: the cache of the user is what is under suspicion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild import __version__
from unibuild.execution import keep, kept_graph
from unibuild.execution.evaluation import with_host
from unibuild.execution.execution_log import ExecutionLog, of_action
from unibuild.execution.keys import ActionKeys, Prepared
from unibuild.execution.sandbox import Sandbox
from unibuild.model.errors import HostError
from unibuild.store.digests import DigestFunction
from unibuild.verify.rebuild import RebuildRequest
from unibuild.verify.rebuilding import Rebuild

if TYPE_CHECKING:
    from unibuild.execution.keep import Kept
    from unibuild.verify.workbench import Workbench

_DOWNLOADS = ("", "toplevel", "all")  # as the user may have typed them; "minimal" leaves no outputs


def kept(bench: Workbench) -> Kept:
    """Return the kept graph of the bench's target, every value known and as it is on disk now."""
    return bench.once(__name__ + ".kept", lambda: _kept(bench))


def prepared(bench: Workbench) -> tuple[Prepared, ...]:
    """Return every action of the kept graph with its key, in order."""
    return bench.once(__name__ + ".prepared", lambda: _prepared(bench))


def log(bench: Workbench) -> ExecutionLog:
    """Return the execution log that the ordinary build would write now, running nothing."""
    return bench.once(__name__ + ".log", lambda: _log(bench))


def _kept(bench: Workbench) -> Kept:
    found = _find(bench)
    if found is None:  # the target was built as part of a pattern: this keeps it as one of its own
        request = RebuildRequest(
            workspace=bench.workspace.root,
            label=bench.label,
            cache=bench.cache_root,
            log=bench.scratch / "ordinary" / "log",
            jobs=bench.jobs,
            sandbox=bench.sandbox,
        )
        with Rebuild.start(bench.rebuild_command, request, bench.scratch / "ordinary") as rebuild:
            rebuild.finish()
        found = _find(bench)
    if found is None:
        raise changed(bench)
    return found


def is_current(bench: Workbench) -> bool:
    """Tell whether the sources are still those of the ordinary build."""
    return _find(bench) is not None


def changed(bench: Workbench) -> HostError:
    """Return the error of a verification whose sources do not stand still."""
    return HostError(
        id="sources-change",
        cause=f"the sources of {bench.label} change while it is verified",
        hint="verify a checkout that nobody works in",
    )


def _find(bench: Workbench) -> Kept | None:
    root, function = str(bench.workspace.root), DigestFunction(bench.workspace.digest_function)
    for download in _DOWNLOADS:
        key = kept_graph.request_key(
            "build",
            (bench.label,),
            version=__version__,
            sandbox=bench.sandbox,
            download=download,
        )
        found = keep.Store(root, key, str(bench.cache_root), function).load()
        if found is None:
            continue
        changes = keep.find_changes(found, root, function)
        if changes is not None and not changes.dirty:
            return found
    return None


def _prepared(bench: Workbench) -> tuple[Prepared, ...]:
    plan, values = kept(bench).plan, kept(bench).values
    sandbox = Sandbox(bench.sandbox)
    # With "auto" a build goes on without a sandbox that is there and does not start.
    sandboxed = sandbox.active and not (bench.sandbox == "auto" and sandbox.probe())
    keys = ActionKeys(plan, values, DigestFunction(bench.workspace.digest_function))
    found = []
    for index in range(len(plan.outputs)):
        record = with_host(plan.record(index), {}, sandboxed=sandboxed)
        key = keys.action(record, sandboxed=sandboxed)
        pruned = keys.without_prunable(record, sandboxed=sandboxed) if record.depfile >= 0 else ""
        found.append(Prepared(index, record, key, pruned, sandboxed))
    return tuple(found)


def _log(bench: Workbench) -> ExecutionLog:
    plan, values = kept(bench).plan, kept(bench).values
    return ExecutionLog.of(
        of_action(plan, values, action, executed=False) for action in prepared(bench)
    )
