from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mistakes import mistakes_of

from unibuild.model.actions import Action, ActionGraph
from unibuild.model.artifacts import Origin

Make = Callable[[Mapping[str, str | bytes]], Any]
CHAIN = """\
[genrule.last]
srcs = [":middle"]
outs = ["last.txt"]
cmd = "cat $< > $@"
[genrule.middle]
srcs = ["middle.in", "//library:notes"]
outs = ["middle.txt"]
cmd = "cat $(SRCS) > $@"
[genrule.unused]
srcs = ["nowhere"]
outs = ["unused.txt"]
cmd = "cat $< > $@"
"""
LIBRARY = """\
[filegroup.notes]
srcs = ["*.txt"]
"""
FILES = {
    "p/BUILD.toml": CHAIN,
    "p/middle.in": "",
    "library/BUILD.toml": LIBRARY,
    "library/b.txt": "",
    "library/a.txt": "",
    "broken/BUILD.toml": "this is no TOML",
}


def action_of(graph: ActionGraph, label: str, mnemonic: str = "") -> Action:
    found = [
        action
        for action in graph.actions
        if action.label == label and mnemonic in {"", action.mnemonic}
    ]
    assert len(found) == 1
    return found[0]


def test_only_what_is_reachable_is_loaded_makers_first(sample: Make) -> None:
    graph = sample(FILES).analyse("//p:last")
    own = [action.label for action in graph.actions if action.label.startswith("//")]
    assert own == ["//p:middle", "//p:last"]
    assert "//p:unused" not in graph.targets
    assert graph.requested == ("//p:last",)
    made: set[str] = set()
    for action in graph.actions:
        generated = {item.path for item in action.inputs if item.origin is Origin.GENERATED}
        assert generated <= made
        made.update(output.path for output in action.outputs)


def test_a_genrule_becomes_one_shell_command(sample: Make) -> None:
    graph = sample(FILES).analyse("//p:last")
    action = action_of(graph, "//p:middle")
    shell = "unibuild-gen/external/unibuild/toolchains/busybox/package/bin/busybox"
    script = "cat p/middle.in library/a.txt library/b.txt > unibuild-out/p/middle.txt"
    assert action.arguments == (shell, "sh", "-e", "-o", "pipefail", "-c", script)
    assert [item.path for item in action.inputs] == [
        "p/middle.in",
        "library/a.txt",
        "library/b.txt",
        "external/unibuild/toolchains/busybox/package",
    ]
    assert action_of(graph, "//p:last").arguments[-1] == (
        "cat unibuild-gen/p/middle.txt > unibuild-out/p/last.txt"
    )
    assert graph.targets["//p:last"].outputs[0].output_path == "unibuild-out/p/last.txt"


def test_the_variables_of_a_genrule(sample: Make) -> None:
    build = """\
[genrule.x]
srcs = ["a.txt", ":group"]
outs = ["x.txt", "tree/"]
tools = ["tool.sh"]
env = { NAME = "value" }
cmd = "$(location tool.sh) $(location a.txt) $(locations :group) $(OUTS) $$HOME $(location x.txt) $(location tree)"
[filegroup.group]
srcs = ["b.txt", "c.txt"]
"""
    files = dict.fromkeys(("a.txt", "b.txt", "c.txt", "tool.sh"), "")
    graph = sample({"BUILD.toml": build, **files}).analyse("//:x")
    action = action_of(graph, "//:x")
    assert action.arguments[-1] == (
        "tool.sh a.txt b.txt c.txt unibuild-out/x.txt unibuild-out/tree $HOME "
        "unibuild-out/x.txt unibuild-out/tree"
    )
    assert [output.tree for output in action.outputs] == [False, True]
    assert dict(action.environment) == {
        "LC_ALL": "C.UTF-8",
        "NAME": "value",
        "SOURCE_DATE_EPOCH": "315532800",
        "TZ": "UTC",
    }


def test_what_makes_the_graph_stale_is_named(sample: Make) -> None:
    made = sample(FILES)
    graph = made.analyse("//p:last")
    own = [name for name in graph.watched_files if name.startswith(f"{made.root}/")]
    assert own == [
        f"{made.root}/WORKSPACE.toml",
        f"{made.root}/library/BUILD.toml",
        f"{made.root}/p/BUILD.toml",
    ]
    assert any(name.endswith("/rules/files.py") for name in graph.watched_files)
    assert f"{made.root}/library" in graph.watched_directories
    assert f"{made.root}/p" not in graph.watched_directories
    assert set(graph.source_roots) == {"", "external/unibuild"}


def test_wildcards_leave_out_manual_targets_and_take_only_tests_when_testing(sample: Make) -> None:
    build = """\
[filegroup.a]
srcs = ["x.txt"]
[filegroup.b]
srcs = ["x.txt"]
tags = ["manual"]
[cc_test.t]
srcs = ["t.c"]
"""
    made = sample({"q/BUILD.toml": build, "q/x.txt": "", "q/t.c": ""})
    assert made.analyse("//...").requested == ("//q:a", "//q:t")
    assert made.analyse("//q:all", "//q:b").requested == ("//q:a", "//q:t", "//q:b")
    assert made.analyse(":b", "...", package="q").requested == ("//q:b", "//q:a", "//q:t")
    assert made.analyse("//...", kind="test").requested == ("//q:t",)
    graph = made.analyse("//q:t", kind="test")
    assert [action.mnemonic for action in graph.actions if action.test] == ["CcTest"]
    assert graph.targets["//q:t"].test_outputs[0].path == "q/t.test.log"


def test_nested_workspaces_and_hidden_folders_are_not_part_of_a_pattern(sample: Make) -> None:
    group = '[filegroup.g]\nsrcs = ["BUILD"]\n'
    made = sample(
        {
            **{f"{path}BUILD.toml": group for path in ("a/", "in/", "in/b/", ".git/", "")},
            **{f"{path}BUILD": "" for path in ("a/", "")},
            "in/WORKSPACE.toml": 'name = "inner"\n',
            "unibuild-out/BUILD.toml": group,
        }
    )
    assert made.analyse("//...").requested == ("//:g", "//a:g")


def test_a_long_chain_is_no_problem(sample: Make) -> None:
    count = 3_000
    rules = "".join(
        f'[genrule.t{n}]\nsrcs = [":t{n - 1}"]\nouts = ["t{n}.txt"]\ncmd = "cat $< > $@"\n'
        for n in range(1, count)
    )
    first = '[genrule.t0]\nouts = ["t0.txt"]\ncmd = "date > $@"\n'
    graph = sample({"BUILD.toml": first + rules}).analyse(f"//:t{count - 1}")
    assert sum(action.mnemonic == "Genrule" for action in graph.actions) == count


def test_the_graph_does_not_depend_on_the_order_of_the_disk(
    sample: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"p{n}/BUILD.toml": '[filegroup.g]\nsrcs = ["**"]\n' for n in range(5)}
    files |= {f"p{n}/{name}/f": "" for n in range(5) for name in "zyxabc"}
    made = sample(files)
    first = made.analyse("//...")
    real = os.scandir

    class Shuffled:
        def __init__(self, path: str) -> None:
            with real(path) as entries:
                self.entries = sorted(entries, key=lambda _: random.random())

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(os, "scandir", Shuffled)
    second = made.analyse("//...")
    assert (first.actions, first.requested) == (second.actions, second.requested)
    assert list(first.targets.items()) == list(second.targets.items())


def test_no_path_of_this_machine_is_in_an_action(sample: Make) -> None:
    build = '[cc_binary.b]\nsrcs = ["b.c", "b.S"]\n[linux_executable.l]\nprogram = ":b"\n'
    made = sample({"p/BUILD.toml": build, "p/b.c": "", "p/b.S": ""})
    for action in made.analyse("//p:l").actions:
        for text in (*action.arguments, *(value for _, value in action.environment)):
            assert str(made.root) not in text
        for artifact in (*action.inputs, *action.outputs):
            assert not artifact.path.startswith("/")
            if artifact.content is not None:
                assert str(made.root).encode() not in artifact.content


def test_a_reference_needs_visibility(sample: Make) -> None:
    def ids(visibility: str, user: str) -> list[str]:
        files = {
            "a/b/BUILD.toml": f'[filegroup.x]\nsrcs = ["f"]\n{visibility}',
            "a/b/f": "",
            f"{user}/BUILD.toml": '[filegroup.y]\nsrcs = ["//a/b:x"]\n',
        }
        made = sample(files)
        return [error.id for error in mistakes_of(lambda: made.analyse(f"//{user}:y"))]

    assert ids("", "c") == []
    assert ids('visibility = ["//visibility:public"]', "c") == []
    assert ids('visibility = ["//visibility:private"]', "c") == ["not-visible"]
    assert ids("visibility = []", "c") == ["not-visible"]
    assert ids('visibility = ["//c"]', "c") == []
    assert ids('visibility = ["//c"]', "c/d") == ["not-visible"]
    assert ids('visibility = ["//c/..."]', "c/d") == []
    assert ids('visibility = ["//c/..."]', "cd") == ["not-visible"]


def test_private_targets_of_the_standard_repository_are_private(sample: Make) -> None:
    build = '[filegroup.y]\nsrcs = ["@unibuild//kernel/link:image"]\n'
    errors = mistakes_of(lambda: sample({"BUILD.toml": build}).analyse("//:y"))
    assert {error.id for error in errors} <= {"not-visible"}


VALUES = st.sampled_from(
    ['"a.txt"', '["a.txt"]', '[":t1"]', '["*.txt"]', '["!a"]', "1", "true", "{}", '["//p:t0"]',
     '""', "[]", '["$@"]', '"$(location a.txt) $< $(SRCS)"', '["@unibuild//toolchains/zig"]',
     '["..", "/a"]', '["x/"]', '["BUILD.toml"]', '["//..."]', '"//visibility:public"']
)  # fmt: skip
TARGETS = st.lists(
    st.tuples(
        st.sampled_from(["genrule", "filegroup", "cc_library", "cc_test", "toolchain", "nothing",
                         "external_archive", "linux_executable", "kernel_library", "cc_binary"]),
        st.dictionaries(
            st.sampled_from(["srcs", "outs", "cmd", "deps", "purl", "tags", "tree", "tools", "env",
                             "shell", "visibility", "program", "includes", "batch", "tree_srcs"]),
            VALUES,
            max_size=4,
        ),
    ),
    max_size=3,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(TARGETS)
def test_no_build_file_breaks_analysis(
    sample: Make, targets: list[tuple[str, dict[str, str]]]
) -> None:
    text = "".join(
        f"[{rule}.t{number}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
        for number, (rule, values) in enumerate(targets)
    )
    made = sample({"p/BUILD.toml": text, "p/a.txt": ""})
    for error in mistakes_of(lambda: made.analyse("//...")):
        assert error.exit_code == 2
