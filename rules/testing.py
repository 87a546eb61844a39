"""Tests of C code that run on the machine itself, in the sandbox, as Linux programs."""

from __future__ import annotations

import re

from unibuild.analysis.api import (
    DefaultInfo,
    Provider,
    RuleContext,
    RunInfo,
    TestInfo,
    ToolchainInfo,
    rule,
)

from .cc import link_for_linux, program
from .cc_attributes import CcTestAttributes

_LOCATION = re.compile(r"\$\(location ([^)]*)\)")
_RUN = 'log=$0; if "$@" > "$log" 2>&1; then :; else status=$?; cat "$log"; exit $status; fi'
"""Keeps what the test says as its log; a failed test says it aloud and passes its status on."""


@rule(
    "cc_test",
    CcTestAttributes,
    provides=(DefaultInfo, TestInfo),
    test=True,
    doc="Compiles a C program and links it for Linux. `unibuild test` runs it in the sandbox; exit "
    "status 0 is success.",
    example="""\
[cc_test.zone_test]
srcs = ["zone_test.c"]
deps = [":zone"]
data = ["testdata/*.zone"]
""",
)
def cc_test(ctx: RuleContext[CcTestAttributes]) -> list[Provider]:
    """Link the test, and declare the action that runs it."""
    attributes = ctx.attributes
    info, toolchain = program(ctx)
    executable = link_for_linux(ctx, info, toolchain, (), ctx.label.name)
    shell = ctx.dependency("shell", ToolchainInfo)
    log = ctx.declare_file(f"{ctx.label.name}.test.log")
    path = f'PATH="$PWD/{shell.search_path}"; export PATH; ' if shell.search_path else ""
    ctx.action(
        "CcTest",
        [*ctx.tool("shell", "sh"), "-c", path + _RUN, log, executable, *_arguments(ctx)],
        inputs=[*ctx.files("data"), shell.tree],
        outputs=[log],
        environment=attributes.env,
        test=True,
        timeout=attributes.timeout,
    )
    return [DefaultInfo((executable,)), TestInfo((log,)), RunInfo("program", executable)]


def _arguments(ctx: RuleContext[CcTestAttributes]) -> list[str]:
    """Return the program's arguments with the places of its data filled in."""

    def location(match: re.Match[str]) -> str:
        files = ctx.files_of("data", match[1].strip())
        if len(files) != 1:
            raise ctx.error("args", f"`{match[0]}` names no one file of `data`")
        return files[0].input_path

    return [_LOCATION.sub(location, argument) for argument in ctx.attributes.args]
