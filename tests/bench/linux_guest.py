"""Debian's cloud kernel as a guest whose init becomes one program: what images are compared with.

The guest has machine q35 and 256 MiB, since without the timers of a whole PC most of its boots hang
while it calibrates (where it comes up on microvm, it answers less than on q35). Its device, network
and processor are the image's. Needs apt-get and dpkg-deb.
"""

from __future__ import annotations

import argparse
import gzip
import lzma
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

META_PACKAGE = "linux-image-cloud-amd64"
MACHINE = "q35"
DEVICE = "virtio-net-pci"
MEMORY = "256M"
MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
    *("failover", "net_failover", "virtio_net"),
)
INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
for module in {modules}; do /bin/busybox insmod /modules/$module.ko; done
/bin/busybox ip link set lo up
/bin/busybox ip addr add 10.0.2.15/24 dev eth0
/bin/busybox ip link set eth0 up
/bin/busybox ip route add default via 10.0.2.2
exec {command}
"""


@dataclass(frozen=True, slots=True)
class Linux:
    """The kernel of the package, and the folder that it was unpacked in."""

    version: str
    folder: Path

    @property
    def image(self) -> Path:
        """The boot file."""
        return self.folder / f"boot/vmlinuz-{self.version}"

    def module(self, name: str) -> bytes:
        """Return a module, uncompressed."""
        (path,) = (self.folder / f"lib/modules/{self.version}").rglob(f"{name}.ko*")
        content = path.read_bytes()
        return lzma.decompress(content) if path.suffix == ".xz" else content


def options(description: str | None, seconds: str, default: float) -> argparse.Namespace:
    """Parse what the benches that compare with Linux are told; ``scratch`` exists afterwards."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10, help="runs of each guest (default 10)")
    parser.add_argument("--seconds", type=float, default=default, help=seconds)
    parser.add_argument(
        "--scratch",
        type=Path,
        default=Path(tempfile.gettempdir()) / "unibuild-bench",
        help="where downloads are kept",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    return arguments


def fetch(scratch: Path) -> Linux:
    """Download and unpack kernel and busybox, unless they are there."""
    depends = subprocess.run(
        ["apt-cache", "depends", META_PACKAGE], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"Depends: (linux-image-(\S+))", depends)
    if found is None:
        sys.exit(f"apt knows no {META_PACKAGE}; run `apt-get update`")
    package, version = found.groups()
    folder = scratch / package
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=scratch) as downloads:
            subprocess.run(
                ["apt-get", "download", package, "busybox-static"], cwd=downloads, check=True
            )
            unpacked = Path(downloads, "unpacked")
            for archive in Path(downloads).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", archive, unpacked], check=True)
            unpacked.rename(folder)
    return Linux(version, folder)


def _archive(files: Mapping[str, bytes], directories: Sequence[str]) -> bytes:
    """Return an initramfs (cpio newc) whose files are all executable."""
    entries = [(name, 0o040755, b"") for name in directories]
    entries += [(name, 0o100755, content) for name, content in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    out = bytearray()
    for number, (name, mode, content) in enumerate(entries, start=1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields)
        out += name.encode() + b"\0"
        out += bytes(-len(out) % 4)
        out += content
        out += bytes(-len(out) % 4)
    return bytes(out)


def write_initramfs(linux: Linux, path: Path, command: str, files: Mapping[str, bytes]) -> None:
    """Write the initramfs whose init becomes ``command``; ``files`` has its files by path."""
    init = INIT.format(modules=" ".join(MODULES), command=command)
    everything = {
        "init": init.encode(),
        "bin/busybox": (linux.folder / "bin/busybox").read_bytes(),
        **{f"modules/{name}.ko": linux.module(name) for name in MODULES},
        **files,
    }
    folders = {"dev", "proc", "sys"}
    for name in everything:
        folders.update(str(parent) for parent in Path(name).parents if parent.name)
    path.write_bytes(gzip.compress(_archive(everything, sorted(folders)), 1))


def command_line(image: Sequence[str], linux: Linux, initramfs: Path, words: str) -> list[str]:
    """Return an image's command line with Linux in its place; ``words`` join the kernel's own."""
    line = [word.replace("virtio-net-device", DEVICE) for word in image]
    line[line.index("-M") + 1] = MACHINE
    line[line.index("-m") + 1] = MEMORY
    line[line.index("-kernel") + 1] = str(linux.image)
    append = f"console=ttyS0 quiet panic=-1 {words}"
    return [*line, "-initrd", str(initramfs), "-append", append]
