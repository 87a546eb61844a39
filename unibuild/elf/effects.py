"""What one instruction does to one location, read backwards.

A *location* is where a value is before an instruction: a register, a place on the stack, a byte of a vector
register, an address, or what a pointer in another location points to. ``origin_of`` answers where the
value that a location has behind an instruction was before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from unibuild.elf.code import (
    Immediate,
    Operand,
    Place,
    Register,
    address_of,
    is_branch,
    is_call,
    operands,
)
from unibuild.elf.flow import WORD, Slot

if TYPE_CHECKING:
    from unibuild.elf.code import Decoder
    from unibuild.elf.flow import Flow

CLOBBERED: Final = frozenset({"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"})
_MOVES: Final = frozenset({"mov", "movabs", "movzx", "movsx", "movsxd", "movd", "movq"})
_VECTOR_MOVES: Final = frozenset(
    name + suffix
    for name in ("mov", "vmov")
    for suffix in ("ups", "aps", "dqa", "dqu", "upd", "apd")
) | {"movq", "vmovq", "movd", "vmovd", "lddqu", "vmovdqu64", "vmovdqa64"}
_CLEARING: Final = frozenset({"xor", "sub", "pxor", "xorps", "xorpd", "vpxor", "vxorps"})
_INERT: Final = frozenset({"cmp", "test", "push", "nop", "endbr64", "bt", "ucomisd", "prefetcht0"})
_NEAR: Final = 40
"""How far back the pointer that a store goes through is looked for, in instructions."""
_DEEPEST: Final = 3
_WIDE: Final = 4
"""The kernel takes the number of a system call from 32 bits."""


class Stack(NamedTuple):
    """A place on the stack."""

    slot: Slot


class Vector(NamedTuple):
    """The bytes of a vector register from ``offset`` on."""

    family: str
    offset: int


class Global(NamedTuple):
    """What lies at an address."""

    address: int


class Pointed(NamedTuple):
    """What lies ``offset`` bytes behind where the pointer in ``pointer`` points."""

    pointer: Location
    offset: int


class General(NamedTuple):
    """A general register, by its 64-bit name."""

    family: str


Location = General | Stack | Vector | Global | Pointed


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing can be said; ``why`` is a clause for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Computed:
    """The result of ``name`` on the values that ``left`` and ``right`` have before."""

    name: str
    left: Location | Number
    right: Location | Number


@dataclass(frozen=True, slots=True)
class Either:
    """One of these."""

    choices: tuple[Location | Number, ...]


Origin = Location | Number | Unknown | Computed | Either | None
"""``None``: the instruction leaves the location alone."""


def origin_of(flow: Flow, decoder: Decoder, index: int, location: Location, *, go: bool) -> Origin:
    """Return where the value of ``location`` behind an instruction comes from.

    ``go``: the function is Go's, where a call may change every register and ``xmm15`` is zero.
    """
    if isinstance(location, General):
        return _register(flow, decoder, index, location, go=go)
    if isinstance(location, Vector):
        return _vector(flow, decoder, index, location, go=go)
    if isinstance(location, Stack):
        return _stack(flow, index, location)
    if isinstance(location, Pointed):
        return _pointed(flow, decoder, index, location, go=go)
    return None


def _register(flow: Flow, decoder: Decoder, index: int, location: General, *, go: bool) -> Origin:  # noqa: PLR0911 - one line a kind of instruction
    one = flow.all[index]
    name, family = one.name, location.family
    if is_call(name):
        changed = go or family in CLOBBERED
        return Unknown("it is what a call returned") if changed else None
    if name == "syscall":
        changed = family in ("rax", "rcx", "r11")
        return Unknown("it is what a system call returned") if changed else None
    if name in _INERT or is_branch(name):
        return None
    given = operands(one.operands)
    first = given[0] if given else None
    if name == "xchg" and len(given) > 1 and isinstance(given[1], Register):
        first, second = given[:2]
        if isinstance(second, Register) and second.family == family:
            return _read(flow, index, first)
    if isinstance(first, Register) and first.family == family:
        return _written(flow, index, first, given)
    if family in decoder.written(one.address, one.size):
        return Unknown(f"{name} computes it")
    return None


def _written(flow: Flow, index: int, first: Register, given: tuple[Operand, ...]) -> Origin:  # noqa: C901, PLR0911 - one line a kind of instruction
    """Return the origin of a register that an instruction has as its destination."""
    one = flow.all[index]
    name = one.name
    second = given[1] if len(given) > 1 else None
    own = General(first.family)
    if name == "pop":
        return Stack(flow.pointer(index))
    if name in _CLEARING and first == second:
        return Number(0)
    if name == "lea" and isinstance(second, Place):
        return _address(flow, index, second)
    if name.startswith("cmov"):
        return _either(own, _read(flow, index, second))
    if name.startswith("set"):
        return Either((Number(0), Number(1)))
    if name == "sbb" and first == second:
        return Either((Number(0), Number((1 << 64) - 1)))
    source = _read(flow, index, second) if second is not None else Number(0)
    if name in _MOVES and second is not None:
        if name in ("mov", "movabs") and first.width < _WIDE:
            return _computed(f"low{first.width}", own, source)
        return source
    if name == "xchg":
        return source
    if name == "imul" and isinstance(given[-1], Immediate) and given[-1] is not second:
        return _computed("imul", source, Number(given[-1].value))
    if name in ARITHMETIC:
        return _computed(name, own, source)
    return Unknown(f"{name} computes it")


ARITHMETIC: Final = frozenset(
    {"add", "sub", "and", "or", "xor", "shl", "shr", "imul", "inc", "dec", "neg", "not"}
    | {"adc", "sbb", "sar"}
)


def _either(*choices: Origin) -> Origin:
    good = tuple(one for one in choices if isinstance(one, Location | Number))
    return Either(good) if len(good) == len(choices) else Unknown("a condition chooses it")


def _computed(name: str, left: Origin, right: Origin) -> Origin:
    for one in (left, right):
        if isinstance(one, Unknown):
            return one
    if isinstance(left, Location | Number) and isinstance(right, Location | Number):
        return Computed(name, left, right)
    return Unknown(f"{name} computes it")


def _address(flow: Flow, index: int, place: Place) -> Origin:
    """Return the value that ``lea`` makes."""
    address = address_of(place, flow.all[index].end)
    if address is not None:
        return Number(address)
    if place.scaled and not place.base:
        return Unknown("lea computes it")
    if place.scaled or flow.slot(index, place) is not None:
        return Unknown("it is an address")
    return Computed("add", General(place.base), Number(place.displacement))


def _read(flow: Flow, index: int, operand: Operand | None) -> Origin:
    """Return the location that a source operand reads."""
    if isinstance(operand, Immediate):
        return Number(operand.value)
    if isinstance(operand, Register):
        if operand.family.startswith("xmm"):
            return Vector(operand.family, 0)
        return General(operand.family)
    if isinstance(operand, Place):
        return _location(flow, index, operand)
    return Unknown("it has an operand of another kind")


def _location(flow: Flow, index: int, place: Place, more: int = 0) -> Origin:
    """Return the location of a memory operand, ``more`` bytes further."""
    address = address_of(place, flow.all[index].end)
    if address is not None:
        return Global(address + more)
    if place.thread_local:
        return Unknown("it is read from the thread's own memory")
    if place.scaled:
        return Unknown("it is read from a table")
    slot = flow.slot(index, place)
    if slot is not None:
        return Stack(Slot(slot.base, slot.offset + more))
    return Pointed(General(place.base), place.displacement + more)


def _vector(flow: Flow, decoder: Decoder, index: int, location: Vector, *, go: bool) -> Origin:  # noqa: PLR0911 - one line a kind of instruction
    one = flow.all[index]
    if go and location.family == "xmm15":
        return Number(0)
    if is_call(one.name):
        return Unknown("it is what a call returned")
    given = operands(one.operands)
    first = given[0] if given else None
    if not isinstance(first, Register) or first.family != location.family:
        changed = location.family in decoder.written(one.address, one.size)
        return Unknown(f"{one.name} computes it") if changed else None
    if one.name in _CLEARING and len({*given}) == 1:
        return Number(0)
    if one.name not in _VECTOR_MOVES or len(given) == 1:
        return Unknown(f"{one.name} computes it")
    second = given[1]
    if isinstance(second, Place):
        return _location(flow, index, second, location.offset)
    if isinstance(second, Register) and second.family.startswith("xmm"):
        return Vector(second.family, location.offset)
    return _read(flow, index, second) if location.offset == 0 else Number(0)


def _stack(flow: Flow, index: int, location: Stack) -> Origin:  # noqa: PLR0911 - one line a kind of instruction
    one = flow.all[index]
    given = operands(one.operands)
    first = given[0] if given else None
    base, offset = location.slot
    if one.name == "push":
        pointer = flow.pointer(index)
        if Slot(pointer.base, pointer.offset - WORD) == location.slot:
            return _read(flow, index, first)
        return None
    if not isinstance(first, Place) or one.name in _INERT or is_branch(one.name):
        return None
    slot = flow.slot(index, first)
    if slot is None:
        slot = _pointer_nearby(flow, index, first)
    if slot is None or slot.base != base:
        return None
    inside = offset - slot.offset
    width = first.width or WORD
    if inside >= width or inside <= -WORD:
        return None
    second = given[1] if len(given) > 1 else None
    if isinstance(second, Register) and second.family.startswith("xmm") and inside >= 0:
        return Vector(second.family, inside)
    if one.name != "mov" or inside != 0:
        return (
            None if inside < 0 or one.name.startswith("f") else Unknown(f"{one.name} computes it")
        )
    return _read(flow, index, second)


def _pointer_nearby(flow: Flow, index: int, place: Place) -> Slot | None:
    """Return the stack place of a store through a register that was made to point there before."""
    if place.scaled or place.thread_local or not place.base:
        return None
    return pointing(flow, index, place.base, place.displacement)


def pointing(flow: Flow, index: int, family: str, offset: int) -> Slot | None:
    """Return the stack place ``offset`` bytes behind where a register points, when that is near."""
    for earlier in range(index - 1, max(index - _NEAR, -1), -1):
        one = flow.all[earlier]
        given = operands(one.operands)
        if is_call(one.name) and family in CLOBBERED:
            return None
        if not given or not isinstance(given[0], Register) or given[0].family != family:
            continue
        if one.name.startswith(("cmp", "test", "push")):
            continue
        second = given[1] if len(given) > 1 else None
        slot = None
        if one.name == "lea" and isinstance(second, Place):
            slot = flow.slot(earlier, second)
        elif one.name == "mov" and isinstance(second, Register):
            slot = flow.slot(earlier, Place(second.family, "", 0, WORD, thread_local=False))
        return Slot(slot.base, slot.offset + offset) if slot else None
    return None


def _pointed(flow: Flow, decoder: Decoder, index: int, location: Pointed, *, go: bool) -> Origin:  # noqa: C901, PLR0911 - one line a kind of instruction
    one = flow.all[index]
    given = operands(one.operands)
    first = given[0] if given else None
    pointer = location.pointer
    if isinstance(pointer, General):
        if isinstance(first, Register) and first.family == pointer.family and one.name == "lea":
            place = given[1]
            if isinstance(place, Place):
                return _location(flow, index, place, location.offset)
        if (
            one.name == "mov"
            and isinstance(first, Place)
            and (first.base, first.displacement) == (pointer.family, location.offset)
            and not first.scaled
            and not first.thread_local
        ):
            return _read(flow, index, given[1] if len(given) > 1 else None)
    before = origin_of(flow, decoder, index, pointer, go=go)
    if before is None:
        return None
    if isinstance(before, Number):
        return Global(before.value + location.offset)
    if isinstance(before, Computed) and before.name == "add":
        left, right = before.left, before.right
        if isinstance(right, Number) and not isinstance(left, Number):
            return Pointed(left, location.offset + right.value)
    if isinstance(before, General) and before.family in ("rsp", "rbp"):
        slot = flow.pointer(index) if before.family == "rsp" else flow.frame(index)
        if slot is not None:
            return Stack(Slot(slot.base, slot.offset + location.offset))
    if isinstance(before, Location) and _depth(before) < _DEEPEST:
        return Pointed(before, location.offset)
    return Unknown("it is read through a pointer")


def _depth(location: Location) -> int:
    return 1 + _depth(location.pointer) if isinstance(location, Pointed) else 0
