"""Write the provenance of an image: what it was made of, how, and by whom, for others to check.

    unibuild attest //services/dns:image
    unibuild attest //services/dns:image --builder-id https://ci.example.com/release@v1
    unibuild attest //services/dns:image --no-times -o image.provenance.json

The image is built if need be. What is written is an in-toto Statement with SLSA provenance v1, beside
the image (NAME.provenance.json), never in it. 'unibuild sign' signs it. Without --builder-id the
builder is this unibuild, which can claim SLSA build level 1.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unibuild.cli import options
from unibuild.cli.workspace import Composition
from unibuild.model.counting import plural
from unibuild.model.errors import ErrorGroup, UserError
from unibuild.store.named_files import replace_file

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal
    from unibuild.execution.request import BuildReport, TargetReport
    from unibuild.verify.attestation.recording import Run
    from unibuild.verify.workbench import ImageFiles

_MANIFEST, _SYMBOLS, _PROVENANCE = ".manifest.json", ".symbols", ".provenance.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the image and what the build service knows of itself."""
    parser.add_argument("label", metavar="LABEL", help="the image")
    parser.add_argument(
        "-o", "--output", default="", metavar="FILE",
        help="where to write it (default: NAME.provenance.json beside the image)",
    )  # fmt: skip
    parser.add_argument(
        "--builder-id", default="", metavar="URI",
        help="who runs this build, for a service that others trust (default: this unibuild)",
    )  # fmt: skip
    parser.add_argument(
        "--invocation-id", default="", metavar="ID",
        help="what the service calls this run, such as its URL (default: a random one)",
    )  # fmt: skip
    parser.add_argument(
        "--no-times", action="store_true",
        help="leave times and the random id out: the same build then gives the same file",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the statement as well")
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build the image, and write its provenance."""
    from unibuild.verify.attestation import recording, strict_json

    if arguments.builder_id:
        recording.check_builder_id(arguments.builder_id)
    composition = Composition.here(terminal)
    started = _now()
    report, target = _build(composition, arguments)
    files = _image_files(composition, target)
    finished = _now()
    made = _provenance(
        composition, arguments, files, _run(composition, arguments, report, (started, finished))
    )
    _, again = _build(composition, arguments)
    if again.outputs != target.outputs:
        raise UserError(
            id="changed-meanwhile",
            cause=f"the sources of {target.label} changed while its provenance was written",
            hint="run 'unibuild attest' again when nobody edits",
        )
    text = strict_json.render(made)
    strict_json.parse(text, "the provenance")  # what is written can be read: not too large, for one
    path = _output(arguments, files)
    replace_file(path, text)
    if arguments.json:
        terminal.data(json.dumps(made))
    _tell(composition, made, path)
    return 0


def _build(
    composition: Composition, arguments: argparse.Namespace
) -> tuple[BuildReport, TargetReport]:
    if composition.remote(arguments).download == "minimal":
        arguments.download = "toplevel"  # the outputs are about to be read
    report = composition.build(arguments, [arguments.label], "build")
    if report.failures:
        raise ErrorGroup(report.failures)
    if len(report.targets) != 1:
        raise UserError(
            id="not-one-target",
            cause=f"{arguments.label} matches {len(report.targets)} targets; this verb takes one",
            hint="name one target, such as //services/dns:image",
        )
    return report, report.targets[0]


def _image_files(composition: Composition, target: TargetReport) -> ImageFiles:
    from unibuild.verify.workbench import ImageFiles

    manifest = composition.manifest_path(target)
    image = composition.workspace.root / str(target.facts["artifact"])
    symbols = manifest.with_name(manifest.name.removesuffix(_MANIFEST) + _SYMBOLS)
    return ImageFiles(image, symbols, manifest)


def _run(
    composition: Composition,
    arguments: argparse.Namespace,
    report: BuildReport,
    times: tuple[str, str],
) -> Run:
    from uuid import uuid4

    from unibuild.verify.attestation.recording import Run

    remote = composition.remote(arguments).remote
    random = "" if arguments.no_times else f"urn:uuid:{uuid4()}"
    started, finished = ("", "") if arguments.no_times else times
    return Run(
        label=report.targets[0].label,
        sandbox=arguments.sandbox,
        sandboxed=report.sandboxed,
        execution=arguments.execute,
        remote_cache=remote is not None and remote.cache is not None,
        builder_id=arguments.builder_id,
        invocation_id=arguments.invocation_id or random,
        started_on=started,
        finished_on=finished,
    )


def _provenance(
    composition: Composition, arguments: argparse.Namespace, files: ImageFiles, run: Run
) -> dict[str, Any]:
    from unibuild.analysis.analyse import analyse
    from unibuild.verify.attestation import recording

    graph = analyse(composition.workspace, composition.patterns([arguments.label]))
    return recording.provenance(composition.workspace, graph, composition.lock(), files, run)


def _output(arguments: argparse.Namespace, files: ImageFiles) -> Path:
    if arguments.output:
        return Path(arguments.output).absolute()
    return files.manifest.with_name(files.manifest.name.removesuffix(_MANIFEST) + _PROVENANCE)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tell(composition: Composition, made: dict[str, Any], path: Path) -> None:
    """Say what was written, and what a verifier will frown at."""
    from unibuild.cli.render import warning_line

    terminal = composition.terminal
    definition = made["predicate"]["buildDefinition"]
    source = definition["externalParameters"]["source"]
    count = plural(len(definition["resolvedDependencies"]), "dependency", "dependencies")
    terminal.note(f"wrote {composition.shown(str(path))}: {count}")
    warnings = []
    if not source["commit"]:
        warnings.append("the workspace is under no version control: no source is named")
    elif source["dirty"]:
        first = ", ".join(source["dirty"][:3]) + (" …" if len(source["dirty"]) > 3 else "")  # noqa: PLR2004
        count = plural(len(source["dirty"]), "file is", "files are")
        warnings.append(f"{count} not those of the commit, and the provenance says so: {first}")
    elif not source["uri"]:
        warnings.append("the repository has no remote: the provenance names the commit only")
    if definition["internalParameters"]["sandbox"] == "none":
        warnings.append("built without a sandbox, and the provenance says so")
    for warning in warnings:
        terminal.note(warning_line(warning, terminal))
