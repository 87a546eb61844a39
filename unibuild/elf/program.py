"""One program or library, read whole: memory, functions, and what each function refers to."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from unibuild.elf.code import Decoder
from unibuild.elf.crossings import Body, Use, call_targets, code_targets, read_body, stubs
from unibuild.elf.dynamic import Pointer, interpreter, read_dynamic
from unibuild.elf.flow import Flow
from unibuild.elf.functions import Function, Functions, find_functions
from unibuild.elf.layout import ET_EXEC, ElfFile, MalformedElfError
from unibuild.elf.memory import Memory

if TYPE_CHECKING:
    from unibuild.elf.layout import Symbol

STT_OBJECT = 1


class Caller(NamedTuple):
    """An instruction of ``function`` in ``program`` that goes to some function."""

    program: Program
    function: Function
    source: int
    call: bool


class Taker(NamedTuple):
    """An instruction of ``program`` that has a function's address; ``name`` is for people.

    ``address`` is 0 when it is no instruction, but data or the loader.
    """

    program: Program
    name: str
    address: int


class Program:
    """A parsed ELF file with the graph of its functions; ``name`` is for people."""

    def __init__(self, name: str, data: bytes) -> None:
        """Parse ``data``; ``MalformedElfError`` when its tables lie."""
        self.name = name
        self.elf = ElfFile.parse(data)
        self.memory = Memory.of(self.elf)
        self.dynamic = read_dynamic(self.elf, self.memory)
        self.interpreter = interpreter(self.elf)
        self.decoder = Decoder(self.memory)
        self.callers: defaultdict[int, list[Caller]] = defaultdict(list)
        """Who goes to an address, of the functions that were reached."""
        self.taken: defaultdict[int, list[Taker]] = defaultdict(list)
        """Who has a function's address without calling it, of what was reached."""
        self._flows: dict[int, Flow] = {}

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """The symbol table; empty when the file was stripped, or its section headers lie."""
        try:
            return self.elf.symbols()
        except MalformedElfError:
            return ()

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """The addresses that a plain number in an instruction may mean: none in PIE."""
        segments = self.memory.segments
        if self.elf.type != ET_EXEC or not segments:
            return None
        return segments[0].virtual_address, max(
            one.virtual_address + one.memory_size for one in segments
        )

    @cached_property
    def pointers(self) -> dict[int, Pointer]:
        """Every place that holds an address when the program begins."""
        found: dict[int, Pointer] = {}
        if self.span:
            low, high = self.span
            found = {
                place: Pointer(value, None, 0) for place, value in self.memory.words(low, high)
            }
        found.update(self.dynamic.pointers)
        return found

    @cached_property
    def functions(self) -> Functions:
        """The functions: twice divided where no table tells them, the second time at all targets."""
        targets = {self.elf.entry, *self.dynamic.starting(self.memory)}
        targets.update(one.target for one in self.pointers.values() if one.symbol is None)
        jumps = stubs(
            self.decoder,
            {place for place, one in self.dynamic.pointers.items() if one.symbol is not None},
        )
        first = self._divided(targets, jumps)
        unknown = [one for one in first.all if not one.known]
        if not unknown:
            return first
        targets |= call_targets(self.decoder)
        targets |= code_targets(read_body(self.decoder, one, first, self.span) for one in unknown)
        return self._divided(targets, jumps)

    def _divided(self, targets: set[int], jumps: list[int]) -> Functions:
        return find_functions(self.elf, self.memory, self.dynamic, self.symbols, targets, jumps)

    @cached_property
    def bodies(self) -> dict[int, Body]:
        """What each function refers to, by the function's begin."""
        functions = self.functions
        return {
            one.start: read_body(self.decoder, one, functions, self.span) for one in functions.all
        }

    @cached_property
    def _uses(self) -> list[Use]:
        return sorted(
            (use for body in self.bodies.values() for use in body.uses),
            key=lambda use: (use.address, use.source),
        )

    def uses_near(self, address: int, size: int) -> list[Use]:
        """Return the uses of ``address``, and those that take the begin of what it belongs to.

        That begin is the nearest address before that anybody takes, at most ``size`` bytes.
        """
        low = bisect_right(self._uses, address - size, key=lambda use: use.address)
        high = bisect_right(self._uses, address, key=lambda use: use.address)
        near = self._uses[low:high]
        begin = max((use.address for use in near if use.taken), default=address)
        return [
            use for use in near if use.address == address or (use.taken and use.address == begin)
        ]

    @cached_property
    def objects(self) -> dict[int, int]:
        """The data objects that symbols tell, begin → end."""
        ends = {
            one.value: one.value + one.size
            for one in self.symbols
            if one.kind == STT_OBJECT and one.size and one.section
        }
        ends.update(
            (one.address, one.address + one.size)
            for one in self.dynamic.symbols
            if one.kind == STT_OBJECT and one.size and one.defined
        )
        return ends

    @cached_property
    def edges(self) -> set[int]:
        """Where segments begin and end, and sections too when the file tells them."""
        bounds = [(one.virtual_address, one.memory_size) for one in self.elf.segments]
        with suppress(MalformedElfError):
            bounds += [(one.address, one.size) for one in self.elf.sections() if one.in_memory]
        return {edge for start, size in bounds for edge in (start, start + size)}

    @cached_property
    def _returning(self) -> set[int]:
        """Begins of the functions that can return to their caller."""
        towards: defaultdict[int, list[int]] = defaultdict(list)
        found: set[int] = set()
        for start, body in self.bodies.items():
            if body.returns or any(not one.call for one in body.slots):
                found.add(start)
            for one in body.crossings:
                goal = None if one.call else self.functions.at(one.target)
                if goal:
                    towards[goal.start].append(start)
        waiting = list(found)
        while waiting:
            for start in towards[waiting.pop()]:
                if start not in found:
                    found.add(start)
                    waiting.append(start)
        return found

    def returns(self, address: int) -> bool:
        """Tell whether a call to ``address`` can come back."""
        function = self.functions.at(address)
        return function is None or function.start in self._returning

    def flow(self, function: Function) -> Flow:
        """Return the inside of a function."""
        found = self._flows.get(function.start)
        if found is None:
            instructions = list(self.decoder.decode(function.start, function.end))
            found = self._flows[function.start] = Flow(instructions, self.returns, self.memory)
        return found

    def label(self, address: int) -> str:
        """Return the name of the function at ``address``, or the address of its begin."""
        function = self.functions.at(address)
        if function is None:
            return f"{address:#x}"
        return function.name or f"{function.start:#x}"
