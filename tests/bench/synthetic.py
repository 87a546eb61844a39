"""A generated workspace for measuring engines: ten layers of small actions, one shape for all tools.

Each of N targets reads its own source and three outputs of the layer before, chosen by a fixed
pseudo-random sequence. Its action is one shell with about 5 ms of work: the first 64 bytes of each
input, then the SHA-256 of all inputs without their comment lines. Ten targets share a package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = 10
PACKAGE_SIZE = 10
INPUTS = 3


class Node(NamedTuple):
    """One target: its layer, its number in the layer, and the numbers of what it reads below."""

    layer: int
    number: int
    reads: tuple[int, ...]

    @property
    def package(self) -> str:
        """Return the package of the target."""
        return f"layer{self.layer}/package{self.number // PACKAGE_SIZE}"

    @property
    def name(self) -> str:
        """Return the name of the target."""
        return f"t{self.number}"


def nodes(count: int) -> list[Node]:
    """Return ``count`` targets, those of lower layers first."""
    width = count // LAYERS
    state = 12345
    found = []
    for layer in range(LAYERS):
        for number in range(width):
            reads: list[int] = []
            while layer and len(reads) < min(INPUTS, width):
                state = (state * 1103515245 + 12345) % 2**31
                choice = (state >> 8) % width
                if choice not in reads:
                    reads.append(choice)
            found.append(Node(layer, number, tuple(reads)))
    return found


def cone(graph: list[Node], number: int) -> int:
    """Return how many actions an edit of the source of ``number`` in the lowest layer reaches."""
    reached = {(0, number)}
    for node in graph:
        if any((node.layer - 1, below) in reached for below in node.reads):
            reached.add((node.layer, node.number))
    return len(reached)


def root_with_cone(graph: list[Node], wanted: int) -> int:
    """Return the target of the lowest layer whose cone is nearest to ``wanted``."""
    width = len(graph) // LAYERS
    return min(range(width), key=lambda number: abs(cone(graph, number) - wanted))


def source_text(node: Node, *, comment: str = "", body: str = "") -> str:
    """Return a source file: a comment line far enough from the start, then a little text."""
    lines = [f"source {node.layer} {node.number} {body}".ljust(79, "."), f"# {comment}"]
    lines += [f"line {index} of {node.layer}/{node.number}" for index in range(10)]
    return "\n".join(lines) + "\n"


def command(inputs: str, output: str) -> str:
    """Return the shell text of an action."""
    return f"{{ head -q -c 64 {inputs}; cat {inputs} | grep -v '^#' | sha256sum; }} > {output}"


def write_sources(root: Path, graph: list[Node]) -> None:
    """Write every target's source."""
    for node in graph:
        (root / node.package).mkdir(parents=True, exist_ok=True)
        (root / node.package / f"{node.name}.txt").write_text(source_text(node), encoding="ascii")


def write_unibuild(root: Path, graph: list[Node]) -> None:
    """Write WORKSPACE.toml and the BUILD.toml files."""
    (root / "WORKSPACE.toml").write_text('name = "synthetic"\n', encoding="ascii")
    packages: dict[str, list[str]] = {}
    for node in graph:
        below = [Node(node.layer - 1, number, ()) for number in node.reads]
        labels = [f"//{other.package}:{other.name}" for other in below]
        sources = ", ".join(f'"{name}"' for name in [f"{node.name}.txt", *labels])
        packages.setdefault(
            node.package, ['[package]\nvisibility = ["//visibility:public"]\n']
        ).append(
            f'[genrule.{node.name}]\nsrcs = [{sources}]\nouts = ["{node.name}.out"]\n'
            f'cmd = "{command("$(SRCS)", "$@")}"\n'
        )
    for package, targets in packages.items():
        (root / package / "BUILD.toml").write_text("\n".join(targets), encoding="ascii")


def write_ninja(root: Path, graph: list[Node], shell: str) -> None:
    """Write build.ninja: the same actions, without a sandbox; ``shell`` is the busybox binary."""
    lines = [f'rule run\n  command = {shell} sh -c "{command("$in", "$out")}"\n']
    for node in graph:
        below = [Node(node.layer - 1, number, ()) for number in node.reads]
        inputs = [f"{node.package}/{node.name}.txt"]
        inputs += [f"out/{other.package}/{other.name}.out" for other in below]
        lines.append(f"build out/{node.package}/{node.name}.out: run {' '.join(inputs)}")
    (root / "build.ninja").write_text("\n".join(lines) + "\n", encoding="ascii")
