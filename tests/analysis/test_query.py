from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mistakes import mistakes_of

from unibuild.analysis.query import query, render

Make = Callable[[Mapping[str, str | bytes]], Any]


def build(**targets: str) -> str:
    """Return filegroups by name, each with the labels that it takes in."""
    return "".join(
        f'[filegroup.{name}]\nsrcs = ["f", {", ".join(f"{label!r}" for label in labels.split())}]\n'
        for name, labels in targets.items()
    )


FILES = {
    # a → b → d → e, a → c → d, f apart; g/x → a
    "BUILD.toml": build(a=":b :c", b=":d", c=":d", d=":e", e="", f="")
    + '[genrule.made]\nouts = ["m"]\ncmd = "touch $@"\ntags = ["manual", "slow"]\n',
    "f": "",
    "g/BUILD.toml": build(x="//:a"),
    "g/f": "",
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("//:a", "a"),
        ("//:all", "a b c d e f made"),
        ("deps(//:a)", "a b c d e"),
        ("deps(//:a, 1)", "a b c"),
        ("deps(//:a, 0)", "a"),
        ("rdeps(//g:x, //:d)", "a b c d g:x"),
        ("rdeps(//g:x, //:d, 1)", "b c d"),
        ("rdeps(//:b, //:e)", "b d e"),
        ("somepath(//g:x, //:e)", "a b d e g:x"),
        ("somepath(//:e, //:a)", ""),
        ("allpaths(//:a, //:d)", "a b c d"),
        ("allpaths(//:f, //:d)", ""),
        ("kind(genrule, //...)", "made"),
        ("kind('file.*', //:all) - deps(//:a)", "f"),
        ("filter('[bc]$', //...)", "b c"),
        ("attr(tags, slow, //...)", "made"),
        ("attr(tags, '^\\[manual, slow\\]$', //...)", "made"),
        ("attr(nothing, '.*', //...)", ""),
        ("//:a + //:b", "a b"),
        ("//:a union //:b except //:a", "b"),
        ("(//:a + //:b) ^ (//:b + //:c)", "b"),
        ("//:a + //:b intersect //:b", "b"),
        ("set(//:a //g:x)", "a g:x"),
        ("set()", ""),
        ("deps(set(//:b //:c)) except set(//:d //:e)", "b c"),
        ("//g/...", "g:x"),
        (":a", "a"),
    ],
)
def test_the_language(sample: Make, expression: str, expected: str) -> None:
    found = query(sample(FILES).workspace, expression)
    labels = {f"//{name}" if ":" in name else f"//:{name}" for name in expected.split()}
    assert {row.label for row in found.rows} == labels


def test_labels_are_read_from_where_the_query_was_typed(sample: Make) -> None:
    found = query(sample(FILES).workspace, ":x", "g")
    assert [row.label for row in found.rows] == ["//g:x"]


def test_the_forms_of_an_answer(sample: Make) -> None:
    found = query(sample(FILES).workspace, "deps(//:d)")
    assert render(found, "label") == "//:d\n//:e"
    assert json.loads(render(found, "json")) == {
        "targets": [
            {"label": "//:d", "rule": "filegroup", "description": "", "package": "//"},
            {"label": "//:e", "rule": "filegroup", "description": "", "package": "//"},
        ]
    }
    assert render(found, "dot").splitlines() == [
        "digraph targets {",
        "  node [shape=box];",
        '  "//:d";',
        '  "//:e";',
        '  "//:d" -> "//:e";',
        "}",
    ]


@pytest.mark.parametrize(
    ("expression", "id_", "place"),
    [
        ("", "bad-query", "<query>:1:1"),
        ("deps(//:a", "bad-query", "<query>:1:10"),
        ("deps //:a", "bad-label", "<query>:1:1"),
        ("deps()", "bad-query", "<query>:1:6"),
        ("dep(//:a)", "bad-query", "<query>:1:1"),
        ("deps(//:a, x)", "bad-query", "<query>:1:12"),
        ("deps(//:a, 1, 2)", "bad-query", "<query>:1:13"),
        ("rdeps(//:a)", "bad-query", "<query>:1:11"),
        ("kind('(', //:a)", "bad-query", "<query>:1:7"),
        ("//:a //:b", "bad-query", "<query>:1:6"),
        ("//:a +", "bad-query", "<query>:1:7"),
        ("+ //:a", "bad-query", "<query>:1:1"),
        ("//:a\n+ )", "bad-query", "<query>:2:3"),
        ("'//:a", "bad-query", "<query>:1:1"),
        ("//:nothing", "unknown-target", "<query>:1:1"),
        ("deps(//no/where)", "unknown-package", "<query>:1:6"),
        ("(" * 300 + "//:a" + ")" * 300, "bad-query", "<query>:1:1"),
    ],
)
def test_a_mistake_is_placed_in_the_query(
    sample: Make, expression: str, id_: str, place: str
) -> None:
    workspace = sample(FILES).workspace
    (error,) = mistakes_of(lambda: query(workspace, expression))
    assert (error.id, str(error.place)) == (id_, place)


WORDS = st.sampled_from(
    ["deps", "rdeps", "kind", "attr", "set", "somepath", "(", "(", ")", ")", ",", ",", "+", "-",
     "^", "union", "except", "//:a", "//...", "'x'", '"', "1", "99999999999", "//no", "[", "\n"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_no_expression_breaks_the_parser(sample: Make, expression: str) -> None:
    workspace = sample(FILES).workspace
    for error in mistakes_of(lambda: query(workspace, expression)):
        assert error.exit_code == 2
