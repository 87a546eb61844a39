"""Platforms and bootable images.

An image is one link: the program's objects, the image's parameters (arguments, environment, network,
root file system) and, as archives, every component that the platform offers. The linker takes what
is reached and drops the rest; ``image-pack`` turns the result into the boot file, the symbol file
and the manifest, and says in words which system call is missing when one is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.analysis.api import (
    CcInfo,
    DefaultInfo,
    ImageInfo,
    KernelComponentInfo,
    LinuxProgramInfo,
    PlatformInfo,
    ProgramInfo,
    Provider,
    RuleContext,
    RunInfo,
    ToolchainInfo,
    rule,
)
from unibuild.image.builtins import IMAGE_PACK_VERSION

from .image_parts import assemble, check_ports, image_files, network_text, parameters, root_archive
from .linux import declare_calls, program_path
from .materials import component_facts, tool_facts
from .unikernel_attributes import ImageAttributes, PlatformAttributes

if TYPE_CHECKING:
    from unibuild.analysis.api import Artifact, KernelComponent, Label, Library

_LINK_FLAGS = (
    *("-m", "elf_x86_64", "-nostdlib", "-static"),
    # Position independent, moved by the image's own entry code: nothing is left to a dynamic linker.
    *("-pie", "--no-dynamic-linker", "--pack-dyn-relocs=relr", "-z", "norelro"),
    *("--gc-sections", "--build-id=none", "--hash-style=gnu"),
    *("-z", "noexecstack", "-z", "max-page-size=4096"),
    # Undefined symbols are reported by image-pack, with the component that would define them.
    "--unresolved-symbols=ignore-all",
)
_LINUX_MEMORY = "32M"
"""Memory of the machine for programs made for Linux, whose runtimes reckon with more of it."""


@rule(
    "platform",
    PlatformAttributes,
    provides=(PlatformInfo,),
    doc="Describes where images boot: the kernel components on offer and the machine that runs them.",
    example="""
[platform.my-machine]
components = ["@unibuild//kernel/start", "@unibuild//kernel/console"]
linker_script = "image.ld"
machine = "microvm,acpi=off"
""",
)
def platform(ctx: RuleContext[PlatformAttributes]) -> list[Provider]:
    """Gather the components; a platform has no actions of its own."""
    attributes = ctx.attributes
    direct = ctx.dependencies("components", KernelComponentInfo)
    components = {one.label: one for info in direct for one in info.components}
    libraries: dict[Label, Library] = {}
    for info in ctx.optional_dependencies("components", CcInfo):
        libraries.update({library.label: library for library in info.libraries})
    return [
        PlatformInfo(
            label=ctx.label,
            architecture=attributes.architecture,
            machine=attributes.machine,
            components=tuple(components.values()),
            libraries=tuple(libraries.values()),
            linker_script=ctx.file("linker_script"),
            link_flags=(
                *(f"--undefined={symbol}" for symbol in attributes.keep),
                *attributes.link_flags,
            ),
            memory=attributes.memory,
            facts={
                "label": str(ctx.label),
                "architecture": attributes.architecture,
                "monitor": attributes.monitor,
                "machine": attributes.machine,
                "cpu": attributes.cpu,
                "console": list(attributes.console),
                "devices": dict(attributes.devices),
                "monitor_options": list(attributes.monitor_options),
            },
            system_calls={
                f"ub_sys_{name}": f"{_absolute(ctx, package)}:{name}"
                for package, names in attributes.system_calls.items()
                for name in names
            },
        ),
        DefaultInfo(()),
    ]


def _absolute(ctx: RuleContext[PlatformAttributes], package: str) -> str:
    """Return a package as another repository names it."""
    repository = ctx.label.repository
    return f"@{repository}{package}" if repository and package.startswith("//") else package


@dataclass(frozen=True, slots=True)
class _App:
    """The program of an image: what of it is linked, and how it is started."""

    program: ProgramInfo
    components: tuple[KernelComponent, ...]
    """The kernel components that it brings besides those of the platform."""
    argument: str
    """Its argv[0]."""
    linux: Artifact | None = None
    """A Linux program's executable; it is in the root file system."""
    calls: Artifact | None = None
    """What the scan of the executable found."""
    symbols: tuple[Artifact, ...] = ()
    """The names of a Linux program's functions."""


@dataclass(frozen=True, slots=True)
class _Inputs:
    """All that goes into the link, with who brought what."""

    objects: tuple[Artifact, ...]
    archives: tuple[Artifact, ...]
    owners: dict[str, str]
    components: dict[str, dict[str, object]]
    tools: list[dict[str, str]]


@rule(
    "unikernel_image",
    ImageAttributes,
    provides=(ImageInfo, RunInfo, DefaultInfo),
    doc="Links a program with the kernel components that it reaches into a bootable image. Makes "
    "`NAME.elf` (boots with QEMU's `-kernel`), `NAME.symbols` (names for a backtrace) and "
    "`NAME.manifest.json` (what is in it and why).",
    example="""
[unikernel_image.image]
app = ":dns"
files = { "/etc/dns/example.test.zone" = "example.test.zone" }
args = ["--zone", "/etc/dns/example.test.zone"]
memory = "8M"
""",
)
def unikernel_image(ctx: RuleContext[ImageAttributes]) -> list[Provider]:
    """Declare archive, parameters, link and packing."""
    place = ctx.dependency("platform", PlatformInfo)
    tools = ctx.dependency("toolchain", ToolchainInfo)
    name = ctx.label.name
    check_ports(ctx)
    files = image_files(ctx)
    app = _app(ctx, tools, files)
    root = root_archive(ctx, files, programs=app.linux is not None)
    own = parameters(
        ctx,
        [app.argument, *ctx.attributes.args],
        tools,
        root,
        app.argument if app.linux else "",
    )
    gathered = _gather(ctx, app, place, own)
    linked = ctx.declare_file(f"{name}.link/{name}.elf")
    link_map = ctx.declare_file(f"{name}.link/{name}.map")
    reasons = ctx.declare_file(f"{name}.link/{name}.why")
    script = place.linker_script
    ctx.action(
        "ImageLink",
        [
            *tools.tools["ld"],
            *_LINK_FLAGS,
            *place.link_flags,
            *app.program.link_flags,
            # Last, so that it holds: of two functions folded into one, the link map names one object
            # only, and the other's would count as left out.
            "--icf=none",
            *(("-T", script) if script else ()),
            *("-o", linked, ("-Map=", link_map), ("--why-extract=", reasons)),
            *gathered.objects,
            "--start-group",
            *gathered.archives,
            "--end-group",
        ],
        inputs=[tools.tree],
        outputs=[linked, link_map, reasons],
        description=f"Linking {ctx.label}",
    )
    image = ctx.declare_file(f"{name}.elf")
    symbols = ctx.declare_file(f"{name}.symbols")
    manifest = ctx.declare_file(f"{name}.manifest.json")
    memory = ctx.attributes.memory or (_LINUX_MEMORY if app.linux else place.memory)
    specification = ctx.literal(
        f"{name}.link/specification.json", _specification(ctx, app, place, gathered, memory)
    )
    ctx.action(
        "ImagePack",
        [
            *(IMAGE_PACK_VERSION, specification, linked, link_map, reasons, root or "-"),
            *gathered.objects,
            *gathered.archives,
        ],
        inputs=[app.calls] if app.calls else [],
        outputs=[image, symbols, manifest],
        builtin="image-pack",
        environment={"UNIBUILD_SANDBOX": "@host/sandbox"},
        description=f"Packing {ctx.label}",
    )
    facts = {"runnable": "image", "manifest": manifest.output_path, "memory": memory}
    return [
        ImageInfo(image, symbols, manifest, place, memory, linked),
        RunInfo("image", image, facts),
        DefaultInfo((image, symbols, manifest, *app.symbols), facts),
    ]


def _app(
    ctx: RuleContext[ImageAttributes], tools: ToolchainInfo, files: list[tuple[str, Artifact]]
) -> _App:
    """Return the image's program; a Linux program is added to ``files``."""
    labels = ctx.labels("app")
    linux = ctx.get(labels[0], LinuxProgramInfo) if labels else None
    if linux is None:
        if labels and ctx.get(labels[0], ProgramInfo) is None and ctx.get(labels[0], RunInfo):
            raise ctx.error(
                "app",
                f"`{labels[0]}` is a Linux executable, which an image takes as a `linux_binary`",
                hint=f'add [linux_binary.NAME] with binary = "{ctx.attributes.app}", and name that',
                id="wrong-target",
            )
        app = ctx.dependency("app", ProgramInfo)
        return _App(app, (), app.label.name)
    path = program_path(linux.label)
    if path in dict(files):
        raise ctx.error(
            "files",
            f"the image has its program at `{path}`, and `files` another file",
            hint="give the file another path, or the `linux_binary` another name",
            item=path if path in ctx.attributes.files else None,
        )
    files.append((path, linux.executable))
    calls, source, symbols = declare_calls(ctx, linux, files)
    table = ctx.declare_file(f"{ctx.label.name}.link/calls.o")
    assemble(ctx, tools, source, table, f"Assembling the system calls of {linux.label}")
    kernel = {one.label for one in linux.components}
    program = ProgramInfo(
        label=linux.label,
        objects=(table,),
        libraries=tuple(one for one in linux.libraries if one.label in kernel),
        libc=tuple(one for one in linux.libraries if one.label not in kernel),
        materials=linux.materials,
        tools=linux.tools,
    )
    return _App(program, linux.components, path, linux.executable, calls, (symbols,))


def _gather(
    ctx: RuleContext[ImageAttributes], given: _App, place: PlatformInfo, own_object: Artifact
) -> _Inputs:
    app = given.program
    own = ctx.dependencies("components", KernelComponentInfo)
    own_libraries = [
        library
        for info in ctx.optional_dependencies("components", CcInfo)
        for library in info.libraries
    ]
    kernel = {one.label: one for info in own for one in info.components}
    kernel.update({one.label: one for one in (*given.components, *place.components)})
    libc = {library.label for library in app.libc}
    owners: dict[str, str] = {own_object.input_path: str(ctx.label)}
    own_files = (ctx.material, *ctx.materials("files", "dirs"))
    facts = {
        str(ctx.label): component_facts("image", "Image parameters and files.", own_files),
        str(app.label): component_facts("program", "", app.materials),
    }
    brought = (*app.objects, *((given.linux,) if given.linux else ()))
    owners.update({artifact.input_path: str(app.label) for artifact in brought})
    archives: dict[Artifact, None] = {}
    libraries = (*app.libraries, *own_libraries, *place.libraries, *app.libc)
    for library in libraries:
        component = kernel.get(library.label)
        kind = "libc" if library.label in libc else "library"
        description = ""
        if component is not None:
            kind, description = "stub" if component.stub else "kernel", component.description
        facts.setdefault(str(library.label), component_facts(kind, description, library.materials))
        for archive in library.archives:
            archives[archive] = None
            owners[archive.input_path] = str(library.label)
    tools = [one for library in libraries for one in library.tools]
    return _Inputs(
        (*app.objects, own_object), tuple(archives), owners, facts, tool_facts((*app.tools, *tools))
    )


def _specification(
    ctx: RuleContext[ImageAttributes],
    app: _App,
    place: PlatformInfo,
    gathered: _Inputs,
    memory: str,
) -> str:
    attributes = ctx.attributes
    optional: dict[str, object] = {}
    if attributes.ports:
        optional["ports"] = list(attributes.ports)
    if app.linux and app.calls:
        optional["program"] = {
            "path": app.argument,
            "executable": app.linux.input_path,
            "calls": app.calls.input_path,
            "settings": {"allow_exec_mappings": attributes.allow_exec_mappings},
        }
    return json.dumps(
        {
            **optional,
            "label": str(ctx.label),
            "file": f"{ctx.label.name}.elf",
            "app": str(app.program.label),
            "platform": dict(place.facts),
            "memory": memory,
            "arguments": [app.argument, *attributes.args],
            "environment": attributes.env,
            "network": network_text(ctx),
            "owners": gathered.owners,
            "components": gathered.components,
            "tools": gathered.tools,
            "system_calls": dict(place.system_calls),
        },
        sort_keys=True,
    )
