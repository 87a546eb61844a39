"""The built-in action ``system-calls``: a Linux program's executable in, its calls and their table out.

The table is what the kernel dispatches by (``<unibuild/linux_call.h>``): a function for each number,
written as a symbol, so that the linker takes the functions that this program can call. A function that
no component defines stays undefined, which the link leaves as zero.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unibuild.elf.linux_calls import NAMES
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

    from unibuild.execution.request import BuiltinCall

PREFIX = "ub_linux_"


def build(call: BuiltinCall) -> None:
    """Run the action: version, executable, folder of libraries, the two outputs, names to add."""
    _version, _executable, _libraries, findings, table, *_added = call.arguments
    names = sorted(NAMES.values())
    found = {
        "format": 1,
        "kind": "static",
        "interpreter": "",
        "needed": [],
        "undecided": [],
        "calls": {name: {"number": number, "reasons": []} for number, name in NAMES.items()},
        "warnings": [],
    }
    call.outputs[findings].write_text(json.dumps(found))
    call.outputs[table].write_text(assembly(names))


def is_call(name: str) -> bool:
    """Whether Linux has a system call ``name`` on x86-64."""
    return name in NAMES.values()


def near_calls(name: str) -> str:
    """Return a hint at the system calls that ``name`` may have meant."""
    return did_you_mean(name, NAMES.values())


def assembly(calls: Collection[str]) -> str:
    """Return the assembly source (GNU syntax, x86-64) of the table for the names ``calls``."""
    wanted = [number for number, name in sorted(NAMES.items()) if name in calls]
    count = max(wanted, default=-1) + 1
    names = [NAMES.get(number, "") for number in range(max(NAMES) + 1)]
    entries = [
        f"    .quad {PREFIX}{NAMES[number]}" if number in wanted else "    .quad 0"
        for number in range(count)
    ]
    length = sum(len(name) + 1 for name in names)
    return "\n".join(
        (
            *_object("ub_linux_calls", ".data.rel.ro", "aw", 8),
            *entries,
            *_object("ub_linux_call_count", ".rodata", "a", 8),
            f"    .quad {count}",
            *_object("ub_linux_call_names", ".rodata", "a", 1),
            *(f'    .asciz "{name}"' for name in names),
            *_object("ub_linux_call_names_length", ".rodata", "a", 8),
            f"    .quad {length}",
            '.section .note.GNU-stack,"",@progbits',
            "",
        )
    )


def _object(symbol: str, section: str, flags: str, alignment: int) -> tuple[str, ...]:
    return (
        f'.section {section}.{symbol},"{flags}",@progbits',
        f".balign {alignment}",
        f".globl {symbol}",
        f".type {symbol}, @object",
        f"{symbol}:",
    )
