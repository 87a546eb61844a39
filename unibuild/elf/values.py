"""Which numbers a location can hold at an instruction: a search backwards through the program.

The search goes from an instruction to those that can precede it, renames the location as moves and the
stack do, and crosses from a function's begin to all its callers. So a function that takes the number as
an argument, whatever its convention, needs no name: its callers answer. A search ends at constants, or
at a reason why nothing can be said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from unibuild.elf.code import Immediate, Place, Register, is_branch, is_call, operands
from unibuild.elf.effects import (
    Computed,
    Either,
    General,
    Global,
    Location,
    Number,
    Pointed,
    Stack,
    Unknown,
    Vector,
    origin_of,
    pointing,
)
from unibuild.elf.flow import WORD, Slot
from unibuild.elf.layout import MalformedElfError
from unibuild.elf.linux_calls import NAMES
from unibuild.elf.program import Caller

if TYPE_CHECKING:
    from unibuild.elf.functions import Function
    from unibuild.elf.program import Program, Taker

_MASK: Final = (1 << 64) - 1
_MOST_STATES: Final = 20_000
_DEEPEST: Final = 12
"""Computations of computations that are followed."""
_MOST_NUMBERS: Final = 256
_MOST_BITS: Final = 5
_ARGUMENTS: Final = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
_CALL_NEAR: Final = 30
_STRUCTURE: Final = 256
"""How far behind its begin a structure is taken to reach, whose address a function has."""


class Spot(NamedTuple):
    """An instruction of a function."""

    program: Program
    function: Function
    address: int


@dataclass(slots=True)
class Values:
    """What a search found: numbers with the spots that give them, spots that stay unknown and why."""

    numbers: dict[int, set[Spot]] = field(default_factory=dict)
    unknown: dict[Spot, str] = field(default_factory=dict)

    def add(self, number: int, spot: Spot) -> None:
        """Take a number."""
        self.numbers.setdefault(number & _MASK, set()).add(spot)

    def join(self, other: Values) -> None:
        """Take everything that another search found."""
        for number, spots in other.numbers.items():
            self.numbers.setdefault(number, set()).update(spots)
        self.unknown.update(other.unknown)


@dataclass(slots=True)
class _Budget:
    """How many states a search may still visit, together with those it asks for operands."""

    states: int = _MOST_STATES


class Search:
    """One search; inside of others it answers for an operand of theirs."""

    def __init__(
        self, busy: frozenset[tuple[object, ...]] = frozenset(), budget: _Budget | None = None
    ) -> None:
        """Begin a search; ``busy`` holds the questions that wait for its answer."""
        self._busy = busy
        self._budget = budget or _Budget()
        self._seen: set[tuple[str, int, int, Location]] = set()
        self._waiting: list[tuple[Program, Function, int, Location]] = []
        self.found = Values()

    def run(self, program: Program, function: Function, index: int, location: Location) -> Values:
        """Return the values of ``location`` before the instruction at ``index``."""
        self._before(program, function, index, location)
        while self._waiting:
            self._budget.states -= 1
            if self._budget.states < 0:
                self._unknown(program, function, index, "too many ways lead to it")
                break
            self._behind(*self._waiting.pop())
        return self.found

    def _unknown(self, program: Program, function: Function, index: int, why: str) -> None:
        address = program.flow(function).all[index].address
        self.found.unknown[Spot(program, function, address)] = why

    def _before(self, program: Program, function: Function, index: int, location: Location) -> None:
        """Ask all predecessors of an instruction, in the function and outside."""
        if isinstance(location, Global):
            self._global(program, function, index, location.address)
            return
        if isinstance(location, Pointed) and isinstance(location.pointer, Global):
            self._through_global(program, location.pointer.address, location.offset)
            return
        if isinstance(location, Pointed) and isinstance(location.pointer, General):
            flow = program.flow(function)
            slot = pointing(flow, index, location.pointer.family, location.offset)
            location = location if slot is None else Stack(slot)
        if isinstance(location, Vector) and function.go and location.family == "xmm15":
            self.found.add(0, Spot(program, function, program.flow(function).all[index].address))
            return
        flow = program.flow(function)
        address = flow.all[index].address
        before = flow.before[index]
        for earlier in before:
            self._wait(program, function, earlier, location)
        callers = program.callers.get(address, ())
        for caller in callers:
            self._cross(program, function, index, caller, location)
        if index == 0:
            self._taken(program, function, location)
        if address == program.elf.entry:
            self._unknown(program, function, index, "it is set before the program begins")
        elif not before and not callers and address not in program.taken:
            self._unknown(program, function, index, "nothing is seen to lead there")

    def _wait(self, program: Program, function: Function, index: int, location: Location) -> None:
        key = (program.name, function.start, index, location)
        if key not in self._seen:
            self._seen.add(key)
            self._waiting.append((program, function, index, location))

    def _behind(self, program: Program, function: Function, index: int, location: Location) -> None:
        """Ask an instruction what it does to the location."""
        flow = program.flow(function)
        origin = origin_of(flow, program.decoder, index, location, go=function.go)
        spot = Spot(program, function, flow.all[index].address)
        if origin is None:
            self._before(program, function, index, location)
        elif isinstance(origin, Number):
            self.found.add(origin.value, spot)
        elif isinstance(origin, Unknown):
            self.found.unknown[spot] = origin.why
        elif isinstance(origin, Computed):
            self._compute(spot, index, origin)
        elif isinstance(origin, Either):
            for choice in origin.choices:
                if isinstance(choice, Number):
                    self.found.add(choice.value, spot)
                else:
                    self._before(program, function, index, choice)
        else:
            self._before(program, function, index, origin)

    def _compute(self, spot: Spot, index: int, origin: Computed) -> None:
        left = self._operand(spot, index, origin.left)
        right = self._operand(spot, index, origin.right)
        if left is None or right is None:
            self.found.unknown[spot] = "it is computed, in a loop or of many parts"
            return
        if origin.name == "and" and (left.unknown or right.unknown):
            self._mask(spot, left, right)
            return
        self.found.unknown.update(left.unknown)
        self.found.unknown.update(right.unknown)
        if len(left.numbers) * len(right.numbers) > _MOST_NUMBERS:
            self.found.unknown[spot] = "it has too many values"
            return
        for one, spots in left.numbers.items():
            for other, others in right.numbers.items():
                for result in arithmetic(origin.name, one, other):
                    for giving in spots if not isinstance(origin.left, Number) else others:
                        self.found.add(result, giving)

    def _mask(self, spot: Spot, left: Values, right: Values) -> None:
        """Take all values that a known mask leaves of an unknown number, when these are few."""
        masks = right.numbers if not right.unknown else left.numbers
        if (left.unknown and right.unknown) or any(one.bit_count() > _MOST_BITS for one in masks):
            self.found.unknown.update(left.unknown or right.unknown)
            return
        for mask in masks:
            for number in _subsets(mask):
                self.found.add(number, spot)

    def _operand(self, spot: Spot, index: int, operand: Location | Number) -> Values | None:
        if isinstance(operand, Number):
            found = Values()
            found.add(operand.value, spot)
            return found
        key = (spot.program.name, spot.function.start, index, operand)
        if key in self._busy or len(self._busy) > _DEEPEST:
            return None
        search = Search(self._busy | {key}, self._budget)
        return search.run(spot.program, spot.function, index, operand)

    def _cross(
        self,
        program: Program,
        function: Function,
        index: int,
        caller: Caller,
        location: Location,
    ) -> None:
        """Go on in a caller, or in another part of the same function."""
        flow = caller.program.flow(caller.function)
        source = flow.index.get(caller.source)
        if source is None:
            return
        here = program.flow(function).pointer(index)
        there = flow.pointer(source) if caller.call else flow.pointer_behind(source)
        shift = there.offset - here.offset - (WORD if caller.call else 0)
        moved = _moved(location, here.base, there.base, shift)
        if moved is None:
            self._unknown(program, function, index, "the stack was changed before")
        elif isinstance(moved, Global) and caller.program is not program:
            self._unknown(program, function, index, "it is in another file's memory")
        elif caller.call:
            self._before(caller.program, caller.function, source, moved)
        else:
            self._wait(caller.program, caller.function, source, moved)

    def _taken(self, program: Program, function: Function, location: Location) -> None:
        """Say that a function is called through a pointer; ask those who hand it on with a context."""
        takers = program.taken.get(function.start, ())
        for taker in takers:
            if _only_compared(taker.program, taker.address):
                continue
            if isinstance(location, Pointed) and isinstance(location.pointer, General):
                found = self._context(function, taker, location.offset)
                if found:
                    self.found.join(found)
                    continue
            if self._called_here(program, function, taker, location):
                continue
            spot = Spot(program, function, function.start)
            self.found.unknown[spot] = f"its address is kept by {taker.name}"

    def _called_here(
        self, program: Program, callee: Function, taker: Taker, location: Location
    ) -> bool:
        """Go on in a function that loads the address of another only to call it there."""
        holder = taker.program.functions.at(taker.address)
        if holder is None or len(self._busy) > _DEEPEST:
            return False
        found = False
        for index, one in enumerate(taker.program.flow(holder).all):
            given = operands(one.operands) if is_call(one.name) else ()
            if not given or not isinstance(given[0], Register):
                continue
            search = Search(self._busy | {(program.name, callee.start, one.address)}, self._budget)
            values = search.run(taker.program, holder, index, General(given[0].family))
            spots = {spot for found in values.numbers.values() for spot in found}
            if any(spot.address == taker.address for spot in spots | values.unknown.keys()):
                found = True
                caller = Caller(taker.program, holder, one.address, call=True)
                self._cross(program, callee, 0, caller, location)
        return found

    def _context(self, callee: Function, taker: Taker, offset: int) -> Values | None:
        """Return what callbacks find behind the pointers that are handed on together with them."""
        program = taker.program
        function = program.functions.at(taker.address)
        if function is None:
            return None
        flow = program.flow(function)
        begin = flow.index.get(taker.address)
        if begin is None:
            return None
        found = Values()
        for index in range(begin, min(begin + _CALL_NEAR, len(flow.all))):
            if not is_branch(flow.all[index].name):
                continue
            # only one of the registers is the context: of what the others point to, no call is made
            for family in _ARGUMENTS:
                location = Pointed(General(family), offset)
                key = (program.name, callee.start, index, location)
                if key not in self._busy and len(self._busy) <= _DEEPEST:
                    search = Search(self._busy | {key}, self._budget)
                    values = search.run(program, function, index, location)
                    values.unknown.clear()
                    for number in values.numbers.keys() - NAMES.keys():
                        del values.numbers[number]
                    found.join(values)
            break
        return found if found.numbers else None

    def _global(self, program: Program, function: Function, index: int, address: int) -> None:
        """Answer for a variable: its first value, and what the functions store there."""
        spot = Spot(program, function, program.flow(function).all[index].address)
        try:
            first = program.memory.word(address)
        except MalformedElfError:
            self.found.unknown[spot] = f"it is read from {address:#x}, which is no memory"
            return
        if address in program.pointers:
            self.found.unknown[spot] = "it is an address"
            return
        self.found.add(first & 0xFFFFFFFF, spot)
        if not program.memory.writable(address):
            return
        for use in program.uses_near(address, _STRUCTURE):
            holder = program.functions.at(use.source)
            if holder is None or holder.start == function.start:
                continue
            if use.taken:
                self.found.unknown[spot] = (
                    f"it is in memory that {program.label(use.source)} can change"
                )
            elif use.address == address:
                self._stored(program, holder, use.source)

    def _through_global(self, program: Program, address: int, offset: int) -> None:
        """Answer for what a variable points to: what the functions that set it have there."""
        pointer = program.pointers.get(address)
        if pointer is not None and pointer.symbol is None:
            function = program.functions.all[0]
            self._global(program, function, 0, pointer.target + offset)
        for use in program.uses_near(address, 0):
            holder = program.functions.at(use.source)
            if holder is not None:
                self._stored(program, holder, use.source, offset)

    def _stored(
        self, program: Program, function: Function, address: int, offset: int | None = None
    ) -> None:
        """Take what an instruction stores into a variable, or what that points to at ``offset``."""
        flow = program.flow(function)
        index = flow.index.get(address)
        if index is None:
            return
        one = flow.all[index]
        given = operands(one.operands)
        if not given or not isinstance(given[0], Place) or one.name in ("cmp", "test", "push"):
            return
        if is_call(one.name) or is_branch(one.name):
            return
        source = given[1] if one.name == "mov" and len(given) > 1 else None
        if isinstance(source, Register):
            stored = General(source.family)
            behind = stored if offset is None else Pointed(stored, offset)
            self._before(program, function, index, behind)
        elif offset is not None:
            return
        elif isinstance(source, Immediate):
            self.found.add(source.value, Spot(program, function, address))
        else:
            self._unknown(program, function, index, f"{one.name} computes it")


def _only_compared(program: Program, address: int) -> bool:
    """Tell whether the instruction at ``address`` loads an address only to compare with it.

    So do handlers of signals that ask whether they came in the middle of some function.
    """
    function = program.functions.at(address)
    flow = program.flow(function) if function else None
    index = flow.index.get(address, -1) if flow else -1
    if flow is None or index < 0:
        return False
    loaded = operands(flow.all[index].operands)
    for one in flow.all[index + 1 : index + 3]:
        if one.name == "cmp":
            return loaded[0] in operands(one.operands)
    return False


def _moved(location: Location, here: int, there: int, shift: int) -> Location | None:
    """Rename a location of one function as its caller calls it; ``None`` when it cannot."""
    if isinstance(location, Stack):
        if location.slot.base != here:
            return None
        return Stack(Slot(there, location.slot.offset + shift))
    if isinstance(location, Pointed):
        pointer = _moved(location.pointer, here, there, shift)
        return Pointed(pointer, location.offset) if pointer else None
    return location


def _subsets(mask: int) -> set[int]:
    found = {0}
    for bit in range(64):
        if mask >> bit & 1:
            found |= {one | 1 << bit for one in found}
    return found


def arithmetic(name: str, left: int, right: int) -> tuple[int, ...]:
    """Return the possible results of an instruction on two numbers (64 bits)."""
    shift = right & 63
    simple = {
        "add": left + right,
        "sub": left - right,
        "and": left & right,
        "or": left | right,
        "xor": left ^ right,
        "shl": left << shift,
        "shr": (left & _MASK) >> shift,
        "sar": (left & 0xFFFFFFFF) >> shift,
        "imul": left * right,
        "inc": left + 1,
        "dec": left - 1,
        "neg": -left,
        "not": ~left,
        "low1": left & ~0xFF | right & 0xFF,
        "low2": left & ~0xFFFF | right & 0xFFFF,
    }
    if name == "adc":
        return (left + right) & _MASK, (left + right + 1) & _MASK
    if name == "sbb":
        return (left - right) & _MASK, (left - right - 1) & _MASK
    return (simple[name] & _MASK,)
