"""How one component came into an image: the chain of targets and the symbols that pulled it.

unibuild why //services/dns:image kernel/thread
unibuild why //hello:image //kernel/panic --json
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.cli import options
from unibuild.cli.terminal import short_label, size_text, table
from unibuild.cli.workspace import Composition

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the image and the component."""
    parser.add_argument("label", metavar="IMAGE", help="the image to look into")
    parser.add_argument("component", metavar="COMPONENT", help="a label, or the end of one")
    options.add_json(parser)
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build the image if need be, and print the chain."""
    from unibuild.image.questions import why

    answer = why(Composition.here(terminal).manifest(arguments), arguments.component)
    if arguments.json:
        terminal.data(json.dumps(answer))
        return 0
    terminal.data(f"{short_label(answer['component'])}: {answer['because']}")
    terminal.data("")
    steps: list[tuple[str, ...]] = [
        (step["symbol"], step["to_object"], short_label(step["to"])) for step in answer["steps"]
    ]
    for line in table(steps, ("NEEDED SYMBOL", "IS IN", "OF COMPONENT")):
        terminal.data(line)
    terminal.data("")
    objects: list[tuple[str, ...]] = [
        (size_text(one["bytes"]), one["name"]) for one in answer["objects"]
    ]
    for line in table(objects, ("SIZE", "OBJECT IN THE IMAGE")):
        terminal.data(line)
    return 0
