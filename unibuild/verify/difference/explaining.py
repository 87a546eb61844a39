"""From two paths to a tree: which format both sides have, and who compares it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError
from unibuild.verify.difference import (
    archives,
    beside,
    cpio,
    elf_files,
    json_values,
    plain,
    surroundings,
    tarballs,
    text,
)
from unibuild.verify.difference.context import DEEPEST, Context, DamagedError
from unibuild.verify.difference.folders import Folders
from unibuild.verify.difference.tree import EQUAL, Difference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unibuild.verify.difference.context import Compare


def explain(expected: Path, found: Path) -> Difference:
    """Compare what lies at two paths: two files of any content, or two folders.

    Returns a tree whose ``equal`` is true when nothing differs. Malformed content never raises: it is
    compared as bytes, and the root says in ``damaged`` what is wrong with it. ``UserError``
    ``no-such-file`` when a path does not exist, ``special-file`` when it is a pipe or a device,
    ``HostError`` ``unreadable-file`` when it cannot be read.
    """
    for path in (expected, found):
        if not path.exists():
            hint = "outputs are named by their paths below unibuild-out" if ":" in str(path) else ""
            raise UserError("no-such-file", f"there is no file or folder `{path}`", hint=hint)
        if not path.is_file() and not path.is_dir():
            raise UserError(
                "special-file",
                f"`{path}` is neither a file nor a folder, and cannot be compared",
                hint="write what comes out of a pipe to a file first",
            )
    around = surroundings.look(expected, found)

    def contents(
        name: str, one: Path, other: Path, ours: bytes, theirs: bytes
    ) -> Difference | None:
        context = Context(around, compare, beside.look(one), beside.look(other))
        return compare(name, ours, theirs, context)

    difference = Folders(contents, around).compare(found.name, expected, found, top=True)
    return EQUAL if difference is None else difference


def compare(name: str, expected: bytes, found: bytes, context: Context) -> Difference | None:
    """Compare two contents by the format that both have; None when they are equal."""
    if expected == found:
        return None
    if context.depth > DEEPEST:
        return plain.compare(name, expected, found, context)
    damage: DamagedError | None = None
    way = _format(expected, found)
    if way is not None:
        try:
            difference = way(name, expected, found, context)
        except DamagedError as error:
            damage = error
        else:
            if difference is not None:
                return difference
    both_text = text.is_text(expected) and text.is_text(found)
    unstructured = text.compare if both_text else plain.compare
    rest = unstructured(name, expected, found, context)
    if rest is None or damage is None:
        return rest
    words = f"what was {damage.side} {damage}, so that only bytes were compared"
    return replace(rest, words=words, damaged=((damage.side, str(damage)),))


def _format(expected: bytes, found: bytes) -> Compare | None:
    """Return who compares two contents of one known format."""
    for claims, way in _FORMATS:
        if claims(expected) and claims(found):
            return way
    return None


_FORMATS: tuple[tuple[Callable[[bytes], bool], Compare], ...] = (
    (elf_files.is_elf, elf_files.compare),
    (archives.is_archive, archives.compare),
    (cpio.is_archive, cpio.compare),
    (tarballs.is_tar, tarballs.compare_tar),
    (tarballs.is_gzip, tarballs.compare_gzip),
    (json_values.may_be_json, json_values.compare),
)
