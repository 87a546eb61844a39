"""From patterns to the graph of targets: everything reachable is loaded and validated, nothing else.

Mistakes are gathered, not raised one by one: a person who made three sees three. What the loader
read and listed is what makes a kept graph stale (``watched_files``, ``watched_directories``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from unibuild.analysis.attributes import Refers, listed
from unibuild.analysis.registry import load_registry
from unibuild.analysis.targets import Target
from unibuild.analysis.visibility import Visibility
from unibuild.loading.directories import (
    BUILD_FILE,
    RESERVED_FOLDERS,
    WORKSPACE_FILE,
    Directories,
)
from unibuild.loading.go_modules import modules_of
from unibuild.loading.package import Package, Table, load_package
from unibuild.loading.sources import check_file, folder_files, resolve_sources
from unibuild.loading.validation import validation_errors
from unibuild.model.errors import ErrorGroup, Place, UnibuildError, UserError
from unibuild.model.labels import Label, Pattern, looks_like_label, package_text, parse_pattern
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unibuild.analysis.rule import Rule
    from unibuild.loading.workspace import Workspace

_MANUAL = "manual"
_FILES = frozenset({Refers.SOURCE, Refers.SOURCE_MAP, Refers.GO_SUM})


def _elements(kind: Refers, value: Any) -> list[tuple[int | str | None, str]]:  # noqa: ANN401 - by kind
    """Return the strings of an attribute that refer to something, each with its index or key."""
    if kind is Refers.FOLDER_MAP:
        table = value.items() if isinstance(value, dict) else ()
        return [(key, text) for key, one in table for text in listed(one)]
    if kind is Refers.SOURCE_MAP:
        return list(value.items())
    if kind is Refers.LABELS:
        return list(enumerate(value))
    return [(None, value)]


class Loader:
    """One load of a workspace: packages and targets as they are asked for, each once."""

    def __init__(self, workspace: Workspace) -> None:
        """Load the rules of ``workspace``; packages follow when they are needed."""
        self.workspace = workspace
        self.directories = Directories()
        self.registry = load_registry(workspace)
        self.targets: dict[Label, Target] = {}
        self.errors: dict[tuple[str, str, Place | None], UnibuildError] = {}
        self._packages: dict[tuple[str, str], Package] = {}
        self._read: set[str] = set()
        self._failed: dict[tuple[str, str], UserError] = {}
        self._visibility = Visibility(workspace)

    # What was asked for -------------------------------------------------------------------------

    def select(
        self, patterns: Sequence[str], package: str = "", *, tests: bool = False
    ) -> list[Label]:
        """Return the targets that ``patterns``, as typed in ``package``, stand for, each once.

        ``tests`` keeps only test targets of a wildcard. A pattern without a match is an error.
        """
        found: dict[Label, None] = {}
        for text in patterns:
            try:
                found.update(dict.fromkeys(self._expand(text, package, tests=tests)))
            except UserError as error:
                self._record(error)
        self.check()
        return list(found)

    def load(self, labels: Iterable[Label]) -> dict[Label, Target]:
        """Load ``labels`` and all that they depend on; raise when anything of it is wrong."""
        pending = list(labels)
        for label in pending:
            self._load_target(label, None)
        index = 0
        while index < len(pending):
            target = self.targets.get(pending[index])
            index += 1
            if target is None:
                continue
            new = (label for label in target.dependencies if label not in self.targets)
            pending.extend(label for label in new if self._load_target(label, target))
        self._check_visibility()
        self.check()
        return self.targets

    def check(self) -> None:
        """Raise what was found wrong so far, if anything."""
        errors = tuple(self.errors.values())
        if errors:
            raise errors[0] if len(errors) == 1 else ErrorGroup(errors)

    def all_labels(self, pattern: Pattern) -> list[Label]:
        """Return every target of a wildcard, those tagged ``manual`` included."""
        return [label for label, _ in self._tables(pattern)]

    @property
    def watched_files(self) -> tuple[str, ...]:
        """The files that were read, absolute."""
        root = self.workspace.root
        files = {str(folder / WORKSPACE_FILE) for folder in self.workspace.repositories.values()}
        files.update(self.registry.files)
        files.update(f"{package.directory}/{BUILD_FILE}" for package in self._packages.values())
        files.update(str(path) for path in self.workspace.lock_paths if path.exists())
        files.update(self._read)
        files.add(str(root / WORKSPACE_FILE))
        return tuple(sorted(files))

    # Packages -----------------------------------------------------------------------------------

    def package(self, repository: str, path: str) -> Package:
        """Return one package; ``UserError`` where there is none or it cannot be read."""
        key = (repository, path)
        found = self._packages.get(key)
        if found is None:
            failed = self._failed.get(key)
            if failed is not None:
                raise failed
            try:
                found = self._read_package(repository, path)
            except UserError as error:
                self._failed[key] = error
                raise
            self._packages[key] = found
            for mistake in found.errors:
                self._record(mistake)
        return found

    def _read_package(self, repository: str, path: str) -> Package:
        root = str(self.workspace.repositories[repository])
        directory = f"{root}/{path}" if path else root
        if not repository and path.partition("/")[0] in RESERVED_FOLDERS:
            raise UserError(
                "unknown-package",
                f"`{package_text(repository, path)}` cannot be a package",
                hint=f"the folder `{path.partition('/')[0]}` is reserved",
            )
        if BUILD_FILE not in self.directories.listing(directory, watch=False):
            raise self._unknown_package(repository, path)
        return load_package(self.workspace, repository, path)

    def _unknown_package(self, repository: str, path: str) -> UserError:
        root = str(self.workspace.repositories[repository])
        known = self.directories.packages(root, "")
        wanted = package_text(repository, path)
        return UserError(
            "unknown-package",
            f"there is no package `{wanted}`: no `{BUILD_FILE}` there",
            hint=did_you_mean(wanted, (package_text(repository, name) for name in known)),
        )

    # Patterns -----------------------------------------------------------------------------------

    def _expand(self, text: str, package: str, *, tests: bool) -> list[Label]:
        """Return the targets of one pattern; errors name the pattern, having no other place."""
        pattern = parse_pattern(text, "", package)
        pattern = pattern._replace(repository=self.workspace.canonical(pattern.repository))
        if not pattern.is_wildcard:
            return [self._explicit(pattern, tests=tests)]
        kept = [label for label, table in self._tables(pattern) if self._wanted(table, tests=tests)]
        if not kept and not self.errors:
            what = "test" if tests else "target"
            near = self._near(pattern)
            raise UserError("no-targets", f"`{text}` matches no {what}", hint=near)
        return kept

    def _explicit(self, pattern: Pattern, *, tests: bool) -> Label:
        """Return the target that a pattern names outright."""
        label = Label(pattern.repository, pattern.package, pattern.name)
        package = self.package(label.repository, label.package)
        table = package.targets.get(label.name)
        if table is None:
            raise self._unknown_target(package, label)
        rule = self.registry.rules.get(table.rule)
        if tests and rule is not None and not rule.test:
            raise UserError("not-a-test", f"`{label}` is a `{rule.name}`, not a test")
        return label

    def _tables(self, pattern: Pattern) -> list[tuple[Label, Table]]:
        """Return every target of a wildcard pattern with its table, in order of package and file."""
        repository = pattern.repository
        if pattern.recursive:
            root = str(self.workspace.repositories[repository])
            paths = list(self.directories.packages(root, pattern.package))
        else:
            paths = [pattern.package]
        found: list[tuple[Label, Table]] = []
        for path in paths:
            try:
                package = self.package(repository, path)
            except UserError as error:
                if error.id == "unknown-package":
                    raise
                self._record(error)
                continue
            found.extend(
                (Label(repository, path, name), table) for name, table in package.targets.items()
            )
        return found

    def _wanted(self, table: Table, *, tests: bool) -> bool:
        """Whether a wildcard takes a target: not tagged ``manual``, and a test where wanted."""
        tags = table.attributes.get("tags")
        if isinstance(tags, list) and _MANUAL in tags:
            return False
        rule = self.registry.rules.get(table.rule)
        return not tests or (rule is not None and rule.test)

    def _near(self, pattern: Pattern) -> str:
        """Return a hint for a recursive pattern whose folder does not exist."""
        root = str(self.workspace.repositories[pattern.repository])
        folders: set[str] = set()
        for path in self.directories.packages(root, ""):
            parts = path.split("/")
            folders.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        folders.discard(pattern.package)
        near = (str(pattern._replace(package=folder)) for folder in folders)
        return did_you_mean(str(pattern), near) if pattern.package else ""

    # Targets ------------------------------------------------------------------------------------

    def _load_target(self, label: Label, dependent: Target | None) -> bool:
        """Load one target; a mistake is recorded, at the reference in ``dependent`` where it is one."""
        try:
            package = self.package(label.repository, label.package)
            table = package.targets.get(label.name)
            if table is None:
                raise self._unknown_target(package, label)
        except UserError as error:
            self._record(self._at_reference(error, label, dependent))
            return False
        rule = self.registry.rules.get(table.rule)
        if rule is None:
            self._record(self._unknown_rule(package, table.rule, label.name))
            return False
        target = self._validated(package, rule, table, label)
        if target is None:
            return False
        self.targets[label] = target
        return True

    def _validated(self, package: Package, rule: Rule, table: Table, label: Label) -> Target | None:
        """Validate a target's attributes and resolve what they refer to."""
        where = (rule.name, label.name)
        try:
            attributes = rule.attributes.model_validate(table.attributes)
        except ValidationError as fault:
            what = f"rule `{rule.name}`"
            for mistake in validation_errors(
                fault, rule.attributes, what, package.file, package.text, where, table.attributes
            ):
                self._record(mistake)
            return None
        except RecursionError:
            self._record(
                UserError("wrong-type", "tables are nested too deeply", package.place(where))
            )
            return None
        target = Target(label, rule, attributes, package, {})
        for name, kind in rule.references.items():
            value = getattr(attributes, name)
            if value:
                target.references[name] = self._resolve(target, name, kind, value)
            if kind is Refers.GO_SUM and target.references.get(name):
                self._read_go_sum(target, name, value)
        return target

    def _resolve(
        self,
        target: Target,
        attribute: str,
        kind: Refers,
        value: Any,  # noqa: ANN401 - by kind
    ) -> tuple[Label | str, ...]:
        """Return what one attribute refers to; mistakes are recorded at their elements."""
        package = target.package
        if kind is Refers.SOURCES:
            found, faults = resolve_sources(package, value, self.directories)
            for index, error in faults:
                self._record_at(target, error, attribute, index)
            return tuple(found)
        resolved: list[Label | str] = []
        for item, text in _elements(kind, value):
            try:
                if kind is Refers.FOLDER_MAP and not looks_like_label(text):
                    resolved += folder_files(package, text, self.directories)
                elif kind in _FILES and (kind is Refers.GO_SUM or not looks_like_label(text)):
                    resolved.append(check_file(package, text, self.directories))
                else:
                    resolved.append(package.label(text))
            except UserError as error:
                self._record_at(target, error, attribute, item)
        return tuple(resolved)

    def _read_go_sum(self, target: Target, attribute: str, name: str) -> None:
        """Keep the modules that a go.sum names; the file is watched from now on."""
        self._read.add(f"{target.package.directory}/{name}")
        try:
            target.modules[attribute] = modules_of(target.package, name)
        except UserError as error:
            self._record_at(target, error, attribute, None)

    def _check_visibility(self) -> None:
        """Record every reference, written in a BUILD.toml, to a target that is not visible there."""
        for target in self.targets.values():
            for attribute, references in target.references.items():
                if attribute not in target.attributes.model_fields_set:
                    continue
                for reference in references:
                    if isinstance(reference, Label):
                        self._check_reference(target, attribute, reference)

    def _check_reference(self, target: Target, attribute: str, label: Label) -> None:
        """Record the error when ``target`` may not refer to ``label``."""
        other = self.targets.get(label)
        if other is None:
            return
        try:
            if not self._visibility.allows(other, target):
                raise self._visibility.error(other, target)
        except UserError as error:
            self._record_at(target, error, attribute, target.item_of(attribute, label))

    # Errors -------------------------------------------------------------------------------------

    def _record(self, error: UnibuildError) -> None:
        """Keep ``error`` unless the same one is kept already."""
        self.errors.setdefault((error.id, error.cause, error.place), error)

    def _record_at(
        self, target: Target, error: UserError, attribute: str, item: int | str | None
    ) -> None:
        """Keep ``error`` with its place: the element ``item`` of ``attribute``."""
        if error.place is None:
            error.place = target.place(attribute, item)
        self._record(error)

    def _at_reference(self, error: UserError, label: Label, dependent: Target | None) -> UserError:
        """Return a copy of ``error`` placed where ``dependent`` refers to ``label``."""
        if dependent is None or error.place is not None:
            return error
        for attribute, references in dependent.references.items():
            if label in references:
                place = dependent.place(attribute, dependent.item_of(attribute, label))
                return UserError(error.id, error.cause, place, error.hint, error.detail)
        return error

    def _unknown_target(self, package: Package, label: Label) -> UserError:
        """Return the error for a name that the package does not define."""
        hint = did_you_mean(label.name, package.targets)
        listing = self.directories.listing(package.directory, watch=False)
        if not hint and label.name in listing:
            hint = f"`{label.name}` is a file; targets of other packages reach it by a filegroup"
        if not hint and package.targets:
            names = sorted(package.targets)[:8]
            hint = "it has " + ", ".join(f"`:{name}`" for name in names)
        return UserError(
            "unknown-target",
            f"package `{label.package_label}` has no target `{label.name}`",
            hint=hint,
        )

    def _unknown_rule(self, package: Package, rule: str, name: str) -> UserError:
        """Return the error for a table whose first name is no rule."""
        rules = self.registry.rules
        hint = did_you_mean(rule, rules) or f"the rules are {', '.join(sorted(rules))}"
        place = package.place((rule, name), key=True)
        return UserError("unknown-rule", f"there is no rule `{rule}`", place, hint)
