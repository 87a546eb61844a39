"""The inside of one function: which instruction can precede which, and where the stack pointer is.

Places on the stack are named by a *base* and an offset in bytes. Base 0 is the stack pointer as the
function found it (at its return address); an instruction that sets the stack pointer to something else
begins a base of its own, named by its address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.elf.code import (
    Immediate,
    Place,
    Register,
    falls_through,
    is_branch,
    is_call,
    operands,
    target,
)
from unibuild.elf.jump_tables import table_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unibuild.elf.code import Instruction
    from unibuild.elf.memory import Memory

WORD = 8
_READ_ONLY = ("cmp", "test", "push", "call", "jmp", "nop", "bt")


class Slot(NamedTuple):
    """A place on the stack, or where a register points to there."""

    base: int
    offset: int


class _Stack(NamedTuple):
    pointer: Slot
    frame: Slot | None


class Flow:
    """The instructions of a function with their predecessors and stack places."""

    def __init__(
        self,
        instructions: Sequence[Instruction],
        returns: Callable[[int], bool],
        memory: Memory,
    ) -> None:
        """Take the instructions in order; ``returns`` tells whether the function at an address does.

        ``memory`` has the tables of indirect jumps; where such a jump has none, it can lead to every
        place that nothing else is seen to lead to.
        """
        self.all = instructions
        self.index = {one.address: index for index, one in enumerate(instructions)}
        self.before: list[list[int]] = [[] for _ in instructions]
        self._after: list[list[int]] = [[] for _ in instructions]
        self._stack: list[_Stack | None] = [None] * len(instructions)
        scattered: list[int] = []
        goals = {target(one) for one in instructions}
        dead = False
        for index, one in enumerate(instructions):
            # padding behind a jump is no way into what follows
            dead = dead and one.name.endswith("nop") and one.address not in goals
            goal = target(one)
            call = is_call(one.name)
            if goal is None and is_branch(one.name) and not call:
                targets = table_targets(memory, instructions, index, self.index)
                for place in set(targets):
                    self._join(index, self.index[place])
                    goals.add(place)
                if not targets:
                    scattered.append(index)
            elif goal is not None and not call and goal in self.index:
                self._join(index, self.index[goal])
            stops = call and goal is not None and not returns(goal)
            ends = dead or stops or not falls_through(one.name)
            if not ends and index + 1 < len(instructions):
                self._join(index, index + 1)
            dead = ends
        for index in range(1, len(instructions)):
            if (
                scattered
                and not self.before[index]
                and not instructions[index].name.endswith("nop")
            ):
                for jump in scattered:
                    self._join(jump, index)
        self._follow()

    def _join(self, index: int, following: int) -> None:
        self.before[following].append(index)
        self._after[index].append(following)

    def _follow(self) -> None:
        """Find the stack places forwards; code that nothing is seen to reach has a base of its own."""
        for start in range(len(self.all)):
            if self._stack[start] is not None:
                continue
            self._stack[start] = _Stack(Slot(self.all[start].address if start else 0, 0), None)
            waiting = [start]
            while waiting:
                index = waiting.pop()
                state = self._stack[index]
                if state is None:
                    continue
                state = _stack_after(self.all[index], state)
                for following in self._after[index]:
                    if self._stack[following] is None:
                        self._stack[following] = state
                        waiting.append(following)

    def pointer(self, index: int) -> Slot:
        """Return where the stack pointer is before the instruction."""
        state = self._stack[index]
        return state.pointer if state else Slot(self.all[index].address, 0)

    def pointer_behind(self, index: int) -> Slot:
        """Return where the stack pointer is behind the instruction."""
        return _stack_after(self.all[index], _Stack(self.pointer(index), self.frame(index))).pointer

    def frame(self, index: int) -> Slot | None:
        """Return where the frame pointer points before the instruction, if to the stack."""
        state = self._stack[index]
        return state.frame if state else None

    def slot(self, index: int, place: Place) -> Slot | None:
        """Return the place on the stack that a memory operand of the instruction names."""
        state = self._stack[index]
        if state is None or place.scaled or place.thread_local:
            return None
        start = {"rsp": state.pointer, "rbp": state.frame}.get(place.base)
        return Slot(start.base, start.offset + place.displacement) if start else None


def _stack_after(one: Instruction, state: _Stack) -> _Stack:
    pointer, frame = state
    name = one.name
    given = operands(one.operands)
    first = given[0] if given else None
    family = first.family if isinstance(first, Register) else ""
    if name == "push":
        return _Stack(_moved(pointer, -WORD), frame)
    if name == "pop":
        frame = None if family == "rbp" else frame
        return _Stack(_moved(pointer, WORD), frame)
    if name == "leave":
        found = _moved(frame, WORD) if frame else Slot(one.address, 0)
        return _Stack(found, None)
    if family not in ("rsp", "rbp") or name.startswith(_READ_ONLY):
        return state
    result = _computed(name, given[1] if len(given) > 1 else None, state, family)
    if family == "rbp":
        return _Stack(pointer, result)
    return _Stack(result or Slot(one.address, 0), frame)


def _computed(name: str, source: object, state: _Stack, family: str) -> Slot | None:
    """Return what an instruction makes of the stack or frame pointer, if that can be told."""
    places = {"rsp": state.pointer, "rbp": state.frame}
    own = places[family]
    if name == "mov" and isinstance(source, Register):
        return places.get(source.family)
    if name == "lea" and isinstance(source, Place) and not source.scaled:
        start = places.get(source.base)
        return _moved(start, source.displacement) if start else None
    if name in ("add", "sub") and isinstance(source, Immediate) and own:
        change = source.value - (1 << 64 if source.value >> 63 else 0)
        return _moved(own, change if name == "add" else -change)
    return None


def _moved(slot: Slot, change: int) -> Slot:
    return Slot(slot.base, slot.offset + change)
