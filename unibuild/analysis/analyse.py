"""Analysis: from patterns to the graph of actions that execution runs.

    patterns → labels → targets loaded and validated → in order → rules → actions

Rules of use: the result depends on nothing but the files that it names as watched; the same files
give the same graph, in the same order.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unibuild.analysis.clashes import check_outputs
from unibuild.analysis.context import RuleContext
from unibuild.analysis.loader import Loader
from unibuild.analysis.order import ordered_by_production, topological
from unibuild.analysis.packages import check_packages
from unibuild.analysis.providers import DefaultInfo, Provider, RunInfo, TestInfo
from unibuild.analysis.registry import module_error
from unibuild.model.actions import Action, ActionGraph, TargetResult
from unibuild.model.artifacts import EXTERNAL_PREFIX, Artifact, Origin
from unibuild.model.errors import ErrorGroup, InternalError, UnibuildError, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from unibuild.analysis.targets import Target
    from unibuild.loading.workspace import Workspace
    from unibuild.model.labels import Label

Providers = dict[type[Provider], Provider]


def analyse(
    workspace: Workspace,
    patterns: Sequence[str],
    kind: Literal["build", "test"] = "build",
    package: str = "",
) -> ActionGraph:
    """Return the actions for all that ``patterns`` (as typed in ``package``) stand for.

    With ``kind`` ``test``, wildcards stand for test targets only. Raises ``UserError``, or
    ``ErrorGroup`` when several things are wrong.
    """
    loader = Loader(workspace)
    requested = loader.select(patterns, package, tests=kind == "test")
    targets = loader.load(requested)
    order = in_order(targets, requested)
    analysis = _Analysis(loader, targets)
    for label in order:
        analysis.add(targets[label])
    analysis.finish()
    return ActionGraph(
        actions=tuple(analysis.actions),
        targets=analysis.results,
        requested=tuple(str(label) for label in requested),
        watched_files=loader.watched_files,
        watched_directories=tuple(sorted(loader.directories.watched)),
        source_roots={
            f"{EXTERNAL_PREFIX}/{name}" if name else "": str(folder)
            for name, folder in workspace.repositories.items()
        },
    )


def in_order(targets: Mapping[Label, Target], requested: Sequence[Label]) -> list[Label]:
    """Return the labels of ``targets``, dependencies first; a cycle is an error that shows it."""
    order, cycle = topological(requested, lambda label: targets[label].dependencies)
    if cycle:
        raise _cycle_error(targets, cycle)
    return order


def _cycle_error(targets: Mapping[Label, Target], cycle: list[Label]) -> UserError:
    """Return the error for ``cycle``, told from its smallest label, with each step's place."""
    ring = cycle[:-1]
    start = ring.index(min(ring))
    ring = [*ring[start:], *ring[:start]]
    ring.append(ring[0])
    detail = []
    place = None
    for label, following in itertools.pairwise(ring):
        target = targets[label]
        for attribute, references in target.references.items():
            if following in references:
                step = target.place(attribute, target.item_of(attribute, following))
                place = place or step
                detail.append(f"{label} needs {following} in `{attribute}` ({step})")
                break
    cause = f"`{ring[0]}` depends on itself"
    return UserError("cycle", cause, place, "take one of these dependencies away", tuple(detail))


class _Analysis:
    """The graph of actions while it grows, one target after the other."""

    def __init__(self, loader: Loader, targets: Mapping[Label, Target]) -> None:
        self.actions: list[Action] = []
        self.results: dict[str, TargetResult] = {}
        self._loader = loader
        self._targets = targets
        self._providers: dict[Label, Providers] = {}
        self._errors: list[UnibuildError] = []

    def add(self, target: Target) -> None:
        """Run the rule of ``target``, unless something it depends on is already wrong."""
        if any(label not in self._providers for label in target.dependencies):
            return
        context: RuleContext[Any] = RuleContext(target, self._providers)
        try:
            providers = self._run_rule(target, context)
            actions = _in_order(target, context.actions)
        except UnibuildError as error:
            if error.place is None:
                error.place = target.place()
            self._errors.append(error)
            return
        except ErrorGroup as group:
            self._errors.extend(group.errors)
            return
        self.actions.extend(actions)
        self._providers[target.label] = providers
        self.results[str(target.label)] = _result(target, providers)

    def finish(self) -> None:
        """Check the graph as a whole, and raise all that was found wrong."""
        if not self._errors:
            self._errors.extend(check_outputs(self.actions, self._place_of))
            self._errors.extend(
                check_packages(self.actions, self._loader.workspace, self._place_of)
            )
        if self._errors:
            raise self._errors[0] if len(self._errors) == 1 else ErrorGroup(tuple(self._errors))

    def _place_of(self, label: str) -> Target:
        """Return the target of an action."""
        return self._targets[self._loader.workspace.label(label)]

    def _run_rule(self, target: Target, context: RuleContext[Any]) -> Providers:
        """Return the providers of ``target`` by their types."""
        rule = target.rule
        try:
            returned = list(rule.implementation(context))
        except (UnibuildError, ErrorGroup):
            raise
        except (Exception, SystemExit) as fault:
            own = self._loader.registry.own
            file = Path(rule.implementation.__code__.co_filename)
            if rule.name not in own:
                cause = f"rule `{rule.name}` failed on `{target.label}`: {type(fault).__name__}: {fault}"
                raise InternalError("rule-failed", cause, target.place()) from fault
            name = file.relative_to(self._loader.workspace.root).as_posix()
            what = f"rule `{rule.name}` failed on `{target.label}`"
            raise module_error(fault, file, name, what) from fault
        providers: Providers = {}
        for provider in returned:
            providers[type(provider)] = provider
        missing = [kind.__name__ for kind in rule.provides if kind not in providers]
        if missing:
            cause = f"rule `{rule.name}` promises {', '.join(missing)} and did not return it"
            raise UserError("bad-rule-module", cause, target.place())
        return providers


def _in_order(target: Target, actions: list[Action]) -> list[Action]:
    """Return the actions of one target, makers first; every generated output it names is made."""
    if len(actions) <= 1:
        return actions
    ordered, cycle = ordered_by_production(
        actions, lambda action: action.outputs, lambda action: action.inputs
    )
    if cycle:
        cause = f"rule `{target.rule.name}` declares actions that need one another"
        raise UserError("bad-rule-module", cause, target.place())
    return ordered


def _result(target: Target, providers: Providers) -> TargetResult:
    """Return what verbs ask of a target."""
    default = providers.get(DefaultInfo)
    test = providers.get(TestInfo)
    run = providers.get(RunInfo)
    outputs = default.outputs if isinstance(default, DefaultInfo) else ()
    facts: dict[str, object] = dict(default.facts) if isinstance(default, DefaultInfo) else {}
    if isinstance(run, RunInfo):
        facts.update(run.facts)
        facts["runnable"] = run.runnable
        facts["artifact"] = run.artifact.output_path
    return TargetResult(
        label=str(target.label),
        rule=target.rule.name,
        outputs=_generated(outputs),
        test_outputs=_generated(test.outputs) if isinstance(test, TestInfo) else (),
        facts=facts,
    )


def _generated(outputs: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
    """Return those of ``outputs`` that an action makes: sources need no building."""
    return tuple(artifact for artifact in outputs if artifact.origin is Origin.GENERATED)
