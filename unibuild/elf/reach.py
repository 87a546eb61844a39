"""Which functions of a program and its libraries can run, beginning where the kernel starts it.

A function is reached when one that is reached calls it, jumps to it or takes its address, or when an
object of data that is used has its address. Symbols are bound across files as the dynamic loader does:
the first file in its order that defines the name, and the version where one is asked for. Go's linker
left out what nothing needs already, by exactly such a graph with types besides: all Go functions count.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final

from unibuild.elf.crossings import stub_slot
from unibuild.elf.data import Data
from unibuild.elf.dynamic import R_COPY, R_IRELATIVE
from unibuild.elf.program import Caller, Taker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.elf.crossings import Crossing
    from unibuild.elf.dynamic import DynamicSymbol, Pointer
    from unibuild.elf.functions import Function
    from unibuild.elf.program import Program

PT_TLS: Final = 7
_LOOKUPS: Final = frozenset({"dlsym", "dlvsym", "__libc_dlsym"})
_SHORTEST_NAME: Final = 2


class Reach:
    """The walk over the graph; ``functions`` holds the begins of what was reached, by program."""

    def __init__(self, programs: Sequence[Program], opened: Sequence[Program]) -> None:
        """Walk from the entry points of ``programs``, in the loader's order, and of ``opened``.

        ``opened`` are libraries that only the running program asks for, so that all they export
        counts; their symbols are bound last.
        """
        self._programs = [*programs, *opened]
        self.functions: dict[Program, dict[int, Function]] = {one: {} for one in self._programs}
        self._objects: dict[Program, set[int]] = {one: set() for one in self._programs}
        self._waiting: list[tuple[Program, Function]] = []
        self._data = {one: _data(one) for one in self._programs}
        for program in self._programs:
            self._begin(program)
        for program in opened:
            for symbol in program.dynamic.symbols:
                if symbol.defined:
                    self._name(program, symbol.address, Taker(program, "its exports", 0))
        self._walk()
        if any(
            function.name in _LOOKUPS
            for reached in self.functions.values()
            for function in reached.values()
        ):
            self._look_up()
            self._walk()

    @cached_property
    def _definitions(self) -> dict[str, list[tuple[Program, DynamicSymbol]]]:
        found: defaultdict[str, list[tuple[Program, DynamicSymbol]]] = defaultdict(list)
        for program in self._programs:
            for symbol in program.dynamic.symbols:
                if symbol.defined and symbol.name:
                    found[symbol.name].append((program, symbol))
        return found

    def bind(
        self, symbol: DynamicSymbol, other_than: Program | None = None
    ) -> tuple[Program, int] | None:
        """Return the program and address that a symbol means."""
        for program, one in self._definitions.get(symbol.name, ()):
            same = one.version == symbol.version if symbol.version else one.default
            if (same or not one.version) and program is not other_than:
                return program, one.address
        return None

    def _begin(self, program: Program) -> None:
        start = Taker(program, "the start of the program", 0)
        if program.elf.entry:
            self._enter(program, program.elf.entry)
        for address in program.dynamic.starting(program.memory):
            self._take(program, address, start)
        for function in program.functions.all:
            if function.go:
                self._enter(program, function.start)
        for pointer in program.pointers.values():
            if pointer.kind == R_IRELATIVE:
                self._enter(program, pointer.target)
        for segment in program.elf.segments:
            if segment.type == PT_TLS:
                low = segment.virtual_address
                for place in self._data[program].between(low, low + segment.file_size):
                    self._follow(program, place, start)

    def _walk(self) -> None:
        while self._waiting:
            program, function = self._waiting.pop()
            body = program.bodies[function.start]
            for crossing in body.crossings:
                if program.memory.executable(crossing.target):
                    caller = Caller(program, function, crossing.source, crossing.call)
                    program.callers[crossing.target].append(caller)
                    self._enter(program, crossing.target)
            for crossing in body.slots:
                self._through(program, function, crossing)
            for use in body.uses:
                taker = Taker(program, program.label(use.source), use.source)
                if use.taken:
                    self._name(program, use.address, taker)
                else:
                    self._load(program, use.address, use.width, taker)

    def _enter(self, program: Program, address: int) -> None:
        function = program.functions.at(address)
        if function is not None and function.start not in self.functions[program]:
            self.functions[program][function.start] = function
            self._waiting.append((program, function))

    def _through(self, program: Program, function: Function, crossing: Crossing) -> None:
        """Follow a call through a place in memory."""
        pointer = program.pointers.get(crossing.target)
        goal = self._goal(program, pointer) if pointer else None
        if goal is not None and goal[0].memory.executable(goal[1]):
            caller = Caller(program, function, crossing.source, crossing.call)
            goal[0].callers[goal[1]].append(caller)
            self._enter(*goal)

    def _goal(self, program: Program, pointer: Pointer) -> tuple[Program, int] | None:
        if pointer.symbol is None:
            return program, pointer.target
        return self.bind(pointer.symbol)

    def _name(self, program: Program, address: int, taker: Taker) -> None:
        """Take an address that something reached names: a function's or an object's."""
        if program.memory.executable(address):
            self._take(program, address, taker)
            return
        copied = self._copied(program, address)
        if copied:
            self._name(*copied, taker)
        data = self._data[program]
        begin = data.begin(address)
        if begin and begin not in self._objects[program]:
            self._objects[program].add(begin)
            for place in data.places(begin):
                self._follow(program, place, Taker(program, f"data at {begin:#x}", 0))

    def _load(self, program: Program, address: int, width: int, taker: Taker) -> None:
        """Take what the pointers in some bytes point to, and nothing of the object around them."""
        for place in self._data[program].between(address, address + width):
            self._follow(program, place, taker)
        copied = self._copied(program, address)
        if copied:
            self._name(*copied, taker)

    def _copied(self, program: Program, address: int) -> tuple[Program, int] | None:
        """Return the original of a variable that the loader copies to ``address``."""
        pointer = program.pointers.get(address)
        if pointer is None or pointer.kind != R_COPY or not pointer.symbol:
            return None
        return self.bind(pointer.symbol, other_than=program)

    def _follow(self, program: Program, place: int, taker: Taker) -> None:
        """Take what the pointer at a place points to."""
        pointer = program.pointers[place]
        goal = None if pointer.kind == R_COPY else self._goal(program, pointer)
        if goal is not None:
            self._name(*goal, taker)

    def _take(self, program: Program, address: int, taker: Taker) -> None:
        slot = stub_slot(program.decoder, address)
        if slot is not None and slot in program.pointers:
            self._follow(program, slot, taker)
            return
        program.taken[address].append(taker)
        self._enter(program, address)

    def _look_up(self) -> None:
        """Take every exported function whose name a program has as text, for ``dlsym``."""
        texts: set[bytes] = set()
        for program in self._programs:
            texts |= _texts(program)
        for program in self._programs:
            for symbol in program.dynamic.symbols:
                if symbol.defined and symbol.name.encode() in texts:
                    self._name(program, symbol.address, Taker(program, "dlsym", 0))


def _texts(program: Program) -> set[bytes]:
    """Return the NUL-terminated texts in a program's data, without its own table of symbol names."""
    if not any(one.name in _LOOKUPS and not one.defined for one in program.dynamic.symbols):
        return set()
    names = program.dynamic.value(5)
    found: set[bytes] = set()
    for segment in program.memory.segments:
        content = program.elf.content(segment)
        inside = names - segment.virtual_address
        if 0 <= inside < len(content):
            size = program.dynamic.value(10)
            content = content[:inside] + content[inside + size :]
        found.update(one for one in content.split(b"\0") if len(one) > _SHORTEST_NAME)
    return found


def _data(program: Program) -> Data:
    """Divide a program's data by its symbols, and by what its code and data name."""
    named = {use.address for body in program.bodies.values() for use in body.uses if use.taken}
    named.update(one.target for one in program.pointers.values() if one.symbol is None)
    named.update(one.address for one in program.dynamic.symbols if one.defined)
    return Data(program.memory, program.pointers, program.objects, named, program.edges)
