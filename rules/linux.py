"""Programs that exist already: Linux executables, which an image runs as they are.

Nothing is compiled. The executable is scanned for the system calls that it can make, and an image
gets a table with one kernel function for each: the linker takes these and what they need, as it
does for a program that is linked with the kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from unibuild.analysis.api import (
    Attributes,
    CcInfo,
    DefaultInfo,
    KernelComponentInfo,
    LinuxProgramInfo,
    MaterialInfo,
    OneLabel,
    OneSource,
    Provider,
    RuleContext,
    Strings,
    rule,
)
from unibuild.image.builtins import LINUX_PROGRAM_VERSION, SYSTEM_CALLS_VERSION
from unibuild.image.call_table import is_call, near_calls
from unibuild.image.linux_program import EXEC_MAPPINGS, WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.analysis.api import Artifact, Label

_LONGEST_SCAN = 3600
"""Seconds: of the largest programs, a hundred megabytes of code."""


class LinuxBinaryAttributes(Attributes):
    """What `linux_binary` accepts."""

    binary: OneSource = Field(
        description="The executable: an x86-64 ELF file for Linux, static, static-PIE or dynamic; a "
        "file of the package, or the label of a target that makes or unpacks it."
    )
    path: str = Field(
        "", description="Where the executable is, when `binary` is a target that makes a folder."
    )
    system_calls: Strings = Field(
        (),
        description="Names of system calls to provide besides those that a scan of the executable "
        "finds; for calls that it computes.",
    )
    kernel: OneLabel = Field(
        "@unibuild//kernel/linux", description="The kernel components that run Linux programs."
    )


@rule(
    "linux_binary",
    LinuxBinaryAttributes,
    provides=(DefaultInfo, LinuxProgramInfo),
    doc="A program that is built already: any Linux executable for x86-64. An image with it as `app` "
    "runs it unchanged, and holds the kernel components that its system calls need. A dynamic "
    "program needs its interpreter and libraries among the image's `files` or `dirs`.",
    example="""\
[linux_binary.server]
binary = "server"
""",
)
def linux_binary(ctx: RuleContext[LinuxBinaryAttributes]) -> list[Provider]:
    """Declare the action that takes the executable, checked."""
    attributes = ctx.attributes
    source = ctx.file("binary")
    if source is None:
        raise ctx.error("binary", "`binary` is empty", hint="name an executable")
    if attributes.path and not source.tree:
        raise ctx.error(
            "path",
            f"`{attributes.binary}` is one file, so there is no `path` in it",
            hint="take `path` away",
        )
    if source.tree and not attributes.path:
        raise ctx.error(
            "binary",
            f"`{attributes.binary}` is a folder",
            hint='say which of its files: path = "usr/bin/program"',
        )
    for index, name in enumerate(attributes.system_calls):
        if not is_call(name):
            raise ctx.error(
                "system_calls",
                f"Linux has no system call `{name}` on x86-64",
                hint=near_calls(name),
                item=index,
            )
    executable = ctx.declare_file(f"{ctx.label.name}.program/{ctx.label.name}", executable=True)
    ctx.action(
        "LinuxProgram",
        [LINUX_PROGRAM_VERSION, source, attributes.path or WHOLE, executable],
        outputs=[executable],
        builtin="linux-program",
        description=f"Checking the executable of {ctx.label}",
    )
    components = ctx.dependency("kernel", KernelComponentInfo).components
    libraries = ctx.dependency("kernel", CcInfo).libraries
    info = LinuxProgramInfo(
        label=ctx.label,
        executable=executable,
        system_calls=attributes.system_calls,
        components=components,
        libraries=libraries,
        materials=ctx.materials("binary"),
        tools=tuple(tool for made in _makers(ctx) for tool in made.tools),
    )
    return [DefaultInfo((executable,)), info, MaterialInfo(info.materials, info.tools)]


def _makers(ctx: RuleContext[LinuxBinaryAttributes]) -> tuple[MaterialInfo, ...]:
    return ctx.optional_dependencies("binary", MaterialInfo)


def declare_calls(
    ctx: RuleContext[Any], program: LinuxProgramInfo, files: Sequence[tuple[str, Artifact]]
) -> tuple[Artifact, Artifact, Artifact]:
    """Declare what finds the system calls of ``program``.

    Returns the findings, the table's source and the names of the program's functions.
    ``files`` are the image's, with their paths. The libraries among them are taken out first, so that other
    files may change without another scan.
    """
    folder = f"{ctx.label.name}.link"
    libraries = ctx.declare_tree(f"{folder}/libraries")
    setting = EXEC_MAPPINGS if ctx.attributes.allow_exec_mappings else WHOLE
    words: list[str | Artifact] = [LINUX_PROGRAM_VERSION, setting, program.executable, libraries]
    for path, source in sorted(files, key=lambda one: one[0]):
        words += [path, source]
    ctx.action(
        "LinuxLibraries",
        words,
        outputs=[libraries],
        builtin="linux-libraries",
        description=f"Looking for the libraries of {program.label}",
    )
    calls = ctx.declare_file(f"{folder}/calls.json")
    table = ctx.declare_file(f"{folder}/calls.s")
    symbols = ctx.declare_file(f"{ctx.label.name}.program.symbols")
    ctx.action(
        "SystemCalls",
        [
            *(SYSTEM_CALLS_VERSION, program.executable, libraries, calls, table, symbols),
            *program.system_calls,
        ],
        outputs=[calls, table, symbols],
        builtin="system-calls",
        timeout=_LONGEST_SCAN,
        description=f"Finding the system calls of {program.label}",
    )
    return calls, table, symbols


def program_path(label: Label) -> str:
    """Return where an image has the program of a `linux_binary`; it is its argv[0], too."""
    return f"/bin/{label.name}"
