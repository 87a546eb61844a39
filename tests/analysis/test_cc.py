from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unibuild.model.actions import Action, ActionGraph

Make = Callable[[Mapping[str, str | bytes]], Any]
BUILD = """\
[cc_binary.program]
srcs = ["main.c", "start.S", "main.h"]
deps = [":upper"]
local_defines = ["ONLY_HERE"]
[cc_library.upper]
srcs = ["upper.c"]
hdrs = ["include/upper.h"]
includes = ["include"]
deps = ["//low:lower"]
defines = ["UPPER=1"]
[cc_test.upper_test]
srcs = ["upper_test.c"]
deps = [":upper"]
data = ["case.txt"]
args = ["$(location case.txt)"]
timeout = 7
[linux_executable.program_linux]
program = ":program"
"""
LOW = """\
[cc_library.lower]
srcs = ["lower.c"]
hdrs = ["lower.h"]
includes = ["."]
cflags = ["-O3"]
"""
FILES: dict[str, str | bytes] = {
    "p/BUILD.toml": BUILD,
    "low/BUILD.toml": LOW,
    **{
        f"p/{name}": ""
        for name in ("main.c", "start.S", "main.h", "upper.c", "include/upper.h", "upper_test.c",
                     "case.txt")
    },
    **{f"low/{name}": "" for name in ("lower.c", "lower.h")},
}  # fmt: skip


def actions(graph: ActionGraph, label: str, mnemonic: str) -> list[Action]:
    return [
        action for action in graph.actions if action.label == label and action.mnemonic == mnemonic
    ]


def included(action: Action) -> list[str]:
    return [word[2:] for word in action.arguments if word.startswith("-I")]


def test_each_source_is_compiled_by_itself_with_a_depfile(sample: Make) -> None:
    graph = sample(FILES).analyse("//p:program")
    first, second = actions(graph, "//p:program", "CcCompile")
    assert first.arguments[-4:] == (
        "-c", "p/main.c", "-o", "unibuild-out/p/program.objects/main.c.o",
    )  # fmt: skip
    assert first.depfile is not None
    assert first.depfile.path == "p/program.objects/main.c.d"
    assert "-ffile-compilation-dir=." in first.arguments
    assert second.outputs[0].path == "p/program.objects/start.S.o"
    assert "-std=c17" in first.arguments
    assert "-std=c17" not in second.arguments


def test_headers_and_folders_come_from_dependencies_and_may_be_pruned(sample: Make) -> None:
    graph = sample(FILES).analyse("//p:program")
    compile_main = actions(graph, "//p:program", "CcCompile")[0]
    assert {item.path for item in compile_main.prunable} == {
        "p/main.h",
        "p/include/upper.h",
        "low/lower.h",
    }
    assert set(compile_main.prunable) <= set(compile_main.inputs)
    assert included(compile_main) == [
        "p/include", "unibuild-gen/p/include", "low", "unibuild-gen/low",
    ]  # fmt: skip
    assert {"-DUPPER=1", "-DONLY_HERE"} <= set(compile_main.arguments)
    compile_lower = actions(graph, "//low:lower", "CcCompile")[0]
    assert "-O3" in compile_lower.arguments
    assert "-DUPPER=1" not in compile_lower.arguments


def test_a_linux_program_is_linked_from_the_same_objects(sample: Make) -> None:
    graph = sample(FILES).analyse("//p:program_linux")
    link = actions(graph, "//p:program_linux", "CcLink")[0]
    words = list(link.arguments)
    group = words[words.index("--start-group") + 1 : words.index("--end-group")]
    assert group[:2] == ["unibuild-gen/p/libupper.a", "unibuild-gen/low/liblower.a"]
    assert any("liblinux" in word for word in group)
    assert not any("libmusl" in word for word in group)
    assert "unibuild-gen/p/program.objects/main.c.o" in words
    facts = graph.targets["//p:program_linux"].facts
    assert (facts["runnable"], facts["artifact"]) == ("program", "unibuild-out/p/program_linux")


def test_a_test_keeps_its_output_and_its_time_limit(sample: Make) -> None:
    graph = sample(FILES).analyse("//p:upper_test", kind="test")
    test = actions(graph, "//p:upper_test", "CcTest")[0]
    assert (test.test, test.timeout) == (True, 7)
    assert test.arguments[-1] == "p/case.txt"
    assert [output.path for output in test.outputs] == ["p/upper_test.test.log"]


def test_a_library_without_sources_makes_nothing(sample: Make) -> None:
    build = '[cc_library.headers]\nhdrs = ["h.h"]\n'
    graph = sample({"BUILD.toml": build, "h.h": ""}).analyse("//:headers")
    assert graph.targets["//:headers"].outputs == ()
    assert actions(graph, "//:headers", "CcArchive") == []


def test_libraries_come_before_those_they_need_each_once(sample: Make) -> None:
    build = "".join(
        f'[cc_library.{name}]\nsrcs = ["x.c"]\ndeps = [{deps}]\n'
        for name, deps in {"a": '":b", ":c"', "b": '":d"', "c": '":d"', "d": ""}.items()
    )
    build += '[cc_binary.main]\nsrcs = ["x.c"]\ndeps = [":d", ":a"]\n'
    build += '[linux_executable.l]\nprogram = ":main"\n'
    graph = sample({"BUILD.toml": build, "x.c": ""}).analyse("//:l")
    words = actions(graph, "//:l", "CcLink")[0].arguments
    own = [word.rpartition("/")[2] for word in words if word.startswith("unibuild-gen/lib")]
    assert own == ["liba.a", "libb.a", "libc.a", "libd.a"]


def test_generated_sources_and_headers_are_used_like_written_ones(sample: Make) -> None:
    build = """\
[genrule.table]
outs = ["table.c", "table.h"]
cmd = "touch $(OUTS)"
[cc_library.tables]
srcs = [":table"]
"""
    graph = sample({"p/BUILD.toml": build}).analyse("//p:tables")
    compiled = actions(graph, "//p:tables", "CcCompile")
    assert [action.outputs[0].path for action in compiled] == ["p/tables.objects/table.c.o"]
    assert compiled[0].arguments[-3] == "unibuild-gen/p/table.c"
    assert "unibuild-gen/p" in compiled[0].arguments


def test_a_batch_is_as_many_actions_as_asked_for(sample: Make) -> None:
    build = """\
[cc_library.vendored]
source_tree = "@unibuild//toolchains/musl:source"
tree_srcs = ["src/string/*.c", "!src/string/mem*.c"]
tree_includes = ["include"]
private_tree_includes = ["src/internal"]
batch = 3
"""
    graph = sample({"p/BUILD.toml": build}).analyse("//p:vendored")
    batches = actions(graph, "//p:vendored", "CcBatch")
    assert [action.outputs[0].path for action in batches] == [
        "p/libvendored.1.a", "p/libvendored.2.a", "p/libvendored.3.a",
    ]  # fmt: skip
    literals = {item.path: item.content for item in batches[0].inputs if item.content is not None}
    assert literals["p/vendored.batch/include"] == b"^src/string/[^/]*\\.c$\n"
    assert literals["p/vendored.batch/exclude"] == b"^src/string/mem[^/]*\\.c$\n"


def test_a_kernel_component_is_compiled_freestanding(sample: Make) -> None:
    build = '[kernel_library.k]\nsrcs = ["k.c"]\ndeps = ["@unibuild//kernel/panic"]\n'
    graph = sample({"BUILD.toml": build, "k.c": ""}).analyse("//:k")
    compiled = actions(graph, "//:k", "CcCompile")[0]
    assert "-ffreestanding" in compiled.arguments
    assert "external/unibuild/kernel/panic/include" in included(compiled)
