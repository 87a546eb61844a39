"""The kernel's side of supervision: ptrace(2), seccomp(2) and the memory of a traced process.

For x86_64 only. Nothing here decides anything. A traced process may die at any moment; then the
functions raise ``ProcessLookupError``, which callers let pass: its end is reported by waitpid(2).

Every module that the supervising process loads keeps to imports that cost nothing: it is started
once an action.
"""

from __future__ import annotations

import ctypes
import os
from struct import Struct

SEIZE, LISTEN, CONTINUE, UNTIL_CALL_ENDS = 0x4206, 0x4208, 7, 24
_GET_REGISTERS, _SET_REGISTERS, _GET_MESSAGE, _GET_CALL = 12, 13, 0x4201, 0x420E

EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_SECCOMP, EVENT_STOP = 1, 2, 3, 4, 7, 128
# Calls marked in the signal, every way to start a process or program, the filter's stops, and no
# traced process outlives its tracer.
OPTIONS = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x80 | 0x100000
ANY_CHILD = 0x40000000  # __WALL

_RAX, _ORIGINAL_RAX, STACK_POINTER = 10, 15, 19  # places in struct user_regs_struct
_PR_SET_NO_NEW_PRIVS, _PR_SET_PDEATHSIG, _PR_SET_SECCOMP = 38, 1, 22
_SIGKILL = 9

_library = ctypes.CDLL(None, use_errno=True)
_ptrace = _library.ptrace
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_ptrace.restype = ctypes.c_long
_prctl = _library.prctl
_prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)

_message = ctypes.c_ulong()
_message_at = ctypes.addressof(_message)
_Registers = ctypes.c_ulonglong * 27
_call = ctypes.create_string_buffer(96)  # struct ptrace_syscall_info
_call_at = ctypes.addressof(_call)
_entered = Struct("<B3xIQQQ6Q").unpack_from
_left = Struct("<B3xIQQq").unpack_from


def request(what: int, pid: int, data: int = 0) -> None:
    """Make a ptrace request; raises ``OSError`` of the right kind."""
    if _ptrace(what, pid, None, data) < 0:
        _raise()


def message(pid: int) -> int:
    """Return the number that belongs to the event for which ``pid`` has stopped."""
    request(_GET_MESSAGE, pid, _message_at)
    return _message.value


def entered(pid: int) -> tuple[int, ...]:
    """Return architecture, number and six arguments of the call that ``pid`` is about to make."""
    if _ptrace(_GET_CALL, pid, len(_call), _call_at) < 0:
        _raise()
    _, architecture, _, _, *rest = _entered(_call)
    return (architecture, *rest)


def left(pid: int) -> int:
    """Return what the call returned at whose end ``pid`` has stopped, a negative errno for an error."""
    if _ptrace(_GET_CALL, pid, len(_call), _call_at) < 0:
        _raise()
    value: int = _left(_call)[4]
    return value


def answer(pid: int, value: int) -> None:
    """Have the call that ``pid`` is about to make not happen, and return ``value``."""
    registers = _Registers()
    at = ctypes.addressof(registers)
    request(_GET_REGISTERS, pid, at)
    registers[_ORIGINAL_RAX] = 0xFFFFFFFFFFFFFFFF
    registers[_RAX] = value
    request(_SET_REGISTERS, pid, at)


def stack_pointer(pid: int) -> int:
    """Return where the stack of ``pid``, which has stopped, ends."""
    registers = _Registers()
    request(_GET_REGISTERS, pid, ctypes.addressof(registers))
    return registers[STACK_POINTER]


def _raise() -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


def die_with_parent() -> None:
    """Have this process killed when the one that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def filter_calls(program: bytes) -> None:
    """Have every call of this process and its descendants judged by a seccomp filter.

    ``program`` holds instructions of classic BPF; raises ``OSError`` when the kernel refuses it.
    """

    class _Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))

    described = _Program(len(program) // 8, program)
    if _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        _raise()
    if _prctl(_PR_SET_SECCOMP, 2, ctypes.addressof(described), 0, 0):
        _raise()


class Memory:
    """The memory of traced processes, by the number of the process or thread."""

    def __init__(self) -> None:
        """Know none."""
        self._descriptors: dict[int, int] = {}

    def read(self, pid: int, address: int, size: int) -> bytes:
        """Return at most ``size`` bytes, nothing where no memory is."""
        try:
            return os.pread(self._descriptor(pid), size, address)
        except (OSError, OverflowError):
            return b""

    def text(self, pid: int, address: int) -> bytes:
        """Return the bytes up to the next zero, 4096 at most."""
        data = self.read(pid, address, 256)
        end = data.find(0)
        if end < 0:
            data = self.read(pid, address, 4096)
            end = data.find(0)
        return data if end < 0 else data[:end]

    def write(self, pid: int, address: int, data: bytes) -> bool:
        """Replace bytes; tell whether that could be done."""
        try:
            return os.pwrite(self._descriptor(pid), data, address) == len(data)
        except (OSError, OverflowError):
            return False

    def forget(self, pid: int) -> None:
        """Forget a process that has ended, or whose memory is another now."""
        descriptor = self._descriptors.pop(pid, -1)
        if descriptor >= 0:
            os.close(descriptor)

    def _descriptor(self, pid: int) -> int:
        found = self._descriptors.get(pid)
        if found is None:
            found = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
            self._descriptors[pid] = found
        return found
