"""Which functions refer to a symbol: asked when a link left symbols undefined.

Relocations of the objects answer it. Only sections that the linker kept count, since a reference
from dropped code needs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from unibuild.elf.archive import MAGIC, members

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from elftools.elf.sections import SymbolTableSection


@dataclass(frozen=True, slots=True)
class Reference:
    """``function`` (``""`` when it is data) in ``object`` refers to ``symbol``."""

    symbol: str
    object: str
    function: str


def find_references(
    symbols: Collection[str], files: Mapping[str, bytes], live: Collection[tuple[str, str]]
) -> list[Reference]:
    """Return the references to ``symbols`` in ``files``, sorted, each once.

    ``files`` maps the path of an object or archive to its bytes; ``live`` holds (object, section)
    as the link map names them.
    """
    found: set[tuple[str, str, str]] = set()
    for path, data in files.items():
        for name, content in _objects(path, data):
            if any(symbol.encode() in content for symbol in symbols):
                found.update(_references(symbols, name, content, live))
    return [Reference(*entry) for entry in sorted(found)]


def _objects(path: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    if data.startswith(MAGIC):
        for member, content in members(data):
            yield f"{path}({member})", content
    else:
        yield path, data


def _references(
    symbols: Collection[str], name: str, content: bytes, live: Collection[tuple[str, str]]
) -> Iterator[tuple[str, str, str]]:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.relocation import RelocationSection
    from elftools.elf.sections import SymbolTableSection

    try:
        elf = ELFFile(BytesIO(content))
        for section in elf.iter_sections():
            if not isinstance(section, RelocationSection):
                continue
            target = section["sh_info"]
            if (name, elf.get_section(target).name) not in live:
                continue
            table = elf.get_section(section["sh_link"])
            if not isinstance(table, SymbolTableSection):
                continue
            for relocation in section.iter_relocations():
                symbol = table.get_symbol(relocation["r_info_sym"]).name
                if symbol in symbols:
                    yield symbol, name, _function_at(table, target, relocation["r_offset"])
    except ELFError:
        return


def _function_at(table: SymbolTableSection, section: int, offset: int) -> str:
    for symbol in table.iter_symbols():
        if symbol["st_shndx"] == section and symbol["st_info"]["type"] == "STT_FUNC":
            start = symbol["st_value"]
            if start <= offset < start + symbol["st_size"]:
                return str(symbol.name)
    return ""
