"""The errors a person can meet, as one tree, each with a stable id and an exit code.

    UnibuildError
    ├── UserError          2   what the user wrote is wrong: a label, an attribute, a file
    ├── HostError          3   the machine lacks something: a sandbox, QEMU, a registry
    ├── ActionError        1   an action ran and failed; its own message is part of the error
    ├── DifferenceError    4   a verification found a difference
    └── InternalError     70   a fault of unibuild's own

Rules of use: raise the narrowest class with a stable ``id`` in kebab case (tests and tools match on
it, never on the sentence); ``cause`` is one sentence without a full stop; ``hint`` says what would
be right, ready to paste where possible. Nothing below ``cli/`` catches these to print them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a text file that a person wrote.

    ``file`` is relative to the workspace where possible; ``line`` and ``column`` count from 1
    (0: the file as a whole); ``text`` is the line itself and ``length`` how many columns to mark.
    """

    file: str
    line: int = 0
    column: int = 0
    text: str = ""
    length: int = 1

    def __str__(self) -> str:
        """Return ``file``, ``file:line`` or ``file:line:column``, as editors understand it."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


@dataclass(eq=False)
class UnibuildError(Exception):
    """One mistake: ``cause``, its ``place``, a ``hint``, and ``detail`` lines (a cycle, a log).

    ``label`` is the target whose action was at fault, and ``setting`` the setting of WORKSPACE.toml
    (``cache.remote.url``), where that is known and its place is not.
    """

    exit_code: ClassVar[int] = 70

    id: str
    cause: str
    place: Place | None = None
    hint: str = ""
    detail: tuple[str, ...] = field(default=())
    label: str = ""
    setting: str = ""

    def __str__(self) -> str:
        """Return the cause with its place: one line, for logs and test failures."""
        return f"{self.place}: {self.cause}" if self.place else self.cause


class UserError(UnibuildError):
    """The user's mistake: exit code 2."""

    exit_code = 2


class HostError(UnibuildError):
    """The environment lacks what was asked for: exit code 3."""

    exit_code = 3


class ActionError(UnibuildError):
    """An action failed; ``detail`` carries its output and the command that repeats it: exit code 1."""

    exit_code = 1


class DifferenceError(UnibuildError):
    """A verification found a difference: exit code 4."""

    exit_code = 4


class InternalError(UnibuildError):
    """A fault of unibuild's own: exit code 70."""

    exit_code = 70


class ErrorGroup(Exception):  # noqa: N818 - a carrier of several errors, not an error of its own
    """Several independent mistakes found in one go; the exit code is that of the first."""

    def __init__(self, errors: tuple[UnibuildError, ...]) -> None:
        """Keep ``errors`` (at least one) in the order in which they should be shown."""
        super().__init__(*errors)
        self.errors = errors

    @property
    def exit_code(self) -> int:
        """Return the exit code of the first error."""
        return self.errors[0].exit_code
