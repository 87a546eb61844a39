"""The system calls that are watched, by their numbers on x86_64, and the filter that stops only them.

What is no system call is not seen: instructions that read the processor's clock, identity or random
numbers, memory that is mapped, and what a process finds in the memory that it starts with. In a
sandbox mere looks (``LOOKS``) do not stop: nothing is there but inputs, devices and /proc, and three of
four calls of a build are such.
"""

from __future__ import annotations

from struct import pack

ARCHITECTURE = 0xC000003E  # AUDIT_ARCH_X86_64
FOREIGN_BIT = 0x40000000  # of the numbers of the x32 calls

OPEN, CREAT, OPENAT, OPENAT2 = 2, 85, 257, 437
EXECVE, EXECVEAT = 59, 322
SOCKET, CONNECT = 41, 42
SOCKETPAIR = 53
CLOCK_GETTIME, GETTIMEOFDAY, TIME, ADJTIMEX, CLOCK_ADJTIME, TIMES = 228, 96, 201, 159, 305, 100
GETRANDOM, UNAME, SYSINFO, SCHED_GETAFFINITY, GETCPU = 318, 63, 99, 204, 309
FUTEX, CLOCK_NANOSLEEP = 202, 230
MKDIR, MKDIRAT, CHDIR, FCHDIR, SYMLINK, SYMLINKAT = 83, 258, 80, 81, 88, 266
IO_URING_SETUP, OPEN_BY_HANDLE_AT = 425, 304
RSEQ = 334

# Calls that name a file: how it is used, the argument that is a directory's descriptor (-1: none),
# the argument that is the path, and the argument that holds flags (-1: none).
PATHS: dict[int, tuple[str, int, int, int]] = {
    OPEN: ("open", -1, 0, 1),
    CREAT: ("write", -1, 0, -1),
    OPENAT: ("open", 0, 1, 2),
    OPENAT2: ("open", 0, 1, 2),
    4: ("look", -1, 0, -1),  # stat
    6: ("look at link", -1, 0, -1),  # lstat
    262: ("look", 0, 1, 3),  # newfstatat
    332: ("look", 0, 1, 2),  # statx
    21: ("look", -1, 0, -1),  # access
    269: ("look", 0, 1, -1),  # faccessat
    439: ("look", 0, 1, 3),  # faccessat2
    89: ("look at link", -1, 0, -1),  # readlink
    267: ("look at link", 0, 1, -1),  # readlinkat
    137: ("look", -1, 0, -1),  # statfs
    76: ("write", -1, 0, -1),  # truncate
    86: ("look", -1, 0, -1),  # link
    265: ("look", 0, 1, -1),  # linkat
    254: ("look", -1, 1, -1),  # inotify_add_watch
    303: ("look at link", 0, 1, -1),  # name_to_handle_at
    191: ("look", -1, 0, -1),  # getxattr
    192: ("look at link", -1, 0, -1),  # lgetxattr
    194: ("look", -1, 0, -1),  # listxattr
    195: ("look at link", -1, 0, -1),  # llistxattr
    EXECVE: ("execute", -1, 0, -1),
    EXECVEAT: ("execute", 0, 1, 4),
    MKDIR: ("make", -1, 0, -1),
    MKDIRAT: ("make", 0, 1, -1),
}

LOOKS = (4, 6, 262, 332, 21, 269, 439)  # the families of stat and access

# Calls that tell something of the machine or the moment: kind and what is told.
FACTS: dict[int, tuple[str, str]] = {
    GETTIMEOFDAY: ("clock", "date"),
    TIME: ("clock", "date"),
    ADJTIMEX: ("clock", "date"),
    CLOCK_ADJTIME: ("clock", "date"),
    TIMES: ("clock", "uptime"),
    GETRANDOM: ("random", "getrandom"),
    UNAME: ("host", "uname"),
    SYSINFO: ("host", "sysinfo"),
    SCHED_GETAFFINITY: ("host", "processors"),
    GETCPU: ("host", "processor in use"),
    IO_URING_SETUP: ("unseen", "io_uring"),
    OPEN_BY_HANDLE_AT: ("unseen", "open_by_handle_at"),
}

DATES = (0, 5, 11)  # CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_TAI
CLOCKS = {2: "processor time", 3: "processor time", **dict.fromkeys(DATES, "date")}
OTHER_CLOCK = "uptime"
ABSOLUTE, REALTIME_WAIT = 1, 0x100  # flags of clock_nanosleep and futex

_WATCHED = (*PATHS, *FACTS, CLOCK_GETTIME, SOCKET, SOCKETPAIR, CONNECT)
_WATCHED += (CHDIR, FCHDIR, SYMLINK, SYMLINKAT)
_SHIFTED = (GETTIMEOFDAY, TIME)

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _STOP = 0x7FFF0000, 0x7FF00000  # SECCOMP_RET_ALLOW, SECCOMP_RET_TRACE
_NO_SUCH_CALL = 0x00050000 | 38  # SECCOMP_RET_ERRNO, ENOSYS


def filter_program(*, watch: bool, looks: bool, shift: bool) -> bytes:
    """Return the BPF instructions that stop at what is to be watched, and at what tells the date."""
    watched = [number for number in _WATCHED if looks or number not in LOOKS]
    program = [_step(_LOAD, 4)]  # seccomp_data.arch
    foreign = _STOP if watch else _ALLOW
    program += [_step(_EQUAL, ARCHITECTURE, 1, 0), _step(_RETURN, foreign)]
    program += [_step(_LOAD, 0), _step(_AT_LEAST, FOREIGN_BIT, 0, 1), _step(_RETURN, foreign)]
    if watch:  # memory in which the kernel keeps the processor in use: without it, getcpu is asked
        program += [_step(_EQUAL, RSEQ, 0, 1), _step(_RETURN, _NO_SUCH_CALL)]
    for number in watched if watch else _SHIFTED:
        program += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _STOP)]
    if shift:
        if not watch:
            tests = [_step(_EQUAL, clock, 0, 1) + _step(_RETURN, _STOP) for clock in DATES]
            program += _when(CLOCK_GETTIME, 0, b"".join(tests))
        for number, flag in ((FUTEX, REALTIME_WAIT), (CLOCK_NANOSLEEP, ABSOLUTE)):
            program += _when(number, 1, _step(_ANY_BIT, flag, 0, 1) + _step(_RETURN, _STOP))
    return b"".join([*program, _step(_RETURN, _ALLOW)])


def _when(number: int, argument: int, tests: bytes) -> list[bytes]:
    # The lower half of an argument; all that is asked of arguments here are ints of C.
    then = _step(_LOAD, 16 + 8 * argument) + tests + _step(_RETURN, _ALLOW)
    return [_step(_EQUAL, number, 0, len(then) // 8), then]


def _step(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    return pack("<HBBI", code, when_true, when_false, value)
