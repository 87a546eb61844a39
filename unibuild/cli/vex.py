"""Write what the link proves about vulnerabilities: which of them are in code that is not in the image.

    unibuild vex //services/dns:image --vulnerabilities known.toml -o image.openvex.json
    unibuild vex //services/dns:image --vulnerabilities osv.json --format cyclonedx

OpenVEX 0.2.0 or CycloneDX 1.6, as JSON. 'not_affected' is said only of what is proven: the package is not
there, or the linker left out the objects of the sources at fault. Everything else is 'under_investigation',
with the reason. 'unibuild verify LABEL --absent FILE' checks such a document.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.cli import options
from unibuild.cli.sbom import bill_of, source_date_epoch
from unibuild.cli.workspace import Composition
from unibuild.model.counting import plural
from unibuild.model.errors import HostError, UserError
from unibuild.store.named_files import replace_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from unibuild.cli.terminal import Terminal
    from unibuild.image.manifest import Manifest
    from unibuild.verify.materials.inclusions import Inclusions
    from unibuild.verify.materials.statements import Statement

FORMATS = ("openvex", "cyclonedx")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the image, the vulnerabilities, the form and the file."""
    parser.add_argument("label", metavar="LABEL", help="the image")
    parser.add_argument(
        "--vulnerabilities", required=True, metavar="FILE",
        help="the vulnerabilities in question: TOML or JSON of ours, or records of OSV",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=FORMATS, default=FORMATS[0], help="the standard (default: openvex)"
    )
    parser.add_argument(
        "-o", "--output", default="", metavar="FILE",
        help="write to FILE (default: standard output)",
    )  # fmt: skip
    parser.add_argument(
        "--author", default="unibuild", metavar="NAME",
        help="who answers for the statements, such as security@example.com (OpenVEX)",
    )  # fmt: skip
    parser.add_argument(
        "--timestamp", default="", metavar="TIME",
        help="when they were made, as 2026-01-31T12:00:00Z (OpenVEX; default: SOURCE_DATE_EPOCH, or now)",
    )  # fmt: skip
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build the image if need be, judge each vulnerability, and write the document."""
    from unibuild.analysis.analyse import analyse
    from unibuild.execution.plan import make_plan
    from unibuild.image import manifest
    from unibuild.verify.materials import reach, statements, vex, vulnerabilities
    from unibuild.verify.materials.absence import Contents

    timestamp = _timestamp(arguments.timestamp)
    known = vulnerabilities.read(
        Path(arguments.vulnerabilities).absolute(), arguments.vulnerabilities
    )
    composition = Composition.here(terminal)
    bill, path = bill_of(composition, arguments)
    symbols = path.with_name(path.name.removesuffix(".manifest.json") + ".symbols")
    found = manifest.read(path)
    graph = analyse(composition.workspace, composition.patterns([arguments.label]))
    plan, _ = make_plan(graph, tests=False)
    image = Contents.of(
        found,
        symbols.read_text("utf-8"),
        _inclusions(composition, found),
        reach.readers(plan),
    )
    stated = statements.state(known, image)
    if arguments.format == "openvex":
        text = vex.openvex(stated, vex.product_of(bill), arguments.author, timestamp)
    else:
        text = vex.cyclonedx(stated, bill)
    if arguments.output:
        replace_file(Path(arguments.output).absolute(), text.encode())
    else:
        terminal.data(text.rstrip("\n"))
    _tell(stated, arguments.output, terminal)
    return 0


def _inclusions(composition: Composition, found: Manifest) -> Inclusions | None:
    """Return which sources include others; None, and a word on it, when they are not here."""
    from unibuild.cli.render import warning_line
    from unibuild.verify.materials import inclusions

    workspace, terminal = composition.workspace, composition.terminal
    try:
        return inclusions.of_image(workspace, composition.cache_root, found, terminal.note)
    except HostError as error:
        text = f"nothing is proven of sources: {error.cause} ({error.hint})"
        terminal.note(warning_line(text, terminal))
        return None


def _tell(stated: Sequence[Statement], output: str, terminal: Terminal) -> None:
    from unibuild.verify.attestation.strict_json import printable

    proven = [one for one in stated if one.justification]
    wrote = f"wrote {output}: " if output else ""
    terminal.note(
        f"{wrote}{plural(len(stated), 'statement')}, {len(proven)} proven not affected, "
        f"{len(stated) - len(proven)} under investigation"
    )
    for one in stated:
        if not one.justification:
            terminal.note(f"  {printable(one.vulnerability)}: {printable(one.words)}")


def _timestamp(asked: str) -> str:
    if asked:
        if not _TIME.fullmatch(asked):
            raise UserError(
                "bad-usage",
                f"--timestamp: `{asked}` is no time",
                hint="write it as RFC 3339 has it, such as 2026-01-31T12:00:00Z",
            )
        return asked
    epoch = source_date_epoch()
    time = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(epoch, UTC)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
