"""What the functions of the query language mean, over the loaded graph of targets.

Sets are sets of canonical labels. Targets are loaded when a function needs their dependencies or
attributes; nothing is analysed and no action is made.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from unibuild.analysis.loader import Loader
from unibuild.model.labels import parse_pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from unibuild.analysis.targets import Target
    from unibuild.loading.workspace import Workspace
    from unibuild.model.labels import Label

Set = frozenset[str]


class Row(NamedTuple):
    """One target of an answer."""

    label: str
    rule: str
    description: str
    package: str


class Result(NamedTuple):
    """The answer: targets sorted by label, and the dependencies among them."""

    rows: tuple[Row, ...]
    edges: tuple[tuple[str, str], ...]


class QueryGraph:
    """The targets of a workspace as far as a query has asked for them."""

    def __init__(self, workspace: Workspace, package: str) -> None:
        """Answer queries typed in ``package`` of ``workspace``."""
        self._workspace = workspace
        self._package = package
        self._loader = Loader(workspace)
        self._labels: dict[str, Label] = {}
        self._functions: Mapping[str, Callable[..., Set]] = {
            "deps": self.deps,
            "rdeps": self.rdeps,
            "somepath": self.somepath,
            "allpaths": self.allpaths,
            "kind": self.kind,
            "filter": self.filter,
            "attr": self.attr,
        }

    def pattern(self, text: str) -> Set:
        """Return the targets of one label or pattern."""
        pattern = parse_pattern(text, "", self._package)
        if pattern.is_wildcard:
            repository = self._workspace.canonical(pattern.repository)
            labels = self._loader.all_labels(pattern._replace(repository=repository))
            self._loader.check()
        else:
            labels = self._loader.select([text], self._package)
        return self._keep(labels)

    def call(self, function: str, arguments: Sequence[Any]) -> Set:
        """Return the value of a call; the parser has checked the number and kinds of arguments."""
        return self._functions[function](*arguments)

    def result(self, found: Set) -> Result:
        """Return ``found`` with the facts that an answer shows."""
        targets = self._load(found)
        chosen = sorted(found)
        rows = tuple(
            Row(
                label=name,
                rule=targets[name].rule.name,
                description=targets[name].attributes.description,
                package=self._labels[name].package_label,
            )
            for name in chosen
        )
        edges = tuple(
            (name, other) for name in chosen for other in self._dependencies(name) if other in found
        )
        return Result(rows, edges)

    def deps(self, of: Set, depth: int | None = None) -> Set:
        """Return ``of`` and what it depends on, at most ``depth`` steps away."""
        self._load(of)
        return self._reach(of, self._dependencies, depth)

    def rdeps(self, universe: Set, of: Set, depth: int | None = None) -> Set:
        """Return what depends on ``of`` among ``universe`` and its dependencies."""
        everything = self.deps(universe)
        backwards: dict[str, list[str]] = {}
        for name in sorted(everything):
            for other in self._dependencies(name):
                backwards.setdefault(other, []).append(name)
        return self._reach(of & everything, lambda name: backwards.get(name, ()), depth)

    def somepath(self, start: Set, end: Set) -> Set:
        """Return the targets on one shortest path, or nothing where there is no path."""
        self._load(start)
        came_from: dict[str, str | None] = dict.fromkeys(sorted(start))
        pending = deque(came_from)
        while pending:
            name = pending.popleft()
            if name in end:
                path: list[str] = []
                step: str | None = name
                while step is not None:
                    path.append(step)
                    step = came_from[step]
                return frozenset(path)
            for other in self._dependencies(name):
                if other not in came_from:
                    came_from[other] = name
                    pending.append(other)
        return frozenset()

    def allpaths(self, start: Set, end: Set) -> Set:
        """Return the targets on any path from ``start`` to ``end``."""
        forwards = self.deps(start)
        return self.rdeps(start, end) & forwards if end & forwards else frozenset()

    def kind(self, expression: re.Pattern[str], of: Set) -> Set:
        """Return those whose rule matches ``expression``, from the start of its name."""
        targets = self._load(of)
        return frozenset(name for name in of if expression.match(targets[name].rule.name))

    def filter(self, expression: re.Pattern[str], of: Set) -> Set:
        """Return those whose label has a match of ``expression``."""
        return frozenset(name for name in of if expression.search(name))

    def attr(self, name: re.Pattern[str], expression: re.Pattern[str], of: Set) -> Set:
        """Return those whose attribute ``name``, as text, has a match of ``expression``.

        The text of a list is ``[a, b]``, of a table ``{k: v}``, of a boolean ``true`` or ``false``.
        """
        targets = self._load(of)
        wanted = name.pattern
        found = set()
        for label in of:
            attributes = targets[label].attributes
            if wanted in type(attributes).model_fields and expression.search(
                _text(getattr(attributes, wanted))
            ):
                found.add(label)
        return frozenset(found)

    def _keep(self, labels: Iterable[Label]) -> Set:
        """Remember ``labels`` by their text and return that."""
        names = {str(label): label for label in labels}
        self._labels.update(names)
        return frozenset(names)

    def _load(self, names: Set) -> dict[str, Target]:
        """Load ``names`` and all that they depend on; return the targets asked for."""
        loaded = self._loader.load([self._labels[name] for name in sorted(names)])
        return {name: loaded[self._labels[name]] for name in names}

    def _dependencies(self, name: str) -> list[str]:
        """Return what one loaded target depends on, in order."""
        found = []
        for label in self._loader.targets[self._labels[name]].dependencies:
            text = str(label)
            self._labels[text] = label
            found.append(text)
        return found

    def _reach(self, of: Set, steps: Callable[[str], Iterable[str]], depth: int | None) -> Set:
        """Return ``of`` and what ``steps`` lead to, at most ``depth`` of them."""
        found = set(of)
        edge = sorted(of)
        while edge and (depth is None or depth > 0):
            reached: dict[str, None] = {}
            for name in edge:
                reached.update((other, None) for other in steps(name) if other not in found)
            found.update(reached)
            edge = list(reached)
            depth = None if depth is None else depth - 1
        return frozenset(found)


def _text(value: object) -> str:
    """Return an attribute's value as the text that ``attr`` matches."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    return "" if value is None else str(value)
