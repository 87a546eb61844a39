"""V6, ``artefact``: an image file is rebuilt from nothing but what its provenance names.

The image has to be a subject of the provenance, and this unibuild and its standard repository those that
made it. The workspace is fetched from its Git commit (or taken from ``--sources``), every file of it
compared; packages are those of its lock, compared too. Then it is built without any cache, and the image
is compared byte by byte. Signatures are not looked at here (``signed``); what of the sources may run when
nobody looked at any is up to ``foreign_code``.

Facts: ``image`` (``sha256:HEX``), ``provenance`` (the file), ``label``, ``commit``, ``sources`` and
``packages`` compared, ``actions`` rebuilt, ``seconds`` of the rebuild, ``reason`` of a failure
(``subject-mismatch``, ``sources-differ``, ``packages-differ``, ``image-differs``, …).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import unibuild
from unibuild.external import lock as locks
from unibuild.loading.workspace import STANDARD_REPOSITORY, read_workspace
from unibuild.model.errors import DifferenceError, ErrorGroup, HostError, UnibuildError, UserError
from unibuild.store.inspection import Inspection
from unibuild.verify import comparison, foreign_code, named_sources
from unibuild.verify.attestation import dependencies, evidence
from unibuild.verify.checkout import write_settings
from unibuild.verify.outcome import Outcome
from unibuild.verify.rebuild import RebuildRequest
from unibuild.verify.rebuilding import Rebuild

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unibuild.execution.execution_log import ExecutionLog, LoggedAction
    from unibuild.execution.request import SandboxMode
    from unibuild.loading.workspace import Workspace
    from unibuild.verify.attestation.provenance import Provenance
    from unibuild.verify.outcome import Status
    from unibuild.verify.workbench import Bench

ERROR_ID = "artefact-not-reproduced"
_GLANCE = 0.1  # seconds between two looks at the log
_OUTPUTS = "unibuild-out"
_SETTINGS = "WORKSPACE.toml"


@dataclass(slots=True)
class _Attempt:
    """One verification on its way: what it is about, and what was found out so far."""

    bench: Bench
    provenance: Provenance
    image: Path
    sha256: str
    folder: Path
    facts: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def failed(self, reason: str, error: UnibuildError, *more: UnibuildError) -> Outcome:
        """Return the outcome of a failure."""
        self.facts["reason"] = reason
        status: Status = "not-done" if isinstance(error, HostError) else "failed"
        return Outcome(status, error.cause, (error, *more), tuple(self.notes), self.facts)


def run(bench: Bench) -> Outcome:
    """Do the check."""
    found = evidence.gather(bench)
    if not found or bench.image is None:
        raise UserError(
            id="no-provenance",
            cause=f"there is no provenance of {bench.label} to rebuild it from",
            hint="name it with --provenance FILE",
        )
    sha256 = evidence.image_sha256(bench)
    first = found[0].provenance
    attempt = _Attempt(bench, first, bench.image.image, sha256, bench.scratch / "artefact")
    attempt.facts |= {"image": f"sha256:{sha256}", "provenance": found[0].shown}
    mismatch = evidence.other_image(ERROR_ID, found, sha256)
    if mismatch is not None:
        return attempt.failed("subject-mismatch", mismatch)
    parameters = first.parameters
    attempt.facts |= {"label": parameters.label, "commit": parameters.source.commit}
    if len(found) > 1:
        attempt.notes.append(f"rebuilt from {found[0].shown}; the other provenances name it too")
    engine = Path(unibuild.__file__).parent
    other = _another_unibuild(first, "engine", dependencies.engine_files(str(engine)))
    if other is not None:
        return attempt.failed("another-unibuild", other)
    try:
        return _from_sources(attempt)
    except DifferenceError as error:
        return attempt.failed("sources-differ", error)


def _from_sources(attempt: _Attempt) -> Outcome:
    bench, provenance = attempt.bench, attempt.provenance
    sandbox = foreign_code.sandbox(bench)
    bench.progress.step("fetching the sources that the provenance names")
    root = named_sources.bring(provenance, bench.options.sources, attempt.folder / "fetched")
    names = named_sources.compare(provenance, root)
    if _SETTINGS not in names:
        raise _differs(f"{provenance.shown} names no {_SETTINGS}, which every workspace has")
    workspace = foreign_code.with_our_rules(read_workspace(root))
    standard = workspace.repositories.get(STANDARD_REPOSITORY, workspace.root)
    other = _another_unibuild(
        provenance, "standard-repository", dependencies.standard_files(str(standard))
    )
    if other is not None:
        return attempt.failed("another-unibuild", other)
    foreign_code.refuse_rules(bench, workspace)
    attempt.facts["sources"] = len(names)
    attempt.facts["packages"] = _compare_packages(provenance, workspace)
    _compare_options(provenance, workspace)
    place = attempt.folder / "workspace"
    named_sources.lay_out(names, root, place)
    write_settings(workspace, place / _SETTINGS)
    return _rebuilt(attempt, workspace, place, sandbox)


def _rebuilt(attempt: _Attempt, workspace: Workspace, place: Path, sandbox: SandboxMode) -> Outcome:
    """Build, and compare the image with what was built."""
    bench, provenance = attempt.bench, attempt.provenance
    if provenance.sandbox == "none" and sandbox != "none":
        attempt.notes.append("it was made without a sandbox, and is rebuilt in one")
    request = RebuildRequest(
        workspace=place,
        label=provenance.parameters.label,
        cache=attempt.folder / "cache",
        log=attempt.folder / "log",
        jobs=bench.jobs,
        sandbox=sandbox,
    )
    try:
        log, seconds = _build(bench, request, attempt.folder / "process")
    except (UnibuildError, ErrorGroup) as raised:
        errors = raised.errors if isinstance(raised, ErrorGroup) else (raised,)
        if isinstance(errors[0], HostError):
            return attempt.failed("not-rebuilt", *errors)
        error = _differs("the image cannot be rebuilt from the sources that its provenance names")
        error.detail = (errors[0].cause,)
        return attempt.failed("not-rebuilt", error, *errors)
    attempt.facts |= {"actions": len(log.actions), "seconds": round(seconds, 3)}
    made = place / _OUTPUTS / _image_name(attempt)
    if not made.is_file():
        label = provenance.parameters.label
        return attempt.failed("no-such-output", _differs(f"{label} makes no {made.name}"))
    digest = dependencies.sha256_of(str(made), made.name)
    if digest != attempt.sha256:
        return _other_bytes(attempt, workspace, log, made, digest)
    attempt.notes += _other_outputs(attempt, place)
    commit = provenance.parameters.source.commit
    whence = f"commit {commit[:12]}" if bench.options.sources is None else "the sources given"
    words = f"rebuilt from {whence} by {len(log.actions)} actions, the image is the same"
    return Outcome("passed", words, notes=tuple(attempt.notes), facts=attempt.facts)


def _build(bench: Bench, request: RebuildRequest, folder: Path) -> tuple[ExecutionLog, float]:
    done = 0
    with Rebuild.start(bench.rebuild_command, request, folder) as rebuild:
        while rebuild.running:
            done += len(rebuild.actions())
            bench.progress.step("rebuilding from nothing but the provenance", done)
            rebuild.wait(_GLANCE)
        return rebuild.finish(), rebuild.seconds


def _image_name(attempt: _Attempt) -> Path:
    """Return where the image lies below the outputs, as the provenance says."""
    subjects = attempt.provenance.statement.subject
    names = [one.name for one in subjects if one.sha256 == attempt.sha256]
    return named_sources.relative(names[0] if names else "", attempt.provenance)


def _other_outputs(attempt: _Attempt, place: Path) -> list[str]:
    """Say which other subjects of the provenance are not what was built."""
    notes = []
    for one in attempt.provenance.statement.subject:
        path = place / _OUTPUTS / named_sources.relative(one.name, attempt.provenance)
        if not path.is_file() or dependencies.sha256_of(str(path), one.name) != one.sha256:
            notes.append(f"{one.name} is not as the provenance names it; the image is")
    return notes


def _another_unibuild(
    provenance: Provenance, kind: str, files: Mapping[str, str]
) -> HostError | None:
    """Return the error of an engine or standard repository that is not the one which made the image."""
    found = dependencies.dir_hash(files)
    named = provenance.of_kind(kind)
    expected = named[0].digest.get("dirHash", "") if named else ""
    if found == expected:
        return None
    version = named[0].annotations.get("version", "") if named else ""
    what = {"engine": "engine", "standard-repository": "standard repository"}[kind]
    this = unibuild.__version__
    if not isinstance(version, str) or not version:
        cause = f"{provenance.shown} does not say which unibuild made the image"
        hint = "attest the image with a unibuild that does"
    elif version != this:
        cause = f"the image was made by unibuild {version}, and this is {this}"
        hint = f"verify it with unibuild {version}"
    else:
        cause = f"the image was made by a unibuild {version} with another {what} than this one has"
        hint = f"verify it with unibuild {version} as it was when the image was made"
    return HostError(
        id="another-unibuild",
        cause=cause,
        hint=hint,
        detail=(f"its {what}:  dirHash {expected or '(none)'}", f"this one's: dirHash {found}"),
    )


def _compare_packages(provenance: Provenance, workspace: Workspace) -> int:
    """Compare the packages with those of the lock, which is what the build fetches; return how many."""
    pinned = locks.merge(locks.read(path) for path in workspace.lock_paths if path.exists())
    packages = provenance.of_kind("package")
    for package in packages:
        try:
            sha256 = pinned.find(package.uri).sha256
        except UserError:
            sha256 = ""
        if sha256 != package.sha256:
            error = _differs(f"the lock pins another {package.uri} than {provenance.shown} names")
            error.detail = (
                f"the provenance names sha256:{package.sha256}",
                f"the lock pins        sha256:{sha256 or '(none)'}",
            )
            raise error
    return len(packages)


def _compare_options(provenance: Provenance, workspace: Workspace) -> None:
    options = provenance.parameters.options
    for named, found in (
        (options.digest_function, workspace.digest_function),
        (options.default_platform, workspace.settings.default_platform),
    ):
        if named != found:
            raise _differs(f"{provenance.shown} names {named}, and the sources say {found}")


def _other_bytes(
    attempt: _Attempt, workspace: Workspace, log: ExecutionLog, made: Path, digest: str
) -> Outcome:
    """Return the outcome of an image that is another one: where it differs, and since which action."""
    from unibuild.store.files import READ_ONLY, copy_new
    from unibuild.verify.difference import explain

    expected, found = attempt.image, attempt.bench.kept / "artefact" / made.name
    found.parent.mkdir(parents=True, exist_ok=True)
    found.unlink(missing_ok=True)
    copy_new(str(made), str(found), READ_ONLY)
    difference = explain(expected, found)
    lines = [
        f"expected sha256:{attempt.sha256}",
        f"rebuilt  sha256:{digest}",
        f"first cause: {difference.first_cause}",
        f"kept: {os.path.relpath(found)}",
    ]
    guilty = _first_other(attempt.bench, workspace, log)
    if guilty is not None:
        lines.insert(0, f"the first action whose result is another than in this cache: {guilty}")
    attempt.facts["difference"] = difference.document()
    error = _differs("rebuilt from its provenance, the image is another one")
    error.detail = tuple(lines)
    error.hint = f"'unibuild diff {expected} {os.path.relpath(found)}' shows all that differs"
    return attempt.failed("image-differs", error)


def _first_other(bench: Bench, workspace: Workspace, log: ExecutionLog) -> str | None:
    """Return the first action of which this user's cache holds another result, if it holds any."""
    inspection = Inspection(str(bench.cache_root), workspace.digest_function)
    for action in log.actions.values():
        stored = inspection.result(action.action)
        if stored is not None and {one.digest.hash for one in stored.files} - _made(action):
            return comparison.name(action)
    return None


def _made(action: LoggedAction) -> set[str]:
    return {output.digest for output in action.outputs}


def _differs(cause: str) -> DifferenceError:
    return DifferenceError(id=ERROR_ID, cause=cause)
