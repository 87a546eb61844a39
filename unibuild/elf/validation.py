"""Is this file a program that Linux on x86-64 could start? If not, one error says what is wrong.

Everything that loading uses is checked against the file and against itself, before anything else reads it:
what passes here may still hold nonsense for code, but no header of it lies. Section headers are not
looked at, since starting a program does not need them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from unibuild.elf.dynamic import (
    DF_1_PIE,
    DT_FLAGS_1,
    PT_DYNAMIC,
    PT_INTERP,
    Dynamic,
    interpreter,
    read_dynamic,
)
from unibuild.elf.layout import (
    EM_X86_64,
    ET_EXEC,
    HEADER,
    PROGRAM_HEADER,
    PT_LOAD,
    ElfFile,
    MalformedElfError,
)
from unibuild.elf.memory import PF_EXECUTE, PF_WRITE, Memory
from unibuild.elf.not_elf import described
from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from unibuild.elf.layout import Segment

PAGE: Final = 4096
MAGIC: Final = b"\x7fELF"
ET_REL, ET_DYN, ET_CORE = 1, 3, 4
PT_TLS, PT_GNU_STACK = 7, 0x6474E551
_CLASS, _ORDER, _SYSTEM = 4, 5, 7
_SYSTEMS: Final = {0: "", 3: "", 2: "NetBSD", 6: "Solaris", 9: "FreeBSD", 12: "OpenBSD"}
_MACHINES: Final = {
    2: "SPARC",
    3: "32-bit x86",
    8: "MIPS",
    20: "PowerPC",
    21: "64-bit PowerPC",
    22: "s390",
    40: "32-bit ARM",
    50: "Itanium",
    183: "64-bit ARM",
    243: "RISC-V",
    247: "BPF",
    258: "LoongArch",
}
_KINDS: Final = {
    ET_REL: ("an object file that is not linked", "link it to a program first"),
    ET_CORE: ("a core dump", "name the program that it was made from"),
}
_TOP: Final = 1 << 47
"""Programs have the addresses below."""
_MANY_SEGMENTS: Final = 0xFFFF
_LONGEST_PATH: Final = 4096
_BUILD_AGAIN: Final = "the file is damaged: build or download it again"


def validate(name: str, data: bytes, *, allow_exec_mappings: bool = False) -> None:
    """Raise one ``ActionError`` when ``data`` is no program that could be started.

    ``name`` is what the error calls the file. Memory that is writable and executable at once, the
    stack included, is refused unless ``allow_exec_mappings``.
    """
    _check_identification(name, data)
    _check_header(name, data)
    try:
        elf = ElfFile.parse(data)
    except MalformedElfError as error:
        raise _damaged(name, str(error)) from error
    loaded = [one for one in elf.segments if one.type == PT_LOAD]
    if not loaded:
        raise _damaged(name, "no segment is to be loaded, so there is nothing to run")
    for index, one in enumerate(elf.segments):
        if one.type in (PT_LOAD, PT_TLS):
            _check_segment(name, index, one)
    _check_order(name, loaded)
    _check_entry(name, elf, loaded)
    _check_interpreter(name, elf)
    _check_dynamic(name, elf, loaded)
    if not allow_exec_mappings:
        _check_protection(name, elf)


def _damaged(name: str, what: str) -> ActionError:
    return ActionError("damaged-elf", f"{name} is a damaged ELF file: {what}", hint=_BUILD_AGAIN)


def _check_identification(name: str, data: bytes) -> None:
    """Check the first 16 bytes: what kind of file, and for which kind of machine."""
    if not data.startswith(MAGIC):
        words, hint = described(data)
        raise ActionError("not-an-elf", f"{name} is no Linux program but {words}", hint=hint)
    if len(data) < HEADER.size:
        raise ActionError(
            "truncated-elf",
            f"{name} ends after {len(data)} bytes, inside of the ELF header ({HEADER.size} bytes)",
            hint=_BUILD_AGAIN,
        )
    if data[_CLASS] == 1:
        raise ActionError(
            "elf-32-bit",
            f"{name} is a 32-bit program",
            hint="build it for 64-bit x86-64 (Go: GOARCH=amd64; C: without -m32 and -mx32)",
        )
    if data[_ORDER] == 2:  # noqa: PLR2004 - ELFDATA2MSB
        raise ActionError(
            "elf-big-endian",
            f"{name} is for a big-endian machine",
            hint="build it for x86-64 (Go: GOOS=linux GOARCH=amd64)",
        )
    if (data[_CLASS], data[_ORDER], data[6]) != (2, 1, 1):
        raise _damaged(name, "its first bytes name no class, byte order and version that exist")
    system = _SYSTEMS.get(data[_SYSTEM], f"system {data[_SYSTEM]}")
    if system:
        raise ActionError(
            "wrong-system",
            f"{name} is a program for {system}, not for Linux",
            hint="build it for Linux on x86-64 (Go: GOOS=linux GOARCH=amd64)",
        )


def _check_header(name: str, data: bytes) -> None:
    """Check the rest of the ELF header, and that the program headers lie in the file."""
    fields = HEADER.unpack_from(data)
    kind, machine, table, size, count = fields[1], fields[2], fields[5], fields[9], fields[10]
    if machine != EM_X86_64:
        raise ActionError(
            "wrong-machine",
            f"{name} is a program for {_MACHINES.get(machine, f'machine {machine}')}, "
            "and images run on x86-64",
            hint="build it for x86-64 (Go: GOARCH=amd64; Rust: --target x86_64-unknown-linux-musl)",
        )
    if kind not in (ET_EXEC, ET_DYN):
        words, hint = _KINDS.get(kind, (f"an ELF file of the unknown type {kind}", _BUILD_AGAIN))
        raise ActionError("not-a-program", f"{name} is {words}, not a program", hint=hint)
    if count == 0:
        raise _damaged(name, "it has no program headers, so nothing says what to load")
    if size != PROGRAM_HEADER.size or count == _MANY_SEGMENTS:
        raise _damaged(name, f"its {count} program headers have {size} bytes each, not 56")
    if table + count * size > len(data):
        raise _outside(name, data, "its program headers", table + count * size)
    for index in range(count):
        header = PROGRAM_HEADER.unpack_from(data, table + index * size)
        offset, length = header[2], header[5]
        if length and offset + length > len(data):
            raise _outside(name, data, f"segment {index}", offset + length)


def _outside(name: str, data: bytes, what: str, end: int) -> ActionError:
    return ActionError(
        "truncated-elf",
        f"{name} has {len(data)} bytes, but {what} should end at byte {end}",
        hint=_BUILD_AGAIN,
    )


def _check_segment(name: str, index: int, one: Segment) -> None:
    """Check one segment against itself."""
    end = one.virtual_address + one.memory_size
    if one.file_size > one.memory_size:
        raise _damaged(name, f"segment {index} has more bytes in the file than in memory")
    if end > _TOP:
        raise _damaged(name, f"segment {index} ends at {end:#x}, where programs have no memory")
    alignment = one.alignment or 1
    if alignment & (alignment - 1) or alignment > _TOP:
        raise _damaged(name, f"segment {index} is aligned to {alignment:#x}, no power of two")
    unit = PAGE if one.type == PT_LOAD else alignment
    if one.file_size and (one.virtual_address - one.offset) % min(unit, PAGE):
        raise _damaged(
            name,
            f"segment {index} is at {one.offset:#x} in the file and at {one.virtual_address:#x} in "
            "memory, which differ within a page",
        )


def _check_order(name: str, loaded: list[Segment]) -> None:
    """Check that loaded segments come in order and do not overlap."""
    for earlier, later in pairwise(loaded):
        if later.virtual_address < earlier.virtual_address + earlier.memory_size:
            raise _damaged(
                name,
                f"the segments at {earlier.virtual_address:#x} and {later.virtual_address:#x} overlap "
                "or are out of order",
            )


def _check_entry(name: str, elf: ElfFile, loaded: list[Segment]) -> None:
    if elf.type == ET_EXEC and loaded[0].virtual_address < PAGE:
        raise _damaged(name, "it is to be loaded at address 0, which stays empty")
    for one in loaded:
        inside = elf.entry - one.virtual_address
        if one.flags & PF_EXECUTE and 0 <= inside < one.file_size:
            return
    if elf.type == ET_DYN and elf.entry == 0:
        raise _library(name)
    raise _damaged(name, f"it begins at {elf.entry:#x}, where it has no code")


def _library(name: str) -> ActionError:
    return ActionError(
        "not-a-program",
        f"{name} is a shared library, not a program",
        hint="name the program that uses it as the binary, and the library in `files`",
    )


def _check_interpreter(name: str, elf: ElfFile) -> None:
    found = [one for one in elf.segments if one.type == PT_INTERP]
    if len(found) > 1:
        raise _damaged(name, f"it names {len(found)} interpreters")
    for one in found:
        content = elf.content(one)
        path, end, _rest = content.partition(b"\0")
        if not end or not path or len(path) > _LONGEST_PATH:
            raise _damaged(name, "the path of its interpreter is empty or does not end")
        if not path.startswith(b"/") or not path.isascii():
            shown = path.decode("utf-8", "replace")
            raise _damaged(name, f"the path of its interpreter is `{shown}`, not an absolute one")


def _check_dynamic(name: str, elf: ElfFile, loaded: list[Segment]) -> None:
    dynamic = Dynamic()
    for one in elf.segments:
        if one.type == PT_DYNAMIC and not any(
            part.virtual_address <= one.virtual_address
            and one.virtual_address + one.file_size <= part.virtual_address + part.file_size
            for part in loaded
        ):
            raise _damaged(name, "its dynamic section lies outside of what is loaded")
    try:
        dynamic = read_dynamic(elf, Memory.of(elf))
    except MalformedElfError as error:
        raise _damaged(name, f"its dynamic section lies: {error}") from error
    started = bool(interpreter(elf))
    pie = bool(dynamic.value(DT_FLAGS_1) & DF_1_PIE)
    if elf.type == ET_DYN and not started and not pie and (dynamic.soname or dynamic.needed):
        raise _library(name)
    if dynamic.needed and not started:
        raise _damaged(name, f"it needs {dynamic.needed[0]}, but names no interpreter to load it")


def _check_protection(name: str, elf: ElfFile) -> None:
    both = PF_WRITE | PF_EXECUTE
    for one in elf.segments:
        if one.type == PT_LOAD and one.flags & both == both:
            raise ActionError(
                "writable-code",
                f"{name} wants memory at {one.virtual_address:#x} that is writable and executable",
                hint="link it with `-z noexecstack` and without `-N`, or set "
                "`allow_exec_mappings = true` in the image",
            )
        if one.type == PT_GNU_STACK and one.flags & PF_EXECUTE:
            raise ActionError(
                "executable-stack",
                f"{name} wants an executable stack",
                hint="link it with `-z noexecstack` (assembly: a .note.GNU-stack section), or set "
                "`allow_exec_mappings = true` in the image",
            )
