from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.mistakes import mistakes_of

from unibuild.model.errors import UserError
from unibuild.model.labels import (
    Label,
    Pattern,
    is_target_name,
    parse_label,
    parse_pattern,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":name", Label("", "here/now", "name")),
        ("//package:name", Label("", "package", "name")),
        ("//package", Label("", "package", "package")),
        ("//deep/package", Label("", "deep/package", "package")),
        ("//:name", Label("", "", "name")),
        ("@unibuild//kernel/panic", Label("unibuild", "kernel/panic", "panic")),
        ("@unibuild//:rules", Label("unibuild", "", "rules")),
        ("//a.b/c+d=e~f-g:h_i", Label("", "a.b/c+d=e~f-g", "h_i")),
    ],
)
def test_a_label_is_read_as_in_bazel(text: str, expected: Label) -> None:
    assert parse_label(text, "", "here/now") == expected


def test_a_label_without_repository_stays_in_the_one_it_is_written_in() -> None:
    assert parse_label("//kernel/panic", "unibuild", "kernel/thread").repository == "unibuild"
    assert parse_label(":x", "unibuild", "kernel/thread") == Label("unibuild", "kernel/thread", "x")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("names", "for a target of this package write `:names`"),
        ("library/names:all", "write `//library/names:all`"),
        ("//library/", "write `//library`"),
        ("//library//names:x", "write `//library/names:x`"),
        ("//../x", "a label starts at the root of its repository and never goes up with `..`"),
        ("//", "name the target: `//:NAME`"),
        ("//library:", "name the target: `//library:NAME`"),
        ("//library:a/b", "a target's name has letters, digits and `_ . + = ~ -` only"),
        ("@unibuild", "a label is `:name`, `//package:name`, `//package` or `@repository//package:name`"),
        ("@bad name//x", "a label is `:name`, `//package:name`, `//package` or `@repository//package:name`"),
    ],
)  # fmt: skip
def test_a_bad_label_says_what_would_be_right(text: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_label(text, "", "here")
    assert caught.value.id == "bad-label"
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("//...", Pattern("", "", "", recursive=True)),
        ("//services/...", Pattern("", "services", "", recursive=True)),
        ("@unibuild//kernel/...", Pattern("unibuild", "kernel", "", recursive=True)),
        ("...", Pattern("", "here", "", recursive=True)),
        ("//services:all", Pattern("", "services", "all")),
        (":all", Pattern("", "here", "all")),
        ("//services/dns", Pattern("", "services/dns", "dns")),
        (":image", Pattern("", "here", "image")),
    ],
)
def test_a_pattern_is_read_as_in_bazel(text: str, expected: Pattern) -> None:
    assert parse_pattern(text, "", "here") == expected


@pytest.mark.parametrize(
    "text", ["", "//services...", "//services/.../x", "x/...", "@a...", "//a:..."]
)
def test_a_bad_pattern_is_an_error(text: str) -> None:
    with pytest.raises(UserError):
        parse_pattern(text)


@given(
    st.builds(
        Label,
        st.sampled_from(["", "unibuild", "other.name"]),
        st.lists(st.from_regex(r"[a-z0-9_+=~-]{1,8}", fullmatch=True), max_size=3).map("/".join),
        st.from_regex(r"[a-z0-9_+=~-]{1,8}", fullmatch=True),
    )
)
def test_the_text_of_a_label_reads_back(label: Label) -> None:
    assert parse_label(str(label), "elsewhere" if label.repository else "", "x") == label
    pattern = parse_pattern(str(label))
    assert str(pattern) == str(label)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for parse in (parse_label, parse_pattern):
        mistakes = mistakes_of(partial(parse, text, "", "p"))
        assert {error.id for error in mistakes} <= {"bad-label"}
        if not mistakes:
            found = parse(text, "", "p")
            assert not found.name or is_target_name(found.name)
            assert ".." not in found.package.split("/")
