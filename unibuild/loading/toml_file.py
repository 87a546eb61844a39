"""Read one TOML file that a person wrote; everything that can be wrong becomes a ``UserError``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from unibuild.loading.locate import Entry, Span, place_of, scan
from unibuild.model.errors import Place, UserError

_DUPLICATE = re.compile(r"Cannot (?:declare|overwrite|mutate|redefine)|Duplicate", re.IGNORECASE)
_POSITION = re.compile(r"\s*\(at (?:line \d+, column \d+|end of document)\)\Z")


def read_toml(path: str | Path, shown: str) -> tuple[dict[str, Any], str]:
    """Return the tables and the text of the file at ``path``; errors call it ``shown``.

    Raises ``UserError`` ``missing-file``, ``unreadable-file``, ``not-utf8``, ``bad-toml`` or
    ``duplicate-name``.
    """
    text = decode(read_bytes(path, shown), shown)
    return parse_toml(text, shown), text


def read_bytes(path: str | Path, shown: str) -> bytes:
    """Return the bytes of the file at ``path``."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - on the path of every package: the fast way
            return file.read()
    except FileNotFoundError:
        raise UserError("missing-file", f"there is no file `{shown}`") from None
    except OSError as fault:
        reason = (fault.strerror or "cannot be read").lower()
        raise UserError("unreadable-file", f"`{shown}` cannot be read: {reason}") from None


def decode(data: bytes, shown: str) -> str:
    """Return ``data`` as text; the first byte that is not UTF-8 is shown with its place."""
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        first = data.rfind(b"\n", 0, fault.start) + 1
        last = data.find(b"\n", first)
        line = data[first : last if last >= 0 else len(data)].decode(errors="replace")
        column = len(data[first : fault.start].decode()) + 1
        number = data.count(b"\n", 0, first) + 1
        raise UserError(
            "not-utf8",
            f"byte 0x{data[fault.start]:02x} is not UTF-8",
            Place(shown, number, column, line.rstrip("\r")),
            f"save `{shown}` in the UTF-8 encoding",
        ) from None


def parse_toml(text: str, shown: str) -> dict[str, Any]:
    """Return the tables of ``text``."""
    import tomli

    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as fault:
        raise _syntax_error(fault, text, shown) from None
    except RecursionError:
        cause = "lists or tables are nested too deeply"
        raise UserError("bad-toml", cause, Place(shown)) from None
    except ValueError as fault:  # a number with thousands of digits
        raise UserError("bad-toml", f"a value cannot be read: {fault}", Place(shown)) from None


def _syntax_error(fault: ValueError, text: str, shown: str) -> UserError:
    """Return the error for text that is not TOML, or that names something twice."""
    message = _POSITION.sub("", str(fault))
    if _DUPLICATE.match(message):
        duplicate = _first_duplicate(scan(text))
        if duplicate is not None:
            return _duplicate_error(duplicate, text, shown)
    position = getattr(fault, "pos", None)
    place = Place(shown)
    if isinstance(position, int):
        place = place_of(shown, text, Span(min(position, len(text)), min(position, len(text)) + 1))
    cause = message[:1].lower() + message[1:] if message else "this is not TOML"
    return UserError("bad-toml", f"not valid TOML: {cause}", place)


def _first_duplicate(entries: list[Entry]) -> tuple[Entry, Entry] | None:
    """Return the first two entries of the same path, the outermost where they hold others."""
    seen: dict[tuple[str | int, ...], Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.key):
        if entry.path in seen:
            return seen[entry.path], entry
        seen[entry.path] = entry
    return None


def _duplicate_error(duplicate: tuple[Entry, Entry], text: str, shown: str) -> UserError:
    """Return the error for a table or key that stands twice in one file."""
    first, second = duplicate
    name = ".".join(str(part) for part in second.path)
    earlier = place_of(shown, text, first.key)
    return UserError(
        "duplicate-name",
        f"`{name}` is defined twice",
        place_of(shown, text, second.key),
        "rename one of them, or remove it",
        (f"first defined at {earlier}",),
    )
