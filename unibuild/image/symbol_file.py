"""The symbol file beside an image: names for the addresses in a backtrace.

Text, one symbol a line, sorted by address, so that it compresses well and diffs show what moved:

    unibuild symbols 1
    <address, hexadecimal> <size, hexadecimal> <name>
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.elf.layout import SHF_EXECINSTR, STT_FUNC, STT_NOTYPE
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.elf.layout import ElfFile, Symbol

HEADER = "unibuild symbols 1"


def render(elf: ElfFile, symbols: Iterable[Symbol]) -> str:
    """Return the symbol file of a linked file: functions, and labels of code without a type.

    Of several names for one address the one with a size wins, then the first by name.
    """
    code = {index for index, section in enumerate(elf.sections()) if section.flags & SHF_EXECINSTR}
    best: dict[int, tuple[int, str]] = {}
    for symbol in symbols:
        if symbol.kind not in (STT_FUNC, STT_NOTYPE) or symbol.section not in code:
            continue
        if not symbol.name or symbol.name.startswith(".L"):
            continue
        candidate = (-symbol.size, symbol.name)
        best[symbol.value] = min(best.get(symbol.value, candidate), candidate)
    return _text((address, -size, name) for address, (size, name) in best.items())


def render_program(content: bytes) -> str:
    """Return the symbol file of a Linux program: its functions at the addresses of its own file.

    The names are those of its symbol table, or of Go's own table, which stays in a stripped program.
    """
    from unibuild.elf.dynamic import read_dynamic
    from unibuild.elf.functions import find_functions
    from unibuild.elf.layout import ElfFile, MalformedElfError
    from unibuild.elf.memory import Memory

    elf = ElfFile.parse(content)
    memory = Memory.of(elf)
    try:
        symbols = elf.symbols()
    except MalformedElfError:
        symbols = ()
    found = find_functions(elf, memory, read_dynamic(elf, memory), symbols, (), ())
    return _text(
        (one.start, one.end - one.start, one.name)
        for one in found.all
        if one.name and one.name.isprintable()
    )


def _text(symbols: Iterable[tuple[int, int, str]]) -> str:
    lines = [f"{address:x} {size:x} {name}" for address, size, name in sorted(symbols)]
    return "\n".join([HEADER, *lines, ""])


@dataclass(frozen=True, slots=True)
class SymbolFile:
    """A parsed symbol file; ``find`` names an address."""

    addresses: tuple[int, ...]
    names: tuple[tuple[int, str], ...]

    @staticmethod
    def parse(text: str) -> SymbolFile:
        """Parse a symbol file; ``UserError`` ``bad-symbol-file`` when it is none."""
        header, *lines = text.splitlines() or [""]
        try:
            rows = [line.split(" ", 2) for line in lines] if header == HEADER else [[header]]
            return SymbolFile(
                tuple(int(address, 16) for address, _, _ in rows),
                tuple((int(size, 16), name) for _, size, name in rows),
            )
        except ValueError as error:
            raise UserError(
                "bad-symbol-file",
                "this is not a symbol file that this version can read",
                hint="build the image again",
            ) from error

    def find(self, address: int) -> str:
        """Return ``name+0xoffset`` for an address inside a symbol, else ``""``."""
        index = bisect_right(self.addresses, address) - 1
        if index < 0:
            return ""
        offset = address - self.addresses[index]
        size, name = self.names[index]
        if size and offset > size:
            return ""
        return f"{name}+{offset:#x}"
