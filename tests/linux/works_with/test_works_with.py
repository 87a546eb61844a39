"""Programs that other compilers made: static Rust, static and dynamic glibc, and BusyBox from Debian.

Each is brought as a file, as a user would bring it, into a workspace that has nothing else.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.booted import booted
from support.command import ROOT, unibuild

HERE = Path(__file__).parent
BUILD = """\
[linux_binary.program]
binary = "program"

[unikernel_image.image]
app = ":program"
args = ["one", "two"]
ports = [7]
"""
BUSYBOX = """\
[linux_binary.busybox]
binary = "@unibuild//toolchains/busybox:package"
path = "bin/busybox"

[unikernel_image.image]
app = ":busybox"
files = { "/poem" = "poem" }
"""
POEM = "kernel\nlibrary\nkernel\nimage\n"
APPLETS = (
    ("sort", "-u", "/poem"),
    ("grep", "-c", "kernel", "/poem"),
    ("sed", "-n", "s/e/E/gp", "/poem"),
    ("awk", '{ n[$1]++ } END { print n["kernel"], NR }', "/poem"),
    ("sha256sum", "/poem"),
    ("ls", "-1", "/poem"),
    ("expr", "6", "*", "7"),
    ("sh", "-c", "for i in 1 2 3; do echo $((i * i)); done"),
)


def workspace(folder: Path, build: str) -> Path:
    (folder / "WORKSPACE.toml").write_text('name = "mine"\n')
    (folder / "BUILD.toml").write_text(build)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def talk(connection: socket.socket, name: int) -> int:
    """Send twenty messages and read each back; return how many came back whole."""
    whole = 0
    for count in range(20):
        message = f"{name}-{count} ".encode() * 40
        connection.sendall(message)
        answer = b""
        while len(answer) < len(message) and (more := connection.recv(65536)):
            answer += more
        whole += answer == message
    return whole


def test_a_threaded_echo_server_in_rust(tmp_path: Path) -> None:
    folder = workspace(tmp_path, BUILD)
    command = ["rustc", "-O", "-C", "target-feature=+crt-static", "-o", str(folder / "program")]
    subprocess.run([*command, str(HERE / "echo.rs")], check=True)
    assert unibuild("build", "//:image", cwd=folder).returncode == 0
    port = free_port()
    with booted("//:image", "-p", f"{port}:7", cwd=folder):
        # One after the other: the monitor's own queue of connections is one long.
        connections = [connected(port) for _ in range(20)]
        with ThreadPoolExecutor(len(connections)) as pool:
            whole = list(pool.map(talk, connections, range(len(connections))))
        for connection in connections:
            connection.close()
    assert whole == [20] * 20


def connected(port: int) -> socket.socket:
    """Return a connection over which the guest has answered once."""
    for _ in range(200):
        with contextlib.suppress(ConnectionError), contextlib.ExitStack() as opened:
            connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            opened.callback(connection.close)
            connection.sendall(b"?")
            if connection.recv(1) == b"?":
                opened.pop_all()
                return connection
        time.sleep(0.1)  # the monitor is up and the server is not yet
    raise AssertionError("nobody answers")


@pytest.mark.parametrize("flag", ["-static", "-static-pie"])
def test_static_programs_with_glibc(tmp_path: Path, flag: str) -> None:
    folder = workspace(tmp_path, BUILD)
    program = folder / "program"
    subprocess.run(["cc", "-O2", flag, "-pthread", "-o", program, HERE / "glibc.c"], check=True)
    linux = subprocess.run(
        [program, "one", "two"], env={}, capture_output=True, text=True, check=False
    )
    image = unibuild("run", "//:image", cwd=folder)
    assert (image.returncode, image.stdout) == (linux.returncode, linux.stdout), image.stderr


def test_applets_of_busybox(tmp_path: Path) -> None:
    folder = workspace(tmp_path, BUSYBOX)
    (folder / "poem").write_text(POEM)
    busybox = shutil.which("busybox") or _own_busybox()
    for applet in APPLETS:
        words = [word.replace("/poem", str(folder / "poem")) for word in applet]
        linux = subprocess.run([busybox, *words], capture_output=True, text=True, check=False)
        image = unibuild("run", "//:image", "--", *applet, cwd=folder)
        expected = linux.stdout.replace(str(folder / "poem"), "/poem")
        assert (image.returncode, image.stdout) == (linux.returncode, expected), applet


def _own_busybox() -> str:
    built = unibuild("build", "//toolchains/busybox:package", cwd=ROOT)
    assert built.returncode == 0, built.stderr
    return str(ROOT / "unibuild-out/toolchains/busybox/package/bin/busybox")
