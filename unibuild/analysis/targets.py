"""Targets as loaded: validated attributes, and what their strings refer to, not yet analysed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unibuild.analysis.attributes import listed
from unibuild.model.artifacts import EXTERNAL_PREFIX
from unibuild.model.labels import Label

if TYPE_CHECKING:
    from unibuild.analysis.attributes import Attributes
    from unibuild.analysis.rule import Rule
    from unibuild.external.go_sum import Module
    from unibuild.loading.package import Package
    from unibuild.model.errors import Place


@dataclass(slots=True)
class Target:
    """One target of the loaded graph.

    ``references`` holds, for each attribute that refers to something, the labels and the files
    (paths relative to the package, globs expanded) in order. ``modules`` holds what a go.sum names, by
    attribute.
    """

    label: Label
    rule: Rule
    attributes: Attributes
    package: Package
    references: dict[str, tuple[Label | str, ...]]
    modules: dict[str, tuple[Module, ...]] = field(default_factory=dict)
    _dependencies: tuple[Label, ...] | None = field(default=None, repr=False)

    @property
    def dependencies(self) -> tuple[Label, ...]:
        """The targets it refers to, each once, in the order of attributes."""
        if self._dependencies is None:
            found: dict[Label, None] = {}
            for references in self.references.values():
                for reference in references:
                    if isinstance(reference, Label):
                        found[reference] = None
            self._dependencies = tuple(found)
        return self._dependencies

    def place(self, attribute: str | None = None, item: int | str | None = None) -> Place:
        """Return where the target, its attribute or one element of that stands in BUILD.toml."""
        path: tuple[str | int, ...] = (self.rule.name, self.label.name)
        if attribute is not None:
            path = (*path, attribute)
        if item is not None:
            path = (*path, item)
        return self.package.place(path)

    def place_of_text(self, text: str) -> Place:
        """Return where an attribute of the target, or an element of one, is ``text``."""
        for attribute in sorted(self.attributes.model_fields_set):
            value = getattr(self.attributes, attribute)
            if value == text:
                return self.place(attribute)
            if isinstance(value, tuple) and text in value:
                return self.place(attribute, value.index(text))
        return self.place()

    def item_of(self, attribute: str, label: Label) -> int | str | None:
        """Return the index or key of the element of ``attribute`` that names ``label``."""
        value = getattr(self.attributes, attribute)
        if isinstance(value, str):
            return None
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for index, text in pairs:
            if any(self.package.refers_to(one, label) for one in listed(text)):
                return index
        return None


def package_prefix(repository: str, package: str) -> str:
    """Return the path prefix, with its ``/``, of a package's files and outputs."""
    if repository:
        return (
            f"{EXTERNAL_PREFIX}/{repository}/{package}/"
            if package
            else f"{EXTERNAL_PREFIX}/{repository}/"
        )
    return f"{package}/" if package else ""
