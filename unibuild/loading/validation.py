"""pydantic's findings into our errors: one for each mistake, at its place, with what would be right."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from unibuild.loading.locate import locate
from unibuild.model.errors import UserError
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

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


def validation_errors(
    fault: ValidationError,
    model: type[BaseModel],
    what: str,
    file: str,
    text: str,
    table: tuple[str | int, ...],
) -> list[UserError]:
    """Return one error for each finding of ``fault`` in ``table`` of the TOML ``text``.

    ``what`` is how a sentence calls the table: ``rule `genrule` `` or ``WORKSPACE.toml``.
    """
    findings = fault.errors(include_url=False, include_context=True)
    errors = [_error(finding, model, what, file, text, table) for finding in findings]
    return sorted(errors, key=_position)


def _position(error: UserError) -> tuple[int, int]:
    """Return where ``error`` stands in its file, for the order in which errors are shown."""
    return (error.place.line, error.place.column) if error.place else (0, 0)


def _error(
    finding: ErrorDetails,
    model: type[BaseModel],
    what: str,
    file: str,
    text: str,
    table: tuple[str | int, ...],
) -> UserError:
    """Return the error for one finding."""
    path = (*table, *finding["loc"])
    kind = finding["type"]
    name = str(finding["loc"][-1]) if finding["loc"] else ""
    if kind == "extra_forbidden":
        fields = _fields_at(model, finding["loc"])
        hint = did_you_mean(name, fields) or f"it takes {_listed(sorted(fields))}"
        place = locate(file, text, path, key=True)
        return UserError("unknown-attribute", f"{what} has no attribute `{name}`", place, hint)
    if kind == "missing":
        place = locate(file, text, path)
        return UserError("missing-attribute", f"{what} needs the attribute `{name}`", place)
    where = _spoken(finding["loc"])
    place = locate(file, text, path)
    if kind in _EXPECTED:
        value = finding["input"]
        cause = f"{where} must be {_EXPECTED[kind]}, not {_described(value)}"
        return UserError("wrong-type", cause, place, _correction(kind, name, value))
    if kind in {"literal_error", "enum"}:
        allowed = str(finding.get("ctx", {}).get("expected", "")).replace("'", "`")
        cause = f"{where} cannot be {_described(finding['input'])}"
        return UserError("bad-value", cause, place, f"it is one of {allowed}")
    message = finding["msg"].removeprefix("Value error, ")
    return UserError("bad-value", f"{where}: {message[:1].lower()}{message[1:]}", place)


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> Iterable[str]:
    """Return the field names of the (nested) model in which ``location`` stands."""
    from pydantic import BaseModel

    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        inner: Any = field.annotation if field is not None else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


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
