"""Platforms, bootable images, and tests that boot them.

An image is one link: the program's objects, the image's parameters (arguments, environment, network,
root file system) and, as archives, every component that the platform offers. The linker takes what
is reached and drops the rest; ``image-pack`` turns the result into the boot file, the symbol file
and the manifest, and says in words which system call is missing when one is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from unibuild.analysis.api import (
    Attributes,
    CcInfo,
    DefaultInfo,
    ImageInfo,
    KernelComponentInfo,
    LabelList,
    OneLabel,
    OneSource,
    PlatformInfo,
    ProgramInfo,
    Provider,
    RuleContext,
    RunInfo,
    SourceMap,
    Sources,
    StringMap,
    Strings,
    StringsMap,
    TestInfo,
    ToolchainInfo,
    rule,
)
from unibuild.image.builtins import (
    BOOT_TEST_VERSION,
    IMAGE_PACK_VERSION,
    ROOT_ARCHIVE_VERSION,
)
from unibuild.image.parameters import assembly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.analysis.api import Artifact, Label, Library

_LINK_FLAGS = (
    *("-m", "elf_x86_64", "-nostdlib", "-static"),
    *("--gc-sections", "--build-id=none", "--hash-style=gnu"),
    *("-z", "noexecstack", "-z", "max-page-size=4096"),
    # Undefined symbols are reported by image-pack, with the component that would define them.
    "--unresolved-symbols=ignore-all",
)


class PlatformAttributes(Attributes):
    """Where an image boots."""

    architecture: str = Field("x86_64", description="Instruction set: `x86_64`.")
    components: LabelList = Field(
        description="Every kernel component that images may link on this platform; an image gets "
        "those that its program reaches."
    )
    linker_script: OneSource = Field(description="The layout of the image, a linker script.")
    keep: Strings = Field(
        (),
        description="Symbols that every image keeps besides the boot entry, such as the driver of "
        "a device that announces itself.",
    )
    link_flags: Strings = Field((), description="Further flags for the linker.")
    monitor: Literal["qemu"] = Field("qemu", description="The program that runs the images.")
    machine: str = Field(description="The monitor's machine: QEMU's `-M` with its properties.")
    cpu: str = Field("max", description="The monitor's processor model: QEMU's `-cpu`.")
    console: Strings = Field(
        ("-serial", "chardev:console"),
        description="Monitor options that join the guest's console to the character device "
        "`console`.",
    )
    devices: StringMap = Field(
        default_factory=dict,
        description="Symbol of the image → device of the monitor: the machine gets the device when "
        "the image holds the symbol, that is, when the program reached its driver.",
    )
    monitor_options: Strings = Field((), description="Further options for the monitor.")
    memory: str = Field("8M", description="Memory of the machine when an image asks for no other.")
    system_calls: StringsMap = Field(
        default_factory=dict,
        description="Package → system calls for which it has a component of the same name that is "
        "not part of the platform, such as an explicit stub; shown when a program misses one.",
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


class StaticNetwork(BaseModel):
    """A fixed network configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: IPv4Interface = Field(
        description="The guest's IPv4 address with the length of its network's prefix, such as "
        "`10.0.2.15/24`."
    )
    gateway: IPv4Address | None = Field(None, description="The IPv4 address of the gateway.")


class ImageAttributes(Attributes):
    """A bootable image."""

    app: OneLabel = Field(description="The program: a `cc_binary`.")
    platform: OneLabel = Field(
        "@unibuild//kernel/platform:qemu-microvm", description="Where the image boots."
    )
    components: LabelList = Field(
        (),
        description="Kernel components besides those of the platform, such as a stub for a system "
        "call that the program tries but can do without.",
    )
    files: SourceMap = Field(
        default_factory=dict,
        description="The root file system: absolute path in the image → file or label. A label "
        "whose output is a directory adds everything in it.",
    )
    dirs: Strings = Field((), description="Empty directories in the root file system.")
    args: Strings = Field((), description="The program's arguments, its name left out.")
    env: StringMap = Field(default_factory=dict, description="The program's environment.")
    memory: str = Field(
        "",
        pattern=r"^(\d+[KMG])?$",
        description="Memory of the machine, such as `8M`; default: the platform's.",
    )
    network: Literal["dhcp", "none"] | StaticNetwork = Field(
        "dhcp",
        description="How the network interface gets its address: `dhcp`, `none` for no interface, "
        'or `{ address = "10.0.2.15/24", gateway = "10.0.2.2" }`. Without effect where the program '
        "uses no sockets.",
    )
    toolchain: OneLabel = Field(
        "@unibuild//toolchains/zig", description="The toolchain that assembles and links."
    )


@dataclass(frozen=True, slots=True)
class _Inputs:
    """All that goes into the link, with who brought what."""

    objects: tuple[Artifact, ...]
    archives: tuple[Artifact, ...]
    owners: dict[str, str]
    components: dict[str, dict[str, str]]


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
    facts = {str(ctx.label): {"kind": "image", "description": "Image parameters and files."}}
    facts[str(app.label)] = {"kind": "program", "description": ""}
    owners.update({artifact.input_path: str(app.label) for artifact in app.objects})
    archives: dict[Artifact, None] = {}
    for library in (*app.libraries, *own_libraries, *place.libraries, *app.libc):
        component = kernel.get(library.label)
        kind = "libc" if library.label in libc else "library"
        description = ""
        if component is not None:
            kind, description = "stub" if component.stub else "kernel", component.description
        facts.setdefault(str(library.label), {"kind": kind, "description": description})
        for archive in library.archives:
            archives[archive] = None
            owners[archive.input_path] = str(library.label)
    return _Inputs((*app.objects, parameters), tuple(archives), owners, facts)


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
            "system_calls": dict(place.system_calls),
        },
        sort_keys=True,
    )


class BootTestAttributes(Attributes):
    """A test that boots an image."""

    image: OneLabel = Field(description="The image to boot.")
    expect_console: Strings = Field(
        (),
        description="Regular expressions that the console's text must contain, in any order; `^` "
        "and `$` match at every line.",
    )
    reject_console: Strings = Field(
        (), description="Regular expressions that the console's text must not contain."
    )
    expect_status: int = Field(0, description="The program's exit status; 134 is a fault.")
    server: bool = Field(
        default=False,
        description="The program does not end by itself: stop it when everything expected was seen "
        "and the probe is done. Set by `probe`.",
    )
    args: Strings = Field((), description="Arguments instead of the image's.")
    memory: str = Field("", pattern=r"^(\d+[KMG])?$", description="Memory instead of the image's.")
    qemu_options: Strings = Field((), description="Further options for QEMU.")
    accelerator: Literal["tcg", "auto", "kvm"] = Field(
        "tcg", description="How QEMU runs the guest; `tcg` runs the same on every machine."
    )
    ports: Strings = Field(
        (), description="Ports of the guest that the probe wants to reach: `53/udp`, `80/tcp`."
    )
    probe: OneSource = Field(
        "",
        description="A program of the host, Python (`.py`) or shell (`.sh`), that is run once the "
        "console shows what is expected; it fails the test by its exit status. Its environment "
        "holds `UNIBUILD_ADDRESS` and, for every port, `UNIBUILD_PORT_53_UDP`.",
    )
    wire: bool = Field(
        default=False,
        description="The probe is the guest's network: it connects to the UNIX socket "
        "`UNIBUILD_WIRE` and exchanges Ethernet frames, each behind its length (four bytes, "
        "big-endian). Without `ports`.",
    )
    probe_args: Strings = Field((), description="Arguments of the probe.")
    data: Sources = Field((), description="Files whose paths follow the probe's arguments.")
    boots: int = Field(1, ge=1, le=100, description="How often to boot the image.")
    distinct: Strings = Field(
        (),
        description="Regular expressions whose match (the first group, where there is one) must be "
        "another in every boot.",
    )
    timeout: int = Field(60, ge=1, description="Seconds that one boot may take.")


@rule(
    "boot_test",
    BootTestAttributes,
    provides=(TestInfo, DefaultInfo),
    doc="Boots an image and checks its console, its exit status, or what a probe on the host sees.",
    example="""
[boot_test.boots]
image = ":image"
expect_console = ["^Hello"]
""",
    test=True,
)
def boot_test(ctx: RuleContext[BootTestAttributes]) -> list[Provider]:
    """Declare the one test action."""
    attributes = ctx.attributes
    image = ctx.dependency("image", ImageInfo)
    probe = ctx.file("probe")
    data = ctx.files("data")
    verdict = ctx.declare_file(f"{ctx.label.name}.verdict.json")
    log = ctx.declare_file(f"{ctx.label.name}.log")
    specification = ctx.literal(
        f"{ctx.label.name}.test.json",
        json.dumps(
            {
                "label": str(ctx.label),
                "expect_console": attributes.expect_console,
                "reject_console": attributes.reject_console,
                "expect_status": attributes.expect_status,
                "server": attributes.server or probe is not None,
                "args": attributes.args,
                "memory": attributes.memory,
                "qemu_options": attributes.qemu_options,
                "accelerator": attributes.accelerator,
                "ports": attributes.ports,
                "wire": attributes.wire,
                "probe": probe.input_path if probe else "",
                "probe_args": attributes.probe_args,
                "data": [artifact.input_path for artifact in data],
                "boots": attributes.boots,
                "distinct": attributes.distinct,
                "timeout": attributes.timeout,
            },
            sort_keys=True,
        ),
    )
    _check_patterns(ctx)
    if attributes.wire and attributes.ports:
        raise ctx.error(
            "ports",
            "a test with `wire` forwards no ports",
            hint="the probe sends frames to the guest itself; leave out `ports`",
        )
    ctx.action(
        "BootTest",
        [BOOT_TEST_VERSION, specification, image.image, image.symbols, image.manifest],
        inputs=[*((probe,) if probe else ()), *data],
        outputs=[verdict, log],
        # The engine replaces the value by the monitor's version: another monitor, another result.
        environment={"UNIBUILD_MONITOR": "@host/monitor"},
        builtin="boot-test",
        description=f"Booting {ctx.label}",
        test=True,
        timeout=attributes.timeout * attributes.boots + 60,
    )
    return [TestInfo((verdict, log)), DefaultInfo(())]


def _check_patterns(ctx: RuleContext[BootTestAttributes]) -> None:
    lists: Iterable[tuple[str, Strings]] = (
        ("expect_console", ctx.attributes.expect_console),
        ("reject_console", ctx.attributes.reject_console),
        ("distinct", ctx.attributes.distinct),
    )
    for attribute, patterns in lists:
        for index, pattern in enumerate(patterns):
            try:
                re.compile(pattern, re.MULTILINE)
            except re.error as error:
                raise ctx.error(
                    attribute,
                    f"`{pattern}` is no regular expression: {error}",
                    hint="escape special characters with a backslash, or use a '…' string",
                    item=index,
                ) from error
    for index, port in enumerate(ctx.attributes.ports):
        if not re.fullmatch(r"\d{1,5}/(udp|tcp)", port):
            raise ctx.error(
                "ports", f"`{port}` is no port", hint="write `53/udp` or `80/tcp`", item=index
            )
