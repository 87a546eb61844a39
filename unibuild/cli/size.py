"""Sizes of an image: the file, its sections, and what each component takes.

unibuild size //hello:image
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
    """Declare the image."""
    parser.add_argument("label", metavar="LABEL", help="the image to measure")
    options.add_json(parser)
    options.add_build_options(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build the image if need be, and print its sizes."""
    from unibuild.image.questions import size

    answer = size(Composition.here(terminal).manifest(arguments))
    if arguments.json:
        terminal.data(json.dumps(answer))
        return 0
    terminal.data(f"{answer['label']}: {answer['size']:,} bytes in the file")
    rows: list[tuple[str, ...]] = [
        (size_text(one["file_bytes"]), size_text(one["zeroed_bytes"]), short_label(one["label"]))
        for one in answer["components"]
    ]
    for line in table(rows, ("IN FILE", "ZEROED", "COMPONENT")):
        terminal.data(line)
    terminal.data("")
    sections: list[tuple[str, ...]] = [
        (size_text(one["size"]), one["name"]) for one in answer["sections"]
    ]
    for line in table(sections, ("SIZE", "SECTION")):
        terminal.data(line)
    return 0
