"""C libraries and programs.

A library becomes an archive; a program becomes objects and archives that a later link takes into an
image (`unikernel_image`) or, with Linux's own system calls, into a Linux executable
(`linux_executable`, `cc_test`). The objects are the same for both.
"""

from __future__ import annotations

from typing import Any

from unibuild.analysis.api import (
    Artifact,
    CcInfo,
    DefaultInfo,
    Library,
    Material,
    MaterialInfo,
    ProgramInfo,
    Provider,
    RuleContext,
    RunInfo,
    ToolchainInfo,
    rule,
)

from .cc_attributes import (
    BinaryAttributes,
    CcBinaryAttributes,
    CcLibraryAttributes,
    LibraryAttributes,
    LinuxExecutableAttributes,
)
from .cc_batch import compile_batches
from .cc_compile import (
    compile_sources,
    include_directories,
    make_archive,
    merged,
    merged_libraries,
    prepare,
    split_sources,
    tree_of,
)


@rule(
    "cc_library",
    CcLibraryAttributes,
    provides=(DefaultInfo, CcInfo),
    doc="Compiles C into a static library. Code is linked only as far as it is reached.",
    example="""\
[cc_library.zone]
srcs = ["zone.c"]
hdrs = ["zone.h"]
deps = [":names"]
""",
)
def cc_library(ctx: RuleContext[CcLibraryAttributes]) -> list[Provider]:
    """Compile and archive."""
    info, archives = library(ctx, ctx.attributes.flags)
    return [DefaultInfo(archives), info]


def library(ctx: RuleContext[Any], flag_set: str) -> tuple[CcInfo, tuple[Artifact, ...]]:
    """Declare the actions of a library; return what it offers and its own archives."""
    attributes: LibraryAttributes = ctx.attributes
    sources, private = split_sources(ctx.files("srcs"))
    headers = ctx.files("hdrs")
    tree = tree_of(ctx)
    public = include_directories(ctx, attributes.includes, "includes")
    hidden = include_directories(ctx, attributes.private_includes, "private_includes")
    own_headers: tuple[Artifact, ...] = headers
    if tree is not None:
        root = tree.input_path
        public += tuple(f"{root}/{name}" for name in attributes.tree_includes)
        hidden += tuple(f"{root}/{name}" for name in attributes.private_tree_includes)
        own_headers = (*headers, tree)
    compilation = prepare(
        ctx, flag_set, headers=[*private, *own_headers], directories=[*hidden, *public]
    )
    archives: tuple[Artifact, ...] = ()
    if attributes.batch or attributes.tree_srcs:
        archives = compile_batches(ctx, sources, tree, compilation)
    elif sources:
        objects = compile_sources(ctx, sources, compilation)
        archives = (make_archive(ctx, f"lib{ctx.label.name}.a", objects, compilation.toolchain),)
    own = CcInfo(
        headers=own_headers if tree is None or attributes.tree_includes else headers,
        include_directories=public,
        defines=attributes.defines,
        libraries=(_library(ctx, archives, compilation.toolchain),) if archives else (),
    )
    return merged(ctx, own), archives


def _library(
    ctx: RuleContext[Any], archives: tuple[Artifact, ...], toolchain: ToolchainInfo
) -> Library:
    """Return the library that ``archives`` are, and where it comes from."""
    shell = ctx.optional_dependency("shell", ToolchainInfo)
    batched = ctx.attributes.batch or ctx.attributes.tree_srcs
    tools = (*toolchain.materials, *(shell.materials if shell and batched else ()))
    return Library(ctx.label, archives, ctx.materials("srcs", "source_tree"), tools)


def program(ctx: RuleContext[Any]) -> tuple[ProgramInfo, ToolchainInfo]:
    """Declare the compile actions of a program; return what a link needs."""
    attributes: BinaryAttributes = ctx.attributes
    sources, private = split_sources(ctx.files("srcs"))
    directories = include_directories(ctx, attributes.includes, "includes")
    compilation = prepare(ctx, "hosted", headers=private, directories=directories)
    objects = compile_sources(ctx, sources, compilation)
    infos = ctx.dependencies("deps", CcInfo)
    libc = ctx.optional_dependency("libc", CcInfo)
    flags = [flag for info in infos for flag in info.link_flags]
    return (
        ProgramInfo(
            label=ctx.label,
            objects=tuple(objects),
            libraries=merged_libraries((), infos),
            libc=libc.libraries if libc else (),
            link_flags=(*dict.fromkeys(flags), *attributes.link_flags),
            materials=ctx.materials("srcs"),
            tools=compilation.toolchain.materials,
        ),
        compilation.toolchain,
    )


@rule(
    "cc_binary",
    CcBinaryAttributes,
    provides=(DefaultInfo, ProgramInfo),
    doc="Compiles a C program. Its objects and libraries are linked by what uses it: "
    "`unikernel_image` into a bootable image, `linux_executable` into a Linux executable.",
    example="""\
[cc_binary.dns]
srcs = ["*.c", "*.h", "!*_test.c"]
""",
)
def cc_binary(ctx: RuleContext[CcBinaryAttributes]) -> list[Provider]:
    """Compile the sources."""
    info, _ = program(ctx)
    return [DefaultInfo(info.objects), info]


def link_for_linux(
    ctx: RuleContext[Any],
    info: ProgramInfo,
    toolchain: ToolchainInfo,
    flags: tuple[str, ...],
    name: str,
) -> Artifact:
    """Declare the link of a static Linux executable ``name``, with the C library of ``libc``."""
    libc = ctx.dependency("libc", CcInfo)
    executable = ctx.declare_file(name, executable=True)
    archives = [file for entry in (*info.libraries, *libc.libraries) for file in entry.archives]
    ctx.action(
        "CcLink",
        [
            *ctx.tool("toolchain", "ld"),
            *toolchain.flags.get("linux_link", ()),
            *info.link_flags,
            *flags,
            *info.objects,
            "--start-group",
            *archives,
            "--end-group",
            "-o",
            executable,
        ],
        inputs=[toolchain.tree],
        outputs=[executable],
    )
    return executable


@rule(
    "linux_executable",
    LinuxExecutableAttributes,
    provides=(DefaultInfo, MaterialInfo, RunInfo),
    doc="Links a `cc_binary` into a static Linux executable: the same objects as in the image, with "
    "Linux's own system calls.",
    example="""\
[linux_executable.dns_linux]
program = ":dns"
""",
)
def linux_executable(ctx: RuleContext[LinuxExecutableAttributes]) -> list[Provider]:
    """Link the program's objects."""
    info = ctx.dependency("program", ProgramInfo)
    toolchain = ctx.dependency("toolchain", ToolchainInfo)
    flags = ctx.attributes.link_flags
    executable = link_for_linux(ctx, info, toolchain, flags, ctx.label.name)
    libraries = (*info.libraries, *ctx.dependency("libc", CcInfo).libraries)
    parts = [one.materials for one in libraries]
    made_by = [one.tools for one in libraries]
    return [
        DefaultInfo((executable,)),
        MaterialInfo(_each_once(info.materials, *parts), _each_once(info.tools, *made_by)),
        RunInfo("program", executable),
    ]


def _each_once(*several: tuple[Material, ...]) -> tuple[Material, ...]:
    return tuple(dict.fromkeys(one for materials in several for one in materials))
