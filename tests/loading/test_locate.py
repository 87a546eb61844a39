from __future__ import annotations

from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from unibuild.loading.locate import Path, locate, scan

TEXT = """\
# A package.
name = "x"

[cc_binary.dns]
srcs = [
  "*.c", # every one
  'b\\c',
]
a.b = { "k.l" = 1, c = [1, {z = 3.5}] }
when = 2020-01-01 10:00:00   # a date
[[x."y z"]]
q = 1
[[x."y z"]]
q = \"\"\"
a""b\"\"\"
[x.last]
"""


@pytest.mark.parametrize(
    ("path", "place", "marked"),
    [
        (("name",), "F:2:8", '"x"'),
        (("cc_binary", "dns"), "F:4:2", "cc_binary.dns"),
        (("cc_binary", "dns", "srcs"), "F:5:8", "["),
        (("cc_binary", "dns", "srcs", 0), "F:6:3", '"*.c"'),
        (("cc_binary", "dns", "srcs", 1), "F:7:3", "'b\\c'"),
        (("cc_binary", "dns", "a", "b", "k.l"), "F:9:17", "1"),
        (("cc_binary", "dns", "a", "b", "c", 1, "z"), "F:9:33", "3.5"),
        (("cc_binary", "dns", "when"), "F:10:8", "2020-01-01 10:00:00"),
        (("x", "y z", 0, "q"), "F:12:5", "1"),
        (("x", "y z", 1, "q"), "F:14:5", '"""'),
        (("x", "last"), "F:16:2", "x.last"),
    ],
)
def test_a_value_is_found_where_it_stands(path: Path, place: str, marked: str) -> None:
    found = locate("F", TEXT, path)
    assert str(found) == place
    assert found.text[found.column - 1 : found.column - 1 + found.length] == marked


def test_the_key_is_found_when_asked_for() -> None:
    assert str(locate("F", TEXT, ("cc_binary", "dns", "srcs"), key=True)) == "F:5:1"


def test_what_is_not_there_is_placed_at_its_nearest_parent() -> None:
    assert str(locate("F", TEXT, ("cc_binary", "dns", "deps", 3))) == "F:4:2"
    assert str(locate("F", TEXT, ("nothing",))) == "F"


def test_lines_end_as_they_may() -> None:
    place = locate("F", 'a = 1\r\nb = "x"\r\n', ("b",))
    assert (str(place), place.text) == ("F:2:5", 'b = "x"')


def paths_of(value: Any, path: Path = ()) -> list[Path]:
    """Return the path of everything in a parsed document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[Path] = []
    for key, inner in items:
        found.append((*path, key))
        if isinstance(inner, dict | list):
            found.extend(paths_of(inner, (*path, key)))
    return found


SCALARS = st.one_of(
    st.integers(-9, 9).map(str),
    st.sampled_from(["true", "1.5", '"a # b"', "'c]'", '"""d\n"e"""', "2020-01-01", '"\\""']),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[ {' , '.join(items)} ]"),
        st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{n} = {item}" for n, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=8,
)
DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(["[t{0}]", "[a.t{0}]", '["q{0}".b]', "[[l]]"]), st.lists(VALUES)),
    max_size=4,
).map(
    lambda tables: "\n".join(
        header.format(number) + "".join(f"\nk{n} = {value} # c" for n, value in enumerate(values))
        for number, (header, values) in enumerate(tables)
    )
)


@given(DOCUMENTS)
def test_every_path_that_the_parser_sees_has_a_place(text: str) -> None:
    document = tomli.loads(text)
    seen = {entry.path for entry in scan(text)}
    missing = [path for path in paths_of(document) if path not in seen]
    # Tables that only headers of their children imply, and lists of tables, have no place of their own.
    assert all(any(other[: len(path)] == path for other in seen) for path in missing)
    for path in seen:
        value: Any = document
        for part in path:
            value = value[part]


@given(st.text(max_size=80))
def test_no_text_breaks_the_scanner(text: str) -> None:
    for entry in scan(text):
        assert 0 <= entry.value.start <= entry.value.end <= len(text)
    locate("F", text, ("a", 0, "b"))
