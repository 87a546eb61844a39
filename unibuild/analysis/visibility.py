"""Visibility: which packages may depend on a target.

    //visibility:public     any package of any repository
    //visibility:private    only the target's own package
    //package               that package           //package/...   it and all below it

The default is every package of the target's own repository, ``//...``. What a rule depends on by
default (its toolchain) is the rule's affair and is not checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.model.errors import UserError
from unibuild.model.labels import Pattern, parse_pattern

if TYPE_CHECKING:
    from unibuild.analysis.targets import Target
    from unibuild.loading.workspace import Workspace

_PUBLIC = "//visibility:public"
_PRIVATE = "//visibility:private"
_REPOSITORY = ("//...",)


class Visibility:
    """Answers whether one target may depend on another; entries are read once."""

    def __init__(self, workspace: Workspace) -> None:
        """Answer for targets of ``workspace``."""
        self._workspace = workspace
        self._read: dict[tuple[str, str, tuple[str, ...]], tuple[Pattern | None, ...]] = {}

    def allows(self, target: Target, dependent: Target) -> bool:
        """Whether ``dependent`` may refer to ``target``."""
        label, other = target.label, dependent.label
        if label.repository == other.repository and label.package == other.package:
            return True
        entries = _entries(target)
        if entries is _REPOSITORY or entries == _REPOSITORY:
            return label.repository == other.repository
        for pattern in self._patterns(target, entries):
            if pattern is None:
                return True
            if pattern.repository != other.repository:
                continue
            if pattern.recursive:
                below = f"{pattern.package}/" if pattern.package else ""
                if other.package == pattern.package or other.package.startswith(below):
                    return True
            elif other.package == pattern.package:
                return True
        return False

    def error(self, target: Target, dependent: Target) -> UserError:
        """Return the error, without a place, for a reference that ``allows`` refused."""
        entries = _entries(target)
        visible = ", ".join(f"`{entry}`" for entry in entries) or f"`{_PRIVATE}`"
        wanted = _PUBLIC
        if target.label.repository == dependent.label.repository:
            wanted = dependent.label.package_label
        return UserError(
            "not-visible",
            f"`{target.label}` is not visible in `{dependent.label.package_label}`",
            hint=f'add "{wanted}" to its `visibility`',
            detail=(f"it is visible to {visible}; see {target.place()}",),
        )

    def _patterns(self, target: Target, entries: tuple[str, ...]) -> tuple[Pattern | None, ...]:
        """Return ``entries`` as patterns; None stands for everyone."""
        key = (target.label.repository, target.label.package, entries)
        found = self._read.get(key)
        if found is None:
            found = tuple(self._pattern(target, entry) for entry in entries if entry != _PRIVATE)
            self._read[key] = found
        return found

    def _pattern(self, target: Target, entry: str) -> Pattern | None:
        """Return one entry as a pattern."""
        if entry == _PUBLIC:
            return None
        try:
            pattern = parse_pattern(entry, target.label.repository, target.label.package)
            repository = self._workspace.canonical(pattern.repository)
        except UserError as error:
            own = target.attributes.visibility is not None
            path = (target.rule.name, target.label.name) if own else ("package",)
            entries = _entries(target)
            error.hint = f"write `{_PUBLIC}`, `{_PRIVATE}`, `//package` or `//package/...`"
            error.place = target.package.place((*path, "visibility", entries.index(entry)))
            raise
        return pattern._replace(repository=repository)


def _entries(target: Target) -> tuple[str, ...]:
    """Return the visibility that holds for ``target``."""
    own = target.attributes.visibility
    return target.package.visibility if own is None else own
