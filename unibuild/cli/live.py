"""A block of lines at the bottom of a terminal, redrawn in place; it leaves nothing behind.

An interval timer's signal redraws it, so that times move while the program waits; children do not
inherit the timer, and no thread is there to be forked.
"""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.cli.terminal import Terminal

_REDRAW_SECONDS = 0.1


class Block:
    """The block; who inherits says in ``lines`` what is in it."""

    def __init__(self, terminal: Terminal) -> None:
        """Draw on ``terminal`` from now on, until ``close``."""
        self._terminal = terminal
        self._drawn = 0
        self._drawing = False
        self._handler = signal.signal(signal.SIGALRM, lambda _number, _frame: self._draw())
        signal.setitimer(signal.ITIMER_REAL, _REDRAW_SECONDS, _REDRAW_SECONDS)

    def lines(self, now: float) -> list[str]:  # noqa: ARG002 - for those who inherit
        """Return the block's lines at the time ``now`` of ``time.monotonic``; none: no block."""
        return []

    def close(self) -> None:
        """Stop the timer and remove the block."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._handler)
        self._erase()

    @contextmanager
    def above(self) -> Iterator[None]:
        """Write lines where the block was; the next tick draws it again below them."""
        self._drawing = True
        self._erase()
        yield
        self._drawing = False

    def _draw(self) -> None:
        if self._drawing:
            return
        self._drawing = True
        width = self._terminal.width - 1
        lines = [line[:width] for line in self.lines(time.monotonic())]
        if lines:
            up = f"\x1b[{self._drawn}A" if self._drawn else ""
            self._terminal.raw(up + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
            self._drawn = len(lines)
        self._drawing = False

    def _erase(self) -> None:
        if self._drawn:
            self._terminal.raw(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0
