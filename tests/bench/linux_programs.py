"""Figures of a Linux program's image: the Go file server, against Linux with the same binary as init.

    python tests/bench/linux_programs.py [--runs 10] [--seconds 5] [--json]

Both guests run in the same QEMU under emulation (TCG): one processor, a virtio-net device on the
user network. The image has machine microvm; Linux that of linux_guest.py. Its second line is with
`mitigations=off`. Runs are interleaved, so that a busy host disturbs all alike; figures are medians.

- first 200: from just before QEMU is started until a first answer has come, asked for anew every
  few milliseconds; the other figures of speed: requests on one connection that stays open, each
  after the answer to the one before, a page of 5,632 bytes
- smallest memory: the least -m, in MiB, at which the page is served a thousand times
- kernel: what the image holds beside the root archive; overhead: beside program and files

The kernel and a static busybox (which loads the modules, then becomes the server) are downloaded
once with apt into the folder named by --scratch. Needs apt-get and dpkg-deb.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import linux_guest  # noqa: E402 - beside this file

from unibuild.image import manifest as manifests  # noqa: E402 - the repository's own code
from unibuild.machine import child, monitor  # noqa: E402
from unibuild.machine.ports import PortForward, claim  # noqa: E402

WEB = REPOSITORY / "examples/services/web"
PORT = 8080
PAGE = b"<!doctype html><title>Page</title>\n" + b"<p>A paragraph of the page.</p>\n" * 175
PAGE = PAGE.ljust(5632, b"\n")
REQUEST = b"GET /page.html HTTP/1.1\r\nHost: bench\r\n\r\n"
LONGEST_START = 30.0
PATIENCE = 0.1
"""Seconds until a request to a guest that starts is given up and made anew."""
MOST_MEMORY = 64
ENOUGH = 1000
REACH = {
    "first 200, image": "300 ms",
    "smallest memory": "16 MiB",
    "kernel": "300 KB",
    "overhead": "400 KB",
    "requests/s, image": "900",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One guest: its name in the figures and the command that starts it, but for the port."""

    name: str
    command: Sequence[str]


class _ClosedError(OSError):
    """The connection ended before the answer did."""


def _answer(connection: socket.socket) -> bytes:
    """Ask for the page; return the whole answer."""
    connection.sendall(REQUEST)
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        if found:
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(body) >= length:
                return data
        more = connection.recv(65536)
        if not more:
            raise _ClosedError
        data += more


def _connect(port: int, patience: float) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), patience)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _first_answer(port: int, start: float, process: subprocess.Popen[bytes]) -> float | None:
    """Return the seconds from ``start`` to the first page, None when none comes in time."""
    while time.monotonic() - start < LONGEST_START and process.poll() is None:
        with contextlib.suppress(OSError), _connect(port, PATIENCE) as connection:
            if _answer(connection).startswith(b"HTTP/1.1 200") and process.poll() is None:
                return time.monotonic() - start
        time.sleep(0.002)
    return None


@contextlib.contextmanager
def _started(command: Sequence[str]) -> Iterator[tuple[int, float, subprocess.Popen[bytes]]]:
    (forward,) = claim((PortForward(0, PORT),))
    port_words = f"hostfwd=tcp:127.0.0.1:{forward.host}-:{PORT}"
    line = [word.replace(f"hostfwd=tcp:127.0.0.1:1-:{PORT}", port_words) for word in command]
    start = time.monotonic()
    process = child.start(line)
    try:
        yield forward.host, start, process
    finally:
        process.kill()
        child.stop(process)


def _rate(port: int, seconds: float) -> float:
    with _connect(port, LONGEST_START) as connection:
        _answer(connection)
        count, start = 0, time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            _answer(connection)
            count += 1
        return count / passed


def _lasts(port: int) -> bool:
    """Tell whether the guest answers so often that its program has collected its garbage."""
    with contextlib.suppress(OSError), _connect(port, LONGEST_START) as connection:
        for _ in range(ENOUGH):
            _answer(connection)
        return True
    return False


def run_once(subject: Subject, seconds: float) -> tuple[float, float]:
    """Start the guest; return the milliseconds to the first answer and the requests per second."""
    with _started(subject.command) as (port, start, process):
        first = _first_answer(port, start, process)
        if first is None:
            sys.exit(f"{subject.name} does not answer")
        return first * 1000, _rate(port, seconds)


def smallest_memory(command: Sequence[str]) -> int:
    """Return the least whole number of MiB at which the page is served."""
    line = list(command)
    at = line.index("-m") + 1
    least, most = 0, MOST_MEMORY
    while most - least > 1:
        middle = (least + most) // 2
        line[at] = f"{middle}M"
        with _started(line) as (port, start, process):
            serves = _first_answer(port, start, process) is not None and _lasts(port)
        least, most = (least, middle) if serves else (middle, most)
    return most


def build(folder: Path) -> tuple[Path, bytes]:
    """Build the example with the page in ``folder``; return its manifest and the program."""
    shutil.copytree(WEB, folder / "web")
    (folder / "WORKSPACE.toml").write_text('name = "bench"\nlicense = "LicenseRef-bench"\n')
    (folder / "web/static/page.html").write_bytes(PAGE)
    labels = ("//web:image", "//web:server-program")
    subprocess.run([REPOSITORY / "ub", "-C", folder, "build", *labels], check=True)
    outputs = folder / "unibuild-out/web"
    (program,) = (path for path in outputs.rglob("server-program") if path.is_file())
    return outputs / "image.manifest.json", program.read_bytes()


def sizes(manifest: dict[str, Any]) -> dict[str, int]:
    """Return the figures of size in bytes."""
    image = manifest["image"]["size"]
    (root,) = (one["size"] for one in manifest["sections"] if one["name"] == ".ub_root")
    content = sum(one["size"] for one in manifest["files"])
    return {"kernel": image - root, "overhead": image - content}


def measure(runs: int, seconds: float, scratch: Path) -> dict[str, Any]:
    """Return every figure; those of speed as lists with one number a run."""
    linux = linux_guest.fetch(scratch)
    with tempfile.TemporaryDirectory() as folder:
        manifest_path, program = build(Path(folder))
        manifest = manifests.read(manifest_path)
        boot_file = manifest_path.with_name(manifest["image"]["file"])
        start = monitor.Start(boot_file, manifest["memory"], "tcg", (PortForward(1, PORT),))
        image = monitor.command_line(manifest, start)
        initramfs = Path(folder, "initramfs")
        files = {"server": program, "static/page.html": PAGE}
        linux_guest.write_initramfs(linux, initramfs, "/server", files)
        subjects = [Subject("image", image)]
        for name, words in (("linux", ""), ("linux, no mitigations", "mitigations=off")):
            command = linux_guest.command_line(image, linux, initramfs, words)
            subjects.append(Subject(name, command))
        figures: dict[str, Any] = {**sizes(manifest), "smallest memory": smallest_memory(image)}
        for _ in range(runs):
            for subject in subjects:
                first, rate = run_once(subject, seconds)
                figures.setdefault(f"first 200, {subject.name}", []).append(first)
                figures.setdefault(f"requests/s, {subject.name}", []).append(rate)
        return figures


def main() -> None:
    """Measure and print."""
    arguments = linux_guest.options(__doc__, "load a run (default 5)", 5)
    figures = measure(arguments.runs, arguments.seconds, arguments.scratch)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{monitor.version()}, tcg, {arguments.runs} interleaved runs, medians")
    print(f"{'measure':36} | {'seen':>12} | reach")
    units = {"first": "ms", "requests/s": "", "kernel": "B", "overhead": "B", "smallest": "MiB"}
    for name, seen in sorted(figures.items()):
        median = statistics.median(seen) if isinstance(seen, list) else seen
        unit = units[name.split(",")[0].split(" ")[0]]
        print(f"{name:36} | {f'{median:,.0f} {unit}':>12} | {REACH.get(name, '')}")


if __name__ == "__main__":
    main()
