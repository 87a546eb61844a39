"""Another date for traced processes: what tells the date is answered here, waits for a date are moved.

The kernel's clock stays as it is, so the times of files do not change, nor does time go faster.
"""

from __future__ import annotations

import time
from struct import Struct

from unibuild.verify.supervision import calls, linux

_pair = Struct("<qq")
_WAITS = (9, 11, 13)  # FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2
_COMMAND = 0x7F


class Clock:
    """A clock that is ``shift`` seconds ahead."""

    def __init__(self, shift: int, memory: linux.Memory) -> None:
        """Answer by writing to ``memory``."""
        self._shift = shift
        self._memory = memory
        self._moved: dict[int, tuple[int, bytes]] = {}

    def called(self, pid: int, number: int, arguments: tuple[int, ...]) -> bool:
        """Deal with a call of ``pid``; tell whether its end has to be told to ``returned``."""
        if number == calls.CLOCK_GETTIME:
            if arguments[0] & 0xFFFFFFFF in calls.DATES:
                now = time.clock_gettime_ns(arguments[0] & 0xFFFFFFFF)
                self._tell(pid, arguments[1], now, 1)
        elif number == calls.GETTIMEOFDAY:
            self._tell(pid, arguments[0], time.time_ns(), 1000)
        elif number == calls.TIME:
            seconds = time.time_ns() // 10**9 + self._shift
            if not arguments[0] or self._memory.write(
                pid, arguments[0], _pair.pack(seconds, 0)[:8]
            ):
                linux.answer(pid, seconds)
        elif number == calls.FUTEX:
            if arguments[1] & _COMMAND in _WAITS:
                return self._move(pid, arguments[3])
        elif number == calls.CLOCK_NANOSLEEP and arguments[0] & 0xFFFFFFFF in calls.DATES:
            return self._move(pid, arguments[2])
        return False

    def returned(self, pid: int) -> None:
        """Take back what was changed for a call that has ended."""
        moved = self._moved.pop(pid, None)
        if moved:
            self._memory.write(pid, *moved)

    def _tell(self, pid: int, address: int, now: int, unit: int) -> None:
        # Where the answer cannot be written, the kernel says what is wrong with the address.
        seconds, rest = divmod(now, 10**9)
        if address and self._memory.write(
            pid, address, _pair.pack(seconds + self._shift, rest // unit)
        ):
            linux.answer(pid, 0)

    def _move(self, pid: int, address: int) -> bool:
        before = self._memory.read(pid, address, _pair.size) if address else b""
        if len(before) < _pair.size:
            return False
        seconds, rest = _pair.unpack(before)
        if not self._memory.write(pid, address, _pair.pack(max(0, seconds - self._shift), rest)):
            return False
        self._moved[pid] = (address, before)
        return True
