"""Print the JSON Schema of a file that people write, for editors, or of a report that programs read.

    unibuild schema build > build.schema.json
    unibuild schema workspace > workspace.schema.json
    unibuild schema verification                         what 'verify --json' prints

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
    parser.add_argument(
        "file", choices=("build", "workspace", "verification"),
        help="BUILD.toml, WORKSPACE.toml, or the report of 'verify --json'",
    )  # fmt: skip


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the schema."""
    terminal.data(json.dumps(_schema(arguments.file), indent=2, sort_keys=True))
    return 0


def _schema(file: str) -> object:
    if file == "verification":
        from unibuild.verify.report_schema import schema as report_schema

        return report_schema()
    from pathlib import Path

    from unibuild.analysis import schema

    return schema.workspace_schema() if file == "workspace" else schema.build_schema(Path.cwd())
