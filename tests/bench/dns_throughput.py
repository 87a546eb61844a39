"""Queries per second: the DNS image against the same program as init of Debian's cloud kernel.

    python tests/bench/dns_throughput.py [--runs 10] [--seconds 5] [--json]

Both guests run in the same QEMU under emulation (TCG): one processor, a virtio-net device on the
user network; dnsperf asks from the host over UDP and TCP. The image has machine microvm; Linux has
q35 and 256 MiB, since without the timers of a whole PC most of its boots hang while it calibrates
(where it comes up on microvm, it answers less than on q35). Its second line is with
`mitigations=off`. Runs are interleaved, so that a busy host disturbs all alike.

The kernel and a static busybox (which loads the modules, then becomes the server) are downloaded
once with apt into the folder named by --scratch. Needs apt-get, dpkg-deb and dnsperf.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from unibuild.image import manifest as manifests  # noqa: E402 - the repository's own code
from unibuild.machine import child, monitor  # noqa: E402
from unibuild.machine.ports import PortForward, claim  # noqa: E402

EXAMPLES = REPOSITORY / "examples"
ZONE = EXAMPLES / "services/dns/example.test.zone"
ZONE_IN_GUEST = "etc/dns/example.test.zone"
OUTPUTS = EXAMPLES / "unibuild-out/services/dns"
QUESTION = bytes.fromhex("123400000001000000000000") + b"\x07example\x04test\0\0\x06\0\x01"
LONGEST_START = 30.0
ATTEMPTS = 3
REACH = "80%"
"""Of the same program under Linux, by the project's goals."""

META_PACKAGE = "linux-image-cloud-amd64"
LINUX_MACHINE = "q35"
LINUX_DEVICE = "virtio-net-pci"
LINUX_MEMORY = "256M"
MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
    *("failover", "net_failover", "virtio_net"),
)
INIT = f"""\
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
for module in {" ".join(MODULES)}; do /bin/busybox insmod /modules/$module.ko; done
/bin/busybox ip link set lo up
/bin/busybox ip addr add 10.0.2.15/24 dev eth0
/bin/busybox ip link set eth0 up
/bin/busybox ip route add default via 10.0.2.2
exec /dns --zone /{ZONE_IN_GUEST}
"""

QUERIES = """\
example.test SOA
www.example.test A
mail.example.test A
ns1.example.test AAAA
missing.example.test A
a.dynamic.example.test A
x.child.example.test A
many.example.test A
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """One guest: its name in the figures and the command that starts it, but for the ports."""

    name: str
    command: Sequence[str]


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


def build() -> None:
    """Build the image and the Linux program."""
    labels = ("//services/dns:image", "//services/dns:dns_linux")
    subprocess.run([REPOSITORY / "ub", "-C", EXAMPLES, "build", *labels], check=True)


def fetch_linux(scratch: Path) -> Linux:
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


def archive(files: Mapping[str, bytes], directories: Sequence[str]) -> bytes:
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


def write_initramfs(linux: Linux, path: Path) -> None:
    """Write the initramfs whose init becomes the DNS server."""
    files = {
        "init": INIT.encode(),
        "bin/busybox": (linux.folder / "bin/busybox").read_bytes(),
        "dns": (OUTPUTS / "dns_linux").read_bytes(),
        ZONE_IN_GUEST: ZONE.read_bytes(),
        **{f"modules/{name}.ko": linux.module(name) for name in MODULES},
    }
    folders = ("bin", "dev", "etc", "etc/dns", "modules", "proc", "sys")
    path.write_bytes(gzip.compress(archive(files, folders), 1))


def image_command() -> list[str]:
    """Return the monitor's command line for the image, as `unibuild run` has it, without ports."""
    manifest_path = OUTPUTS / "image.manifest.json"
    manifest = manifests.read(manifest_path)
    image = manifest_path.with_name(manifest["image"]["file"])
    start = monitor.Start(image, manifest["memory"], "tcg", (PortForward(1, 53, "udp"),))
    return monitor.command_line(manifest, start)


def linux_command(image: Sequence[str], linux: Linux, initramfs: Path, words: str) -> list[str]:
    """Return the image's command line with Linux in its place."""
    line = [word.replace("virtio-net-device", LINUX_DEVICE) for word in image]
    line[line.index("-M") + 1] = LINUX_MACHINE
    line[line.index("-m") + 1] = LINUX_MEMORY
    line[line.index("-kernel") + 1] = str(linux.image)
    append = f"console=ttyS0 quiet panic=-1 {words}"
    return [*line, "-initrd", str(initramfs), "-append", append]


def with_ports(command: Sequence[str], forwards: Sequence[PortForward]) -> list[str]:
    """Return the command line with these forwardings in place of those it has."""
    wanted = "".join(
        f",hostfwd={one.protocol}:{one.address}:{one.host}-:{one.guest}" for one in forwards
    )
    return [
        re.sub(r"(,hostfwd=[^,]*)+", wanted, word) if word.startswith("user,") else word
        for word in command
    ]


def answers(process: subprocess.Popen[bytes], forward: PortForward) -> bool:
    """Return whether the guest answers in time; another process may have taken its port."""
    end = time.monotonic() + LONGEST_START
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((forward.address, forward.host))
        client.settimeout(0.1)
        while time.monotonic() < end and process.poll() is None:
            try:
                client.send(QUESTION)
                client.recv(512)
            except TimeoutError:
                continue
            except ConnectionError:
                time.sleep(0.1)
            else:
                return True
    return False


def load(forward: PortForward, queries: Path, seconds: int) -> float:
    """Return the queries per second that dnsperf sees answered."""
    shown = subprocess.run(
        [
            *("dnsperf", "-s", forward.address, "-p", str(forward.host), "-d", queries),
            *("-m", forward.protocol, "-l", str(seconds), "-c", "4", "-q", "50"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (rate,) = re.findall(r"Queries per second:\s+([\d.]+)", shown)
    return float(rate)


def run_once(subject: Subject, queries: Path, seconds: int) -> dict[str, float]:
    """Start the guest, load it over both transports, stop it."""
    for _ in range(ATTEMPTS):
        forwards = claim((PortForward(0, 53, "udp"), PortForward(0, 53, "tcp")))
        process = child.start(with_ports(subject.command, forwards))
        try:
            if answers(process, forwards[0]):
                return {forward.protocol: load(forward, queries, seconds) for forward in forwards}
        finally:
            process.kill()
            child.stop(process)
    sys.exit(f"{subject.name} does not answer")


def measure(runs: int, seconds: int, scratch: Path) -> dict[str, dict[str, list[float]]]:
    """Return the rates of every run, by guest and transport."""
    build()
    linux = fetch_linux(scratch)
    with tempfile.TemporaryDirectory() as folder:
        initramfs, queries = Path(folder, "initramfs"), Path(folder, "queries")
        write_initramfs(linux, initramfs)
        queries.write_text(QUERIES)
        image = image_command()
        subjects = (
            Subject("image", image),
            Subject("linux", linux_command(image, linux, initramfs, "")),
            Subject(
                "linux, no mitigations",
                linux_command(image, linux, initramfs, "mitigations=off"),
            ),
        )
        rates: dict[str, dict[str, list[float]]] = {
            subject.name: {"udp": [], "tcp": []} for subject in subjects
        }
        for _ in range(runs):
            for subject in subjects:
                for transport, rate in run_once(subject, queries, seconds).items():
                    rates[subject.name][transport].append(rate)
    return rates


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10, help="runs of each guest (default 10)")
    parser.add_argument("--seconds", type=int, default=5, help="load a transport (default 5)")
    parser.add_argument(
        "--scratch",
        type=Path,
        default=Path(tempfile.gettempdir()) / "unibuild-bench",
        help="where downloads are kept",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    rates = measure(arguments.runs, arguments.seconds, arguments.scratch)
    if arguments.json:
        print(json.dumps(rates))
        return
    print(f"{monitor.version()}, tcg, {arguments.runs} interleaved runs, medians")
    print(f"{'measure':40} | {'seen':>12} | reach")
    for transport in ("udp", "tcp"):
        medians = {name: statistics.median(of[transport]) for name, of in rates.items()}
        for name, median in medians.items():
            print(f"{f'queries/s, {transport}, {name}':40} | {median:12,.0f} |")
        share = medians["image"] / medians["linux"]
        reach = REACH if transport == "udp" else ""
        print(f"{f'queries/s, {transport}, image of linux':40} | {share:12.0%} | {reach}")


if __name__ == "__main__":
    main()
