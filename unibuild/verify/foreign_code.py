"""What of a stranger's sources may run here: actions in their sandbox, and nothing else of theirs.

A rule module is Python that runs as the user who builds, and an action without a sandbox is a program
that does. Provenance without a signature is anybody's word, so neither runs from what it names unless
somebody vouches for it: a key or a policy, which are looked at before, or a user who gives the sources.
A standard repository that is file by file ours is replaced by ours, since a folder can hold more than
its digest covers (compiled modules).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.loading.workspace import STANDARD_REPOSITORY, builtin_repository
from unibuild.model.errors import UserError
from unibuild.verify.attestation.dependencies import dir_hash, standard_files

if TYPE_CHECKING:
    from pathlib import Path

    from unibuild.execution.request import SandboxMode
    from unibuild.loading.workspace import Workspace
    from unibuild.verify.workbench import Bench

_HINT = (
    "name a key (--signed-by KEY) or a policy (--policy FILE), "
    "or read the sources and give them: --sources DIR"
)


def vouched(bench: Bench) -> bool:
    """Tell whether somebody stands for the sources; keys and policies were looked at before."""
    options = bench.options
    return bool(options.sources or options.signed_by or options.policy)


def sandbox(bench: Bench) -> SandboxMode:
    """Return in what the actions run: never without a sandbox when nobody vouches for them."""
    if vouched(bench):
        return bench.sandbox
    if bench.sandbox == "none":
        raise _refused("--sandbox=none would run the commands of sources that nobody vouches for")
    return "required"


def with_our_rules(workspace: Workspace) -> Workspace:
    """Return the workspace, its standard repository replaced by ours where the files are the same."""
    theirs, ours = _standard(workspace), builtin_repository()
    if theirs in (workspace.root, ours):
        return workspace
    if dir_hash(standard_files(str(theirs))) != dir_hash(standard_files(str(ours))):
        return workspace
    return replace(workspace, repositories={**workspace.repositories, STANDARD_REPOSITORY: ours})


def refuse_rules(bench: Bench, workspace: Workspace) -> None:
    """Raise ``untrusted-sources`` when the workspace brings rules for which nobody vouches."""
    brought = list(workspace.settings.rules)
    if _standard(workspace) != builtin_repository():
        brought.append("a standard repository of their own")
    if brought and not vouched(bench):
        raise _refused(
            "nobody vouches for the sources, and they bring code that runs outside the sandbox: "
            + ", ".join(brought)
        )


def _standard(workspace: Workspace) -> Path:
    return workspace.repositories.get(STANDARD_REPOSITORY, workspace.root)


def _refused(cause: str) -> UserError:
    return UserError(id="untrusted-sources", cause=cause, hint=_HINT)
