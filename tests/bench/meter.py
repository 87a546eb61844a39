"""Measure one command: seconds, processor time of client and server, memory, bytes on the wire.

Processor time is the measure to believe on a machine that others use too: user plus system time of
the command and of all it waited for (``client``), and of the server's processes (``server``). Memory
is the highest sum over the process tree, sampled every 20 ms: resident (pages that processes share
count in each), and proportional (such a page counts once). A child between vfork and exec, which has
its parent's memory, is not counted again. ``own`` leaves the actions' processes out, ``root`` all but the
command itself.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
_SAMPLE_SECONDS = 0.02
_PSS_EVERY = 10  # a proportional sum walks every mapping and would slow what it measures


class Usage(NamedTuple):
    """What one run took; MiB are 0 unless memory was asked for."""

    seconds: float
    client: float
    server: float
    rss_mib: float = 0.0
    pss_mib: float = 0.0
    own_mib: float = 0.0
    text: str = ""
    root_mib: float = 0.0


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    servers: Sequence[int] = (),
    memory: bool = False,
) -> Usage:
    """Run ``command`` and measure it; exits with what it printed when it fails."""
    before = sum(cpu_seconds(pid) for pid in servers)
    began = time.perf_counter()
    child = subprocess.Popen(
        list(command), cwd=cwd, env=dict(environment), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    peak = _Peak(child.pid) if memory else None
    if peak:
        peak.start()
    output = child.stdout.read() if child.stdout else b""
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if peak:
        peak.join()
    text = output.decode(errors="replace")
    if child.returncode:
        sys.exit(f"{' '.join(command)}\nended with {child.returncode}:\n{text}")
    server = sum(cpu_seconds(pid) for pid in servers) - before
    sizes = (peak.rss, peak.pss, peak.own) if peak else (0.0, 0.0, 0.0)
    root = peak.root if peak else 0.0
    return Usage(seconds, used.ru_utime + used.ru_stime, server, *sizes, text, root)


def median(runs: Sequence[Usage]) -> Usage:
    """Return the medians of each measure."""
    return Usage(
        *(statistics.median(values) for values in zip(*(r[:6] for r in runs), strict=True))
    )


class _Peak(threading.Thread):
    """Watches a process tree until its root is gone."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self.rss = 0.0
        self.pss = 0.0
        self.own = 0.0
        self.root = 0.0

    def run(self) -> None:
        count = 0
        while _alive(self._root):
            members = _address_spaces(self._root)
            sizes = [resident_mib(pid) for pid in members]
            self.rss = max(self.rss, sum(sizes))
            self.root = max(self.root, resident_mib(self._root))
            own = _program(self._root)
            mine = (size for pid, size in zip(members, sizes, strict=True) if _program(pid) == own)
            self.own = max(self.own, sum(mine))
            if count % _PSS_EVERY == 0:
                self.pss = max(self.pss, sum(map(proportional_mib, members)))
            count += 1
            time.sleep(_SAMPLE_SECONDS)


def _address_spaces(root: int) -> list[int]:
    """Return a process tree without children that share their parent's memory until they exec."""
    sizes: dict[str, int] = {}
    for pid in tree(root):
        with contextlib.suppress(OSError):
            sizes.setdefault(Path(f"/proc/{pid}/statm").read_text(encoding="ascii"), pid)
    return list(sizes.values())


def _program(pid: int) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115 - many times a second
    return ""


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1][1] != "Z"
    except OSError:
        return False


def tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [root]
    for number in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{number}/task").iterdir():
                found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process, 0 when it is gone."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_MIB
    return 0.0


def proportional_mib(pid: int) -> float:
    """Return the proportional memory of a process, 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(root: int) -> float:
    """Return the user and system time of a process and of its descendants, ended ones included."""
    total = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            total += sum(map(int, stat.rsplit(")", 1)[1].split()[11:15]))
    return total / _TICKS


def put_away(path: Path, place: Path) -> None:
    """Move what is at ``path`` below ``place``, for a later end: ext4 makes files slowly for a minute after many
    were deleted, which would be measured with the next run.
    """
    with contextlib.suppress(FileNotFoundError):
        path.rename(place / f"old-{time.monotonic_ns()}")


class Relay:
    """A relay on loopback between a client and ``server`` (host, port) that counts bytes.

    ``received`` and ``sent`` are as the client sees them, framing and headers of HTTP/2 included.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        """Listen on a free port."""
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.received = 0
        self.sent = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for pair, name in (((client, server), "sent"), ((server, client), "received")):
                    threading.Thread(target=self._carry, args=(*pair, name), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, name: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 18):
                setattr(self, name, getattr(self, name) + len(data))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Accept no more."""
        self._listener.close()


@contextlib.contextmanager
def relayed(url: str) -> Iterator[tuple[str, Relay]]:
    """Give a URL that leads to ``url`` (``grpc://HOST:PORT``) through a counting relay."""
    host, _, port = url.partition("://")[2].partition(":")
    relay = Relay((host, int(port.strip("/"))))
    try:
        yield f"grpc://127.0.0.1:{relay.port}", relay
    finally:
        relay.close()


def peak_mib(pid: int) -> float:
    """Return the highest resident memory that a living process has had."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
