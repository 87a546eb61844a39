"""The rule API: all that a rule module imports from unibuild, in one place.

A rule module (``rules/*.py`` of the standard repository, or a file named in ``rules`` of a
workspace's WORKSPACE.toml) declares rules like this:

    from pydantic import Field
    from unibuild.analysis.api import Attributes, DefaultInfo, Provider, RuleContext, Sources, rule

    class ConcatenateAttributes(Attributes):
        srcs: Sources = Field(description="Files to join, in this order.")
        shell: OneLabel = Field("@unibuild//toolchains/busybox", description="The shell.")

    @rule("concatenate", ConcatenateAttributes, provides=(DefaultInfo,), doc="Joins files.")
    def concatenate(ctx: RuleContext[ConcatenateAttributes]) -> list[Provider]:
        output = ctx.declare_file(ctx.label.name)
        shell = ctx.dependency("shell", ToolchainInfo)
        ctx.action(
            "Concatenate",
            [*ctx.tool("shell", "sh"), "-c", 'cat "$@" > "$0"', output, *ctx.files("srcs")],
            inputs=[shell.tree],
            outputs=[output],
        )
        return [DefaultInfo((output,))]

Rules of use: a rule reads its context and nothing else (no file, no clock, no environment), so that
the same BUILD.toml always gives the same actions. It declares actions; it never runs them. What it
returns are frozen providers. Modules of one family may import one another relatively.
"""

from __future__ import annotations

from unibuild.analysis.attributes import (
    Attributes,
    FolderMap,
    GoSum,
    LabelList,
    OneLabel,
    OneSource,
    SourceMap,
    Sources,
    StringMap,
    Strings,
    StringsMap,
)
from unibuild.analysis.context import Argument, RuleContext
from unibuild.analysis.providers import (
    CcInfo,
    DefaultInfo,
    ImageInfo,
    KernelComponent,
    KernelComponentInfo,
    Library,
    LinuxProgramInfo,
    Material,
    MaterialInfo,
    PlatformInfo,
    ProgramInfo,
    Provider,
    RunInfo,
    TestInfo,
    ToolchainInfo,
)
from unibuild.analysis.rule import rule
from unibuild.model.artifacts import Artifact
from unibuild.model.labels import Label

__all__ = [
    "Argument",
    "Artifact",
    "Attributes",
    "CcInfo",
    "DefaultInfo",
    "FolderMap",
    "GoSum",
    "ImageInfo",
    "KernelComponent",
    "KernelComponentInfo",
    "Label",
    "LabelList",
    "Library",
    "LinuxProgramInfo",
    "Material",
    "MaterialInfo",
    "OneLabel",
    "OneSource",
    "PlatformInfo",
    "ProgramInfo",
    "Provider",
    "RuleContext",
    "RunInfo",
    "SourceMap",
    "Sources",
    "StringMap",
    "Strings",
    "StringsMap",
    "TestInfo",
    "ToolchainInfo",
    "rule",
]
