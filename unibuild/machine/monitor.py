"""QEMU as the monitor: find it, compose its command line, put its complaints into words.

What machine an image needs is data of its platform, carried in the manifest: nothing about a
platform is decided here. Only what every machine shares is: no display, no default devices, no
reboot, a console on the chardev ``console``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.model.errors import ActionError, HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unibuild.image.manifest import Manifest
    from unibuild.machine.ports import PortForward

_PROGRAM = "qemu-system-x86_64"
_INSTALL = (
    ("apt-get", "sudo apt-get install --no-install-recommends qemu-system-x86"),
    ("dnf", "sudo dnf install qemu-system-x86-core"),
    ("zypper", "sudo zypper install qemu-x86"),
    ("pacman", "sudo pacman -S qemu-system-x86"),
    ("apk", "sudo apk add qemu-system-x86_64"),
    ("brew", "brew install qemu"),
)
_MEMORY = re.compile(r"(\d+)([KMG])")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SPECIAL = re.compile(r"[\s'\"\\]")


@cache
def program() -> Path:
    """Return the monitor's program; ``HostError`` ``no-monitor`` says how to install it.

    The variable ``UNIBUILD_QEMU`` names another one.
    """
    chosen = os.environ.get("UNIBUILD_QEMU") or _PROGRAM
    found = shutil.which(chosen)
    if found is None:
        raise HostError(
            "no-monitor",
            f"booting an image needs QEMU, and there is no `{chosen}` here",
            hint=f"install it: {install_command()}",
        )
    return Path(found)


def install_command() -> str:
    """Return the command line that installs QEMU on this machine."""
    for manager, command in _INSTALL:
        if shutil.which(manager):
            return command
    return "see https://www.qemu.org/download/"


@cache
def version() -> str:
    """Return what the monitor calls itself, such as ``QEMU emulator version 7.2.22``, or ``""``."""
    try:
        answer = subprocess.run(
            [program(), "--version"], capture_output=True, check=False, timeout=10
        )
    except (HostError, OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode("utf-8", "replace").partition("\n")[0].partition(" (")[0]


def memory_bytes(memory: str) -> int:
    """Return the bytes that ``8M``, ``1400K`` or ``1G`` mean; ``UserError`` ``bad-memory`` else."""
    match = _MEMORY.fullmatch(memory)
    if not match or not int(match[1]):
        raise UserError(
            "bad-memory",
            f"`{memory}` is no size of memory",
            hint="write a number and K, M or G, such as 8M",
        )
    return int(match[1]) * _UNITS[match[2]]


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a machine: everything that is not in the manifest."""

    image: Path
    memory: str
    acceleration: str
    forwards: tuple[PortForward, ...] = ()
    arguments: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Further options of the monitor, taken as they are."""
    wire: Path | None = None
    """Socket that QEMU makes for the Ethernet segment, instead of a user network."""


def command_line(manifest: Manifest, start: Start) -> list[str]:
    """Return the monitor's command line for an image and its manifest."""
    platform = manifest["platform"]
    command = [
        str(program()),
        *("-M", platform["machine"]),
        *("-accel", start.acceleration),
        *(("-cpu", platform["cpu"]) if platform["cpu"] else ()),
        *("-m", start.memory),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-chardev", "stdio,id=console,signal=off"),
        *platform["console"],
        *platform["monitor_options"],
        *_devices(platform["devices"], manifest["network"], start.forwards, start.wire),
        *start.options,
        *("-kernel", str(start.image)),
    ]
    if start.arguments:
        command += ["-append", " ".join(map(quote, start.arguments))]
    return command


def has_network(manifest: Manifest) -> bool:
    """Tell whether the image has a driver for a network device and wants to use it."""
    return manifest["network"] != "none" and any(
        _is_network(device) for device in manifest["platform"]["devices"]
    )


def quote(word: str) -> str:
    """Return ``word`` as the kernel's command line splitter reads it back (``<unibuild/image.h>``)."""
    return "''" if not word else _SPECIAL.sub(r"\\\g<0>", word)


def _devices(
    devices: Iterable[str],
    network: str,
    forwards: Sequence[PortForward],
    wire: Path | None = None,
) -> list[str]:
    if network == "none":
        devices = [device for device in devices if not _is_network(device)]
    options = []
    backend = _backend(network, forwards, wire)
    for device in devices:
        if not _is_network(device):
            options += ["-device", device]
            continue
        options += ["-netdev", backend, "-device", f"{device},netdev=network"]
    return options


def _backend(network: str, forwards: Sequence[PortForward], wire: Path | None) -> str:
    """Return QEMU's side of the network: a NAT of its own, or a socket that carries frames.

    ``restrict=on`` would cut the guest off from the host's network, but also drops what the guest
    answers over UDP through a forwarded port (libslirp 4.7).
    """
    if wire is not None:
        path = str(wire).replace(",", ",,")
        return f"stream,id=network,server=on,addr.type=unix,addr.path={path}"
    place, guest = _network(network)
    rules = "".join(
        f",hostfwd={one.protocol}:{one.address}:{one.host}-{guest}:{one.guest}" for one in forwards
    )
    return f"user,id=network{place}{rules}"


def _network(network: str) -> tuple[str, str]:
    """Return the options of the user network and the guest's address, for a static configuration.

    QEMU's network is 10.0.2.0/24 with the guest at .15 unless told otherwise; an image with another
    address gets the network around that address.
    """
    if network in ("dhcp", "none"):
        return "", ""
    from ipaddress import IPv4Address, IPv4Interface

    address, _, gateway = network.partition(",")
    interface = IPv4Interface(address)
    taken = {interface.ip, interface.network.network_address}
    free = (host for host in interface.network.hosts() if host not in taken)
    host = IPv4Address(gateway) if gateway else next(free)
    names = next((f",dns={one}" for one in free if one != host), "")
    return f",net={interface.network},host={host}{names}", str(interface.ip)


def _is_network(device: str) -> bool:
    return device.startswith(("virtio-net", "e1000", "vmxnet"))


_COMPLAINTS: tuple[tuple[str, str, str, str], ...] = (
    (
        r"Could not set up host forwarding rule '(?P<what>[^']+)'",
        "port-taken",
        "the monitor could not open the forwarded port {what}",
        "forward another port with -p HOST:GUEST",
    ),
    (
        r"Could not access KVM kernel module: (?P<what>.*)|failed to initialize kvm: (?P<also>.*)",
        "kvm-unusable",
        "the monitor cannot use KVM: {what}",
        "use --accel auto or --accel tcg",
    ),
    (
        r"unsupported machine type|is not a valid machine|Property '.*machine\.(?P<what>[\w-]+)' not",
        "monitor-too-old",
        "this QEMU does not know the machine that the platform asks for",
        "install QEMU 7.2 or newer",
    ),
    (
        r"'?(?P<what>[\w-]+)'? is not a valid device model name",
        "monitor-lacks-device",
        "this QEMU was built without the device {what}",
        "install a full build of QEMU for x86-64",
    ),
    (
        r"network backend '?user'? is not compiled|[Nn]etwork.*user.*not.*compiled",
        "monitor-lacks-network",
        "this QEMU was built without user networking (libslirp)",
        "install a full build of QEMU for x86-64",
    ),
    (
        r"cannot set up guest memory|Cannot allocate memory",
        "no-memory",
        "this machine has not enough free memory for the guest",
        "give it less with --memory",
    ),
    (
        r"without PVH ELF Note|invalid kernel header|could not load kernel|not a valid ELF",
        "not-bootable",
        "the monitor does not accept the file as a bootable image",
        "build the image again",
    ),
)


def monitor_error(status: int, complaint: str) -> HostError | ActionError:
    """Return the error for a monitor that ended by itself, from what it wrote."""
    lines = tuple(line for line in complaint.splitlines() if line and "warning:" not in line)
    for pattern, identifier, cause, hint in _COMPLAINTS:
        match = re.search(pattern, complaint)
        if match:
            words = {key: value for key, value in match.groupdict().items() if value}
            what = words.get("what") or words.get("also", "")
            return HostError(identifier, cause.format(what=what), hint=hint, detail=lines)
    if status > 0:
        return HostError(
            "monitor-failed",
            f"the monitor ended with status {status} before the program did",
            hint="its own message is above; `unibuild doctor` checks the machine",
            detail=lines,
        )
    if status < 0:
        return HostError(
            "monitor-killed",
            f"the monitor was ended by signal {-status}",
            hint="somebody or the out-of-memory killer ended it; run it again",
            detail=lines,
        )
    return ActionError(
        "guest-vanished",
        "the machine stopped without telling the program's exit status",
        hint="a triple fault or too little memory does that: try more with --memory",
        detail=lines,
    )
