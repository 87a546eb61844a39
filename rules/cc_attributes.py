"""The attributes that all C rules share, apart from how they work."""

from __future__ import annotations

from pydantic import Field

from unibuild.analysis.api import Attributes, LabelList, OneLabel, Sources, StringMap, Strings

TOOLCHAIN = "@unibuild//toolchains/zig"
SHELL = "@unibuild//toolchains/busybox"
LIBC = "@unibuild//toolchains/musl"
LIBC_HEADERS = "@unibuild//toolchains/musl:headers"
LINUX_LIBC = "@unibuild//toolchains/musl:linux"


class CompileAttributes(Attributes):
    """What every rule that compiles C accepts."""

    srcs: Sources = Field(
        (), description="C (`.c`) and assembly (`.S`, `.s`) sources, and headers only they include."
    )
    includes: Strings = Field(
        (),
        description="Folders of the package in which headers are found, for the target itself and "
        "for those that depend on it. `.` is the package's own folder.",
    )
    deps: LabelList = Field((), description="Libraries whose headers and code the sources use.")
    defines: Strings = Field(
        (), description="`NAME` or `NAME=VALUE`, for the sources and for those that depend on them."
    )
    local_defines: Strings = Field((), description="The same, for the sources alone.")
    cflags: Strings = Field(
        (), description="Further compiler flags for the sources, after those of the toolchain."
    )
    libc_headers: OneLabel = Field(
        LIBC_HEADERS, description="The C library's headers; empty for none."
    )
    toolchain: OneLabel = Field(TOOLCHAIN, description="The toolchain with `clang`, `ld` and `ar`.")


class LibraryAttributes(CompileAttributes):
    """What the library rules accept: headers for others, and sources out of a fetched tree."""

    hdrs: Sources = Field((), description="Headers that other targets may include.")
    private_includes: Strings = Field(
        (),
        description="Folders of the package in which only the target's own sources find headers.",
    )
    source_tree: OneLabel = Field(
        "", description="A target with one tree, such as an external_archive, to take sources from."
    )
    tree_srcs: Strings = Field(
        (), description="Globs of sources in `source_tree`; `!glob` takes away."
    )
    tree_includes: Strings = Field(
        (), description="Folders of `source_tree` with headers, for dependents too."
    )
    private_tree_includes: Strings = Field(
        (), description="Folders of `source_tree` with headers for the target's own sources."
    )
    overrides: str = Field(
        "",
        description="Name of folders in `source_tree` whose sources replace those of the same name "
        "one folder above, whatever their endings: `x86_64` for musl.",
    )
    batch: int = Field(
        0,
        ge=0,
        le=64,
        description="0: one action a source, which suits code that is edited. N: N actions, each of "
        "which compiles its share of the sources in one process, which suits vendored code. "
        "Sources of a `source_tree` are always compiled so.",
    )
    shell: OneLabel = Field(SHELL, description="The toolchain whose `sh` runs batches.")


class CcLibraryAttributes(LibraryAttributes):
    """What `cc_library` accepts."""

    flags: str = Field(
        "hosted",
        description="Flag set of the toolchain to compile with: `hosted` for programs, "
        "`freestanding` for code that kernel components link, or another that it has.",
    )


class KernelLibraryAttributes(LibraryAttributes):
    """What `kernel_library` accepts."""

    stub: bool = Field(
        default=False,
        description="Whether the component only answers ENOSYS for programs that tolerate it.",
    )


class BinaryAttributes(CompileAttributes):
    """What the program rules accept."""

    link_flags: Strings = Field((), description="Further flags for the final link.")


class CcBinaryAttributes(BinaryAttributes):
    """What `cc_binary` accepts."""

    libc: OneLabel = Field(LIBC, description="The C library of the image; empty for none.")


class LinuxExecutableAttributes(Attributes):
    """What `linux_executable` accepts."""

    program: OneLabel = Field(description="The cc_binary to link for Linux.")
    libc: OneLabel = Field(LINUX_LIBC, description="The C library with Linux's own system calls.")
    link_flags: Strings = Field((), description="Further flags for the link.")
    toolchain: OneLabel = Field(TOOLCHAIN, description="The toolchain with `ld`.")


class CcTestAttributes(BinaryAttributes):
    """What `cc_test` accepts."""

    libc: OneLabel = Field(LINUX_LIBC, description="The C library with Linux's own system calls.")
    args: Strings = Field(
        (), description="Arguments of the program; `$(location X)` is the path of a file of `data`."
    )
    data: Sources = Field((), description="Files that the program may read at their path.")
    env: StringMap = Field(default_factory=dict, description="Environment variables.")
    timeout: int = Field(60, ge=1, le=3600, description="Seconds after which the test has failed.")
    shell: OneLabel = Field(SHELL, description="The toolchain whose `sh` keeps the test's output.")
