"""JSON Schemas of WORKSPACE.toml and BUILD.toml, from the models that validate them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unibuild.analysis.registry import RULES_FOLDER, load_registry, standard_rules
from unibuild.loading.package import PACKAGE_TABLE, PackageTable
from unibuild.loading.workspace import (
    WorkspaceFile,
    builtin_repository,
    find_workspace,
    read_workspace,
)
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from unibuild.analysis.rule import Rule

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TARGET_NAME = r"^[\w.+=~-]+$"


def workspace_schema() -> dict[str, Any]:
    """Return the JSON Schema of WORKSPACE.toml."""
    schema = _schema_of(WorkspaceFile)
    return {"$schema": _DIALECT, **schema, "title": "WORKSPACE.toml"}


def build_schema(directory: Path | None = None) -> dict[str, Any]:
    """Return the JSON Schema of BUILD.toml, with the rules of the workspace around ``directory``.

    Outside a workspace, or without ``directory``, it has the standard rules.
    """
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {PACKAGE_TABLE: _inline(PackageTable, definitions)}
    for name, rule in sorted(rules_around(directory).items()):
        properties[name] = {
            "type": "object",
            "description": rule.doc,
            "patternProperties": {_TARGET_NAME: _inline(rule.attributes, definitions)},
            "additionalProperties": False,
        }
    schema: dict[str, Any] = {
        "$schema": _DIALECT,
        "title": "BUILD.toml",
        "description": "One package: a table `[RULE.NAME]` for each target.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if definitions:
        schema["$defs"] = dict(sorted(definitions.items()))
    return schema


def rules_around(directory: Path | None) -> Mapping[str, Rule]:
    """Return the rules that a BUILD.toml in ``directory`` could use."""
    if directory is not None:
        try:
            root = find_workspace(directory)
        except UserError:
            root = None
        if root is not None:
            return load_registry(read_workspace(root)).rules
    return standard_rules(builtin_repository() / RULES_FOLDER)[0]


def _inline(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of ``model``, its definitions moved to the shared ones."""
    schema = _schema_of(model)
    definitions.update(schema.pop("$defs", {}))
    return schema


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of ``model`` without the titles and docstrings that only Python needs."""
    schema = model.model_json_schema()
    _strip(schema)
    schema.pop("description", None)
    for definition in schema.get("$defs", {}).values():
        definition.pop("description", None)
    return schema


def _strip(schema: dict[str, Any]) -> None:
    """Take the generated titles out of ``schema`` and all below it."""
    schema.pop("title", None)
    for key in ("properties", "$defs", "patternProperties"):
        for value in schema.get(key, {}).values():
            _strip(value)
