"""BUILD.toml: one package, its targets still as plain tables.

Whether a table fits its rule is for analysis to say, which knows the rules; whether the file has
the shape of a package is said here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from unibuild.loading.directories import BUILD_FILE
from unibuild.loading.licenses import check_license
from unibuild.loading.locate import locate
from unibuild.loading.toml_file import read_toml
from unibuild.loading.validation import validation_errors
from unibuild.model.errors import Place, UserError
from unibuild.model.labels import Label, is_target_name, looks_like_label, package_text

if TYPE_CHECKING:
    from unibuild.loading.workspace import Workspace

PACKAGE_TABLE = "package"


class PackageTable(BaseModel):
    """The table `[package]` of a BUILD.toml: what holds for all its targets."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    visibility: Annotated[tuple[str, ...], Strict(strict=False)] = Field(
        ("//...",),
        description="Who may depend on targets that set no `visibility` of their own. "
        "Default: every package of the same repository.",
    )
    license: str = Field(
        "",
        description="Licence of the package's own files: an SPDX expression such as `MIT` or "
        "`MIT AND BSD-3-Clause`, or `LicenseRef-NAME` for a licence that is not on the SPDX list. "
        "Default: that of WORKSPACE.toml.",
    )


class Table(NamedTuple):
    """A target as written: the rule it names and its attributes, not yet validated."""

    rule: str
    attributes: dict[str, Any]


@dataclass(slots=True)
class Package:
    """One package as loaded. ``directory`` and ``root`` (of its repository) are absolute."""

    workspace: Workspace
    repository: str
    path: str
    root: str
    directory: str
    file: str
    text: str
    targets: dict[str, Table]
    visibility: tuple[str, ...] = ("//...",)
    license: str = ""
    errors: list[UserError] = field(default_factory=list)
    _labels: dict[str, Label] = field(default_factory=dict, repr=False)

    def label(self, text: str) -> Label:
        """Read a label as written in this package; ``UserError`` without a place."""
        found = self._labels.get(text)
        if found is None:
            found = self.workspace.label(text, self.repository, self.path)
            self._labels[text] = found
        return found

    def refers_to(self, text: str, label: Label) -> bool:
        """Whether ``text``, an element of an attribute, names ``label``."""
        if not looks_like_label(text):
            return False
        try:
            return self.label(text) == label
        except UserError:
            return False

    def place(self, path: tuple[str | int, ...], *, key: bool = False) -> Place:
        """Return where the table, attribute or element ``path`` stands in the file."""
        return locate(self.file, self.text, path, key=key)


def load_package(workspace: Workspace, repository: str, path: str) -> Package:
    """Read the BUILD.toml of one package; mistakes in its shape are kept in ``errors``."""
    root = str(workspace.repositories[repository])
    directory = f"{root}/{path}" if path else root
    shown = workspace.shown(repository, f"{path}/{BUILD_FILE}" if path else BUILD_FILE)
    tables, text = read_toml(f"{directory}/{BUILD_FILE}", shown)
    package = Package(workspace, repository, path, root, directory, shown, text, {})
    package.license = workspace.licenses.get(repository, "")
    settings = tables.pop(PACKAGE_TABLE, None)
    if settings is not None:
        _read_settings(package, settings)
    for rule, named in tables.items():
        if not isinstance(named, dict):
            package.errors.append(_not_a_target(package, (rule,), f"`{rule}` is not a table"))
            continue
        for name, attributes in named.items():
            _add_target(package, rule, name, attributes)
    return package


def _read_settings(package: Package, settings: object) -> None:
    """Read the table ``[package]``."""
    try:
        table = PackageTable.model_validate(settings)
        package.visibility = table.visibility
        if table.license:
            place = package.place((PACKAGE_TABLE, "license"))
            package.license = check_license(table.license, place)
    except UserError as error:
        package.errors.append(error)
    except ValidationError as fault:
        package.errors.extend(
            validation_errors(
                fault,
                PackageTable,
                "`[package]`",
                package.file,
                package.text,
                (PACKAGE_TABLE,),
                settings,
            )
        )


def _add_target(package: Package, rule: str, name: str, attributes: object) -> None:
    """Add the target ``[rule.name]``, or the error that says why not."""
    path = (rule, name)
    if not isinstance(attributes, dict):
        cause = f"`{name}` is not a table"
        package.errors.append(_not_a_target(package, path, cause, rule))
        return
    if not is_target_name(name):
        package.errors.append(
            UserError(
                "bad-name",
                f"`{name}` cannot name a target",
                package.place(path, key=True),
                "a target's name has letters, digits and `_ . + = ~ -` only",
            )
        )
        return
    earlier = package.targets.get(name)
    if earlier is not None:
        first = package.place((earlier.rule, name), key=True)
        package.errors.append(
            UserError(
                "duplicate-name",
                f"`{package_text(package.repository, package.path)}` has two targets `{name}`",
                package.place(path, key=True),
                "rename one of them, or remove it",
                (f"first defined at {first}, as `{earlier.rule}`",),
            )
        )
        return
    package.targets[name] = Table(rule, attributes)


def _not_a_target(
    package: Package, path: tuple[str, ...], cause: str, rule: str = "RULE"
) -> UserError:
    """Return the error for something that stands where a target's table should."""
    hint = f"a target is a table `[{rule}.NAME]`"
    return UserError("not-a-target", cause, package.place(path, key=True), hint)
