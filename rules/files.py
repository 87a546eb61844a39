"""Files: groups of them, commands that make them, archives that bring them."""

from __future__ import annotations

import re

from pydantic import Field

from unibuild.analysis.api import (
    Artifact,
    Attributes,
    DefaultInfo,
    Material,
    MaterialInfo,
    OneLabel,
    Provider,
    RuleContext,
    Sources,
    StringMap,
    Strings,
    ToolchainInfo,
    rule,
)

_SHELL = "@unibuild//toolchains/busybox"
_VARIABLE = re.compile(r"\$(?:\((?P<name>[^)]*)\)|(?P<mark>[$@<]))")
_EXTRACT_VERSION = "1"


class FilegroupAttributes(Attributes):
    """What `filegroup` accepts."""

    srcs: Sources = Field(description="The files of the group: names, globs and labels.")


@rule(
    "filegroup",
    FilegroupAttributes,
    provides=(DefaultInfo, MaterialInfo),
    doc="Gives files one name, so that targets of other packages can use them.",
    example="""\
[filegroup.zones]
srcs = ["zones/*.zone", "!zones/draft-*"]
visibility = ["//services/..."]
""",
)
def filegroup(ctx: RuleContext[FilegroupAttributes]) -> list[Provider]:
    """Pass the files on."""
    return [DefaultInfo(ctx.files("srcs")), MaterialInfo(ctx.materials("srcs"))]


class GenruleAttributes(Attributes):
    """What `genrule` accepts."""

    srcs: Sources = Field((), description="Files that the command may read.")
    outs: Strings = Field(
        description="Files that the command makes: paths below the package. One that ends in `/` "
        "is a folder, which the command makes with whatever it holds."
    )
    cmd: str = Field(
        description="Command line for the shell; it stops at the first failure. `$(SRCS)` and "
        "`$(OUTS)` are all inputs and outputs, `$<` and `$@` the only one of each, `$(location X)` "
        "and `$(locations X)` the files of the source, output or label X, `$$` is a dollar sign."
    )
    tools: Sources = Field(
        (), description="Programs and files that the command uses to do its work."
    )
    env: StringMap = Field(
        default_factory=dict, description="Environment variables of the command."
    )
    shell: OneLabel = Field(_SHELL, description="The toolchain whose `sh` runs the command.")


@rule(
    "genrule",
    GenruleAttributes,
    provides=(DefaultInfo, MaterialInfo),
    doc="Makes files with a shell command. The command sees its `srcs`, its `tools` and the "
    "programs of the shell's toolchain, and nothing else.",
    example="""\
[genrule.version_header]
srcs = ["VERSION"]
outs = ["version.h"]
cmd = "sed 's/.*/#define VERSION \\"&\\"/' $< > $@"
""",
)
def genrule(ctx: RuleContext[GenruleAttributes]) -> list[Provider]:
    """Declare the one action."""
    attributes = ctx.attributes
    if not attributes.outs:
        raise ctx.error("outs", "`outs` is empty: a genrule makes at least one file")
    shell = ctx.dependency("shell", ToolchainInfo)
    outputs = tuple(
        ctx.declare_tree(name[:-1]) if name.endswith("/") else ctx.declare_file(name)
        for name in attributes.outs
    )
    sources = ctx.files("srcs")
    tools = ctx.files("tools")
    script = _expand(ctx, sources, outputs)
    if shell.search_path:
        script = f'PATH="$PWD/{shell.search_path}"; export PATH; {script}'
    ctx.action(
        "Genrule",
        [*ctx.tool("shell", "sh"), "-e", "-o", "pipefail", "-c", script],
        inputs=[*sources, *tools, shell.tree],
        outputs=outputs,
        environment=attributes.env,
    )
    return [DefaultInfo(outputs), MaterialInfo(ctx.materials("srcs") or (ctx.material,))]


def _expand(
    ctx: RuleContext[GenruleAttributes],
    sources: tuple[Artifact, ...],
    outputs: tuple[Artifact, ...],
) -> str:
    """Return the command with its variables replaced by paths."""
    read = " ".join(artifact.input_path for artifact in sources)
    made = " ".join(artifact.output_path for artifact in outputs)

    def value(match: re.Match[str]) -> str:
        mark, name = match["mark"], match["name"]
        if mark == "$":
            return "$"
        if mark is not None:
            text, count, what = (
                (made, len(outputs), "outputs") if mark == "@" else (read, len(sources), "sources")
            )
            if count != 1:
                hint = "write `$(OUTS)`" if mark == "@" else "write `$(SRCS)`"
                raise ctx.error(
                    "cmd", f"`${mark}` stands for one file, and there are {count} {what}", hint=hint
                )
            return text
        if name == "SRCS":
            return read
        if name == "OUTS":
            return made
        word, _, target = name.partition(" ")
        if word in {"location", "locations"} and target:
            return _location(ctx, target.strip(), one=word == "location", outputs=outputs)
        raise ctx.error(
            "cmd",
            f"`$({name})` is no variable of a genrule",
            hint="use $(SRCS), $(OUTS), $(location X), $@ or $<; for the shell's own `$` write `$$`",
        )

    return _VARIABLE.sub(value, ctx.attributes.cmd)


def _location(
    ctx: RuleContext[GenruleAttributes], name: str, *, one: bool, outputs: tuple[Artifact, ...]
) -> str:
    """Return the path or paths of the source, output or label ``name``."""
    for output in outputs:
        if output.path == ctx.path_in_package(name.removesuffix("/")):
            return output.output_path
    found = ctx.files_of("srcs", name) or ctx.files_of("tools", name)
    if not found:
        raise ctx.error(
            "cmd",
            f"`$(location {name})` names nothing of this target",
            hint="X must be one of its `srcs`, `tools` or `outs`, as written there",
        )
    if one and len(found) != 1:
        raise ctx.error(
            "cmd", f"`{name}` has {len(found)} files", hint=f"write `$(locations {name})`"
        )
    return " ".join(artifact.input_path for artifact in found)


class ExternalArchiveAttributes(Attributes):
    """What `external_archive` accepts."""

    purl: str = Field(
        description="Package URL of the archive, pinned in `unibuild.lock`: "
        "`pkg:pypi/NAME@VERSION` or `pkg:deb/debian/NAME@VERSION?arch=source`."
    )
    file: str = Field(
        "", description="Which file of the package, where it has several. Default: its main file."
    )
    strip_prefix: str = Field(
        "", description="Leading folder to take away from every path; may hold `*`."
    )
    include: Strings = Field(
        (), description="Globs of the paths to take, after stripping. Default: everything."
    )
    exclude: Strings = Field((), description="Globs of paths to leave out.")
    license: str = Field(
        "",
        description="Licence of what is taken out of the package: an SPDX expression, or "
        "`LicenseRef-NAME` for a licence that is not on the SPDX list.",
    )


@rule(
    "external_archive",
    ExternalArchiveAttributes,
    provides=(DefaultInfo, MaterialInfo),
    doc="Unpacks a pinned external package (wheel, zip, tar, Debian package or source package) "
    "into a tree.",
    example="""\
[external_archive.musl_source]
purl = "pkg:deb/debian/musl@1.2.3-1?arch=source"
strip_prefix = "musl-*"
exclude = ["ldso/**"]
license = "MIT"
""",
)
def external_archive(ctx: RuleContext[ExternalArchiveAttributes]) -> list[Provider]:
    """Declare the action that unpacks the archive."""
    attributes = ctx.attributes
    purl = f"{attributes.purl}#{attributes.file}" if attributes.file else attributes.purl
    archive = ctx.package_file(purl, f"{ctx.label.name}.archive")
    tree = ctx.declare_tree(ctx.label.name)
    arguments: list[str | Artifact] = [_EXTRACT_VERSION, archive, tree]
    if attributes.strip_prefix:
        arguments += ["--strip-prefix", attributes.strip_prefix]
    for pattern in attributes.include:
        arguments += ["--include", pattern]
    for pattern in attributes.exclude:
        arguments += ["--exclude", pattern]
    ctx.action("Extract", arguments, outputs=[tree], builtin="extract")
    material = Material(attributes.purl, ctx.license("license"))
    return [DefaultInfo((tree,), facts={"purl": attributes.purl}), MaterialInfo((material,))]
