"""Listings of a workspace that need no analysis: its targets, its packages, what it fetches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from unibuild.analysis.attributes import Refers
from unibuild.analysis.loader import Loader
from unibuild.loading.directories import BUILD_FILE
from unibuild.loading.go_modules import modules_of
from unibuild.model.errors import UserError
from unibuild.model.labels import Pattern, parse_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unibuild.loading.package import Table
    from unibuild.loading.workspace import Workspace
    from unibuild.model.errors import Place

_EVERYTHING = Pattern("", "", "", recursive=True)


class TargetRow(NamedTuple):
    """One target as a listing shows it."""

    label: str
    rule: str
    description: str


def target_rows(
    workspace: Workspace, patterns: Sequence[str], package: str = ""
) -> list[TargetRow]:
    """Return every target of ``patterns``, those tagged ``manual`` included, sorted by label."""
    loader = Loader(workspace)
    rows: set[TargetRow] = set()
    for text in patterns:
        pattern = parse_pattern(text, "", package)
        if not pattern.is_wildcard:
            labels = loader.select([text], package)
        else:
            repository = workspace.canonical(pattern.repository)
            labels = loader.all_labels(pattern._replace(repository=repository))
        for label in labels:
            table = loader.package(label.repository, label.package).targets[label.name]
            description = table.attributes.get("description", "")
            text_of = description if isinstance(description, str) else ""
            rows.add(TargetRow(str(label), table.rule, text_of))
    loader.check()
    return sorted(rows)


def place_of(workspace: Workspace, label: str) -> Place | None:
    """Return where ``label`` (canonical) is defined, or None where it is nowhere."""
    loader = Loader(workspace)
    try:
        wanted = workspace.label(label)
        package = loader.package(wanted.repository, wanted.package)
    except UserError:
        return None
    table = package.targets.get(wanted.name)
    return package.place((table.rule, wanted.name)) if table is not None else None


def package_urls(workspace: Workspace) -> list[str]:
    """Return the package URLs that targets of the main workspace name, sorted, each once."""
    return sorted(declared_packages(workspace))


def declared_packages(workspace: Workspace) -> dict[str, Place]:
    """Return the package URLs that targets of the main workspace name, and where first."""
    loader = Loader(workspace)
    found: dict[str, Place] = {}
    for label in loader.all_labels(_EVERYTHING):
        package = loader.package(label.repository, label.package)
        table = package.targets[label.name]
        purl = table.attributes.get("purl")
        if isinstance(purl, str) and purl not in found:
            found[purl] = package.place((table.rule, label.name, "purl"))
        for attribute, name in _go_sums(loader, table):
            for module in modules_of(package, name):
                found.setdefault(module.purl, package.place((table.rule, label.name, attribute)))
    loader.check()
    return found


def _go_sums(loader: Loader, table: Table) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a target that name a go.sum, with the file's name."""
    rule = loader.registry.rules.get(table.rule)
    for attribute, kind in rule.references.items() if rule is not None else ():
        name = table.attributes.get(attribute)
        if kind is Refers.GO_SUM and isinstance(name, str) and name:
            yield attribute, name


def build_files(workspace: Workspace) -> list[Path]:
    """Return every BUILD.toml of the main workspace, in order of package."""
    loader = Loader(workspace)
    packages = loader.directories.packages(str(workspace.root), "")
    return [workspace.root / path / BUILD_FILE for path in packages]
