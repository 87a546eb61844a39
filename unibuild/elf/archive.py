"""Members of a static archive in the GNU variant of ar(5), as ``ar rcsD`` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"!<arch>\n"
_HEADER_SIZE = 60
_SIZE = slice(48, 58)


class MalformedArchiveError(ValueError):
    """The bytes are no archive, or a member's header lies."""


def members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every member, without the symbol index and the table of names."""
    if not data.startswith(MAGIC):
        raise MalformedArchiveError("not an archive")
    names = b""
    position = len(MAGIC)
    while position + _HEADER_SIZE <= len(data):
        header = data[position : position + _HEADER_SIZE]
        start = position + _HEADER_SIZE
        try:
            size = int(header[_SIZE])
        except ValueError as error:
            raise MalformedArchiveError(f"bad member header at byte {position}") from error
        if start + size > len(data):
            raise MalformedArchiveError(f"the member at byte {position} ends beyond the archive")
        content = data[start : start + size]
        position = start + size + size % 2
        name = header[:16].rstrip()
        if name == b"//":
            names = content
        elif name not in (b"/", b"/SYM64/"):
            yield _name(name, names), content


def _name(field: bytes, names: bytes) -> str:
    if field.startswith(b"/") and field[1:].isdigit():
        start = int(field[1:])
        return names[start : names.find(b"/\n", start)].decode("utf-8", "replace")
    return field.removesuffix(b"/").decode("utf-8", "replace")
