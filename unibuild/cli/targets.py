"""List targets with their rules.

unibuild targets                     every target of the workspace
unibuild targets //services/...      those below a folder
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.cli import options
from unibuild.cli.terminal import table
from unibuild.cli.workspace import Composition

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the patterns."""
    parser.add_argument("patterns", nargs="*", default=["//..."], metavar="PATTERN",
                        help="which targets (default: //...)")  # fmt: skip
    options.add_json(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print a line, or a JSON object, for each target."""
    from unibuild.analysis.listing import target_rows

    composition = Composition.here(terminal)
    rows = target_rows(composition.workspace, composition.patterns(arguments.patterns))
    if arguments.json:
        listed = [
            {"label": row.label, "rule": row.rule, "description": row.description} for row in rows
        ]
        terminal.data(json.dumps(listed))
        return 0
    for line in table([(row.label, row.rule, row.description) for row in rows],
                      ("LABEL", "RULE", "DESCRIPTION")):  # fmt: skip
        terminal.data(line)
    return 0
