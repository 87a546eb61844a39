"""Names for the addresses of a fault."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.image.symbol_file import SymbolFile

_INSTRUCTION = re.compile(r"\brip=(?:0x)?([0-9a-f]+)", re.IGNORECASE)


def describe(fault: str, frames: Sequence[int], symbols: SymbolFile | None) -> list[str]:
    """Return the lines of a backtrace, innermost first: ``at NAME+OFFSET (ADDRESS)``.

    The instruction that faulted, when the kernel names it, is looked up as it is; every other
    frame is a return address, so its call is the byte before it.
    """
    match = _INSTRUCTION.search(fault)
    instruction = int(match.group(1), 16) if match else None
    lines = []
    if instruction is not None:
        lines.append(_line(instruction, instruction, symbols))
    lines += [_line(frame, frame - 1, symbols) for frame in frames if frame != instruction]
    return lines


def _line(address: int, inside: int, symbols: SymbolFile | None) -> str:
    name = symbols.find(inside) if symbols and inside >= 0 else ""
    return f"at {name or '?'} ({address:#x})"
