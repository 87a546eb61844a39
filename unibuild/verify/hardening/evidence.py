"""What the rules look at: the boot file, the linked file behind it, the manifest, the compile commands.

The files are read with pyelftools rather than with the reader that packed them, so that a mistake of
that one is not believed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from unibuild.elf.layout import SHF_ALLOC, MalformedElfError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unibuild.image.manifest import Manifest
    from unibuild.verify.hardening.commands import Compiled

READ, WRITE, EXECUTE = 4, 2, 1
PAGE = 4096
RELATIVE = 8
"""R_X86_64_RELATIVE of the psABI; entries of a SHT_RELR section are of this type, too."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header: ``type`` by its name (``PT_LOAD``), ``flags`` of READ, WRITE, EXECUTE."""

    type: str
    flags: int
    address: int
    physical_address: int
    offset: int
    file_size: int
    memory_size: int

    @property
    def end(self) -> int:
        """The address behind the segment."""
        return self.address + self.memory_size

    def __str__(self) -> str:
        """Return the segment as people write it."""
        letters = "".join(
            letter if self.flags & flag else "-"
            for letter, flag in (("r", READ), ("w", WRITE), ("x", EXECUTE))
        )
        return f"{self.type} {letters} {self.address:#x}..{self.end:#x}"


@dataclass(frozen=True, slots=True)
class Section:
    """One section that takes memory; ``content`` is None where the file holds no bytes of it."""

    name: str
    address: int
    size: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Symbol:
    """One defined symbol."""

    name: str
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Elf:
    """An ELF file as the rules see it; ``type`` is ``ET_EXEC`` or ``ET_DYN``."""

    data: bytes
    type: str
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: Mapping[str, Symbol]
    relocations: tuple[tuple[int, int], ...]
    """What is left to do when the file is loaded: places and types (``RELATIVE``)."""

    @property
    def loads(self) -> tuple[Segment, ...]:
        """The segments that take memory."""
        return tuple(one for one in self.segments if one.type == "PT_LOAD")

    def content(self, address: int, size: int) -> bytes | None:
        """Return bytes by their address, zero where the file holds none; None outside the file."""
        for one in self.loads:
            inside = address - one.address
            if inside >= 0 and inside + size <= one.memory_size:
                stored = self.data[one.offset : one.offset + one.file_size]
                return stored[inside : inside + size].ljust(size, b"\0")
        return None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one image without starting it.

    ``boot`` is the file that monitors load, ``linked`` what it was packed from, with sections and
    symbols; ``files`` is the root file system by absolute path.
    """

    label: str
    boot: Elf
    linked: Elf
    manifest: Manifest
    files: Mapping[str, bytes]
    compiled: tuple[Compiled, ...]
    link_arguments: tuple[str, ...]

    def has(self, symbol: str) -> bool:
        """Tell whether the image defines ``symbol``."""
        return symbol in self.linked.symbols


def read_elf(data: bytes) -> Elf:
    """Read an ELF file; ``MalformedElfError`` when it is none."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        file = ELFFile(BytesIO(data))
        return Elf(
            data,
            file["e_type"],
            file["e_entry"],
            tuple(map(_segment, file.iter_segments())),
            tuple(_section(one) for one in file.iter_sections() if one["sh_flags"] & SHF_ALLOC),
            _symbols(file),
            tuple(_relocations(file)),
        )
    except (ELFError, KeyError, ValueError, IndexError, UnicodeDecodeError, OSError) as error:
        raise MalformedElfError(f"not a readable ELF file ({error})") from error


def _segment(one: Any) -> Segment:  # noqa: ANN401 - pyelftools has no types
    names = ("p_vaddr", "p_paddr", "p_offset", "p_filesz", "p_memsz")
    return Segment(str(one["p_type"]), one["p_flags"], *(one[name] for name in names))


def _section(one: Any) -> Section:  # noqa: ANN401 - pyelftools has no types
    content = None if one["sh_type"] == "SHT_NOBITS" else one.data()
    return Section(one.name, one["sh_addr"], one["sh_size"], content)


def _symbols(file: Any) -> dict[str, Symbol]:  # noqa: ANN401 - pyelftools has no types
    table = file.get_section_by_name(".symtab")
    if table is None:
        return {}
    return {
        one.name: Symbol(one.name, one["st_value"], one["st_size"])
        for one in table.iter_symbols()
        if one.name and one["st_shndx"] != "SHN_UNDEF"
    }


def _relocations(file: Any) -> Iterator[tuple[int, int]]:  # noqa: ANN401 - pyelftools has no types
    from elftools.elf.relocation import RelocationSection, RelrRelocationSection

    for section in file.iter_sections():
        if isinstance(section, RelrRelocationSection):
            for one in section.iter_relocations():
                yield one["r_offset"], RELATIVE
        elif isinstance(section, RelocationSection) and section["sh_flags"] & SHF_ALLOC:
            for one in section.iter_relocations():
                yield one["r_offset"], one["r_info_type"]
