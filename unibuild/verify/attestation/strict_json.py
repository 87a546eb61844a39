"""JSON from anybody, read strictly: what two readers could understand differently is refused.

Refused are duplicate names, ``NaN`` and infinities, numbers that a double cannot hold exactly as
RFC 7493 (I-JSON) asks, halves of surrogate pairs, bytes that are no UTF-8, nesting beyond ``DEPTH``,
more than ``MOST_VALUES`` values and files beyond ``LIMIT`` bytes. What is refused is a ``UserError``
``bad-attestation`` at its file.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NoReturn

from unibuild.model.errors import Place, UserError

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 16 << 20
"""Bytes of the largest file that is read; the provenance of a thousand sources has a quarter of one MiB."""
DEPTH = 48
MOST_VALUES = 1 << 20
_LARGEST = 2**53 - 1


def read_bytes(path: Path, limit: int = LIMIT) -> bytes:
    """Return the bytes of the file at ``path``, which a user named."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UserError(
            id="unreadable-file",
            cause=f"{shown_path(path)} cannot be read: {(error.strerror or 'it is no file').lower()}",
            hint="name a file that exists",
        ) from error
    if len(data) > limit:
        refuse(shown_path(path), f"is larger than {limit >> 20} MiB")
    return data


def shown_path(path: Path) -> str:
    """Return a path as a user, where they are, would write it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def parse(data: bytes, shown: str) -> object:
    """Return the JSON value that ``data`` holds; ``shown`` names it in errors."""
    if sum(map(data.count, (b",", b":", b"[", b"{"))) > MOST_VALUES:
        refuse(shown, f"holds more than {MOST_VALUES:,} values")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        refuse(shown, f"is no UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}")
    except json.JSONDecodeError as error:
        refuse(shown, f"is no JSON: {error.msg.lower()}", error.lineno, error.colno)
    except RecursionError:
        refuse(shown, f"is nested deeper than {DEPTH} levels")
    except ValueError as error:  # of this module's hooks, or a number of thousands of digits
        refuse(
            shown,
            str(error) if isinstance(error, _RefusedError) else "has a number that is too long",
        )
    _check(value, shown)
    return value


def render(value: object) -> bytes:
    """Return the text of a file that people read: sorted, indented, the same for the same value."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def canonical(value: object) -> bytes:
    """Return the one encoding of ``value`` that is hashed and signed (RFC 8785)."""
    import rfc8785

    return rfc8785.dumps(value)  # type: ignore[arg-type]  # JSON, as `parse` or our own code made it


def refuse(shown: str, what: str, line: int = 0, column: int = 0) -> NoReturn:
    """Raise the error for a file that holds something else than it should."""
    raise UserError(
        id="bad-attestation",
        cause=f"{shown} {what}",
        place=Place(shown, line, column),
        hint="an in-toto statement or a DSSE envelope of one is wanted; nothing in this was believed",
    )


class _RefusedError(ValueError):
    pass


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _RefusedError(f"has the name {shortened(name)} twice in one object")
            seen.add(name)
    return table


def _constant(text: str) -> NoReturn:
    raise _RefusedError(f"has the number {text}, which JSON has not")


def shortened(text: str, length: int = 60) -> str:
    """Return text from outside as a message can show it: quoted, on one line, not too long."""
    whole = text if len(text) <= length else text[: length - 1] + "…"
    return ascii(whole) if not whole.isprintable() else f"'{whole}'"


def printable(text: str, length: int = 400) -> str:
    """Return text from outside without quotes, on one line: a terminal obeys none of its characters."""
    whole = text if len(text) <= length else text[: length - 1] + "…"
    return whole if whole.isprintable() else ascii(whole)[1:-1]


def _check(value: object, shown: str) -> None:
    """Look at every part of a parsed value, without recursion."""
    waiting = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEPTH:
            refuse(shown, f"is nested deeper than {DEPTH} levels")
        if isinstance(part, dict):
            waiting.extend((inner, depth + 1) for inner in (*part, *part.values()))
        elif isinstance(part, list):
            waiting.extend((inner, depth + 1) for inner in part)
        elif isinstance(part, str):
            _check_text(part, shown)
        elif isinstance(part, int | float):
            _check_number(part, shown)


def _check_text(text: str, shown: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        refuse(shown, "has text with half of a surrogate pair")


def _check_number(number: float, shown: str) -> None:
    if abs(number) > _LARGEST:  # an infinity too: 1e999
        refuse(shown, "has a number beyond 2^53, which not every reader holds exactly")
