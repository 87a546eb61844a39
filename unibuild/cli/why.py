"""How one component came into an image: the chain of targets and the symbols that pulled it.

unibuild why //services/dns:image kernel/thread
unibuild why //hello:image //kernel/panic --json
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.cli import options
from unibuild.cli.terminal import size_text
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
    from unibuild.image import manifest
    from unibuild.image.questions import why

    composition = Composition.here(terminal)
    path = composition.manifest_path(composition.build_one(arguments, arguments.label))
    answer = why(manifest.read(path), arguments.component)
    if arguments.json:
        terminal.data(json.dumps(answer))
        return 0
    terminal.data(f"{answer['component']}: {answer['because']}")
    for depth, step in enumerate(answer["steps"]):
        indent = "  " * depth
        terminal.data(f"{indent}{step['from']} ({step['from_object']})")
        terminal.data(
            f"{indent}└ needs {step['symbol']}, which is in {step['to']} ({step['to_object']})"
        )
    if answer["objects"]:
        terminal.data("objects:")
        for one in answer["objects"]:
            terminal.data(f"  {size_text(one['bytes']).rjust(10)}  {one['name']}")
    return 0
