"""Where the number of a system call comes from: small programs whose every instruction is known."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.tiny_elf import Tiny

from unibuild.elf.linux_calls import NAMES, NUMBERS
from unibuild.elf.system_calls import Scan, scan

SYSCALL = b"\x0f\x05"
EXIT = b"\xb8\x3c\x00\x00\x00\x0f\x05"
RET = b"\xc3"
ENDLESS = b"\xeb\xfe"
STOP = EXIT + ENDLESS


def eax(number: int) -> bytes:
    return b"\xb8" + struct.pack("<I", number)


def edi(number: int) -> bytes:
    return b"\xbf" + struct.pack("<I", number)


def call(behind: int) -> bytes:
    """Call what lies ``behind`` bytes further than the next instruction."""
    return b"\xe8" + struct.pack("<i", behind)


def scanned(folder: Path, code: bytes, **options: object) -> Scan:
    path = folder / "program"
    path.write_bytes(Tiny(code=code, **options).build())  # type: ignore[arg-type]
    return scan(path, {})


WRAPPER = b"\x48\x89\xf8" + SYSCALL + RET  # mov rax, rdi; syscall; ret
STACK_WRAPPER = b"\x48\x8b\x44\x24\x08" + SYSCALL + RET  # mov rax, [rsp+8]; syscall; ret
CASES = {
    "constant": (eax(39) + SYSCALL, {"getpid"}),
    "cleared": (b"\x31\xc0" + SYSCALL, {"read"}),
    "pushed and popped": (b"\x6a\x27\x58" + SYSCALL, {"getpid"}),
    "low byte after clearing": (b"\x31\xc0\xb0\x27" + SYSCALL, {"getpid"}),
    "moved through registers": (edi(39) + b"\x89\xfb\x89\xd8" + SYSCALL, {"getpid"}),
    "through the stack": (
        # push rbp; mov rbp, rsp; sub rsp, 16; mov dword [rbp-4], 39; mov eax, [rsp+12]
        b"\x55\x48\x89\xe5\x48\x83\xec\x10\xc7\x45\xfc\x27\x00\x00\x00\x8b\x44\x24\x0c" + SYSCALL,
        {"getpid"},
    ),
    "through a structure": (
        # sub rsp, 24; mov dword [rsp], 39; mov rdi, rsp; mov eax, [rdi]
        b"\x48\x83\xec\x18\xc7\x04\x24\x27\x00\x00\x00\x48\x89\xe7\x8b\x07" + SYSCALL,
        {"getpid"},
    ),
    "one of two": (
        # test edi, edi; mov eax, 0; je +5; mov eax, 1
        b"\x85\xff" + eax(0) + b"\x74\x05" + eax(1) + SYSCALL,
        {"read", "write"},
    ),
    "conditional move": (eax(0) + edi(1) + b"\x0f\x44\xc7" + SYSCALL, {"read", "write"}),
    "computed from a condition": (
        # cmp edi, 1; sbb eax, eax; and eax, 1; add eax, 0x57
        b"\x83\xff\x01\x19\xc0\x83\xe0\x01\x83\xc0\x57" + SYSCALL,
        {"unlink", "symlink"},
    ),
    "exchanged": (edi(39) + b"\x97" + SYSCALL, {"getpid"}),
    "wrapper": (edi(39) + call(len(STOP)) + STOP + WRAPPER, {"getpid", "exit"}),
    "wrapper with the number on the stack": (
        b"\x6a\x27" + call(len(STOP)) + STOP + STACK_WRAPPER,
        {"getpid", "exit"},
    ),
    "wrapper of a wrapper": (
        edi(39) + call(len(STOP)) + STOP + call(1) + RET + WRAPPER,
        {"getpid", "exit"},
    ),
    "wrapper with two callers": (
        edi(39) + call(10 + len(STOP)) + edi(102) + call(len(STOP)) + STOP + WRAPPER,
        {"getpid", "getuid", "exit"},
    ),
    "padding that hides no call": (eax(39) + SYSCALL + ENDLESS + b"\x0f\x1f\x00", {"getpid"}),
    "a loop": (eax(39) + SYSCALL + eax(24) + SYSCALL + b"\xeb\xf0", {"getpid", "sched_yield"}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_number_is_found(name: str, tmp_path: Path) -> None:
    code, wanted = CASES[name]
    found = scanned(tmp_path, code + ENDLESS)
    assert set(found.calls) == wanted
    assert found.undecided == ()


def test_a_reason_names_the_function_that_gives_the_number(tmp_path: Path) -> None:
    found = scanned(tmp_path, edi(39) + call(len(STOP)) + STOP + WRAPPER)
    (reason,) = found.calls["getpid"].reasons
    assert (reason.file, reason.function, reason.address, reason.how) == (
        "program",
        "0x401000",
        0x401000,
        "wrapper",
    )
    assert found.calls["exit"].reasons[0].how == "direct"
    assert found.calls["exit"].number == NUMBERS["exit"]


def test_what_is_called_through_a_pointer_counts(tmp_path: Path) -> None:
    # lea rax, [rip+2]; call rax; then the function
    code = b"\x48\x8d\x05\x02\x00\x00\x00\xff\xd0" + eax(39) + SYSCALL + ENDLESS
    assert set(scanned(tmp_path, code).calls) == {"getpid"}


def test_what_nothing_reaches_does_not_count(tmp_path: Path) -> None:
    jump = b"\xe9" + struct.pack("<i", 7 + 2)  # over a function that a call elsewhere would name
    dead = EXIT + ENDLESS
    live = eax(39) + SYSCALL + ENDLESS
    found = scanned(tmp_path, jump + dead + live + call(-len(live) - len(dead) - 5))
    assert "getpid" in found.calls


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (b"\x48\x8b\x07" + SYSCALL + ENDLESS, "before the program begins"),  # mov rax, [rdi]
        (b"\xff\xd3" + SYSCALL + ENDLESS, "what a call returned"),  # call rbx
        (b"\x0f\x31" + SYSCALL + ENDLESS, "rdtsc computes it"),
        (b"\x64\x8b\x04\x25\x00\x00\x00\x00" + SYSCALL + ENDLESS, "thread's own memory"),
        (b"\x8b\x04\x8b" + SYSCALL + ENDLESS, "a table"),  # mov eax, [rbx+rcx*4]
        (eax(1000) + SYSCALL + ENDLESS, "none of the"),
        (b"\xcd\x80" + ENDLESS, "32-bit Linux"),
    ],
)
def test_what_cannot_be_decided_is_said(code: bytes, why: str, tmp_path: Path) -> None:
    found = scanned(tmp_path, code)
    assert [why in one.why for one in found.undecided] == [True]


def test_numbers_that_a_loop_computes_end_the_search(tmp_path: Path) -> None:
    # shifts and exclusive ors of one register in a loop, its remainder as the number
    step = b"\x48\x89\xc1\x48\xc1\xe1\x0d\x48\x31\xc8"  # mov rcx, rax; shl rcx, 13; xor rax, rcx
    code = eax(7) + step * 30 + SYSCALL + b"\xeb" + struct.pack("b", -128) + ENDLESS
    assert scanned(tmp_path, code).undecided


def test_processes_are_warned_of_and_threads_are_not(tmp_path: Path) -> None:
    thread = edi(0x10F00) + eax(NUMBERS["clone"]) + SYSCALL
    assert scanned(tmp_path, thread + ENDLESS).warnings == ()
    process = edi(17) + eax(NUMBERS["clone"]) + SYSCALL
    assert "can call clone" in scanned(tmp_path, process + ENDLESS).warnings[0]
    assert "fork" in scanned(tmp_path, eax(NUMBERS["fork"]) + SYSCALL + ENDLESS).warnings[0]


def test_the_answer_is_plain_data_in_order(tmp_path: Path) -> None:
    found = scanned(tmp_path, eax(39) + SYSCALL + eax(0) + SYSCALL + ENDLESS)
    plain = found.to_json()
    assert plain["format"] == 1
    assert (plain["program"], plain["kind"], plain["interpreter"]) == ("program", "static", "")
    assert list(found.calls) == ["getpid", "read"]


def test_the_table_of_numbers_is_the_one_of_the_kernel() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if header.exists():
        lines = (line.split() for line in header.read_text().splitlines())
        told = {one[1].removeprefix("__NR_"): int(one[2]) for one in lines if len(one) == 3}
        assert {name: NUMBERS.get(name) for name in told} == told
    known = {"read": 0, "exit_group": 231, "newfstatat": 262, "rseq": 334, "clone3": 435}
    assert {name: NUMBERS[name] for name in known} == known
    assert all(NAMES[number] == name for name, number in NUMBERS.items())
