"""Figures of booting: time to the first line and the first answer, smallest memory, image sizes.

    python tests/bench/boot.py [--runs 15] [--json]

Runs of the images are interleaved, so that a busy host disturbs all alike; medians and minima are
of wall time in milliseconds, from just before the monitor is started. *baseline* is a guest of a
dozen instructions that prints one line: what the monitor itself costs. Emulation (TCG) always.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from unibuild.image import manifest as manifests  # noqa: E402 - the repository's own code
from unibuild.image.boot_file import WRAP_ADDRESS, WRAP_CODE_OFFSET, wrap  # noqa: E402
from unibuild.machine import child, monitor  # noqa: E402
from unibuild.machine.ports import PortForward, claim  # noqa: E402

EXAMPLES = REPOSITORY / "examples"
HELLO, DNS = "//hello:image", "//services/dns:image"
LINE = b"Hello"
BASELINE_LINE = b"baseline\n"
QUESTION = bytes.fromhex("123400000001000000000000") + b"\x07example\x04test\0\0\x06\0\x01"
LONGEST = 10.0
STEP_KIB = 8


def baseline() -> bytes:
    """Return a boot file of twelve instructions that prints one line and resets the machine."""
    text_at = WRAP_ADDRESS + WRAP_CODE_OFFSET + 28
    code = (
        bytes.fromhex("be") + text_at.to_bytes(4, "little")  # mov esi, text
        + bytes.fromhex("66baf803")  # mov dx, 0x3f8
        + bytes.fromhex("ac84c07403eeebf8")  # lodsb; test; jz; out; jmp
        + bytes.fromhex("0f011d08001000")  # lidt of zeros
        + bytes.fromhex("0f0b90f4")  # ud2
    )  # fmt: skip
    return wrap(code + BASELINE_LINE + b"\0")


def build(label: str) -> Path:
    """Build an image of the examples; return its manifest."""
    subprocess.run(
        [REPOSITORY / "ub", "-C", EXAMPLES, "build", label], stdout=sys.stderr, check=True
    )
    package, _, name = label.removeprefix("//").partition(":")
    return EXAMPLES / "unibuild-out" / package / f"{name}.manifest.json"


def command(
    manifest_path: Path, memory: str = "", forwards: tuple[PortForward, ...] = ()
) -> list[str]:
    """Return the monitor's command line for an image, as `unibuild run` would have it."""
    manifest = manifests.read(manifest_path)
    image = manifest_path.with_name(manifest["image"]["file"])
    start = monitor.Start(image, memory or manifest["memory"], "tcg", forwards)
    return monitor.command_line(manifest, start)


def time_to_line(line: list[str], marker: bytes) -> float | None:
    """Return the seconds from the start until ``marker`` is on the console; None when it never is."""
    started = time.perf_counter()
    process = child.start(line)
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    seen = b""
    try:
        while time.perf_counter() - started < LONGEST:
            chunk = process.stdout.read(4096)
            if chunk:
                seen += chunk
                if marker in seen:
                    return time.perf_counter() - started
            elif chunk == b"":
                return None
            time.sleep(0.0002)
        return None
    finally:
        process.kill()
        child.stop(process)


def time_to_answer(manifest_path: Path, memory: str = "") -> float | None:
    """Return the seconds from the start until the service answers a query over UDP."""
    (forward,) = claim((PortForward(0, 53, "udp"),))
    line = command(manifest_path, memory, (forward,))
    started = time.perf_counter()
    process = child.start(line)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((forward.address, forward.host))
        client.settimeout(0.002)
        try:
            while time.perf_counter() - started < LONGEST and process.poll() is None:
                try:
                    client.send(QUESTION)
                    if client.recv(512)[:2] == QUESTION[:2]:
                        return time.perf_counter() - started
                except TimeoutError:
                    continue
                except ConnectionError:
                    time.sleep(0.001)
            return None
        finally:
            process.kill()
            child.stop(process)


def smallest_memory(works: Callable[[str], float | None], low: int, high: int) -> int | None:
    """Return the smallest memory in KiB with which ``works`` (three tries each), by bisection."""
    if works(f"{high}K") is None:
        return None
    while high - low > STEP_KIB:
        middle = (low + high) // 2 // STEP_KIB * STEP_KIB
        if any(works(f"{middle}K") is not None for _ in range(3)):
            high = middle
        else:
            low = middle
    return high


def measure(runs: int) -> dict[str, object]:
    """Build, boot and compare; return all figures."""
    hello, dns = build(HELLO), build(DNS)
    with tempfile.TemporaryDirectory() as folder:
        tiny = Path(folder, "baseline.elf")
        tiny.write_bytes(baseline())
        base = [str(tiny) if word.endswith(".elf") else word for word in command(hello)]
        subjects: dict[str, Callable[[], float | None]] = {
            "baseline": lambda: time_to_line(base, BASELINE_LINE),
            "hello, first line": lambda: time_to_line(command(hello), LINE),
            "dns, first answer": lambda: time_to_answer(dns),
        }
        times: dict[str, list[float]] = {name: [] for name in subjects}
        failures = dict.fromkeys(subjects, 0)
        for _ in range(runs):
            for name, run in subjects.items():
                seconds = run()
                if seconds is None:
                    failures[name] += 1
                else:
                    times[name].append(seconds * 1000)
    sizes = {
        label: manifests.read(path)["image"]["size"] for label, path in ((HELLO, hello), (DNS, dns))
    }
    files = sum(one["size"] for one in manifests.read(dns)["files"])
    floors = {
        "hello": smallest_memory(lambda size: time_to_line(command(hello, size), LINE), 1024, 8192),
        "dns": smallest_memory(lambda size: time_to_answer(dns, size), 1024, 8192),
    }
    return {
        "milliseconds": {
            name: {
                "median": round(statistics.median(values), 1) if values else None,
                "minimum": round(min(values), 1) if values else None,
                "runs": len(values),
                "failed": failures[name],
            }
            for name, values in times.items()
        },
        "bytes": {**sizes, "dns without its files": sizes[DNS] - files},
        "smallest KiB": floors,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=15, help="runs of each subject (default 15)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    figures = measure(arguments.runs)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{monitor.version()}, tcg, {arguments.runs} interleaved runs")
    milliseconds = figures["milliseconds"]
    assert isinstance(milliseconds, dict)
    for name, values in milliseconds.items():
        failed = f", {values['failed']} failed" if values["failed"] else ""
        print(f"{name:20} median {values['median']} ms, minimum {values['minimum']} ms{failed}")
    for kind in ("bytes", "smallest KiB"):
        group = figures[kind]
        assert isinstance(group, dict)
        for name, value in group.items():
            print(f"{name:24} {value} {kind}")


if __name__ == "__main__":
    main()
