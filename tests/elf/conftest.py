"""A linked ELF64 file with sections and symbols, composed by hand so that every field is known."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from unibuild.elf import layout

Maker = Callable[..., bytes]


def _names(texts: list[str]) -> tuple[bytes, list[int]]:
    table, offsets = b"\0", []
    for text in texts:
        offsets.append(len(table))
        table += text.encode() + b"\0"
    return table, offsets


def make(
    segments: list[tuple[int, int, bytes, int]],
    symbols: list[tuple[str, int, int, int, int, int]] = (),  # type: ignore[assignment]
    *,
    machine: int = layout.EM_X86_64,
    padding: int = 4096,
) -> bytes:
    """``segments`` are (type, address, content, memory size); ``symbols`` (name, value, size, kind,
    binding, section); one section ``.s0``, ``.s1`` … for every segment, then the symbol table."""
    strings, name_offsets = _names([symbol[0] for symbol in symbols])
    table = bytes(layout.SYMBOL.size) + b"".join(
        layout.SYMBOL.pack(offset, binding << 4 | kind, 0, section, value, size)
        for offset, (_, value, size, kind, binding, section) in zip(
            name_offsets, symbols, strict=True
        )
    )
    body = bytearray(layout.HEADER.size + len(segments) * layout.PROGRAM_HEADER.size)
    headers, rows = [], [bytes(layout.SECTION_HEADER.size)]
    names, offsets = _names(
        [f".s{index}" for index in range(len(segments))] + [".symtab", ".strtab", ".shstrtab"]
    )
    for index, (kind, address, content, memory) in enumerate(segments):
        body += bytes(-len(body) % padding)
        flags = 5 if index == 0 else 6
        headers.append(
            layout.PROGRAM_HEADER.pack(
                kind,
                flags,
                len(body),
                address,
                address,
                len(content),
                memory,
                4 if kind == layout.PT_NOTE else padding,
            )
        )
        nobits = layout.SHT_NOBITS if not content else 1
        rows.append(
            layout.SECTION_HEADER.pack(
                offsets[index],
                nobits,
                layout.SHF_ALLOC | (layout.SHF_EXECINSTR if index == 0 else 0),
                address,
                len(body),
                memory,
                0,
                0,
                16,
                0,
            )
        )
        body += content
    first = len(rows)
    for number, (kind, content) in enumerate(
        ((layout.SHT_SYMTAB, table), (3, strings), (3, names))
    ):
        rows.append(
            layout.SECTION_HEADER.pack(
                offsets[len(segments) + number], kind, 0, 0, len(body), len(content),
                first + 1, 0, 1, layout.SYMBOL.size if kind == layout.SHT_SYMTAB else 0,
            )
        )  # fmt: skip
        body += content
    header = layout.HEADER.pack(
        layout.IDENTIFICATION, layout.ET_EXEC, machine, 1, 0x100000, layout.HEADER.size, len(body), 0,
        layout.HEADER.size, layout.PROGRAM_HEADER.size, len(segments), layout.SECTION_HEADER.size,
        len(rows), len(rows) - 1,
    )  # fmt: skip
    body[: layout.HEADER.size + len(headers) * layout.PROGRAM_HEADER.size] = header + b"".join(
        headers
    )
    return bytes(body) + b"".join(rows)


@pytest.fixture
def linked() -> Maker:
    return make


@pytest.fixture
def pvh_note() -> bytes:
    return struct.pack("<III", 4, 8, 18) + b"Xen\0" + (0x100000).to_bytes(8, "little")
