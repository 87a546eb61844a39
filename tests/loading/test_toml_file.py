from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.mistakes import mistakes_of

from unibuild.loading.toml_file import decode, parse_toml, read_toml
from unibuild.model.errors import UserError


def error_of(text: str) -> UserError:
    with pytest.raises(UserError) as caught:
        parse_toml(text, "F")
    return caught.value


def test_a_file_gives_its_tables_and_its_text(tmp_path: Path) -> None:
    (tmp_path / "F").write_text('[a.b]\nc = "d"\n')
    assert read_toml(tmp_path / "F", "F") == ({"a": {"b": {"c": "d"}}}, '[a.b]\nc = "d"\n')


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_toml(tmp_path / "F", "F")
    assert caught.value.id == "missing-file"
    with pytest.raises(UserError) as caught:
        read_toml(tmp_path, "F")
    assert (caught.value.id, caught.value.cause) == (
        "unreadable-file",
        "`F` cannot be read: is a directory",
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [("a = \n", "F:1:5"), ("[a\n", "F:1:3"), ('a = "x', "F:1:7"), ("a = 1\nb == 2", "F:2:4")],
)
def test_bad_toml_is_placed(text: str, place: str) -> None:
    error = error_of(text)
    assert (error.id, str(error.place)) == ("bad-toml", place)


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("[a.b]\nx = 1\n[a.b]\n", "F:1:2", "F:3:2"),
        ("x = [1]\ny = 2\nx = [2]\n", "F:1:1", "F:3:1"),
        ("a = { b = 1, b = 2 }\n", "F:1:7", "F:1:14"),
    ],
)
def test_what_stands_twice_is_shown_twice(text: str, first: str, second: str) -> None:
    error = error_of(text)
    assert error.id == "duplicate-name"
    assert str(error.place) == second
    assert error.detail == (f"first defined at {first}",)


def test_nesting_and_numbers_without_end_are_errors_too() -> None:
    assert error_of("a = " + "[" * 100_000).id == "bad-toml"
    assert error_of("a = " + "1" * 5_000).id == "bad-toml"


def test_bytes_that_are_not_utf8_are_placed() -> None:
    with pytest.raises(UserError) as caught:
        decode("a = 1\nb = 'é".encode() + b"\xff'\n", "F")
    assert (caught.value.id, str(caught.value.place)) == ("not-utf8", "F:2:7")


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for error in mistakes_of(lambda: parse_toml(decode(data, "F"), "F")):
        assert error.id in {"bad-toml", "not-utf8", "duplicate-name"}
        assert error.place is not None


@given(
    st.lists(
        st.sampled_from(["a", "b", "=", "[", "]", "{", "}", ".", ",", '"', "'", "#", "1", "\n"]),
        max_size=30,
    )
)
def test_no_almost_toml_breaks_the_reader(parts: list[str]) -> None:
    for error in mistakes_of(lambda: parse_toml("".join(parts), "F")):
        assert error.id in {"bad-toml", "duplicate-name"}
