"""The attributes of platforms and images, apart from what the rules do with them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from unibuild.analysis.api import (
    Attributes,
    FolderMap,
    LabelList,
    OneLabel,
    OneSource,
    SourceMap,
    StringMap,
    Strings,
    StringsMap,
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

    app: OneLabel = Field(
        description="The program: a `cc_binary`, which is linked with the kernel, or a "
        "`linux_binary`, which runs as it is, apart from the kernel."
    )
    platform: OneLabel = Field(
        "@workspace//:default_platform",
        description="Where the image boots; default: the platform that WORKSPACE.toml names.",
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
    dirs: FolderMap = Field(
        (),
        description="Folders of the root file system: absolute path in the image → folder of the "
        "package, with all files in it, or label. Or a list of paths: empty directories.",
    )
    args: Strings = Field((), description="The program's arguments, its name left out.")
    env: StringMap = Field(default_factory=dict, description="The program's environment.")
    memory: str = Field(
        "",
        pattern=r"^(\d+[KMG])?$",
        description="Memory of the machine, such as `8M`; default: the platform's, and `32M` for a "
        "`linux_binary`.",
    )
    ports: Annotated[tuple[int | str, ...], Strict(strict=False)] = Field(
        (),
        description='Ports on which the program listens: `8080` (TCP) or `"53/udp"`. For people and '
        "for `unibuild run`, which says where they lead; nothing else is closed.",
    )
    allow_exec_mappings: bool = Field(
        default=False,
        description="Whether a `linux_binary` may map memory that is writable and executable, or make "
        "what it wrote executable: compilers at run time need it. Off, such calls fail as they do "
        "under a strict security policy of Linux.",
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
