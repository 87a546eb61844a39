"""Static archives (ar(5)), member by member: content, and the time, owner and mode of its header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.elf import archive
from unibuild.verify.difference import entries
from unibuild.verify.difference.context import DamagedError, read_both
from unibuild.verify.difference.entries import Entry
from unibuild.verify.difference.tree import node

if TYPE_CHECKING:
    from unibuild.verify.difference.context import Context
    from unibuild.verify.difference.tree import Difference

_FIELDS = (("time", 16, 28, 10), ("owner", 28, 34, 10), ("group", 34, 40, 10), ("mode", 40, 48, 8))
"""Name, start, end and base of the header's numbers."""
_TABLES = {
    archive.INDEX: "the symbol index",
    archive.WIDE_INDEX: "the symbol index",
    archive.NAMES: "the table of names",
}


def is_archive(data: bytes) -> bool:
    """Tell whether ``data`` begins as an archive does."""
    return data.startswith(archive.MAGIC)


def compare(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two archives; ``DamagedError`` when one breaks the format's rules."""
    ours, theirs = read_both(_read, expected, found)
    children = entries.compare(ours, theirs, "member", context)
    return node(name, "archive", children, entries.words(children)) if children else None


def _read(data: bytes) -> list[Entry]:
    names = b""
    found = []
    end = len(archive.MAGIC)
    try:
        for entry in archive.entries(data):
            if entry.name == archive.NAMES:
                names = entry.content
            header = data[entry.position : entry.position + archive.HEADER_SIZE]
            found.append(
                Entry(
                    _TABLES.get(entry.name) or archive.member_name(entry.name, names),
                    entry.content,
                    {name: _number(header[a:b], base) for name, a, b, base in _FIELDS},
                    follows=entry.name in _TABLES,
                )
            )
            end = entry.position + len(header) + len(entry.content) + len(entry.content) % 2
    except archive.MalformedArchiveError as error:
        raise DamagedError(f"is no whole archive: {error}") from error
    if end < len(data):
        raise DamagedError(f"is no whole archive: {len(data) - end} bytes after its last member")
    return found


def _number(text: bytes, base: int) -> int:
    try:
        return int(text.strip() or b"0", base)
    except ValueError as error:
        raise DamagedError("is no whole archive: a member's header holds no numbers") from error
