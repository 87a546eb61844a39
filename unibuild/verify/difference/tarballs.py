"""Tar archives by entry, and gzip files by header and by what is inside (RFC 1952).

Contents are slices of the archive itself: a sparse entry may claim any size, and is taken as stored.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.verify.difference import entries
from unibuild.verify.difference.context import DamagedError, read_both
from unibuild.verify.difference.entries import Entry
from unibuild.verify.difference.tree import node

if TYPE_CHECKING:
    from unibuild.verify.difference.context import Context
    from unibuild.verify.difference.tree import Difference

_GZIP = b"\x1f\x8b\x08"
_LARGEST = 128 << 20
_USTAR = slice(257, 262)
_KINDS = {b"5": "folder", b"2": "symbolic link", b"1": "link", b"6": "pipe"}


def is_tar(data: bytes) -> bool:
    """Tell whether ``data`` begins with a header of POSIX or GNU tar."""
    return data[_USTAR] == b"ustar"


def is_gzip(data: bytes) -> bool:
    """Tell whether ``data`` begins as a gzip file does."""
    return data.startswith(_GZIP)


def compare_tar(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two tar archives; ``DamagedError`` when one breaks the format's rules."""
    ours, theirs = read_both(_entries, expected, found)
    children = entries.compare(ours, theirs, "entry", context)
    return node(name, "archive", children, entries.words(children)) if children else None


def compare_gzip(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two gzip files; None when only the way of compressing differs."""
    ours, theirs = read_both(_unpacked, expected, found)
    inner = entries.compare_one(ours, theirs, "gzip", context)
    return replace(inner, name=name) if inner is not None else None


def _entries(data: bytes) -> list[Entry]:
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            return [
                Entry(
                    member.name,
                    data[member.offset_data : member.offset_data + member.size]
                    if member.isreg()
                    else b"",
                    {"time": int(member.mtime), "owner": member.uid, "group": member.gid,
                     "mode": member.mode},
                    {"kind": _KINDS.get(member.type, "file"), "target": member.linkname,
                     "owner name": member.uname, "group name": member.gname},
                )
                for member in archive
            ]  # fmt: skip
    except (tarfile.TarError, ValueError, OverflowError, EOFError, OSError) as error:
        raise DamagedError(f"is no whole tar archive: {error}") from error


def _unpacked(data: bytes) -> Entry:
    """Return header and content of the first member of a gzip file."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(data, _LARGEST)
    except zlib.error as error:
        raise DamagedError(f"is no whole gzip file: {error}") from error
    if not unpacker.eof:
        raise DamagedError(f"is no whole gzip file of at most {_LARGEST:,} bytes")
    header = {"time": int.from_bytes(data[4:8], "little"), "flags": data[3],
              "level": data[8], "system": data[9]}  # fmt: skip
    return Entry("content", content + unpacker.unused_data, header)
