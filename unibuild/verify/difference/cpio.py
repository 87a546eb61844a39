"""Root archives (cpio(5), ``newc``), file by file; also where one lies inside an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.verify.difference import entries
from unibuild.verify.difference.context import DamagedError, read_both
from unibuild.verify.difference.entries import Entry
from unibuild.verify.difference.tree import node

if TYPE_CHECKING:
    from unibuild.verify.difference.context import Context
    from unibuild.verify.difference.tree import Difference

MAGIC = b"070701"
_MAGICS = (MAGIC, b"070702")
_HEADER = 110
_TRAILER = "TRAILER!!!"
_CUT_TRAILERS = frozenset(_TRAILER.encode() + bytes(left) for left in range(4))
_FIELDS = ("inode", "mode", "owner", "group", "links", "time", "size", "device", "device-minor",
           "special", "special-minor", "name-size", "checksum")  # fmt: skip
_COMPARED = ("inode", "mode", "owner", "group", "links", "time", "device", "device-minor", "special",
             "special-minor", "checksum")  # fmt: skip


def is_archive(data: bytes) -> bool:
    """Tell whether ``data`` begins as a ``newc`` archive does."""
    return data[:6] in _MAGICS


def compare(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two archives; ``DamagedError`` when one breaks the format's rules."""
    (ours, one), (theirs, other) = read_both(read, expected, found)
    children = entries.compare(ours, theirs, "file", context)
    tail = context.inside("after the end", expected[one:], found[other:])
    if tail is not None:
        children.append(tail)
    return node(name, "archive", children, entries.words(children)) if children else None


def read(data: bytes) -> tuple[list[Entry], int]:
    """Return the entries of the archive that ``data`` begins with, and where it ends.

    A boot file leaves out zeros at the end of a segment, and so perhaps those at the archive's end.
    """
    entries: list[Entry] = []
    position = 0
    while True:
        header = data[position : position + _HEADER]
        if len(header) < _HEADER or header[:6] not in _MAGICS:
            raise DamagedError(f"is no whole cpio archive: no header at byte {position:,}")
        try:
            numbers = dict(
                zip(
                    _FIELDS,
                    (int(header[at : at + 8], 16) for at in range(6, _HEADER, 8)),
                    strict=True,
                )
            )
        except ValueError as error:
            raise DamagedError(
                f"is no whole cpio archive: the header at byte {position:,} holds no numbers"
            ) from error
        start = _up(position + _HEADER + numbers["name-size"])
        end = start + numbers["size"]
        if data[position + _HEADER :] in _CUT_TRAILERS:
            return entries, len(data)
        if min(numbers.values()) < 0 or end > len(data):
            raise DamagedError(
                f"is no whole cpio archive: the entry at byte {position:,} ends beyond it"
            )
        name = data[position + _HEADER : position + _HEADER + numbers["name-size"]]
        position = min(_up(end), len(data))
        text = name.rstrip(b"\0").decode("utf-8", "replace")
        if text == _TRAILER:
            return entries, position
        kept = {field: numbers[field] for field in _COMPARED}
        entries.append(Entry(f"/{text.lstrip('/')}", data[start:end], kept))


def _up(value: int) -> int:
    return (value + 3) // 4 * 4
