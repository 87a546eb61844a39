"""Find where in a TOML text a key or value stands, for the place of an error.

Files are parsed by ``tomli``, which is fast and keeps no positions. Only when an error needs a
place is the text scanned again, by this module. It relies on the text being valid TOML; on a text
that is not, it reports what stands before the fault.
"""

from __future__ import annotations

import contextlib
import re
from typing import NamedTuple

from unibuild.model.errors import Place

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}\n#]*")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"""(?!")', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''.*?'''(?!')", re.DOTALL)
_STRINGS = (_LONG_BASIC, _LONG_LITERAL, _BASIC, _LITERAL)


class Span(NamedTuple):
    """A stretch of the text: offsets of its first character and of the one after its last."""

    start: int
    end: int


class Entry(NamedTuple):
    """Where one key and its value stand; a table header has the same span for both."""

    path: Path
    key: Span
    value: Span


class _Stop(Exception):  # noqa: N818 - ends a scan; never leaves this module
    """The text is not valid TOML from here on."""


def scan(text: str) -> list[Entry]:
    """Return every key, table header and list element of ``text``, in order."""
    scanner = _Scanner(text)
    with contextlib.suppress(_Stop, RecursionError):
        scanner.document()
    return scanner.entries


def locate(file: str, text: str, path: Path, *, key: bool = False) -> Place:
    """Return the place of ``path`` (table, key, list index) in ``text``, or of its nearest parent.

    ``key`` asks for the key itself instead of its value.
    """
    wanted = tuple(path)
    best: Entry | None = None
    for entry in scan(text):
        length = len(entry.path)
        if entry.path == wanted[:length] and (best is None or length > len(best.path)):
            best = entry
    if best is None:
        return Place(file)
    return place_of(file, text, best.key if key and best.path == wanted else best.value)


def place_of(file: str, text: str, span: Span) -> Place:
    """Return the place of ``span``, its mark cut at the end of the first line."""
    first = text.rfind("\n", 0, span.start) + 1
    last = text.find("\n", first)
    line = text[first : last if last >= 0 else len(text)].rstrip("\r")
    column = span.start - first
    length = max(1, min(span.end - span.start, len(line) - column))
    return Place(file, text.count("\n", 0, first) + 1, column + 1, line, length)


class _Scanner:
    """One pass over a TOML text that collects entries."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.entries: list[Entry] = []
        self._array_tables: dict[Path, int] = {}

    def document(self) -> None:
        """Scan the whole text."""
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self.position >= len(self.text):
                return
            if self._peek() == "[":
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> Path:
        """Scan ``[a.b]`` or ``[[a.b]]`` and return the path that follows belong to."""
        double = self.text.startswith("[[", self.position)
        self.position += 2 if double else 1
        keys, span = self._dotted_key()
        self._expect("]]" if double else "]")
        path: Path = ()
        for index, name in enumerate(keys):
            path = (*path, name)
            if double and index == len(keys) - 1:
                self._array_tables[path] = self._array_tables.get(path, -1) + 1
            if path in self._array_tables:
                path = (*path, self._array_tables[path])
        self.entries.append(Entry(path, span, span))
        return path

    def _assignment(self, table: Path) -> None:
        """Scan ``key = value`` inside ``table``."""
        keys, span = self._dotted_key()
        self._expect("=")
        self._skip(_SPACE)
        path = (*table, *keys)
        start = self.position
        self._value(path)
        self.entries.append(Entry(path, span, Span(start, self.position)))

    def _dotted_key(self) -> tuple[list[str], Span]:
        """Scan a key with its dots; return its parts and its span."""
        self._skip(_SPACE)
        start = self.position
        parts = [self._simple_key()]
        end = self.position
        while True:
            self._skip(_SPACE)
            if self._peek() != ".":
                return parts, Span(start, end)
            self.position += 1
            self._skip(_SPACE)
            parts.append(self._simple_key())
            end = self.position

    def _simple_key(self) -> str:
        """Scan one bare or quoted key and return its text."""
        for pattern in (_BARE_KEY, _BASIC, _LITERAL):
            match = pattern.match(self.text, self.position)
            if match is not None:
                self.position = match.end()
                return match[0] if pattern is _BARE_KEY else _unquote(match[0])
        raise _Stop

    def _value(self, path: Path) -> None:
        """Scan one value; elements of lists and inline tables become entries."""
        character = self._peek()
        if character == "[":
            self._list(path)
        elif character == "{":
            self._inline_table(path)
        elif character in {'"', "'"}:
            for pattern in _STRINGS:
                match = pattern.match(self.text, self.position)
                if match is not None:
                    self.position = match.end()
                    return
            raise _Stop
        else:
            match = _BARE_VALUE.match(self.text, self.position)
            value = match[0].rstrip() if match is not None else ""
            if not value:
                raise _Stop
            self.position += len(value)

    def _list(self, path: Path) -> None:
        """Scan ``[a, b]``."""
        self.position += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self._peek() == "]":
                self.position += 1
                return
            start = self.position
            self._value((*path, index))
            span = Span(start, self.position)
            self.entries.append(Entry((*path, index), span, span))
            index += 1
            self._separator("]")

    def _inline_table(self, path: Path) -> None:
        """Scan ``{ a = 1, b = 2 }``."""
        self.position += 1
        while True:
            self._skip(_BLANK)
            if self._peek() == "}":
                self.position += 1
                return
            self._assignment(path)
            self._separator("}")

    def _separator(self, closing: str) -> None:
        """Scan the comma after an element; the ``closing`` mark may stand in its place."""
        self._skip(_BLANK)
        if self._peek() == ",":
            self.position += 1
        elif self._peek() != closing:
            raise _Stop

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _expect(self, mark: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(mark, self.position):
            raise _Stop
        self.position += len(mark)


def _unquote(quoted: str) -> str:
    """Return the text of a quoted key."""
    import tomli

    try:
        value = tomli.loads(f"key = {quoted}")["key"]
    except ValueError as fault:
        raise _Stop from fault
    return str(value)
