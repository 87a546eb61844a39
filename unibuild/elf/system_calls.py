"""Which system calls a Linux program can make: itself, through its libraries and its interpreter.

``scan`` looks at every ``syscall`` instruction that can be reached and searches backwards for the values
of RAX. It errs on the side of too many: a call that the program makes and that the scan does not name is
a fault of the scan, except at places that it reports as undecided.
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from unibuild.elf.effects import General
from unibuild.elf.layout import ET_EXEC, MalformedElfError
from unibuild.elf.libraries import needed_files
from unibuild.elf.linux_calls import NAMES, NUMBERS
from unibuild.elf.processes import Processes
from unibuild.elf.program import Program
from unibuild.elf.reach import Reach
from unibuild.elf.values import Search, Spot, Values
from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from unibuild.elf.functions import Function

FORMAT: Final = 1
_NUMBER_MASK: Final = 0xFFFFFFFF
_SYSCALL: Final = b"\x0f\x05"
_LARGEST: Final = 1023
_VDSO: Final = {
    "__vdso_clock_gettime": "clock_gettime",
    "__vdso_gettimeofday": "gettimeofday",
    "__vdso_time": "time",
    "__vdso_getcpu": "getcpu",
    "__vdso_clock_getres": "clock_getres",
    "__vdso_getrandom": "getrandom",
}


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """``function`` of ``file`` makes the call; ``address`` is where it sets the number.

    ``how`` is ``direct`` (the function has the ``syscall`` instruction), ``wrapper`` (it hands the number
    to one that has it) or ``vdso`` (the file looks for the kernel's own page of functions).
    """

    file: str
    function: str
    address: int
    how: str


@dataclass(frozen=True, slots=True, order=True)
class Undecided:
    """A place where the number of a system call cannot be told, and why."""

    file: str
    function: str
    address: int
    why: str


@dataclass(frozen=True, slots=True)
class Call:
    """One system call with everything that makes it."""

    number: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """The answer for one program; all lists are sorted, and equal inputs give equal answers."""

    program: str
    kind: str
    """``static``, ``static-pie`` or ``dynamic``."""
    interpreter: str
    needed: tuple[str, ...]
    calls: Mapping[str, Call]
    undecided: tuple[Undecided, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the answer as plain data."""
        return {"format": FORMAT, **asdict(self)}


def scan(program: Path, libraries: Mapping[str, Path]) -> Scan:
    """Find the system calls of ``program``.

    ``libraries`` are the interpreter and the shared libraries by their path in the image; those that
    no file's headers need count as opened by the running program.
    """
    try:
        return _scan(program, libraries)
    except (MalformedElfError, struct.error) as error:
        raise ActionError(
            "damaged-elf",
            f"{program.name} or a library of it is a damaged ELF file: {error}",
            hint="build or download it again",
        ) from error


def _scan(path: Path, libraries: Mapping[str, Path]) -> Scan:
    program = Program(path.name, path.read_bytes())
    loaded, opened = _files(program, libraries)
    reach = Reach([program, *loaded], opened)
    calls: dict[int, set[Reason]] = {}
    undecided: set[Undecided] = set()
    processes = Processes(program)
    for one, function, address in _sites(reach):
        index = one.flow(function).index.get(address)
        if index is None:
            continue
        values = Search().run(one, function, index, General("rax"))
        _judge(one, function, address, values, calls, undecided)
        for number, spots in values.numbers.items():
            processes.note(number & _NUMBER_MASK, spots, Spot(one, function, address), index)
    for one in [program, *loaded]:
        _add_vdso(one, calls)
    undecided |= set(_unreadable(reach))
    named = {
        NAMES[number]: Call(number, tuple(sorted(reasons)))
        for number, reasons in sorted(calls.items(), key=lambda item: NAMES[item[0]])
    }
    return Scan(
        path.name,
        kind_of(program),
        program.interpreter,
        program.dynamic.needed,
        named,
        tuple(sorted(undecided)),
        tuple(sorted(processes.warnings())),
    )


def kind_of(program: Program) -> str:
    """Return how the program is loaded."""
    if program.interpreter:
        return "dynamic"
    return "static" if program.elf.type == ET_EXEC else "static-pie"


def _files(program: Program, libraries: Mapping[str, Path]) -> tuple[list[Program], list[Program]]:
    """Return the files that are loaded with the program, and those that it may open."""
    if not program.interpreter:
        return [], []
    names = needed_files(f"/bin/{program.name}", program.dynamic, program.interpreter, libraries)
    if program.interpreter not in names:
        names.append(program.interpreter)
    order = [Program(name, libraries[name].read_bytes()) for name in names]
    contents = {one.elf.data for one in order}
    others = []
    for name in libraries:
        content = libraries[name].read_bytes()
        if content not in contents:
            contents.add(content)
            others.append(Program(name, content))
    return order, others


def _sites(reach: Reach) -> Iterator[tuple[Program, Function, int]]:
    for program, functions in reach.functions.items():
        for start in sorted(functions):
            if not _is_data(program, functions[start]):
                for address in program.bodies[start].sites:
                    yield program, functions[start], address


def _is_data(program: Program, function: Function) -> bool:
    """Tell constants between the code, as hand-written assembly has them, from a function.

    No table knows them, their address is only taken, and not all of their bytes are instructions.
    """
    if function.known or not program.bodies[function.start].damaged:
        return False
    return not any(function.start <= address < function.end for address in program.callers)


def _unreadable(reach: Reach) -> Iterator[Undecided]:
    """Yield the places where a system call may hide from the decoder, or uses another gate."""
    for program, functions in reach.functions.items():
        for start, function in functions.items():
            body = program.bodies[start]
            if _is_data(program, function):
                continue
            for address in body.old_gates:
                name = program.label(address)
                yield Undecided(program.name, name, address, "it calls 32-bit Linux")
            if body.damaged:
                content = program.memory.read(start, function.end - start)
                at = content.find(_SYSCALL)
                if at >= 0 and start + at not in body.sites:
                    yield Undecided(
                        program.name,
                        program.label(start),
                        start + at,
                        "it is among bytes that are no instructions",
                    )


def _judge(
    program: Program,
    function: Function,
    address: int,
    values: Values,
    calls: dict[int, set[Reason]],
    undecided: set[Undecided],
) -> None:
    """Turn what a search found into reasons and undecided places."""
    for number, spots in values.numbers.items():
        for spot in spots:
            short = number & _NUMBER_MASK
            name = spot.program.label(spot.address)
            if short in NAMES:
                same = spot.function.start == function.start and spot.program is program
                how = "direct" if same else "wrapper"
                calls.setdefault(short, set()).add(
                    Reason(spot.program.name, name, spot.address, how)
                )
            elif short <= _LARGEST:  # Linux has no larger one, and answers ENOSYS as the image does
                why = f"the number {short} is none of the {len(NAMES)} that are known"
                undecided.add(Undecided(spot.program.name, name, spot.address, why))
    for spot, why in values.unknown.items():
        at = "" if spot.function.start == function.start else f" (for {program.label(address)})"
        undecided.add(
            Undecided(spot.program.name, spot.program.label(spot.address), spot.address, why + at)
        )


def _add_vdso(program: Program, calls: dict[int, set[Reason]]) -> None:
    """Count what the kernel's page of functions does for the program instead of a call."""
    for symbol, name in _VDSO.items():
        number = NUMBERS[name]
        at = program.elf.data.find(symbol.encode() + b"\0")
        if at >= 0 and (number in calls or name == "clock_gettime"):
            calls.setdefault(number, set()).add(Reason(program.name, symbol, 0, "vdso"))
