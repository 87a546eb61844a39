"""The built-in action ``system-calls``: a Linux program's executable in, its calls and their table out.

The table is what the kernel dispatches by (``<unibuild/linux_call.h>``): a function for each number,
written as a symbol, so that the linker takes the functions that this program can call. A function that
no component defines stays undefined, which the link leaves as zero.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from unibuild.elf.layout import MalformedElfError
from unibuild.elf.linux_calls import NAMES
from unibuild.image.linux_program import library_files, named
from unibuild.image.symbol_file import render_program
from unibuild.model.counting import plural
from unibuild.model.errors import UserError
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from unibuild.execution.request import BuiltinCall

PREFIX = "ub_linux_"
_MOST_WARNINGS = 3
"""In the log of a build; `unibuild explain` shows all."""


def build(call: BuiltinCall) -> None:
    """Run the action: version, executable, folder of libraries, the outputs, names to add.

    The outputs are what was found (``unibuild.elf.system_calls``), the table's source and the
    program's symbol file.
    """
    from unibuild.elf.system_calls import scan

    _version, executable, libraries, findings, table, symbols, *added = call.arguments
    with named(call.inputs[executable], executable) as program:
        try:
            found = scan(program, library_files(call.inputs[libraries])).to_json()
            call.outputs[symbols].write_text(render_program(program.read_bytes()))
        except MalformedElfError as error:
            raise UserError(
                "damaged-program",
                f"the system calls of `{program.name}` cannot be found: {error}",
                hint="a program as its compiler and linker made it can be read; packed ones cannot",
            ) from error
    calls = cast("dict[str, Any]", found["calls"])
    numbers = {name: number for number, name in NAMES.items()}
    for name in added:
        calls.setdefault(name, {"number": numbers[name], "reasons": ()})
    call.outputs[findings].write_text(json.dumps(found, sort_keys=True, indent=1))
    call.outputs[table].write_text(assembly(calls))
    call.log.write_text("".join(f"warning: {line}\n" for line in _remarks(found)))


def _remarks(found: Mapping[str, Any]) -> list[str]:
    """Return what a person should know before the image is built."""
    warnings = found["warnings"]
    lines = [
        f"{text}: starting processes is not supported, harmless if the program starts none"
        for text in warnings[:_MOST_WARNINGS]
    ]
    if len(warnings) > _MOST_WARNINGS:
        lines.append(f"so can {plural(len(warnings) - _MOST_WARNINGS, 'other function')} of it")
    if found["undecided"]:
        count = plural(len(found["undecided"]), "place")
        lines.append(
            f"{count} of the program may make system calls that the scan cannot tell: "
            "`unibuild explain` names them, `system_calls` adds calls"
        )
    return lines


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
