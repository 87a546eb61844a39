"""Rules: a name, the attributes it accepts, and the function that turns a target into actions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from unibuild.analysis.attributes import Attributes, Reference, Refers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from unibuild.analysis.context import RuleContext
    from unibuild.analysis.providers import Provider

A = TypeVar("A", bound=Attributes)
Implementation = "Callable[[RuleContext[A]], Sequence[Provider]]"
RULE_MARK = "__unibuild_rule__"


@dataclass(frozen=True)
class Rule:
    """One rule: its declaration apart from its implementation.

    ``module`` is the file that defines it, as messages and the reference page show it.
    """

    name: str
    attributes: type[Attributes]
    implementation: Callable[[RuleContext[Any]], Sequence[Provider]]
    provides: tuple[type[Provider], ...]
    doc: str
    example: str
    test: bool
    module: str

    @cached_property
    def references(self) -> Mapping[str, Refers]:
        """Return the attributes whose strings refer to files or targets, in declared order."""
        found: dict[str, Refers] = {}
        for name, field in self.attributes.model_fields.items():
            for item in field.metadata:
                if isinstance(item, Reference):
                    found[name] = item.kind
        return found


def rule(
    name: str,
    attributes: type[A],
    *,
    doc: str,
    provides: tuple[type[Provider], ...] = (),
    example: str = "",
    test: bool = False,
) -> Callable[
    [Callable[[RuleContext[A]], Sequence[Provider]]],
    Callable[[RuleContext[A]], Sequence[Provider]],
]:
    """Declare the decorated function as the implementation of rule ``name``.

    ``provides`` are the providers that every target of the rule has; ``example`` is TOML for the
    reference page; ``test`` marks rules whose targets `unibuild test` runs.
    """

    def declare(
        implementation: Callable[[RuleContext[A]], Sequence[Provider]],
    ) -> Callable[[RuleContext[A]], Sequence[Provider]]:
        declared = Rule(
            name=name,
            attributes=attributes,
            implementation=implementation,
            provides=provides,
            doc=doc,
            example=example,
            test=test,
            module=implementation.__module__,
        )
        setattr(implementation, RULE_MARK, declared)
        return implementation

    return declare
