"""The reference pages, from the models and docstrings that the code itself runs on.

Nothing is said here that is not said there: a description that is missing on a page is missing in
the model.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from unibuild.analysis import api, attributes, context, providers, query
from unibuild.analysis.attributes import Attributes, Reference, Refers
from unibuild.analysis.registry import RULES_FOLDER, standard_rules
from unibuild.loading import package, sources, workspace
from unibuild.model import labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo

    from unibuild.analysis.rule import Rule

_KINDS = {
    Refers.SOURCES: "list of files, globs and labels",
    Refers.SOURCE: "file or label",
    Refers.GO_SUM: "file",
    Refers.LABELS: "list of labels",
    Refers.LABEL: "label",
    Refers.SOURCE_MAP: "table of files or labels",
    Refers.FOLDER_MAP: "list of strings or table of folders and labels",
}
_PLAIN = {str: "string", bool: "boolean", int: "whole number", float: "number"}


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    return {
        "build.md": _build_page(),
        "query.md": _query_page(),
        "rule-api.md": _api_page(),
        "rules.md": _rules_page(),
        "workspace.md": _workspace_page(),
    }


def _workspace_page() -> str:
    return _page(
        "WORKSPACE.toml",
        "Makes a folder a workspace. `unibuild schema workspace` prints its JSON Schema.",
        _table_of(workspace.WorkspaceFile),
        *_nested(workspace.WorkspaceFile),
    )


def _build_page() -> str:
    return _page(
        "BUILD.toml",
        "Makes a folder a package. Each target is a table `[RULE.NAME]`; the rules are in "
        "[rules.md](rules.md). `unibuild schema build` prints the JSON Schema.",
        "## The table `[package]`",
        _table_of(package.PackageTable),
        "## Attributes of every rule",
        _table_of(Attributes),
        "## Labels and patterns",
        _docstring(labels),
        "## Files and globs",
        _docstring(sources),
    )


def _query_page() -> str:
    return _page("Queries", "`unibuild query EXPRESSION`", _docstring(query))


def _rules_page() -> str:
    rules = standard_rules(workspace.builtin_repository() / RULES_FOLDER)[0]
    parts = [", ".join(f"[{name}](#{name})" for name in sorted(rules))]
    parts += [_rule(rules[name]) for name in sorted(rules)]
    return _page(
        "Rules",
        "The rules of the standard repository. Attributes of every rule are in "
        "[build.md](build.md); an attribute without a default must be given.",
        *parts,
    )


def _rule(rule: Rule) -> str:
    own = [name for name in rule.attributes.model_fields if name not in Attributes.model_fields]
    parts = [f"## {rule.name}", rule.doc]
    if rule.example:
        parts.append(f"```toml\n{rule.example.strip()}\n```")
    if own:
        parts.append(_table_of(rule.attributes, own))
    parts += _nested(rule.attributes)
    if rule.provides:
        parts.append(f"Provides {', '.join(kind.__name__ for kind in rule.provides)}.")
    return "\n\n".join(parts)


def _api_page() -> str:
    types = [
        f"| `{name}` | {text} |"
        for name, text in _documented(attributes)
        if not name.startswith("_")
    ]
    return _page(
        "Rule API",
        _docstring(api, for_authors=True),
        "## Types of attributes",
        "\n".join(["| Type | Meaning |", "|---|---|", *types]),
        "## RuleContext",
        _docstring(context, for_authors=True),
        *_methods(context.RuleContext),
        "## Providers",
        *_provider_parts(),
    )


def _provider_parts() -> Iterable[str]:
    """Yield a section for each provider, its fields with the text that follows them."""
    tree = ast.parse(Path(inspect.getfile(providers)).read_text(encoding="utf-8"))
    for node in tree.body:
        if not isinstance(node, ast.ClassDef) or node.name == "Provider":
            continue
        rows = [f"| `{name}` | {text} |" for name, text in _fields(node.body)]
        yield "\n\n".join(
            [
                f"### {node.name}",
                _quoted(ast.get_docstring(node) or ""),
                "\n".join(["| Field | Meaning |", "|---|---|", *rows]),
            ]
        )


def _documented(module: object) -> list[tuple[str, str]]:
    """Return the names that a module assigns, with the string that follows each."""
    path = Path(inspect.getfile(module))  # type: ignore[arg-type]
    return _fields(ast.parse(path.read_text(encoding="utf-8")).body)


def _fields(body: list[ast.stmt]) -> list[tuple[str, str]]:
    """Return assigned names of ``body`` that a string literal follows, with that text."""
    found = []
    for node, following in itertools.pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        else:
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            found.append((name, _quoted(" ".join(str(following.value.value).split()))))
    return found


def _methods(kind: type) -> Iterable[str]:
    """Yield a section for each public method and property of ``kind``, in the order of its source."""
    for name, member in vars(kind).items():
        if name.startswith("_"):
            continue
        function = member.fget if isinstance(member, property) else member
        if not inspect.isfunction(function):
            continue
        signature = ""
        if not isinstance(member, property):
            parameters = list(inspect.signature(function).parameters.values())[1:]
            signature = f"({', '.join(_parameter(parameter) for parameter in parameters)})"
        text = _quoted(inspect.getdoc(function) or "")
        yield f"### ctx.{name}{signature}\n\n{text}"


def _quoted(text: str) -> str:
    """Return the text of a docstring with its code marked as Markdown does."""
    return text.replace("``", "`")


def _parameter(parameter: inspect.Parameter) -> str:
    """Return a parameter as a call names it, optional ones in brackets."""
    return parameter.name if parameter.default is parameter.empty else f"[{parameter.name}]"


def _table_of(model: type[BaseModel], names: Iterable[str] | None = None) -> str:
    """Return the table of a model's fields, or of those named."""
    rows = ["| Attribute | Type | Default | Meaning |", "|---|---|---|---|"]
    for name in model.model_fields if names is None else names:
        field = model.model_fields[name]
        description = " ".join((field.description or "").split()).replace("|", "\\|")
        rows.append(f"| `{name}` | {_type_of(field)} | {_default(field)} | {description} |")
    return "\n".join(rows)


def _nested(model: type[BaseModel]) -> list[str]:
    """Return a section for each field of ``model`` that is a table with attributes of its own."""
    parts = []
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                parts += [f"### The table `{name}`", _table_of(kind)]
    return parts


def _type_of(field: FieldInfo) -> str:
    """Return the type of a field in the words of someone who writes TOML."""
    for item in field.metadata:
        if isinstance(item, Reference):
            return _KINDS[item.kind]
    return _spoken(field.annotation)


def _spoken(annotation: Any) -> str:  # noqa: ANN401, PLR0911 - a type form, one line a kind
    """Return the words for a type."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"list of {_plural(arguments[0])}"
    if origin is dict:
        return f"table of {_plural(arguments[1])}"
    if type(None) in arguments:
        return " or ".join(_spoken(one) for one in arguments if one is not type(None))
    if arguments:
        return (
            _spoken(arguments[0])
            if hasattr(annotation, "__metadata__")
            else " or ".join(_spoken(one) for one in arguments)
        )
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return "string"


def _plural(annotation: Any) -> str:  # noqa: ANN401 - a type form
    """Return the words for several of a type."""
    if hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0]
    spoken = _spoken(annotation)
    head, _, rest = spoken.partition(" of ")
    return f"{head}s of {rest}" if rest else f"{spoken}s"


def _default(field: FieldInfo) -> str:
    """Return the default of a field as it would be written."""
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or value is None or isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        value = list(value)
    if value == {}:
        return "`{}`"
    return f"`{json.dumps(value)}`"


def _docstring(module: object, *, for_authors: bool = False) -> str:
    """Return the text of a module's docstring, its indented blocks fenced.

    Its rules of use are for those who write Python against it, ``for_authors``.
    """
    lines: list[str] = []
    fenced = False
    text = _quoted(inspect.cleandoc(module.__doc__ or ""))
    if not for_authors:
        paragraphs = text.split("\n\n")
        text = "\n\n".join(part for part in paragraphs if not part.startswith("Rules of use:"))
    for line in text.splitlines():
        indented = line.startswith("    ")
        if indented and not fenced:
            lines.append("```text")
            fenced = True
        elif fenced and line and not indented:
            while lines and not lines[-1]:
                lines.pop()
            lines += ["```", ""]
            fenced = False
        lines.append(line[4:] if indented else line)
    return "\n".join([*lines, "```"] if fenced else lines)


def _page(title: str, *parts: str) -> str:
    """Return a page from its title and its parts."""
    note = "<!-- Written by docs/generate_reference.py from the code; edit the code. -->"
    return "\n\n".join([f"# {title}", note, *(part.strip() for part in parts)]) + "\n"
