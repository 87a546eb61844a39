"""What is in an image: its components by size, and why each is there. Or: why actions ran.

    unibuild explain //services/dns:image
    unibuild explain //services/dns:image --json
    unibuild explain --rebuilt //services/dns:image

With --rebuilt nothing is built: every action that ran in the last build of the target, of any rule,
is compared with the last result of the same step, here or in the remote cache, field by field.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from unibuild.cli import options, rebuilt
from unibuild.cli.render import warning_line
from unibuild.cli.terminal import short_label, size_text, table
from unibuild.cli.workspace import Composition
from unibuild.model.counting import plural

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the image."""
    parser.add_argument("label", metavar="LABEL", help="the image to explain")
    parser.add_argument(
        "--rebuilt", action="store_true", help="say why actions ran in the last build of LABEL"
    )
    options.add_json(parser)
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build the image if need be, and print its components."""
    composition = Composition.here(terminal)
    if arguments.rebuilt:
        return rebuilt.show(arguments, composition)
    from unibuild.image.questions import explain

    answer = explain(composition.manifest(arguments))
    if arguments.json:
        terminal.data(json.dumps(answer))
        return 0
    rows: list[tuple[str, ...]] = [
        (
            size_text(component["file_bytes"]),
            size_text(component["zeroed_bytes"]),
            short_label(component["label"]),
            component["because"],
        )
        for component in answer["components"]
    ]
    for line in table(rows, ("IN FILE", "ZEROED", "COMPONENT", "WHY")):
        terminal.data(line)
    for line in _about_program(answer):
        terminal.data(line)
    if answer["sandbox"] == "none":
        terminal.note(warning_line("built without a sandbox, as asked for by name", terminal))
    return 0


def _about_program(answer: dict[str, Any]) -> list[str]:
    """Return what is special about an image with a Linux program, an empty line first."""
    program = answer["program"]
    if program is None:
        return []
    missing = program["missing"]
    count = plural(len(program["calls"]), "system call")
    about = f"{program['path']}: a {program['kind']} Linux program, {count}"
    lines = ["", f"{about}, {len(missing) or 'none'} without an answer"]
    if program["interpreter"]:
        needed = ", ".join(program["needed"])
        lines.append(f"started by {program['interpreter']}; needs {needed}")
    lines += [f"answers ENOSYS: {one['because']}" for one in missing]
    lines += [
        f"not decided: {one['function'] or hex(one['address'])} of {one['file']}: {one['why']}"
        for one in program["undecided"]
    ]
    lines += [f"warning: {text}" for text in program["warnings"]]
    lines += [
        f"weaker than by default: {name}" for name, set_ in program["settings"].items() if set_
    ]
    return lines
