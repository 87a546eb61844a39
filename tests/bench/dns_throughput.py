"""Queries per second: the DNS image against the same program as init of Debian's cloud kernel.

    python tests/bench/dns_throughput.py [--runs 10] [--seconds 5] [--json]

Both guests run in the same QEMU under emulation (TCG): one processor, a virtio-net device on the
user network; dnsperf asks from the host over UDP and TCP. The image has machine microvm; Linux that
of linux_guest.py. Its second line is with `mitigations=off`. Runs are interleaved, so that a busy
host disturbs all alike.

The kernel and a static busybox (which loads the modules, then becomes the server) are downloaded
once with apt into the folder named by --scratch. Needs apt-get, dpkg-deb and dnsperf.
"""

from __future__ import annotations

import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import linux_guest  # noqa: E402 - beside this file

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


def build() -> None:
    """Build the image and the Linux program."""
    labels = ("//services/dns:image", "//services/dns:dns_linux")
    subprocess.run([REPOSITORY / "ub", "-C", EXAMPLES, "build", *labels], check=True)


def image_command() -> list[str]:
    """Return the monitor's command line for the image, as `unibuild run` has it, without ports."""
    manifest_path = OUTPUTS / "image.manifest.json"
    manifest = manifests.read(manifest_path)
    image = manifest_path.with_name(manifest["image"]["file"])
    start = monitor.Start(image, manifest["memory"], "tcg", (PortForward(1, 53, "udp"),))
    return monitor.command_line(manifest, start)


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


def load(forward: PortForward, queries: Path, seconds: float) -> float:
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


def run_once(subject: Subject, queries: Path, seconds: float) -> dict[str, float]:
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


def measure(runs: int, seconds: float, scratch: Path) -> dict[str, dict[str, list[float]]]:
    """Return the rates of every run, by guest and transport."""
    build()
    linux = linux_guest.fetch(scratch)
    with tempfile.TemporaryDirectory() as folder:
        initramfs, queries = Path(folder, "initramfs"), Path(folder, "queries")
        files = {"dns": (OUTPUTS / "dns_linux").read_bytes(), ZONE_IN_GUEST: ZONE.read_bytes()}
        linux_guest.write_initramfs(linux, initramfs, f"/dns --zone /{ZONE_IN_GUEST}", files)
        queries.write_text(QUERIES)
        image = image_command()
        subjects = (
            Subject("image", image),
            Subject("linux", linux_guest.command_line(image, linux, initramfs, "")),
            Subject(
                "linux, no mitigations",
                linux_guest.command_line(image, linux, initramfs, "mitigations=off"),
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
    arguments = linux_guest.options(__doc__, "load a transport (default 5)", 5)
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
