"""Instructions of x86-64 as text of the disassembler, and what their operands mean.

A program has up to millions of instructions, so they are decoded without detail (capstone's light
form: address, size, mnemonic, operands as text), and only the operands that matter are read. Operands
are destination first. Registers are named by their 64-bit family: ``eax`` and ``al`` are ``rax``.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.elf.memory import Memory


class Instruction(NamedTuple):
    """One instruction; ``name`` is the mnemonic, prefixes included."""

    address: int
    size: int
    name: str
    operands: str

    @property
    def end(self) -> int:
        """Return the address of the instruction behind it."""
        return self.address + self.size


class Register(NamedTuple):
    """A register as an operand; ``width`` in bytes."""

    family: str
    width: int


class Immediate(NamedTuple):
    """A number in the instruction."""

    value: int


class Place(NamedTuple):
    """A memory operand: ``base + scaled register + displacement``; an absolute one has no base."""

    base: str
    scaled: str
    displacement: int
    width: int
    thread_local: bool


Operand = Register | Immediate | Place

_LEGACY: Final = {"ax": "rax", "bx": "rbx", "cx": "rcx", "dx": "rdx"}
_INDEXED: Final = {"si": "rsi", "di": "rdi", "bp": "rbp", "sp": "rsp"}
_SIZES: Final = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "xmmword": 16, "ymmword": 32}
_TERM = re.compile(r"([+-]?)\s*(0x[0-9a-f]+|\d+|[a-z][a-z0-9]*)(?:\*(\d))?")
_VECTOR = re.compile(r"[xyz]mm(\d+)")
_STOPS: Final = ("jmp", "ret", "ud2", "hlt", "iret", "int3", "retf", "ud1", "ud0")


def _register_names() -> dict[str, Register]:
    found = {"rip": Register("rip", 8)}
    for short, family in _LEGACY.items():
        letter = short[0]
        found |= {
            family: Register(family, 8),
            "e" + short: Register(family, 4),
            short: Register(family, 2),
            letter + "l": Register(family, 1),
            letter + "h": Register(family, 1),
        }
    for short, family in _INDEXED.items():
        found |= {
            family: Register(family, 8),
            "e" + short: Register(family, 4),
            short: Register(family, 2),
            short + "l": Register(family, 1),
        }
    for number in range(8, 16):
        family = f"r{number}"
        found |= {
            family + suffix: Register(family, width)
            for suffix, width in (("", 8), ("d", 4), ("w", 2), ("b", 1))
        }
    return found


_REGISTERS: Final = _register_names()


@cache
def operands(text: str) -> tuple[Operand, ...]:
    """Return the operands that ``text`` names; one of another kind (``st(0)``) ends the list."""
    found: list[Operand] = []
    for part in text.split(", ") if text else ():
        operand = _operand(part)
        if operand is None:
            break
        found.append(operand)
    return tuple(found)


def _operand(text: str) -> Operand | None:
    if text in _REGISTERS:
        return _REGISTERS[text]
    if match := _VECTOR.fullmatch(text):
        return Register(f"xmm{match.group(1)}", 16)
    if "[" in text:
        return _place(text)
    try:
        return Immediate(int(text, 0))
    except ValueError:
        return None


def _place(text: str) -> Place:
    head, _, inner = text.partition("[")
    base, index, displacement = "", "", 0
    for sign, term, scale in _TERM.findall(inner):
        register = _REGISTERS.get(term)
        if register is None:
            value = int(term, 0) if term[0].isdigit() else 0
            displacement += -value if sign == "-" else value
        elif scale or base:
            index = register.family
        else:
            base = register.family
    width = _SIZES.get(head.partition(" ")[0], 0)
    return Place(base, index, displacement, width, "fs:" in head or "gs:" in head)


def address_of(place: Place, end: int) -> int | None:
    """Return the address that a memory operand always has; ``end`` is that of its instruction."""
    if place.thread_local or place.scaled or place.base not in ("", "rip"):
        return None
    return (place.displacement + (end if place.base else 0)) & 0xFFFFFFFFFFFFFFFF


def target(instruction: Instruction) -> int | None:
    """Return where a direct jump or call goes."""
    text = instruction.operands
    return int(text, 16) if text.startswith("0x") and is_branch(instruction.name) else None


def is_branch(name: str) -> bool:
    """Tell jumps and calls from everything else, prefixes or not."""
    last = name.rpartition(" ")[2]
    return last[0] == "j" or last in ("call", "loop", "loope", "loopne")


def is_call(name: str) -> bool:
    """Tell a call."""
    return name.rpartition(" ")[2] == "call"


def falls_through(name: str) -> bool:
    """Tell whether the instruction behind can be the next one."""
    return not name.rpartition(" ")[2].startswith(_STOPS)


class Decoder:
    """Decodes the memory of one program."""

    def __init__(self, memory: Memory) -> None:
        """Take the memory to decode from."""
        import capstone  # type: ignore[import-untyped]

        self.memory = memory
        self._light: Any = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self._light.skipdata = True
        self._full: Any = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self._full.detail = True

    def decode(self, start: int, end: int) -> Iterator[Instruction]:
        """Yield the instructions from ``start`` up to ``end``; damaged bytes are ``.byte``."""
        data = self.memory.read(start, end - start)
        return map(Instruction._make, self._light.disasm_lite(data, start))

    def decode_lightly(self, start: int, end: int) -> Iterator[tuple[int, int, str, str]]:
        """Yield the same as plain tuples, for the one pass that sees all instructions."""
        data = self.memory.read(start, end - start)
        found: Iterator[tuple[int, int, str, str]] = self._light.disasm_lite(data, start)
        return found

    @cache  # noqa: B019 - a decoder lives as long as the scan of its program
    def written(self, address: int, size: int) -> frozenset[str]:
        """Return the families of the registers that the instruction at ``address`` changes."""
        for one in self._full.disasm(self.memory.read(address, size), address, 1):
            _read, changed = one.regs_access()
            names = (str(one.reg_name(register)) for register in changed)
            return frozenset(
                operand.family for name in names if isinstance(operand := _operand(name), Register)
            )
        return frozenset()
