"""Run an image in the foreground: what `unibuild run` does, without a terminal of its own.

The program's output goes to ``write`` as it arrives; a fault with its backtrace and what was chosen
for the user goes to ``note``, line by line. An interrupt ends the machine before it goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from unibuild.elf.layout import PT_LOAD, ElfFile, MalformedElfError
from unibuild.image import manifest as manifests
from unibuild.image.builtins import PROGRAM_SYMBOLS_SUFFIX
from unibuild.image.symbol_file import SymbolFile
from unibuild.machine import acceleration, backtrace, monitor, ports
from unibuild.machine.console import Event, MappedFile, MissingCall, Text
from unibuild.machine.machine import Machine, Outcome
from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from unibuild.image.manifest import Manifest

MANIFEST_SUFFIX = ".manifest.json"
SYMBOLS_SUFFIX = ".symbols"
_BESIDE_LINKED, _BESIDE_PROGRAM = 64, 4096
"""KiB that an image needs besides itself, at least: a Linux program brings a runtime of its own."""
_OUT_OF_MEMORY = re.compile(r"SIGKILL \(9\) .*\bvector=14\b")
"""A page fault of a Linux program for which no page is left (kernel/linux/memory)."""
_STRICT_WORD = "unibuild.strict-system-calls"
"""What the kernel reads of its command line (``<unibuild/linux_call.h>``)."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run: empty ``memory`` and ``arguments`` mean those of the image.

    ``accelerator`` is ``auto``, ``kvm`` or ``tcg``; ``input`` is a file object with a descriptor
    whose bytes reach the guest's console; ``monitor_options`` are handed to QEMU as they are.
    ``wire`` is the path of a UNIX socket that becomes the guest's Ethernet segment: whoever connects
    exchanges frames, each behind its length in four bytes, big-endian. ``strict_calls`` ends a Linux
    program at the first system call that its image lacks.
    """

    memory: str = ""
    accelerator: str = "auto"
    forwards: tuple[ports.PortForward, ...] = ()
    arguments: tuple[str, ...] = ()
    monitor_options: tuple[str, ...] = ()
    input: BinaryIO | None = None
    timeout: float | None = None
    wire: Path | None = None
    strict_calls: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image that is ready to start: everything that can be wrong before has been looked at."""

    manifest: Manifest
    command: list[str]
    names: backtrace.Names
    accelerator: acceleration.Acceleration
    forwards: tuple[ports.PortForward, ...]


def prepare(manifest_path: Path, options: RunOptions) -> Prepared:
    """Check image, memory, ports and monitor, and compose the monitor's command line."""
    manifest = manifests.read(manifest_path)
    stem = manifest_path.name.removesuffix(MANIFEST_SUFFIX)
    image = manifest_path.with_name(manifest["image"]["file"])
    memory = options.memory or manifest["memory"]
    _check_memory(manifest, image, memory)
    if options.forwards and not monitor.has_network(manifest):
        raise UserError(
            "no-network",
            f"{manifest['label']} has no network, so no port leads to it",
            hint='its program uses no sockets, or the image says network = "none"; run it without -p',
        )
    if options.strict_calls and "program" not in manifest:
        raise UserError(
            "no-linux-program",
            f"{manifest['label']} has no Linux program, so no system call of it can be missing",
            hint="its program is linked with the kernel: run it without --strict-syscalls",
        )
    forwards = ports.claim(options.forwards)
    chosen = acceleration.choose(options.accelerator)
    start = monitor.Start(
        image,
        memory,
        chosen.name,
        forwards,
        (*options.arguments, *((_STRICT_WORD,) if options.strict_calls else ())),
        options.monitor_options,
        options.wire,
    )
    names = backtrace.Names(
        _symbols(manifest_path.with_name(stem + SYMBOLS_SUFFIX)),
        _symbols(manifest_path.with_name(stem + PROGRAM_SYMBOLS_SUFFIX)),
    )
    return Prepared(manifest, monitor.command_line(manifest, start), names, chosen, forwards)


def _symbols(path: Path) -> SymbolFile | None:
    return SymbolFile.parse(path.read_text("utf-8")) if path.exists() else None


def run_image(
    manifest_path: Path,
    options: RunOptions,
    write: Callable[[bytes], None],
    note: Callable[[str], None],
) -> Outcome:
    """Boot the image beside ``manifest_path`` and wait for its end.

    Raises ``UserError`` or ``HostError`` before the start, and the errors of ``Machine.wait``.
    """
    prepared = prepare(manifest_path, options)
    for line in ports.remarks(prepared.manifest.get("ports", ()), options.forwards):
        note(line)
    for asked, given in zip(options.forwards, prepared.forwards, strict=True):
        if not asked.host:
            note(f"port {given.address}:{given.host} leads to {given.guest}/{given.protocol}")

    files: list[MappedFile] = []

    def listen(event: Event) -> None:
        match event:
            case Text(data):
                write(data)
            case MappedFile():
                files.append(event)
            case MissingCall():
                note(backtrace.describe_missing(event, prepared.names, files))

    with Machine(prepared.command, listen, options.input) as machine:
        outcome = machine.wait(options.timeout)
    for line in fault_lines(outcome, prepared.names):
        note(line)
    return outcome


def missing_lines(outcome: Outcome, names: backtrace.Names) -> list[str]:
    """Return a line for each system call that the program made and the image lacks."""
    return [backtrace.describe_missing(call, names, outcome.files) for call in outcome.missing]


def fault_lines(outcome: Outcome, names: backtrace.Names) -> list[str]:
    """Return what to show of a fault: the kernel's words and the backtrace; empty without one."""
    if not outcome.fault:
        return []
    trace = backtrace.describe(outcome.fault, outcome.frames, names, outcome.files)
    lines = [f"fault: {outcome.fault}", *(f"    {line}" for line in trace)]
    if _OUT_OF_MEMORY.match(outcome.fault):
        lines.append("hint: give it more memory: --memory 64M, or `memory` of the image")
    return lines


def _check_memory(manifest: Manifest, image: Path, memory: str) -> None:
    label = manifest["label"]
    size = monitor.memory_bytes(memory)
    try:
        elf = ElfFile.parse(image.read_bytes())
    except (OSError, MalformedElfError) as error:
        raise HostError(
            "unreadable-image", f"cannot read {image}: {error}", hint=f"unibuild build {label}"
        ) from error
    needed = max(
        (one.physical_address + one.memory_size for one in elf.segments if one.type == PT_LOAD),
        default=0,
    )
    if needed > size:
        beside = _BESIDE_PROGRAM if "program" in manifest else _BESIDE_LINKED
        raise UserError(
            "memory-too-small",
            f"{label} needs more than {memory} of memory: it ends at {needed / 1024:.0f} KiB",
            hint=f"give it at least {-(-needed // 1024) + beside}K",
        )
