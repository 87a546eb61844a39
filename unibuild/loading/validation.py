"""pydantic's findings into our errors: one for each mistake, at its place, with what would be right."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from unibuild.loading.locate import locate
from unibuild.model.errors import UserError
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_WORDS = "literal["
_EXPECTED = {
    "string_type": "a string",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "bool_type": "`true` or `false`",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
}


_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


class _Finding(NamedTuple):
    """One finding of pydantic, its path free of what only pydantic knows.

    Where a value may have several forms (a union), pydantic reports each form that it tried, and
    names the form in the location: that name is ``form``, and ``choice`` is where the value stands.
    """

    kind: str
    path: tuple[str | int, ...]
    value: object
    message: str
    expected: str
    form: str
    choice: tuple[str | int, ...]


def validation_errors(
    fault: ValidationError,
    model: type[BaseModel],
    what: str,
    file: str,
    text: str,
    table: tuple[str | int, ...],
    data: object,
) -> list[UserError]:
    """Return one error for each finding of ``fault`` about ``data``, ``table`` of the TOML ``text``.

    ``what`` is how a sentence calls the table: ``rule `genrule` `` or ``WORKSPACE.toml``.
    """
    raw = fault.errors(include_url=False, include_context=True)
    findings = [_finding(details, data) for details in raw]
    kept = [finding for finding in findings if _is_wanted(finding, findings, data)]
    errors = [_error(finding, model, what, file, text, table) for finding in _as_one(kept)]
    return sorted(errors, key=_position)


def _position(error: UserError) -> tuple[int, int]:
    """Return where ``error`` stands in its file, for the order in which errors are shown."""
    return (error.place.line, error.place.column) if error.place else (0, 0)


def _finding(details: ErrorDetails, data: object) -> _Finding:
    """Return ``details`` with the path that it has in ``data``."""
    kind, location = details["type"], details["loc"]
    path: list[str | int] = []
    form = ""
    choice: tuple[str | int, ...] = ()
    value: Any = data
    for index, part in enumerate(location):
        if _holds(value, part):
            value = value[part]
        elif not (kind == "missing" and index == len(location) - 1):
            form, choice = str(part), tuple(path)
            continue
        path.append(part)
    context = details.get("ctx", {})
    expected = str(context.get("expected", ""))
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        expected = f"{words} {context.get(name)}"
    return _Finding(kind, tuple(path), details["input"], details["msg"], expected, form, choice)


def _holds(value: object, part: str | int) -> bool:
    """Whether ``part`` is a key or an index of ``value``."""
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _is_wanted(finding: _Finding, findings: list[_Finding], data: object) -> bool:
    """Whether ``finding`` is about the form that the value of a choice was meant to have.

    A table was meant to be the form that is a table, anything else one of the fixed words.
    """
    if not finding.form:
        return True
    forms = {other.form for other in findings if other.form and other.choice == finding.choice}
    words = {form for form in forms if form.startswith(_WORDS)}
    value: Any = data
    for part in finding.choice:
        value = value[part]
    meant = forms - words if isinstance(value, dict) else words
    return finding.form in (meant or forms)


def _as_one(findings: list[_Finding]) -> Iterable[_Finding]:
    """Return one finding for each value that has none of the forms that it may have.

    What is wrong deeper inside a form was meant to have that form; otherwise all forms are named.
    """
    merged: dict[tuple[str | int, ...], _Finding] = {}
    others = []
    for one in findings:
        if not one.form or one.kind not in _EXPECTED:
            others.append(one)
        elif not any(_is_below(other.path, one.path) for other in findings):
            first = merged.get(one.path)
            words = _EXPECTED[one.kind]
            if first and words not in first.expected.split(" or "):
                words = f"{first.expected} or {words}"
            merged[one.path] = one._replace(expected=words)
    return [*others, *merged.values()]


def _is_below(path: tuple[str | int, ...], other: tuple[str | int, ...]) -> bool:
    return len(path) > len(other) and path[: len(other)] == other


def _error(
    finding: _Finding,
    model: type[BaseModel],
    what: str,
    file: str,
    text: str,
    table: tuple[str | int, ...],
) -> UserError:
    """Return the error for one finding."""
    path = (*table, *finding.path)
    kind = finding.kind
    name = str(finding.path[-1]) if finding.path else ""
    owner = _spoken(finding.path[:-1]) if len(finding.path) > 1 else what
    if kind == "extra_forbidden":
        fields = list(_fields_at(model, finding.path))
        hint = did_you_mean(name, fields) or f"it takes {_listed(sorted(fields))}"
        place = locate(file, text, path, key=True)
        return UserError("unknown-attribute", f"{owner} has no attribute `{name}`", place, hint)
    place = locate(file, text, path)
    if kind == "missing":
        return UserError("missing-attribute", f"{owner} needs the attribute `{name}`", place)
    where = _spoken(finding.path)
    if kind in _EXPECTED:
        wanted = finding.expected or _EXPECTED[kind]
        cause = f"{where} must be {wanted}, not {_described(finding.value)}"
        hint = _correction(kind, name, finding.value) if wanted == _EXPECTED[kind] else ""
        return UserError("wrong-type", cause, place, hint)
    if kind in {"literal_error", "enum"}:
        allowed = finding.expected.replace("'", "`")
        cause = f"{where} cannot be {_described(finding.value)}"
        return UserError("bad-value", cause, place, f"it is one of {allowed}")
    if kind == "string_pattern_mismatch":
        cause = f"{where} cannot be {_described(finding.value)}"
        return UserError("bad-value", cause, place, _meaning(model, finding.path))
    message = finding.message.removeprefix("Value error, ")
    cause = f"{where}: {message[:1].lower()}{message[1:]}"
    if kind in _LIMITS:
        cause = f"{where} must be {finding.expected}, not {_described(finding.value)}"
    return UserError("bad-value", cause, place)


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> Iterable[str]:
    """Return the field names of the (nested) model in which ``path`` stands."""
    inner = _model_at(model, path)
    return [field.alias or name for name, field in inner.model_fields.items()]


def _meaning(model: type[BaseModel], path: tuple[int | str, ...]) -> str:
    """Return the description of the field at ``path``: what its value means."""
    names = [part for part in path if isinstance(part, str)]
    field = _model_at(model, path).model_fields.get(names[-1]) if names else None
    return (field.description or "") if field is not None else ""


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    """Return the (nested) model in which ``path`` stands."""
    from pydantic import BaseModel

    for part in path[:-1]:
        field = model.model_fields.get(str(part))
        if field is None:
            break
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                model = kind
    return model


def _spoken(location: tuple[int | str, ...]) -> str:
    """Return ``element 2 of `srcs` `` and the like."""
    names = [part for part in location if not isinstance(part, int)]
    indexes = [part for part in location if isinstance(part, int)]
    name = "`" + ".".join(str(part) for part in names) + "`"
    return f"element {indexes[-1] + 1} of {name}" if indexes else name


def _described(value: object) -> str:  # noqa: PLR0911 - one line a kind
    """Return what kind of TOML value ``value`` is, and the value itself where it is short."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        text = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else ""
        return f"the number {text}".rstrip()
    if isinstance(value, str):
        return f"`{value}`" if len(value) <= 40 and value.isprintable() else "a string"  # noqa: PLR2004
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, dt.date | dt.time):
        return "a date or time"
    return type(value).__name__


def _correction(kind: str, name: str, value: object) -> str:
    """Return the corrected line to paste, where it is plain."""
    if kind in {"tuple_type", "list_type"} and isinstance(value, str) and value.isprintable():
        return f'write `{name} = ["{value}"]`' if '"' not in value and "\\" not in value else ""
    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return f'write it in quotes: `"{value}"`' if abs(value) < 10**20 else ""
    if kind == "bool_type" and value in {"true", "false"}:
        return f"write `{name} = {value}` without quotes"
    return ""


def _listed(names: list[str]) -> str:
    """Return ``names`` as a sentence lists them."""
    return ", ".join(f"`{name}`" for name in names)
