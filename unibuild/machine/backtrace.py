"""Names for the addresses that an image tells of: in its own code, and in its Linux program's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.image.symbol_file import SymbolFile
    from unibuild.machine.console import Frame, MappedFile, MissingCall

_INSTRUCTION = re.compile(r"\brip=(?:0x)?([0-9a-f]+)", re.IGNORECASE)
_NOT_SUPPORTED = {
    **dict.fromkeys(
        ("fork", "vfork", "execve", "execveat"), "starting other programs is not supported"
    ),
    "clone": "it starts threads, and no processes",
}


@dataclass(frozen=True, slots=True)
class Names:
    """The symbol files beside an image: of the image, and of the Linux program in it."""

    image: SymbolFile | None = None
    program: SymbolFile | None = None

    def in_image(self, address: int) -> str:
        """Return ``name+0xoffset`` or ``?`` for an address of the image's code."""
        return (self.image.find(address) if self.image and address >= 0 else "") or "?"

    def in_program(self, address: int, files: Sequence[MappedFile]) -> str:
        """Return ``name+0xoffset`` in the program, ``PATH+0xaddress`` in another file, or ``?``.

        ``files`` are those that the image has told of, the program's own path first.
        """
        for file in files:
            if not file.start <= address < file.end:
                continue
            inside = address - file.bias
            name = self.program.find(inside) if self.program and file.path == files[0].path else ""
            return name or f"{file.path}+{inside:#x}"
        return "?"


def describe(
    fault: str, frames: Sequence[Frame], names: Names, files: Sequence[MappedFile] = ()
) -> list[str]:
    """Return the lines of a backtrace, innermost first: ``at NAME+OFFSET (ADDRESS)``.

    The instruction that faulted, when the kernel names it, is looked up as it is; every other
    frame is a return address, so its call is the byte before it.
    """
    match = _INSTRUCTION.search(fault)
    instruction = int(match[1], 16) if match else None
    of_program = any(frame.program for frame in frames)
    lines = []
    if instruction is not None and not of_program:
        lines.append(f"at {names.in_image(instruction)} ({instruction:#x})")
    for index, frame in enumerate(frames):
        address = frame.address
        if frame.program:
            inside = address if index == 0 else address - 1
            lines.append(f"at {names.in_program(inside, files)} ({address:#x})")
        elif address != instruction:
            lines.append(f"at {names.in_image(address - 1)} ({address:#x})")
    return lines


def describe_missing(call: MissingCall, names: Names, files: Sequence[MappedFile]) -> str:
    """Return the line for a system call that the image lacks."""
    caller = names.in_program(call.caller - 1, files)
    why = f"; {_NOT_SUPPORTED[call.name]}" if call.name in _NOT_SUPPORTED else ""
    return (
        f"missing system call: {call.name} ({call.number}), from {caller} ({call.caller:#x}), "
        f"answers ENOSYS{why}"
    )
