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
    PlatformInfo,
    ProgramInfo,
    Provider,
    RuleContext,
    RunInfo,
    ToolchainInfo,
    rule,
)
from unibuild.image.builtins import IMAGE_PACK_VERSION, ROOT_ARCHIVE_VERSION
from unibuild.image.parameters import assembly

from .materials import component_facts, tool_facts
from .unikernel_attributes import ImageAttributes, PlatformAttributes

if TYPE_CHECKING:
    from unibuild.analysis.api import Artifact, Label, Library

_LINK_FLAGS = (
    *("-m", "elf_x86_64", "-nostdlib", "-static"),
    # Position independent, moved by the image's own entry code: nothing is left to a dynamic linker.
    *("-pie", "--no-dynamic-linker", "--pack-dyn-relocs=relr", "-z", "norelro"),
    *("--gc-sections", "--build-id=none", "--hash-style=gnu"),
    *("-z", "noexecstack", "-z", "max-page-size=4096"),
    # Undefined symbols are reported by image-pack, with the component that would define them.
    "--unresolved-symbols=ignore-all",
)


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
    app = ctx.dependency("app", ProgramInfo)
    place = ctx.dependency("platform", PlatformInfo)
    tools = ctx.dependency("toolchain", ToolchainInfo)
    name = ctx.label.name
    root = _root_archive(ctx)
    parameters = _parameters(ctx, app, tools, root)
    gathered = _gather(ctx, app, place, parameters)
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
            *app.link_flags,
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
    memory = ctx.attributes.memory or place.memory
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
        outputs=[image, symbols, manifest],
        builtin="image-pack",
        environment={"UNIBUILD_SANDBOX": "@host/sandbox"},
        description=f"Packing {ctx.label}",
    )
    facts = {"runnable": "image", "manifest": manifest.output_path, "memory": memory}
    return [
        ImageInfo(image, symbols, manifest, place, memory, linked),
        RunInfo("image", image, facts),
        DefaultInfo((image, symbols, manifest), facts),
    ]


def _root_archive(ctx: RuleContext[ImageAttributes]) -> Artifact | None:
    files = ctx.mapped_files("files")
    for path in (*files, *ctx.attributes.dirs):
        if not path.startswith("/") or any(part in ("", ".", "..") for part in path[1:].split("/")):
            attribute = "files" if path in files else "dirs"
            index = path if path in files else ctx.attributes.dirs.index(path)
            raise ctx.error(
                attribute,
                f"`{path}` is no absolute path in the image",
                hint="write names joined by `/` after a leading `/`, such as `/etc/dns/zone`",
                item=index,
            )
    if not files and not ctx.attributes.dirs:
        return None
    root = ctx.declare_file(f"{ctx.label.name}.link/root.cpio")
    words: list[str | Artifact] = [ROOT_ARCHIVE_VERSION]
    for path, source in sorted(files.items()):
        words += ["file", path, source]
    for path in ctx.attributes.dirs:
        words += ["directory", path]
    ctx.action(
        "RootArchive",
        words,
        outputs=[root],
        builtin="root-archive",
        description=f"Archiving the files of {ctx.label}",
    )
    return root


def _parameters(
    ctx: RuleContext[ImageAttributes],
    app: ProgramInfo,
    tools: ToolchainInfo,
    root: Artifact | None,
) -> Artifact:
    source = ctx.literal(
        f"{ctx.label.name}.link/parameters.s",
        assembly(
            str(ctx.label),
            [app.label.name, *ctx.attributes.args],
            ctx.attributes.env,
            _network_text(ctx),
            root.input_path if root else "",
        ),
    )
    parameters = ctx.declare_file(f"{ctx.label.name}.link/parameters.o")
    ctx.action(
        "ImageParameters",
        [*tools.tools["clang"], *tools.flags.get("assemble", ()), "-c", source, "-o", parameters],
        inputs=[tools.tree, *((root,) if root else ())],
        outputs=[parameters],
        description=f"Assembling the parameters of {ctx.label}",
    )
    return parameters


def _network_text(ctx: RuleContext[ImageAttributes]) -> str:
    network = ctx.attributes.network
    if isinstance(network, str):
        return network
    if network.gateway is None:
        return str(network.address)
    if network.gateway not in network.address.network:
        raise ctx.error(
            "network",
            f"the gateway {network.gateway} is outside the network {network.address.network}",
            hint="the gateway must be reachable without a gateway",
            item="gateway",
        )
    return f"{network.address},{network.gateway}"


def _gather(
    ctx: RuleContext[ImageAttributes],
    app: ProgramInfo,
    place: PlatformInfo,
    parameters: Artifact,
) -> _Inputs:
    own = ctx.dependencies("components", KernelComponentInfo)
    own_libraries = [
        library
        for info in ctx.optional_dependencies("components", CcInfo)
        for library in info.libraries
    ]
    kernel = {one.label: one for info in own for one in info.components}
    kernel.update({one.label: one for one in place.components})
    libc = {library.label for library in app.libc}
    owners: dict[str, str] = {parameters.input_path: str(ctx.label)}
    own_files = (ctx.material, *ctx.materials("files"))
    facts = {
        str(ctx.label): component_facts("image", "Image parameters and files.", own_files),
        str(app.label): component_facts("program", "", app.materials),
    }
    owners.update({artifact.input_path: str(app.label) for artifact in app.objects})
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
        (*app.objects, parameters), tuple(archives), owners, facts, tool_facts((*app.tools, *tools))
    )


def _specification(
    ctx: RuleContext[ImageAttributes],
    app: ProgramInfo,
    place: PlatformInfo,
    gathered: _Inputs,
    memory: str,
) -> str:
    return json.dumps(
        {
            "label": str(ctx.label),
            "file": f"{ctx.label.name}.elf",
            "app": str(app.label),
            "platform": dict(place.facts),
            "memory": memory,
            "arguments": [app.label.name, *ctx.attributes.args],
            "environment": ctx.attributes.env,
            "network": _network_text(ctx),
            "owners": gathered.owners,
            "components": gathered.components,
            "tools": gathered.tools,
            "system_calls": dict(place.system_calls),
        },
        sort_keys=True,
    )
