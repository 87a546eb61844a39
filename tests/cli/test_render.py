from __future__ import annotations

import pytest

from unibuild.cli.render import error_lines, warning_line
from unibuild.cli.terminal import Terminal, size_text, table
from unibuild.model.counting import plural
from unibuild.model.errors import Place, UserError


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal()


def test_an_error_with_everything(plain: Terminal) -> None:
    place = Place("services/dns/BUILD.toml", 12, 3, "\tscrs = []", 4)
    error = UserError("unknown-attribute", "no attribute 'scrs'", place, "write 'srcs'", ("a", "b"))
    assert error_lines(error, plain) == [
        "error[unknown-attribute]: no attribute 'scrs'",
        "   --> services/dns/BUILD.toml:12:3",
        "   |",
        "12 | \tscrs = []",
        "   | \t ^^^^",
        "  a",
        "  b",
        "hint: write 'srcs'",
    ]


def test_an_error_of_a_whole_file(plain: Terminal) -> None:
    lines = error_lines(UserError("bad", "no good", Place("BUILD.toml")), plain)
    assert lines == ["error[bad]: no good", " --> BUILD.toml"]


def test_colour_only_wraps_the_text(plain: Terminal) -> None:
    error = UserError("bad", "no good", Place("B", 1, 1, "x"), "do it")
    without = error_lines(error, plain)
    plain.color = True
    with_color = error_lines(error, plain)
    assert with_color != without
    stripped = [_without_escapes(line) for line in with_color]
    assert stripped == without


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (48 * 1024, "48.0 KiB"),
     (1 << 20, "1.0 MiB"), (3 << 30, "3.0 GiB"), (2048 << 30, "2048.0 GiB")],
)  # fmt: skip
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_plural() -> None:
    assert (plural(1, "action"), plural(1200, "action")) == ("1 action", "1,200 actions")


def test_table_aligns_columns() -> None:
    assert table([("a", "bb"), ("ccc", "d")], ("X", "Y")) == ["X    Y", "a    bb", "ccc  d"]


def _without_escapes(text: str) -> str:
    import re

    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_what_a_stranger_wrote_does_not_command_the_terminal(plain: Terminal) -> None:
    text = "a\x1b]0;b\x07\r\x9b2J\u202ec\td"
    error = UserError("bad", text, Place(text, 1, 1, text), text, (text,))
    for line in [*error_lines(error, plain), warning_line(text, plain)]:
        assert line.replace("\t", "").isprintable(), line
        assert "d" in line or line.strip() in {"|", "| ^"}
