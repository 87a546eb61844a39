"""Compile C: what a target and its dependencies bring, and one action for each source.

Every path in a command is relative to the working directory, so that an action is the same on every
machine; ``-ffile-compilation-dir`` and ``-ffile-prefix-map`` keep it so in what the compiler writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.analysis.api import (
    Artifact,
    CcInfo,
    Library,
    RuleContext,
    ToolchainInfo,
)

from .cc_attributes import CompileAttributes, LibraryAttributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COMPILED = (".c", ".S", ".s")
ASSEMBLY = (".S", ".s")
REPRODUCIBLE = (
    "-ffile-compilation-dir=.",
    "-ffile-prefix-map=external/unibuild/=",
    "-ffile-prefix-map=unibuild-gen/=",
)
"""The standard repository's own sources get the same names wherever they are built from."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """All that the sources of one target are compiled with."""

    toolchain: ToolchainInfo
    flags: tuple[str, ...]
    """Compiler flags for C, up to and without include directories."""
    assembler_flags: tuple[str, ...]
    """The same for assembly."""
    include_flags: tuple[str, ...]
    headers: tuple[Artifact, ...]
    """Every header file and tree that a source may include."""


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """Return ``items`` in order, each once."""
    return tuple(dict.fromkeys(items))


def split_sources(files: Sequence[Artifact]) -> tuple[list[Artifact], list[Artifact]]:
    """Return the files to compile, and the rest: headers and what sources include."""
    compiled = [file for file in files if file.path.endswith(COMPILED)]
    return compiled, [file for file in files if not file.path.endswith(COMPILED)]


def include_directories(
    ctx: RuleContext[CompileAttributes], names: Sequence[str], attribute: str
) -> tuple[str, ...]:
    """Return folders of the package as actions see them, where sources and generated files are."""
    directories = []
    for index, name in enumerate(names):
        if name.startswith("/") or ".." in name.split("/"):
            raise ctx.error(
                attribute,
                f"`{name}` is not a folder of the package",
                hint="name folders by their path relative to the package",
                item=index,
                id="absolute-path" if name.startswith("/") else "parent-path",
            )
        for base in (ctx.package_path, ctx.generated_path):
            path = "/".join(part for part in (base, name.strip("/")) if part and part != ".")
            directories.append(path or ".")
    return tuple(directories)


def tree_of(ctx: RuleContext[LibraryAttributes]) -> Artifact | None:
    """Return the tree of ``source_tree``, or None where the target has none."""
    trees = ctx.files("source_tree")
    if not trees:
        return None
    if len(trees) != 1 or not trees[0].tree:
        raise ctx.error("source_tree", "`source_tree` needs a target with one tree as its output")
    return trees[0]


def prepare(
    ctx: RuleContext[CompileAttributes],
    flag_set: str,
    *,
    headers: Sequence[Artifact],
    directories: Sequence[str] = (),
) -> Compilation:
    """Gather what the sources of a target are compiled with.

    ``headers`` and ``directories`` are the target's own; those of its dependencies are added.
    """
    attributes = ctx.attributes
    toolchain = ctx.dependency("toolchain", ToolchainInfo)
    libraries = ctx.dependencies("deps", CcInfo)
    libc = ctx.optional_dependency("libc_headers", CcInfo)
    found = dict.fromkeys(headers)
    for info in (*libraries, *((libc,) if libc else ())):
        found.update(dict.fromkeys(info.headers))
    own = unique((*directories, *(name for info in libraries for name in info.include_directories)))
    system = (*(libc.include_directories if libc else ()), *toolchain.include_directories)
    defines = unique(
        (
            *(define for info in libraries for define in info.defines),
            *(libc.defines if libc else ()),
            *attributes.defines,
            *attributes.local_defines,
        )
    )
    define_flags = tuple(f"-D{define}" for define in defines)
    common = toolchain.flags.get("compile", ())
    chosen = toolchain.flags.get(flag_set)
    if chosen is None:
        hint = f"it has {', '.join(f'`{name}`' for name in toolchain.flags)}"
        cause = f"the toolchain has no flag set `{flag_set}`"
        raise ctx.error("flags", cause, hint=hint, id="bad-value")
    return Compilation(
        toolchain=toolchain,
        flags=(*common, *chosen, *REPRODUCIBLE, *define_flags, *attributes.cflags),
        assembler_flags=(
            *common,
            *toolchain.flags.get("assemble", ()),
            *REPRODUCIBLE,
            *define_flags,
        ),
        include_flags=(
            "-iquote",
            ".",
            "-iquote",
            ctx.generated_path,
            *(f"-I{name}" for name in own),
            *(word for name in unique(system) for word in ("-isystem", name)),
        ),
        headers=tuple(found),
    )


def compile_sources(
    ctx: RuleContext[CompileAttributes], sources: Sequence[Artifact], compilation: Compilation
) -> list[Artifact]:
    """Declare one action for each of ``sources``; return the objects, in the same order."""
    files = [header for header in compilation.headers if not header.tree]
    trees = [header for header in compilation.headers if header.tree]
    objects = []
    for source in sources:
        name = f"{ctx.label.name}.objects/{source_name(ctx, source)}"
        made = ctx.declare_file(f"{name}.o")
        depfile = ctx.declare_file(f"{name}.d")
        is_assembly = source.path.endswith(ASSEMBLY)
        ctx.action(
            "CcCompile",
            [
                *ctx.tool("toolchain", "clang"),
                *(compilation.assembler_flags if is_assembly else compilation.flags),
                *compilation.include_flags,
                "-MD",
                "-MF",
                depfile,
                "-c",
                source,
                "-o",
                made,
            ],
            inputs=[*trees, compilation.toolchain.tree],
            prunable=files,
            outputs=[made],
            depfile=depfile,
        )
        objects.append(made)
    return objects


def source_name(ctx: RuleContext[CompileAttributes], source: Artifact) -> str:
    """Return the path of ``source`` below the package, or its whole path when it is elsewhere."""
    prefix = ctx.path_in_package("")
    return source.path.removeprefix(prefix)


def make_archive(
    ctx: RuleContext[CompileAttributes],
    name: str,
    objects: Sequence[Artifact],
    toolchain: ToolchainInfo,
) -> Artifact:
    """Declare the action that puts ``objects`` into the static library ``name``."""
    archive = ctx.declare_file(name)
    ctx.action(
        "CcArchive",
        [*ctx.tool("toolchain", "ar"), "rcsD", archive, *objects],
        inputs=[toolchain.tree],
        outputs=[archive],
    )
    return archive


def merged(
    ctx: RuleContext[CompileAttributes],
    own: CcInfo,
) -> CcInfo:
    """Return ``own`` with all that the dependencies bring, the target's own first."""
    headers = dict.fromkeys(own.headers)
    directories = dict.fromkeys(own.include_directories)
    defines = dict.fromkeys(own.defines)
    link_flags = dict.fromkeys(own.link_flags)
    infos = ctx.dependencies("deps", CcInfo)
    for info in infos:
        headers.update(dict.fromkeys(info.headers))
        directories.update(dict.fromkeys(info.include_directories))
        defines.update(dict.fromkeys(info.defines))
        link_flags.update(dict.fromkeys(info.link_flags))
    return CcInfo(
        headers=tuple(headers),
        include_directories=tuple(directories),
        defines=tuple(defines),
        libraries=merged_libraries(own.libraries, infos),
        link_flags=tuple(link_flags),
    )


def merged_libraries(own: Sequence[Library], infos: Sequence[CcInfo]) -> tuple[Library, ...]:
    """Return ``own`` and the libraries of ``infos``, each once, a library before those it needs."""
    last: dict[Library, None] = {}
    for info in reversed(infos):
        for library in reversed(info.libraries):
            last.setdefault(library, None)
    for library in reversed(own):
        last.setdefault(library, None)
    return tuple(reversed(last))
