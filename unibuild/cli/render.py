"""Errors as people read them: cause, place with the line and a mark, detail, hint.

    error[unknown-attribute]: cc_binary has no attribute 'src'
      --> services/dns/BUILD.toml:2:1
      |
    2 | src = ["*.c"]
      | ^^^
    hint: write 'srcs'

The form is stable: the tests of bad input compare it whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from unibuild.model.errors import Place, UnibuildError


_CONTROLS = dict.fromkeys(
    [*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "·",
)
"""Characters that would command a terminal, or have it show text in another order than it stands."""


class Styled(Protocol):
    """What gives text its look: a ``Terminal``, or nothing for a file."""

    def style(self, text: str, name: str) -> str:
        """Return ``text`` in the style ``name``."""


class Plain:
    """No look at all."""

    def style(self, text: str, name: str) -> str:  # noqa: ARG002 - Styled's
        """Return ``text`` as it is."""
        return text


def harmless(text: str) -> str:
    """Return text that may be a stranger's (a name, what a server said) fit for a terminal."""
    return text.translate(_CONTROLS)


def error_lines(error: UnibuildError, terminal: Styled) -> list[str]:
    """Return the lines that show ``error``."""
    head = terminal.style(f"error[{error.id}]:", "red-bold")
    lines = [f"{head} {harmless(error.cause)}"]
    if error.place is not None:
        lines += _place_lines(error.place, terminal)
    lines += [f"  {harmless(line)}" for line in error.detail]
    if error.hint:
        label = terminal.style("hint:", "cyan-bold")
        first, *rest = harmless(error.hint).split("\n")
        lines += [f"{label} {first}", *(f"      {line}" for line in rest)]
    return lines


def warning_line(text: str, terminal: Styled) -> str:
    """Return one warning as a line."""
    return f"{terminal.style('warning:', 'yellow-bold')} {harmless(text)}"


def _place_lines(place: Place, terminal: Styled) -> list[str]:
    number = str(place.line) if place.line else ""
    margin = " " * len(number)
    arrow = terminal.style("-->", "cyan")
    lines = [f"{margin} {arrow} {harmless(str(place))}"]
    if not place.line or not place.text:
        return lines
    bar = terminal.style("|", "cyan")
    # A tab is shown as it is written; the mark below has to repeat it to stay aligned.
    before = place.text[: max(place.column - 1, 0)]
    indent = "".join("\t" if character == "\t" else " " for character in before)
    mark = terminal.style("^" * max(place.length, 1), "red")
    lines.append(f"{margin} {bar}")
    lines.append(f"{number} {bar} {harmless(place.text)}")
    if place.column:
        lines.append(f"{margin} {bar} {indent}{mark}")
    return lines
