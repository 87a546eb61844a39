"""Build targets and everything that they need.

    unibuild build //services/dns:image          one target
    unibuild build //...                         every target of the workspace

Outputs appear in unibuild-out/. A build with nothing changed runs no action.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.cli import options, outcome
from unibuild.cli.workspace import Composition

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare patterns and build options."""
    options.add_patterns(parser, what="what to build")
    options.add_build_options(parser)
    options.add_json(parser)


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build, and print the outputs."""
    composition = Composition.here(terminal)
    report = composition.build(arguments, arguments.patterns, "build")
    return outcome.show(report, terminal, as_json=arguments.json, prefix=composition.prefix)
