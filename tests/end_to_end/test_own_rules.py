"""A workspace that brings its own rule module, written against the documented API only."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import unibuild

pytestmark = pytest.mark.network

RULES = '''\
"""Rules of this workspace."""

from pydantic import Field

from unibuild.analysis.api import Attributes, DefaultInfo, OneLabel, Provider, RuleContext, Sources, ToolchainInfo, rule


class JoinAttributes(Attributes):
    srcs: Sources = Field(description="Files to join, in this order.")
    shell: OneLabel = Field("@unibuild//toolchains/busybox", description="The shell that joins them.")


@rule("join", JoinAttributes, provides=(DefaultInfo,), doc="Joins files.")
def join(ctx: RuleContext[JoinAttributes]) -> list[Provider]:
    output = ctx.declare_file(ctx.label.name)
    shell = ctx.dependency("shell", ToolchainInfo)
    files = ctx.files("srcs")
    script = f'PATH="$PWD/{shell.search_path}"; out=$1; shift; cat "$@" > "$out"'
    ctx.action(
        "Join",
        [*shell.tools["sh"], "-c", script, "join", output, *files],
        inputs=[*files, shell.tree],
        outputs=[output],
    )
    return [DefaultInfo((output,))]
'''


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    files = {
        "WORKSPACE.toml": 'name = "own"\nrules = ["rules/join.py"]\n',
        "rules/join.py": RULES,
        "text/BUILD.toml": '[join.both]\nsrcs = ["b.txt", "a.txt"]\n',
        "text/a.txt": "first\n",
        "text/b.txt": "second\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_own_rule_builds(workspace: Path) -> None:
    result = unibuild("build", "//text:both", cwd=workspace)
    assert result.returncode == 0, result.stderr
    assert (workspace / "unibuild-out/text/both").read_text() == "second\nfirst\n"


def test_editing_the_rule_module_takes_effect(workspace: Path) -> None:
    assert unibuild("build", "//text:both", cwd=workspace).returncode == 0
    module = workspace / "rules/join.py"
    module.write_text(module.read_text().replace('"$@" >', '"$@" "$@" >'))
    assert unibuild("build", "//text:both", cwd=workspace).returncode == 0
    assert (workspace / "unibuild-out/text/both").read_text() == "second\nfirst\n" * 2


def test_a_fault_in_the_rule_module_is_one_error(workspace: Path) -> None:
    module = workspace / "rules/join.py"
    module.write_text(module.read_text().replace("output = ctx", "output = 1 / 0 or ctx"))
    result = unibuild("build", "//text:both", cwd=workspace)
    assert result.returncode == 2
    assert "rules/join.py:" in result.stderr
    assert "Traceback" not in result.stderr
