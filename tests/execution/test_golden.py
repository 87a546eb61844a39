"""Action digests of a sample graph: a change to them loses every shared cache, so it is deliberate.

A failing run leaves the new values beside the old ones, as ``golden_digests.json.new``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unibuild.execution.keys import ActionKeys
from unibuild.execution.plan import GENERATED, LITERAL, make_plan
from unibuild.execution.values import Value
from unibuild.model.actions import Action, ActionGraph, TargetResult
from unibuild.model.artifacts import Artifact, Origin
from unibuild.store.digests import DigestFunction

GOLDEN = Path(__file__).with_name("golden_digests.json")
TREE = ("7" * 64, 150, "8" * 64, 75)


def sample() -> ActionGraph:
    """One action of every sort: tools, trees, literals, depfiles, environment, built-in functions."""
    compiler = Artifact(Origin.GENERATED, "external/unibuild/toolchains/zig/package", tree=True)
    header = Artifact(Origin.SOURCE, "lib/include/lib.h")
    script = Artifact(Origin.LITERAL, "lib/script", content=b"echo\n", executable=True)
    built, dependencies = (Artifact(Origin.GENERATED, f"lib/lib.{end}") for end in ("o", "d"))
    archive = Artifact(
        Origin.PACKAGE, "external/unibuild/toolchains/zig/zig.whl", purl="pkg:pypi/zig@1"
    )
    actions = (
        Action("@unibuild//toolchains/zig:package", "Extract", ("@builtin/extract", "1"), (archive,),
               (compiler,), builtin="extract"),
        Action("//lib:lib", "Compile", (f"{compiler.input_path}/zig", "clang", "-c", "lib/lib.c"),
               (compiler, Artifact(Origin.SOURCE, "lib/lib.c"), header), (built, dependencies),
               depfile=dependencies, prunable=(header,)),
        Action("//lib:script", "Shell", (script.input_path, "ä b"), (script, built),
               (Artifact(Origin.GENERATED, "lib/out"),), environment=(("B", ""), ("A", "1")), timeout=5),
    )  # fmt: skip
    outputs = actions[2].outputs
    return ActionGraph(
        actions,
        {"//lib:script": TargetResult("//lib:script", "genrule", outputs)},
        ("//lib:script",),
        (),
        (),
        {"": "/somewhere", "external/unibuild": "/elsewhere"},
    )


def digests(function_name: str) -> dict[str, str]:
    plan, records = make_plan(sample(), tests=False)
    function = DigestFunction(function_name)
    values: list[Value | None] = []
    for number, path in enumerate(plan.paths):
        if number in plan.trees:
            values.append(TREE)
        else:
            extra = plan.extra.get(number)
            data = (
                extra
                if plan.kinds[number] == LITERAL and isinstance(extra, bytes)
                else path.encode()
            )
            executable = number in plan.executables and plan.kinds[number] != GENERATED
            values.append((*function.of(data), executable))
    keys = ActionKeys(plan, values, function)
    found = {}
    for record in records:
        name = f"{function_name} {record.label} {record.mnemonic}"
        found[name] = keys.action(record, sandboxed=True).digest.hash
        found[f"{name} without sandbox"] = keys.action(record, sandboxed=False).digest.hash
        if record.depfile >= 0:
            found[f"{name} without prunable"] = keys.without_prunable(record, sandboxed=True)
    return found


def test_digests_are_the_recorded_ones() -> None:
    present = {**digests("blake3"), **digests("sha256")}
    recorded = json.loads(GOLDEN.read_text(encoding="utf-8"))
    if present != recorded:
        new = GOLDEN.with_suffix(".json.new")
        new.write_text(json.dumps(present, indent=1) + "\n", encoding="utf-8")
        pytest.fail(
            f"action digests changed; if that is meant, replace {GOLDEN.name} by {new.name}"
        )


def test_a_builtin_action_is_the_same_with_and_without_a_sandbox() -> None:
    found = digests("blake3")
    name = "blake3 @unibuild//toolchains/zig:package Extract"
    assert found[name] == found[f"{name} without sandbox"]
    name = "blake3 //lib:lib Compile"
    assert found[name] != found[f"{name} without sandbox"]
