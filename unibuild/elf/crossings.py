"""What each function of a program refers to: the edges of its graph of calls and data.

One pass over all instructions. A function is a part as ``functions`` divides a program, so its bound may
be crossed by jumps and by falling through; both are edges.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from unibuild.elf.code import falls_through

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from unibuild.elf.code import Decoder
    from unibuild.elf.functions import Function, Functions

_STUB = re.compile(rb"(?:\xf3\x0f\x1e\xfa)?\xf2?\xff\x25(....)", re.DOTALL)
_RIP = re.compile(r"\[rip ([+-]) (0x[0-9a-f]+|\d+)\]")
_ABSOLUTE = re.compile(r"(0x[0-9a-f]{5,})")
_CALLS: Final = re.compile(rb"\xe8(?=(....))", re.DOTALL)
_STUB_SIZE = 11
_STUB_ALIGNMENT = 8
_WORD = 8
_PADDING: Final = frozenset({"nop", "int3", "data16 nop"})
_RARE: Final = frozenset({"syscall", "sysenter", "int", ".byte"})
_WIDE: Final = {"xmmword": 16, "ymmword": 32, "zmmword": 64}


class Crossing(NamedTuple):
    """Control goes from the instruction at ``source`` to ``target``: a call, a jump, or onwards."""

    source: int
    target: int
    call: bool


class Use(NamedTuple):
    """The instruction at ``source`` names ``address``, and reads or writes ``width`` bytes there.

    ``width`` is 0 when it takes the address, and so may reach whatever object lies there.
    """

    source: int
    address: int
    width: int

    @property
    def taken(self) -> bool:
        """Tell whether the instruction has the address itself."""
        return not self.width


@dataclass(slots=True)
class Body:
    """What one function does: where it goes, through which slots, what it names, its syscalls."""

    crossings: list[Crossing] = field(default_factory=list)
    slots: list[Crossing] = field(default_factory=list)
    """Calls and jumps to the address that a place in memory holds (``target``: that place)."""
    uses: list[Use] = field(default_factory=list)
    sites: list[int] = field(default_factory=list)
    """Addresses of ``syscall`` instructions."""
    old_gates: list[int] = field(default_factory=list)
    """Addresses of ``int 0x80`` and ``sysenter``, with the numbers of 32-bit Linux."""
    damaged: bool = False
    """Not all of its bytes are instructions."""
    returns: bool = False
    """It has a ``ret``, or a jump whose target only the running program knows."""


def stub_slot(decoder: Decoder, address: int) -> int | None:
    """Return the slot through which the linker's stub at ``address`` jumps, if there is a stub."""
    segment = decoder.memory.segment(address)
    if segment is None:
        return None
    room = min(_STUB_SIZE, segment.virtual_address + segment.memory_size - address)
    match = _STUB.match(decoder.memory.read(address, room))
    if match is None:
        return None
    (offset,) = struct.unpack("<i", match.group(1))
    return address + match.end() + int(offset)


def stubs(decoder: Decoder, slots: Container[int]) -> list[int]:
    """Return the addresses of the linker's stubs, in order; ``slots`` hold other files' addresses."""
    found = []
    for low, high in decoder.memory.code():
        for match in _STUB.finditer(decoder.memory.read(low, high - low)):
            start, end = low + match.start(), low + match.end()
            (offset,) = struct.unpack("<i", match.group(1))
            if start % _STUB_ALIGNMENT == 0 and end + offset in slots:
                found.append(start)
    return found


def call_targets(decoder: Decoder) -> set[int]:
    """Return all addresses that bytes which look like a direct call name: more than there are."""
    found = set()
    for low, high in decoder.memory.code():
        data = decoder.memory.read(low, high - low)
        for match in _CALLS.finditer(data):
            goal = low + match.start() + 5 + int.from_bytes(match.group(1), "little", signed=True)
            if low <= goal < high:
                found.add(goal)
    return found


def read_body(
    decoder: Decoder, function: Function, functions: Functions, span: tuple[int, int] | None
) -> Body:
    """Decode ``function``; ``span`` are the addresses a plain number may mean (none in PIE)."""
    body = Body()
    start, end = function.start, function.end
    last, last_name = start, ""
    for address, size, name, text in decoder.decode_lightly(start, end):
        if text.startswith("0x") and (name[0] in "jlbn" or name == "call"):
            goal = int(text, 16)
            if name == "call" or not start <= goal < end:
                _cross(decoder, body, Crossing(address, goal, name == "call"))
        elif "[rip" in text:
            _use(body, address, size, name, text)
        elif name in _RARE:
            _note_rare(body, address, name, text)
        elif span and "0x" in text:
            body.uses += _plain_uses(address, text, span)
        if name not in _PADDING:
            last, last_name = address, name
            if name[0] in "rnbij" and _returns(name, text):
                body.returns = True
    following = functions.at(end) if last_name and falls_through(last_name) else None
    # a function whose end a table tells may end with a call that never returns
    if following and not (following.known and last_name == "call"):
        body.crossings.append(Crossing(last, end, call=False))
    return body


def _returns(name: str, text: str) -> bool:
    """Tell a return, and a jump to where only the running program knows."""
    return name.endswith("ret") or (name.endswith("jmp") and not text.startswith("0x"))


def _note_rare(body: Body, address: int, name: str, text: str) -> None:
    if name == "syscall":
        body.sites.append(address)
    elif name == ".byte":
        body.damaged = True
    elif name == "sysenter" or text == "0x80":
        body.old_gates.append(address)


def _cross(decoder: Decoder, body: Body, crossing: Crossing) -> None:
    slot = stub_slot(decoder, crossing.target)
    if slot is None:
        body.crossings.append(crossing)
    else:
        body.slots.append(crossing._replace(target=slot))


def _use(body: Body, address: int, size: int, name: str, text: str) -> None:
    for sign, digits in _RIP.findall(text):
        value = int(digits, 0)
        goal = address + size + (-value if sign == "-" else value)
        if name.endswith(("call", "jmp")):
            body.slots.append(Crossing(address, goal, name.endswith("call")))
        else:
            width = (
                0 if name == "lea" else next((_WIDE[one] for one in _WIDE if one in text), _WORD)
            )
            body.uses.append(Use(address, goal, width))


def _plain_uses(address: int, text: str, span: tuple[int, int]) -> list[Use]:
    """Return the uses of addresses as plain numbers, of which those in brackets are accesses."""
    found = []
    for match in _ABSOLUTE.finditer(text):
        value = int(match.group(1), 16)
        if span[0] <= value < span[1]:
            alone = text[: match.start(1)].endswith("[") and text[match.end(1) :].startswith("]")
            found.append(Use(address, value, _WORD if alone else 0))
    return found


def code_targets(bodies: Iterator[Body]) -> set[int]:
    """Return where crossings and taken addresses go."""
    found: set[int] = set()
    for body in bodies:
        found.update(one.target for one in body.crossings)
        found.update(one.address for one in body.uses if one.taken)
    return found
