"""How one component came into an image: the chain of targets and the symbols that pulled it.

unibuild why //services/dns:image kernel/thread
unibuild why //hello:image //kernel/panic --json
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from unibuild.cli import options
from unibuild.cli.terminal import short_label, size_text, table
from unibuild.cli.workspace import Composition

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the image and the component."""
    parser.add_argument("label", metavar="IMAGE", help="the image to look into")
    parser.add_argument(
        "component", metavar="COMPONENT", help="a label, the end of one, or a system call"
    )
    options.add_json(parser)
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build the image if need be, and print the chain."""
    from unibuild.image.questions import why

    answer = why(Composition.here(terminal).manifest(arguments), arguments.component)
    if arguments.json:
        terminal.data(json.dumps(answer))
        return 0
    for line in _call(answer) if "call" in answer else _component(answer):
        terminal.data(line)
    return 0


def _component(answer: dict[str, Any]) -> list[str]:
    steps: list[tuple[str, ...]] = [
        (step["symbol"], step["to_object"], short_label(step["to"])) for step in answer["steps"]
    ]
    calls: list[tuple[str, ...]] = [(one["call"], one["because"]) for one in answer["calls"]]
    objects: list[tuple[str, ...]] = [
        (size_text(one["bytes"]), one["name"]) for one in answer["objects"]
    ]
    origin = answer["origin"] if answer["origin"] != answer["because"] else ""
    return [
        f"{short_label(answer['component'])}: {answer['because']}",
        *((f"to begin with, {origin}",) if origin else ()),
        "",
        *table(steps, ("NEEDED SYMBOL", "IS IN", "OF COMPONENT")),
        "",
        *([*table(calls, ("ANSWERS THE CALL", "BECAUSE")), ""] if calls else ()),
        *table(objects, ("SIZE", "OBJECT IN THE IMAGE")),
    ]


def _call(answer: dict[str, Any]) -> list[str]:
    reasons: list[tuple[str, ...]] = [
        (one["function"] or "?", f"{one['address']:#x}", one["how"], one["file"])
        for one in answer["reasons"]
    ]
    entries: list[tuple[str, ...]] = [
        (one["symbol"], one["object"], short_label(one["component"]))
        for one in answer["answered_by"]
    ]
    lines = [f"{answer['call']} (system call {answer['number']}): {answer['because']}", ""]
    if reasons:
        lines += [*table(reasons, ("CALLED IN", "AT", "HOW", "OF FILE")), ""]
    if not answer["provided"]:
        return [*lines, "no component answers it: the program gets ENOSYS"]
    return [*lines, *table(entries, ("ANSWERED BY", "IS IN", "OF COMPONENT"))]
