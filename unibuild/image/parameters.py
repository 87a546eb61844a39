"""The image parameters: one generated assembly file that the kernel reads (``<unibuild/image.h>``).

Label, identity, arguments, environment, network configuration and root file system become read-only
data, each in a section of its own, so that an image whose program never asks for one of them does not
carry it. The identity is 32 zero bytes here, which packing fills (``unibuild.image.identity``). The
root file system is section ``.ub_root``, whose ends the linker script names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.image import identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def assembly(
    label: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    network: str,
    root: str,
) -> str:
    """Return the assembly source (GNU syntax, x86-64) for the image ``label``.

    ``arguments`` includes argv[0]; ``network`` is ``dhcp``, ``none`` or
    ``ADDRESS/PREFIX[,GATEWAY]``; ``root`` is the path of the root archive, read by the assembler; empty for none.
    """
    variables = [f"{name}={value}" for name, value in sorted(environment.items())]
    return "\n".join(
        (
            *_section("ub_image_label", 1),
            *_bytes(label.encode() + b"\0"),
            *_section(identity.SYMBOL, 1),
            f"    .zero {identity.SIZE}",
            f".size {identity.SYMBOL}, {identity.SIZE}",
            *_strings("ub_image_arguments", arguments),
            *_strings("ub_image_environment", variables),
            *_section("ub_image_network", 1),
            *_bytes(network.encode() + b"\0"),
            *(('.section .ub_root,"a",@progbits', f"    .incbin {_quoted(root)}") if root else ()),
            '.section .note.GNU-stack,"",@progbits',
            "",
        )
    )


def program_assembly(path: str, *, allow_exec_mappings: bool) -> str:
    """Return what an image with a Linux program at ``path`` of its root has before the rest.

    Its root archive begins on a page, so that what is on pages in there is so in memory. The kernel
    starts the program where others have theirs linked.
    """
    return "\n".join(
        (
            *_section("ub_image_program", 1),
            *_bytes(path.encode() + b"\0"),
            *_section("ub_image_allow_exec_mappings", 1),
            *_bytes(bytes([allow_exec_mappings])),
            '.section .ub_root,"a",@progbits',
            ".balign 4096",
            '.section .text.ub_program_start,"ax",@progbits',
            ".globl ub_program_start",
            ".type ub_program_start, @function",
            "ub_program_start:",
            "    jmp ub_linux_start",
            ".size ub_program_start, . - ub_program_start",
            "",
        )
    )


def _strings(symbol: str, strings: Sequence[str]) -> tuple[str, ...]:
    data = b"".join(text.encode() + b"\0" for text in strings)
    return (
        *_section(symbol, 1),
        *_bytes(data),
        *_section(f"{symbol}_length", 8),
        f"    .quad {len(data)}",
    )


def _section(symbol: str, alignment: int) -> tuple[str, ...]:
    return (
        f'.section .rodata.{symbol},"a",@progbits',
        f".balign {alignment}",
        f".globl {symbol}",
        f".type {symbol}, @object",
        f"{symbol}:",
    )


def _bytes(data: bytes) -> tuple[str, ...]:
    return tuple(
        "    .byte " + ", ".join(str(byte) for byte in data[start : start + 32])
        for start in range(0, len(data), 32)
    )


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
