"""Small Linux programs and libraries composed by hand, so that every field and byte is known."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SYMBOL = struct.Struct("<IBBHQQ")
ENTRY = struct.Struct("<qQ")
PAGE = 4096
ET_EXEC, ET_DYN = 2, 3
LOAD, DYNAMIC, INTERP, STACK = 1, 2, 3, 0x6474E551
READ, WRITE, EXECUTE = 4, 2, 1


@dataclass(frozen=True, slots=True)
class Tiny:
    """What goes into the file; ``code`` begins a page of its own, at ``CODE`` behind the base."""

    code: bytes = b"\xb8\x3c\x00\x00\x00\x0f\x05"  # mov eax, 60; syscall: exit
    kind: int = ET_EXEC
    machine: int = 62
    entry: int = 0
    interpreter: str = ""
    needed: Sequence[str] = ()
    soname: str = ""
    rpath: str = ""
    runpath: str = ""
    exports: Mapping[str, int] = field(default_factory=dict)
    access: int = READ | EXECUTE
    stack: int = READ | WRITE

    @property
    def base(self) -> int:
        """Return the address of the file's first byte in memory."""
        return 0x400000 if self.kind == ET_EXEC else 0

    @property
    def start(self) -> int:
        """Return the address of the code."""
        return self.base + PAGE

    def build(self) -> bytes:
        """Return the file."""
        body = bytearray(PAGE)
        tables = _Tables(self)
        segments = [(LOAD, READ, 0, PAGE), (LOAD, self.access, PAGE, len(self.code))]
        at = HEADER.size + 8 * SEGMENT.size
        if self.interpreter:
            content = self.interpreter.encode() + b"\0"
            body[at : at + len(content)] = content
            segments.append((INTERP, READ, at, len(content)))
            at += len(content)
        at += -at % 16
        if self.interpreter or self.needed or self.soname or self.exports:
            content, where, size = tables.place(at)
            body[at : at + len(content)] = content
            segments.append((DYNAMIC, READ | WRITE, where, size))
        segments.append((STACK, self.stack, 0, 0))
        packed = b"".join(
            SEGMENT.pack(
                kind,
                access,
                offset,
                self.base + offset if size else 0,
                self.base + offset if size else 0,
                size,
                size,
                PAGE if kind == LOAD else 1,
            )
            for kind, access, offset, size in segments
        )
        header = HEADER.pack(
            b"\x7fELF\x02\x01\x01" + bytes(9),
            self.kind,
            self.machine,
            1,
            self.start + self.entry,
            HEADER.size,
            0,
            0,
            HEADER.size,
            SEGMENT.size,
            len(segments),
            0,
            0,
            0,
        )
        body[: len(header)] = header
        body[HEADER.size : HEADER.size + len(packed)] = packed
        return bytes(body) + self.code


class _Tables:
    """The dynamic section with the tables that it points to."""

    def __init__(self, tiny: Tiny) -> None:
        self._tiny = tiny
        self._strings = bytearray(b"\0")

    def _text(self, text: str) -> int:
        offset = len(self._strings)
        self._strings += text.encode() + b"\0"
        return offset

    def place(self, at: int) -> tuple[bytes, int, int]:
        """Return the tables as they lie at ``at``, and offset and size of the dynamic section."""
        tiny = self._tiny
        symbols = bytes(SYMBOL.size) + b"".join(
            SYMBOL.pack(self._text(name), 0x12, 0, 1, tiny.start + offset, 4)
            for name, offset in tiny.exports.items()
        )
        count = len(tiny.exports) + 1
        hashes = struct.pack(f"<II{1 + count}I", 1, count, *([0] * (1 + count)))
        tags = [(1, self._text(name)) for name in tiny.needed]
        tags += [
            (tag, self._text(text))
            for tag, text in ((14, tiny.soname), (15, tiny.rpath), (29, tiny.runpath))
            if text
        ]
        begin = tiny.base + at
        hash_at = len(symbols)
        text_at = hash_at + len(hashes)
        text_at += -text_at % 8
        dynamic_at = text_at + len(self._strings)
        dynamic_at += -dynamic_at % 16
        tags += [(6, begin), (4, begin + hash_at), (5, begin + text_at), (10, len(self._strings))]
        dynamic = b"".join(ENTRY.pack(*one) for one in [*tags, (0, 0)])
        content = symbols + hashes
        content = content.ljust(text_at, b"\0") + bytes(self._strings)
        return content.ljust(dynamic_at, b"\0") + dynamic, at + dynamic_at, len(dynamic)
