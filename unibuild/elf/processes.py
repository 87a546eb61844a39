"""Warnings of programs that begin other programs, which an image cannot: who does it, in words.

A C library holds ``fork`` and ``execve`` for whoever wants them. What helps a person is which function of
the program leads there, and through which function of the library.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

from unibuild.elf.effects import General
from unibuild.elf.linux_calls import NUMBERS
from unibuild.elf.values import Search

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unibuild.elf.functions import Function
    from unibuild.elf.program import Program
    from unibuild.elf.values import Spot

BEGINNING: Final = {
    NUMBERS[name]: name for name in ("fork", "vfork", "execve", "execveat", "clone")
}
_THREADS: Final = frozenset({"pthread_create", "thrd_create"})
"""Who comes to clone by these makes threads, whatever others do with clone."""
_THREAD: Final = 0x10000
"""The flag of clone that makes a thread."""


class Processes:
    """Collects who can begin a process, while a scan goes on."""

    def __init__(self, program: Program) -> None:
        """Take the scanned program itself."""
        self._program = program
        self._spots: set[tuple[str, Spot]] = set()
        self._before: dict[Program, dict[int, list[tuple[Program, Function]]]] = {}

    def note(self, number: int, spots: Iterable[Spot], site: Spot, index: int) -> None:
        """Take the spots that give a number to the system call at ``site``."""
        name = BEGINNING.get(number)
        if name is None or (name == "clone" and _makes_threads(site, index)):
            return
        self._spots.update((name, spot) for spot in spots)

    def warnings(self) -> set[str]:
        """Return a sentence for every function of the program that can begin a process.

        The interpreter's own are left out: it begins programs only when it is run by itself.
        """
        found = set()
        for name, spot in self._spots:
            if spot.program is self._program:
                found.add(
                    f"{spot.program.label(spot.address)} of {spot.program.name} can call {name}"
                )
            elif spot.program.name != self._program.interpreter:
                found.update(self._leading(name, spot))
        return found

    def _leading(self, name: str, spot: Spot) -> Iterator[str]:
        """Yield who in the program leads to a library's function: those with the shortest way."""
        waiting = deque([(spot.program, spot.function)])
        seen = {(spot.program, spot.function.start)}
        found = False
        for _ in range(len(waiting) + (1 << 20)):
            if not waiting or found:
                return
            program, function = waiting.popleft()
            if name == "clone" and function.name in _THREADS:
                continue
            for caller, holder in self._holders(program).get(function.start, ()):
                if caller is self._program:
                    found = True
                    through = program.label(function.start)
                    who = caller.label(holder.start)
                    yield f"{who} of {caller.name} can call {name} through {through}"
                elif (caller, holder.start) not in seen:
                    seen.add((caller, holder.start))
                    waiting.append((caller, holder))

    def _holders(self, program: Program) -> dict[int, list[tuple[Program, Function]]]:
        """Return who calls the functions of a program or has their addresses, by their begin."""
        known = self._before.get(program)
        if known is not None:
            return known
        found: defaultdict[int, list[tuple[Program, Function]]] = defaultdict(list)
        for address, callers in program.callers.items():
            function = program.functions.at(address)
            if function is not None:
                found[function.start] += [(one.program, one.function) for one in callers]
        for address, takers in program.taken.items():
            function = program.functions.at(address)
            for taker in takers:
                holder = taker.program.functions.at(taker.address)
                if function is not None and holder is not None:
                    found[function.start].append((taker.program, holder))
        self._before[program] = found
        return found


def _makes_threads(site: Spot, index: int) -> bool:
    """Tell whether every way to a call of clone has the flag for threads."""
    flags = Search().run(site.program, site.function, index, General("rdi"))
    return bool(flags.numbers) and all(number & _THREAD for number in flags.numbers)
