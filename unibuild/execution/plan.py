"""The plan of a build: an action graph as numbered artefacts and actions, ready to be kept.

Everything is a plain tuple, list, string or number, so that ``marshal`` can keep it between builds
and an incremental build can load the description of just the actions it looks at.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from unibuild.model.artifacts import Origin
from unibuild.model.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unibuild.model.actions import Action, ActionGraph
    from unibuild.model.artifacts import Artifact

SOURCE, GENERATED, LITERAL, PACKAGE = range(4)
_KINDS = {
    Origin.SOURCE: SOURCE,
    Origin.GENERATED: GENERATED,
    Origin.LITERAL: LITERAL,
    Origin.PACKAGE: PACKAGE,
}


class Record(NamedTuple):
    """One action; artefacts are numbers into the plan's ``paths``, ``depfile`` is -1 for none.

    ``inputs`` includes the prunable ones.
    """

    label: str
    mnemonic: str
    description: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    builtin: str
    depfile: int
    prunable: tuple[int, ...]
    test: bool
    timeout: int


class Target(NamedTuple):
    """One requested target; ``tests`` are the outputs of its test action when tests are run."""

    label: str
    rule: str
    outputs: tuple[int, ...]
    tests: tuple[int, ...]
    facts: dict[str, object]


class Plan(NamedTuple):
    """All artefacts and actions of a build, actions in topological order.

    For artefact ``a``: ``paths[a]`` is where actions read it, ``kinds[a]`` its origin, ``trees`` and
    ``executables`` hold the numbers of directories and of files that must be executable, and
    ``extra[a]`` the absolute path of a source, the bytes of a literal or the purl of a package.
    ``record(i)`` describes action ``i``, ``outputs[i]`` are what it makes, ``consumers[a]`` the
    actions that read ``a``.
    """

    paths: list[str]
    kinds: list[int]
    trees: frozenset[int]
    executables: frozenset[int]
    extra: dict[int, str | bytes]
    outputs: list[tuple[int, ...]]
    consumers: list[tuple[int, ...]]
    targets: list[Target]
    record: Callable[[int], Record]

    def producers(self) -> dict[int, int]:
        """Return the action that makes each generated artefact."""
        return {a: index for index, made in enumerate(self.outputs) for a in made}

    def wanted(self) -> list[int]:
        """Return the artefacts to be placed for the user, each once, in order.

        A source that a target passes on is where it always was, and so is a package.
        """
        asked = dict.fromkeys(a for t in self.targets for a in (*t.outputs, *t.tests))
        return [a for a in asked if self.kinds[a] in (GENERATED, LITERAL)]


def shown_path(plan: Plan, artifact: int) -> str:
    """Return where the user finds an artefact, relative to the workspace."""
    path = plan.paths[artifact]
    return path if plan.kinds[artifact] == SOURCE else f"unibuild-out/{path.partition('/')[2]}"


def make_plan(
    graph: ActionGraph, *, tests: bool, only_output: str = ""
) -> tuple[Plan, list[Record]]:
    """Return the plan for what ``graph`` requests, without the actions that nothing needs.

    ``only_output`` (a path without prefix) asks for the one action that makes it instead.
    """
    builder = _Builder(graph)
    targets = builder.targets(tests=tests, only_output=only_output)
    needed = builder.needed(targets)
    records = [builder.record(action) for action in needed]
    consumers: list[list[int]] = [[] for _ in builder.paths]
    for index, record in enumerate(records):
        for a in record.inputs:
            consumers[a].append(index)
    plan = Plan(
        paths=builder.paths,
        kinds=builder.kinds,
        trees=frozenset(builder.trees),
        executables=frozenset(builder.executables),
        extra=builder.extra,
        outputs=[record.outputs for record in records],
        consumers=[tuple(below) for below in consumers],
        targets=targets,
        record=records.__getitem__,
    )
    return plan, records


class _Builder:
    def __init__(self, graph: ActionGraph) -> None:
        self.graph = graph
        self.paths: list[str] = []
        self.kinds: list[int] = []
        self.trees: list[int] = []
        self.executables: list[int] = []
        self.extra: dict[int, str | bytes] = {}
        self._numbers: dict[tuple[Origin, str], int] = {}
        self._roots = sorted(graph.source_roots.items(), key=lambda item: -len(item[0]))

    def number(self, artifact: Artifact) -> int:
        key = (artifact.origin, artifact.path)
        known = self._numbers.get(key)
        if known is not None:
            return known
        number = self._numbers[key] = len(self.paths)
        self.paths.append(artifact.input_path)
        self.kinds.append(_KINDS[artifact.origin])
        if artifact.tree:
            self.trees.append(number)
        if artifact.executable:
            self.executables.append(number)
        if artifact.origin is Origin.SOURCE:
            self.extra[number] = self._absolute(artifact.path)
        elif artifact.origin is Origin.LITERAL:
            self.extra[number] = artifact.content or b""
        elif artifact.origin is Origin.PACKAGE:
            self.extra[number] = artifact.purl
        return number

    def numbers(self, artifacts: Sequence[Artifact]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(map(self.number, artifacts)))

    def record(self, action: Action) -> Record:
        return Record(
            action.label,
            action.mnemonic,
            action.description,
            action.arguments,
            action.environment,
            self.numbers((*action.inputs, *action.prunable)),
            self.numbers(action.outputs),
            action.builtin,
            -1 if action.depfile is None else self.number(action.depfile),
            self.numbers(action.prunable),
            action.test,
            action.timeout,
        )

    def targets(self, *, tests: bool, only_output: str) -> list[Target]:
        if only_output:
            return [self._only(only_output)]
        found = []
        for label in self.graph.requested:
            target = self.graph.targets[label]
            found.append(
                Target(
                    label,
                    target.rule,
                    self.numbers(target.outputs),
                    self.numbers(target.test_outputs) if tests else (),
                    dict(target.facts),
                )
            )
        return found

    def _only(self, path: str) -> Target:
        for action in self.graph.actions:
            if any(made.path == path for made in action.outputs):
                return Target(action.label, "", self.numbers(action.outputs), (), {})
        raise InternalError(id="no-such-action", cause=f"no action of these targets makes {path}")

    def needed(self, targets: list[Target]) -> list[Action]:
        wanted = {a for target in targets for a in (*target.outputs, *target.tests)}
        keys = {key for key, number in self._numbers.items() if number in wanted}
        needed: list[Action] = []
        # Producers come first in the graph, so one walk backwards meets every consumer first.
        for action in reversed(self.graph.actions):
            if any((made.origin, made.path) in keys for made in action.outputs):
                needed.append(action)
                keys.update((read.origin, read.path) for read in action.inputs)
                keys.update((read.origin, read.path) for read in action.prunable)
        needed.reverse()
        return needed

    def _absolute(self, path: str) -> str:
        for prefix, root in self._roots:
            if not prefix:
                return os.path.join(root, path)
            if path.startswith(prefix + "/"):
                return os.path.join(root, path[len(prefix) + 1 :])
        raise InternalError(id="no-source-root", cause=f"no repository holds the source {path}")
