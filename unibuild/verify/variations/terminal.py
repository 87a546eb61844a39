"""A program of its own: become the given command with a terminal to print to.

    python terminal.py COMMAND ARGUMENT…

What the command prints to the terminal is copied to where this program printed, by a child of its. The
command's standard input, its session and its process number stay what they are, so that whoever started
this can end it as if nothing were between.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import termios

COLUMNS = 40
_LINES = 24


def main(command: list[str]) -> None:
    """Become ``command``; returns never."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, COLUMNS, 0, 0))
    if os.fork() == 0:
        os.close(slave)
        _copy(master)
        os._exit(0)
    os.close(master)
    for descriptor in (1, 2):
        os.dup2(slave, descriptor)
    os.close(slave)
    os.execvp(command[0], command)  # noqa: S606 - no shell is meant


def _copy(master: int) -> None:
    """Copy what is printed until the last process that has the terminal is gone."""
    while True:
        try:
            data = os.read(master, 1 << 16)
        except OSError:  # how Linux tells that the other side is closed
            return
        if not data:
            return
        os.write(1, data)


if __name__ == "__main__":
    main(sys.argv[1:])
