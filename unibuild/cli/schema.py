"""Print the JSON Schema of a file that people write, for editors.

    unibuild schema build > build.schema.json
    unibuild schema workspace > workspace.schema.json

In an editor with Taplo (Even Better TOML) put '#:schema ./build.schema.json' first in BUILD.toml.
The rules of the workspace around the current directory are part of the BUILD.toml schema.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare which file."""
    parser.add_argument("file", choices=("build", "workspace"), help="BUILD.toml or WORKSPACE.toml")


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the schema."""
    from pathlib import Path

    from unibuild.analysis import schema

    if arguments.file == "workspace":
        value = schema.workspace_schema()
    else:
        value = schema.build_schema(Path.cwd())
    terminal.data(json.dumps(value, indent=2, sort_keys=True))
    return 0
