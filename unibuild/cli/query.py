"""Ask the target graph.

    unibuild query 'deps(//services/dns:image)'
    unibuild query 'somepath(//services/dns:image, @unibuild//kernel/panic)'
    unibuild query 'kind(cc_.*, //...) except //tests/...' --output json
    unibuild query 'deps(//hello:image, 1)' --output dot | dot -Tsvg > graph.svg

Functions: deps(x[, depth]), rdeps(universe, x[, depth]), somepath(from, to), allpaths(from, to),
kind(regex, x), attr(name, regex, x), filter(regex, x), set(x y z).
Operators: union or +, intersect or ^, except or -. Operands are labels and patterns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.cli.workspace import Composition

if TYPE_CHECKING:
    import argparse

    from unibuild.cli.terminal import Terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the expression and the form of the answer."""
    parser.add_argument("expression", metavar="EXPR", help="the question")
    parser.add_argument("--output", choices=("label", "json", "dot"), default="label",
                        help="a label a line (default), JSON, or a Graphviz drawing")  # fmt: skip
    parser.add_argument("--json", dest="output", action="store_const", const="json",
                        help="the same as --output json")  # fmt: skip


def execute(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the answer."""
    from unibuild.analysis.query import query, render

    composition = Composition.here(terminal)
    found = query(composition.workspace, arguments.expression, composition.package)
    text = render(found, arguments.output)
    if text:
        terminal.data(text.rstrip("\n"))
    else:
        terminal.note("no target fits")
    return 0
