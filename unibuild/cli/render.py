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


class Styled(Protocol):
    """What gives text its look: a ``Terminal``, or nothing for a file."""

    def style(self, text: str, name: str) -> str:
        """Return ``text`` in the style ``name``."""


class Plain:
    """No look at all."""

    def style(self, text: str, name: str) -> str:  # noqa: ARG002 - Styled's
        """Return ``text`` as it is."""
        return text


def error_lines(error: UnibuildError, terminal: Styled) -> list[str]:
    """Return the lines that show ``error``."""
    head = terminal.style(f"error[{error.id}]:", "red-bold")
    lines = [f"{head} {error.cause}"]
    if error.place is not None:
        lines += _place_lines(error.place, terminal)
    lines += [f"  {line}" for line in error.detail]
    if error.hint:
        label = terminal.style("hint:", "cyan-bold")
        first, *rest = error.hint.split("\n")
        lines += [f"{label} {first}", *(f"      {line}" for line in rest)]
    return lines


def warning_line(text: str, terminal: Styled) -> str:
    """Return one warning as a line."""
    return f"{terminal.style('warning:', 'yellow-bold')} {text}"


def _place_lines(place: Place, terminal: Styled) -> list[str]:
    number = str(place.line) if place.line else ""
    margin = " " * len(number)
    arrow = terminal.style("-->", "cyan")
    lines = [f"{margin} {arrow} {place}"]
    if not place.line or not place.text:
        return lines
    bar = terminal.style("|", "cyan")
    # A tab is shown as it is written; the mark below has to repeat it to stay aligned.
    before = place.text[: max(place.column - 1, 0)]
    indent = "".join("\t" if character == "\t" else " " for character in before)
    mark = terminal.style("^" * max(place.length, 1), "red")
    lines.append(f"{margin} {bar}")
    lines.append(f"{number} {bar} {place.text}")
    if place.column:
        lines.append(f"{margin} {bar} {indent}{mark}")
    return lines
