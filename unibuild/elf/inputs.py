"""What went into a link, object by object: what each could have brought, and what stayed out.

An object's *pieces* are the strings and constants in its mergeable sections: the linker stores equal
ones once, as bytes of its own, so the link map cannot say whose they are, but the objects can. Where
several objects have the same piece, the first in link order counts as its owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.elf.archive import MAGIC, defined_symbols, members
from unibuild.elf.layout import SHF_MERGE, SHF_STRINGS, ElfFile, MalformedElfError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from unibuild.elf.layout import Section

_CODE = (".text.unlikely.", ".text.hot.", ".text.startup.", ".text.")


class LeftOut(NamedTuple):
    """An object of which no byte is in the image, and the symbols that others could have asked for."""

    object: str
    symbols: tuple[str, ...]


def left_out(files: Mapping[str, bytes], live: Collection[str]) -> list[LeftOut]:
    """Return the objects of ``files`` (path of an object or archive → bytes) that are not ``live``."""
    found = []
    for path, data in files.items():
        if data.startswith(MAGIC):
            for member, symbols in defined_symbols(data):
                name = f"{path}({member})"
                if name not in live:
                    found.append(LeftOut(name, symbols))
        elif path not in live:
            found.append(LeftOut(path, ()))
    return found


def objects(files: Mapping[str, bytes], wanted: Collection[str]) -> Iterator[tuple[str, ElfFile]]:
    """Yield the objects of ``files`` with a name in ``wanted``, in link order; damaged ones not."""
    for path, data in files.items():
        for name, content in (
            ((f"{path}({member})", content) for member, content in members(data))
            if data.startswith(MAGIC)
            else ((path, data),)
        ):
            if name in wanted:
                try:
                    yield name, ElfFile.parse(content)
                except MalformedElfError:
                    continue


def dropped_functions(sections: Iterable[Section], kept: Collection[str]) -> list[str]:
    """Return the functions whose own section (``-ffunction-sections``) the linker dropped."""
    found = []
    for section in sections:
        if section.size and section.name not in kept:
            prefix = next((one for one in _CODE if section.name.startswith(one)), "")
            if prefix:
                found.append(section.name[len(prefix) :])
    return sorted(found)


def pieces(elf: ElfFile, sections: Iterable[Section]) -> Iterator[tuple[str, bytes]]:
    """Yield the mergeable pieces of an object with the name of their section."""
    for section in sections:
        if section.in_memory and section.flags & SHF_MERGE and section.entry_size:
            content = elf.data[section.offset : section.offset + section.size]
            for start, end in piece_bounds(section, content):
                yield section.name, content[start:end]


def piece_bounds(section: Section, content: bytes) -> Iterator[tuple[int, int]]:
    """Yield begin and end of every piece in the content of a mergeable section."""
    unit = section.entry_size
    if not section.flags & SHF_STRINGS:
        yield from ((at, at + unit) for at in range(0, len(content) - unit + 1, unit))
        return
    end_mark = bytes(unit)
    start = 0
    while start < len(content):
        end = content.find(end_mark, start)
        while end >= 0 and (end - start) % unit:
            end = content.find(end_mark, end + 1)
        end = len(content) if end < 0 else end + unit
        yield start, end
        start = end
