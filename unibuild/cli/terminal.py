"""What the program writes to, and whether a person is looking.

``Terminal`` is passed to every verb: ``data`` writes what was asked for to standard output,
``note`` everything else to standard error. Colour is used only where a person looks and
``NO_COLOR`` (no-color.org) is unset; every message can be understood without it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "red-bold": "1;31",
    "yellow-bold": "1;33",
    "cyan-bold": "1;36",
}
_KIB = 1024


class Terminal:
    """Standard output for data, standard error for people."""

    def __init__(self) -> None:
        """Look at the process's own streams and environment."""
        self.origin = os.getcwd()  # noqa: PTH109 - text, for relative paths in messages
        """Where the command was typed, whatever ``-C`` says."""
        self.live = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.color = self.live and not os.environ.get("NO_COLOR")

    def style(self, text: str, name: str) -> str:
        """Return ``text`` in a style of this module's table, or as it is without colour."""
        return f"\x1b[{_CODES[name]}m{text}\x1b[0m" if self.color else text

    def data(self, text: str) -> None:
        """Write what the user asked for to standard output, one line."""
        sys.stdout.write(text + "\n")

    def note(self, text: str) -> None:
        """Write a line for a person to standard error."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def raw(self, text: str) -> None:
        """Write ``text`` to standard error as it is (for displays that move the cursor)."""
        sys.stderr.write(text)
        sys.stderr.flush()

    @property
    def width(self) -> int:
        """Columns of the terminal; 80 where there is none."""
        try:
            return os.get_terminal_size(sys.stderr.fileno()).columns or 80
        except (OSError, ValueError):
            return 80


def size_text(size: int) -> str:
    """Return a size in bytes as people read it: ``512 B``, ``47.3 KiB``, ``1.2 MiB``."""
    if size < _KIB:
        return f"{size} B"
    value = size / _KIB
    for unit in ("KiB", "MiB"):
        if value < _KIB:
            return f"{value:.1f} {unit}"
        value /= _KIB
    return f"{value:.1f} GiB"


def short_label(label: str) -> str:
    """Return ``//kernel/panic`` for ``//kernel/panic:panic``: both mean the same target."""
    package, colon, name = label.rpartition(":")
    return package if colon and package.endswith(f"/{name}") else label


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> list[str]:
    """Return ``rows`` under ``header`` as aligned lines, two spaces between columns."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
