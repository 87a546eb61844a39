"""A workspace's own rule modules: what they can do, and what becomes of their mistakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.mistakes import mistakes_of

Make = Callable[[Mapping[str, str | bytes]], Any]
WORKSPACE = 'name = "sample"\nrules = ["rules/words.py"]\n'
HELPER = "SUFFIX = '.count'\n"
WORDS = '''\
"""Count words."""

from dataclasses import dataclass

from pydantic import Field
from unibuild.analysis.api import (
    Artifact, Attributes, DefaultInfo, LabelList, OneLabel, Provider, RuleContext, Sources,
    ToolchainInfo, rule,
)

from .helper import SUFFIX


@dataclass(frozen=True, slots=True)
class CountInfo(Provider):
    """Counts of words."""

    counts: tuple[Artifact, ...]
    """One file a text; transitive."""


class CountAttributes(Attributes):
    texts: Sources = Field(description="Texts to count.")
    deps: LabelList = Field((), description="Other counts to add.")
    shell: OneLabel = Field("@unibuild//toolchains/busybox", description="The shell.")


@rule("count", CountAttributes, provides=(DefaultInfo, CountInfo), doc="Counts words.")
def count(ctx: RuleContext[CountAttributes]) -> list[Provider]:
    shell = ctx.dependency("shell", ToolchainInfo)
    below = [file for info in ctx.dependencies("deps", CountInfo) for file in info.counts]
    total = ctx.declare_file(ctx.label.name + SUFFIX)
    # Declared before what it reads is made: the order of actions is the engine's affair.
    parts = [ctx.declare_file(f"{ctx.label.name}/{n}") for n, _ in enumerate(ctx.files("texts"))]
    ctx.action("Sum", [*ctx.tool("shell", "sh"), "-c", "cat", total, *parts, *below],
               inputs=[shell.tree], outputs=[total])
    for text, part in zip(ctx.files("texts"), parts, strict=True):
        ctx.action("Count", [*ctx.tool("shell", "sh"), "-c", ("wc -w > ", part), text],
                   inputs=[shell.tree], outputs=[part])
    return [DefaultInfo((total,)), CountInfo((total, *below))]
'''
BUILD = """\
[count.all]
texts = ["*.txt"]
deps = [":some"]
[count.some]
texts = ["a.txt"]
"""
FILES = {
    "WORKSPACE.toml": WORKSPACE,
    "rules/words.py": WORDS,
    "rules/helper.py": HELPER,
    "BUILD.toml": BUILD,
    "a.txt": "",
    "b.txt": "",
}


def test_a_rule_module_brings_rules_and_providers(sample: Make) -> None:
    made = sample(FILES)
    graph = made.analyse("//:all")
    own = [(action.mnemonic, action.label) for action in graph.actions if action.label[2:3] == ":"]
    assert own == [
        ("Count", "//:some"),
        ("Sum", "//:some"),
        ("Count", "//:all"),
        ("Count", "//:all"),
        ("Sum", "//:all"),
    ]
    last = graph.actions[-1]
    assert last.arguments[4:] == (
        "unibuild-out/all.count",
        "unibuild-gen/all/0",
        "unibuild-gen/all/1",
        "unibuild-gen/some.count",
    )
    assert f"{made.root}/rules/words.py" in graph.watched_files
    assert f"{made.root}/rules/helper.py" in graph.watched_files


def test_a_changed_module_is_loaded_anew(sample: Make) -> None:
    made = sample(FILES)
    made.analyse("//:all")
    (made.root / "rules/helper.py").write_text("SUFFIX = '.sum'\n")
    assert made.analyse("//:all").actions[-1].outputs[0].path == "all.sum"


BODY = """\
from unibuild.analysis.api import Artifact, Attributes, DefaultInfo, RunInfo, rule


@rule("odd", Attributes, provides=(DefaultInfo,), doc="Odd.")
def odd(ctx):
    {}
"""


@pytest.mark.parametrize(
    ("body", "id_", "says"),
    [
        ("return []", "bad-rule-module", "promises DefaultInfo"),
        ("return 1 / 0", "bad-rule-module", "ZeroDivisionError"),
        ("return None", "bad-rule-module", "TypeError"),
        ("ctx.declare_file('../x')", "parent-path", "goes up"),
        ("ctx.files('nothing'); return [DefaultInfo((ctx.declare_file('x'),))]", "", ""),
        (
            (
                "x = ctx.declare_file('x'); ctx.action('A', ['true', ctx.declare_file('y')], outputs=[x])"
                "; return [DefaultInfo((x,))]"
            ),
            "bad-rule-module",
            "never makes",
        ),
        (
            (
                "x, y = ctx.declare_file('x'), ctx.declare_file('y'); "
                "ctx.action('A', ['true', x], outputs=[y]); ctx.action('A', ['true', y], outputs=[x])"
                "; return [DefaultInfo((x,))]"
            ),
            "bad-rule-module",
            "need one another",
        ),
        (
            (
                "x = ctx.declare_file('x'); ctx.action('A', ['1'], outputs=[x]); "
                "ctx.action('A', ['2'], outputs=[x]); return [DefaultInfo((x,))]"
            ),
            "output-clash",
            "twice",
        ),
        (
            "ctx.action('A', ['1'], outputs=[]); return [DefaultInfo(())]",
            "bad-rule-module",
            "output",
        ),
        ("raise SystemExit(3)", "bad-rule-module", "SystemExit"),
    ],
)
def test_a_mistake_in_a_rule_is_told_as_the_rule_author_needs_it(
    sample: Make, body: str, id_: str, says: str
) -> None:
    made = sample(
        {
            "WORKSPACE.toml": 'name = "s"\nrules = ["odd.py"]\n',
            "odd.py": BODY.format(body),
            "BUILD.toml": "[odd.x]\n",
        }
    )
    errors = mistakes_of(lambda: made.analyse("//:x"))
    assert [error.id for error in errors] == ([id_] if id_ else [])
    assert all(says in error.cause for error in errors)
    assert all(error.place is not None for error in errors)
