"""Guests of a few instructions: 32-bit code that a PVH monitor enters, made without a linker.

EBX holds the address of the start information (hvm_start_info: the command line's address is the
64-bit word at offset 24). Interrupts are off, segments are flat, there is no stack.
"""

from __future__ import annotations

import json
from pathlib import Path

from unibuild.image.boot_file import WRAP_ADDRESS, WRAP_CODE_OFFSET, wrap
from unibuild.image.manifest import FORMAT, render

_MOVE_ESI = b"\xbe"  # mov esi, imm32
_PRINT = bytes.fromhex(
    "66baf803"  # mov dx, 0x3f8
    "ac"  # lodsb
    "84c0"  # test al, al
    "7403"  # jz past the loop
    "ee"  # out dx, al
    "ebf8"  # jmp to lodsb
)
_COMMAND_LINE = bytes.fromhex("8b7318")  # mov esi, [ebx + 24]
_RESET = bytes.fromhex(
    "0f011d08001000"  # lidt [0x100008]: zero bytes of the file header
    "0f0b"  # ud2
)
_HANG = bytes.fromhex("f4ebfd")  # hlt; jmp to the halt
_WAIT_FOR_BYTE = bytes.fromhex(
    "66bafd03"  # mov dx, 0x3fd (line status)
    "ec"  # in al, dx
    "a801"  # test al, data ready
    "74f7"  # jz to the start
    "66baf803"  # mov dx, 0x3f8
    "ec"  # in al, dx
    "ee"  # out dx, al
)


def says(text: bytes, *, then: bytes = _RESET) -> bytes:
    """A guest that prints ``text`` and then resets the machine (or does what ``then`` does)."""
    assert b"\0" not in text
    code_size = 5 + len(_PRINT) + len(then)
    address = WRAP_ADDRESS + WRAP_CODE_OFFSET + code_size
    return wrap(_MOVE_ESI + address.to_bytes(4, "little") + _PRINT + then + text + b"\0")


def hangs(text: bytes) -> bytes:
    """A guest that prints ``text`` and never ends."""
    return says(text, then=_HANG)


def echoes_command_line() -> bytes:
    """A guest that prints its command line and resets the machine."""
    return wrap(_COMMAND_LINE + _PRINT + _RESET)


def echoes_one_byte() -> bytes:
    """A guest that sends one byte of console input back and resets the machine."""
    return wrap(_WAIT_FOR_BYTE + _RESET)


def place(folder: Path, image: bytes, *, symbols: str = "", devices: tuple[str, ...] = ()) -> Path:
    """Put the image with a manifest (and symbols) into ``folder``; return the manifest."""
    (folder / "guest.elf").write_bytes(image)
    if symbols:
        (folder / "guest.symbols").write_text(symbols)
    manifest = folder / "guest.manifest.json"
    manifest.write_text(render(manifest_data(devices)))
    return manifest


def manifest_data(devices: tuple[str, ...] = ()) -> dict[str, object]:
    """The manifest of such a guest, on QEMU's microvm."""
    return json.loads(
        json.dumps(
            {
                "format": FORMAT,
                "label": "//guest:guest",
                "app": "//guest:program",
                "image": {"file": "guest.elf", "digest": "", "size": 0},
                "platform": {
                    "label": "//platform",
                    "architecture": "x86_64",
                    "monitor": "qemu",
                    "machine": "microvm,x-option-roms=off,isa-serial=on,auto-kernel-cmdline=off",
                    "cpu": "max",
                    "console": ["-serial", "chardev:console"],
                    "monitor_options": [],
                    "devices": list(devices),
                },
                "memory": "4M",
                "arguments": ["guest"],
                "environment": {},
                "network": "dhcp",
                "files": [],
                "components": [],
                "sections": [],
                "unclaimed": {"file_bytes": 0, "zeroed_bytes": 0},
            }
        )
    )
