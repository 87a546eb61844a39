"""Writing the provenance of one build: a statement about its image, from its graph and its options."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import unibuild
from unibuild.loading.workspace import standard_repository
from unibuild.model.errors import UserError
from unibuild.verify.attestation import dependencies, statement
from unibuild.verify.attestation.provenance import (
    BUILD_TYPE,
    LOCAL_BUILDER,
    UNSANDBOXED_BUILDER,
)
from unibuild.verify.attestation.records import is_uri
from unibuild.verify.attestation.version_control import source_of

if TYPE_CHECKING:
    from unibuild.external.lock import Lock
    from unibuild.loading.workspace import Workspace
    from unibuild.model.actions import ActionGraph
    from unibuild.verify.workbench import ImageFiles

OUTPUTS = "unibuild-out"


@dataclass(frozen=True, slots=True)
class Run:
    """One build as its command line and its report tell it.

    ``sandbox`` is what was asked for, ``sandboxed`` what was had. ``execution`` is where actions could
    run (``local``, ``remote``, ``auto``), ``remote_cache`` whether a server's results could be used.
    ``builder_id`` empty stands for this unibuild itself. Times are RFC 3339 in UTC, or empty.
    """

    label: str
    sandbox: str
    sandboxed: bool
    execution: str
    remote_cache: bool
    builder_id: str = ""
    invocation_id: str = ""
    started_on: str = ""
    finished_on: str = ""


def provenance(
    workspace: Workspace, graph: ActionGraph, lock: Lock, files: ImageFiles, run: Run
) -> dict[str, Any]:
    """Return the statement about ``files``, which the build ``run`` of ``graph`` made."""
    read = dependencies.source_files(graph)
    source = source_of(
        str(workspace.root), {file.name: file.location for file in read}, graph.watched_directories
    )
    standard = standard_repository(workspace.root, workspace.settings, workspace.text)
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "label": run.label,
                "source": {**source.model_dump(mode="json"), "dirty": list(source.dirty)},
                "options": {
                    "digestFunction": workspace.digest_function,
                    "defaultPlatform": workspace.settings.default_platform,
                    "sandbox": run.sandbox,
                },
            },
            "internalParameters": {
                "sandbox": "bubblewrap" if run.sandboxed else "none",
                "execution": run.execution,
                "remoteCache": run.remote_cache,
            },
            "resolvedDependencies": dependencies.resources(
                graph, read, lock, str(standard), source
            ),
        },
        "runDetails": {"builder": _builder(run), "metadata": _metadata(run)},
    }
    return statement.made(_subjects(workspace.root, files), statement.PROVENANCE, predicate)


def check_builder_id(text: str) -> None:
    """Raise ``UserError`` unless ``text`` can name a builder."""
    if not is_uri(text):
        raise UserError(
            id="bad-builder-id",
            cause=f"--builder-id wants a URI, not {text!r}",
            hint="such as https://ci.example.com/builders/release@v1; it names who ran the build",
        )
    if re.fullmatch(r"urn:unibuild:.*", text, re.IGNORECASE):
        raise UserError(
            id="bad-builder-id",
            cause=f"{text} is a name that unibuild gives itself",
            hint="leave --builder-id out, or name the service that runs this build",
        )


def _builder(run: Run) -> dict[str, Any]:
    own = LOCAL_BUILDER if run.sandboxed else UNSANDBOXED_BUILDER
    return {
        "id": run.builder_id or own,
        "version": {"python": platform.python_version(), "unibuild": unibuild.__version__},
    }


def _metadata(run: Run) -> dict[str, str]:
    fields = {
        "invocationId": run.invocation_id,
        "startedOn": run.started_on,
        "finishedOn": run.finished_on,
    }
    return {name: text for name, text in fields.items() if text}


def _subjects(root: Path, files: ImageFiles) -> list[dict[str, Any]]:
    outputs = root / OUTPUTS
    roles = (("image", files.image), ("symbols", files.symbols), ("manifest", files.manifest))
    return [
        {
            "name": path.relative_to(outputs).as_posix(),
            "digest": {"sha256": dependencies.sha256_of(str(path), str(path))},
            "annotations": {"role": role},
        }
        for role, path in roles
    ]
