"""Toolchains: pinned tools in a tree, the flags that go with them. Data, no downloads."""

from __future__ import annotations

from pydantic import Field

from unibuild.analysis.api import (
    Attributes,
    DefaultInfo,
    OneLabel,
    Provider,
    RuleContext,
    Strings,
    StringsMap,
    ToolchainInfo,
    rule,
)


class ToolchainAttributes(Attributes):
    """What `toolchain` accepts."""

    tree: OneLabel = Field(
        description="Target whose one output is the tree that holds the tools: an external_archive."
    )
    tools: StringsMap = Field(
        description="Command line of each tool by name: its path in the tree, then fixed arguments. "
        "The C rules use `clang`, `ld` and `ar`; genrule uses `sh`."
    )
    flags: StringsMap = Field(
        default_factory=dict,
        description="Flag sets by name. The C rules use `compile` (every source), `hosted` "
        "(programs and the libc they use), `freestanding` (kernel components), `assemble` (`.S` "
        "and `.s`), `archive` and `linux_link`.",
    )
    include_directories: Strings = Field(
        (), description="Folders of the tree with the compiler's own headers."
    )
    search_path: str = Field(
        "", description="Folder of the tree whose programs a shell may call by name."
    )


@rule(
    "toolchain",
    ToolchainAttributes,
    provides=(DefaultInfo, ToolchainInfo),
    doc="Names the tools in a tree and the flags that go with them. Rules find a toolchain by an "
    "attribute, so that a workspace can bring its own.",
    example="""\
[toolchain.zig]
tree = ":ziglang"
tools = { clang = ["ziglang/zig", "clang"], ld = ["ziglang/zig", "ld.lld"] }

[toolchain.zig.flags]
compile = ["-O2"]
""",
)
def toolchain(ctx: RuleContext[ToolchainAttributes]) -> list[Provider]:
    """Turn the attributes into paths as actions see them."""
    attributes = ctx.attributes
    trees = ctx.files("tree")
    if len(trees) != 1 or not trees[0].tree:
        raise ctx.error("tree", "`tree` needs a target with one directory as its output")
    root = trees[0].input_path
    tools: dict[str, tuple[str, ...]] = {}
    for name, command in attributes.tools.items():
        if not command:
            raise ctx.error("tools", f"the command of `{name}` is empty", item=name)
        tools[name] = (f"{root}/{command[0]}", *command[1:])
    search_path = f"{root}/{attributes.search_path}" if attributes.search_path else ""
    directories = tuple(f"{root}/{name}" for name in attributes.include_directories)
    return [
        DefaultInfo(trees),
        ToolchainInfo(
            tree=trees[0],
            tools=tools,
            flags=dict(attributes.flags),
            include_directories=directories,
            search_path=search_path.removesuffix("/."),
            materials=ctx.materials("tree"),
        ),
    ]
