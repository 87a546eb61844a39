"""Members of a static archive in the GNU variant of ar(5), as ``ar rcsD`` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"!<arch>\n"
HEADER_SIZE = 60
_SIZE = slice(48, 58)
INDEX = b"/"
WIDE_INDEX = b"/SYM64/"
NAMES = b"//"
_WORD = 4


class MalformedArchiveError(ValueError):
    """The bytes are no archive, or a member's header lies."""


class Entry(NamedTuple):
    """One entry as stored: where its header is, its name field, its content."""

    position: int
    name: bytes
    content: bytes


def members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every member, without the symbol index and the table of names."""
    names = b""
    for entry in entries(data):
        if entry.name == NAMES:
            names = entry.content
        elif entry.name not in (INDEX, WIDE_INDEX):
            yield member_name(entry.name, names), entry.content


def defined_symbols(data: bytes) -> list[tuple[str, tuple[str, ...]]]:
    """Return every member's name with the symbols that the archive's index says it defines.

    The index holds what other members may refer to, so no local symbol.
    """
    names, index = b"", b""
    found: dict[int, tuple[bytes, list[str]]] = {}
    for entry in entries(data):
        if entry.name == NAMES:
            names = entry.content
        elif entry.name == INDEX:
            index = entry.content
        elif entry.name != WIDE_INDEX:
            found[entry.position] = (entry.name, [])
    count = int.from_bytes(index[:_WORD], "big")
    symbols = index[_WORD * (count + 1) :].split(b"\0")
    if len(symbols) < count:
        raise MalformedArchiveError("the symbol index ends too early")
    for number, symbol in enumerate(symbols[:count], start=1):
        position = int.from_bytes(index[_WORD * number : _WORD * (number + 1)], "big")
        if position not in found:
            raise MalformedArchiveError(f"the symbol index names no member at byte {position}")
        found[position][1].append(symbol.decode("utf-8", "replace"))
    return [(member_name(field, names), tuple(defined)) for field, defined in found.values()]


def entries(data: bytes) -> Iterator[Entry]:
    """Yield every entry as stored, the symbol index and the table of names too."""
    if not data.startswith(MAGIC):
        raise MalformedArchiveError("not an archive")
    position = len(MAGIC)
    while position + HEADER_SIZE <= len(data):
        header = data[position : position + HEADER_SIZE]
        start = position + HEADER_SIZE
        try:
            size = int(header[_SIZE])
        except ValueError as error:
            raise MalformedArchiveError(f"bad member header at byte {position}") from error
        if size < 0 or start + size > len(data):
            raise MalformedArchiveError(f"the member at byte {position} ends beyond the archive")
        yield Entry(position, header[:16].rstrip(), data[start : start + size])
        position = start + size + size % 2


def member_name(field: bytes, names: bytes) -> str:
    """Return the name that a name field means; ``names`` is the content of the table of names."""
    if field.startswith(b"/") and field[1:].isdigit():
        start = int(field[1:])
        return names[start : names.find(b"/\n", start)].decode("utf-8", "replace")
    return field.removesuffix(b"/").decode("utf-8", "replace")
