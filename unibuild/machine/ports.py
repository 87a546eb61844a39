"""Forwarded ports: ``[ADDRESS:]HOST:GUEST[/udp|/tcp]``, and who sits on one that is taken.

Without an address a port is forwarded from the loopback interface only: an image under test is
nobody else's business. HOST 0 takes a free port.
"""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOPBACK = "127.0.0.1"
_FORM = re.compile(
    r"(?:(?P<address>[\d.]+):)?(?P<host>\d+):(?P<guest>\d+)(?:/(?P<protocol>udp|tcp))?"
)
_HIGHEST = 65535
_HIGHEST_RESERVED = 1023
"""Up to here only root may listen."""
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


@dataclass(frozen=True, slots=True)
class PortForward:
    """One port of the host that leads to a port of the guest."""

    host: int
    guest: int
    protocol: str = "tcp"
    address: str = LOOPBACK

    def __str__(self) -> str:
        """Return the form that people write."""
        address = "" if self.address == LOOPBACK else f"{self.address}:"
        return f"{address}{self.host}:{self.guest}/{self.protocol}"


def parse_forward(text: str) -> PortForward:
    """Parse what a person wrote after ``-p``; ``UserError`` ``bad-port`` when it has another form."""
    match = _FORM.fullmatch(text)
    if match:
        host, guest = int(match["host"]), int(match["guest"])
        if host <= _HIGHEST and 0 < guest <= _HIGHEST:
            return PortForward(
                host, guest, match["protocol"] or "tcp", match["address"] or LOOPBACK
            )
    raise UserError(
        "bad-port",
        f"`{text}` is not a port to forward",
        hint="write HOST:GUEST, HOST:GUEST/udp or ADDRESS:HOST:GUEST, such as 8053:53/udp",
    )


def listened(declared: Iterable[int | str]) -> list[tuple[int, str]]:
    """Return number and protocol of the ports that an image declares: ``8080``, ``"53/udp"``."""
    found = []
    for one in declared:
        number, _, protocol = str(one).partition("/")
        found.append((int(number), protocol or "tcp"))
    return found


def remarks(declared: Iterable[int | str], forwards: Iterable[PortForward]) -> list[str]:
    """Return what to say of forwarded ports to somebody who starts an image that declares its ports."""
    listens = listened(declared)
    if not listens:
        return []
    names = " and ".join(f"{number}/{protocol}" for number, protocol in listens)
    asked = tuple(forwards)
    if not asked:
        number, protocol = listens[0]
        host = number if number > _HIGHEST_RESERVED else number + 8000
        suffix = "" if protocol == "tcp" else f"/{protocol}"
        return [f"the image listens on {names}; to reach it: -p {host}:{number}{suffix}"]
    return [
        f"{one} leads to a port on which the image does not listen: its ports are {names}"
        for one in asked
        if (one.guest, one.protocol) not in listens
    ]


def claim(forwards: tuple[PortForward, ...]) -> tuple[PortForward, ...]:
    """Return ``forwards`` with every host port 0 replaced by a free one.

    Raises ``HostError`` ``port-taken`` (naming the process that holds it) or ``port-forbidden``.
    """
    claimed: list[PortForward] = []
    free: dict[int, int] = {}
    for forward in forwards:
        try:
            number = _try(forward, forward.host) if forward.host else _free(forward, free)
        except OSError as error:
            raise _refusal(forward, error) from error
        claimed.append(replace(forward, host=number))
    return tuple(claimed)


def _try(forward: PortForward, number: int) -> int:
    with socket.socket(socket.AF_INET, _KINDS[forward.protocol]) as probe:
        if forward.protocol == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((forward.address, number))
        port: int = probe.getsockname()[1]
        return port


def _free(forward: PortForward, chosen: dict[int, int]) -> int:
    """Return a free port: for UDP and TCP to one guest port the same number, where possible."""
    try:
        number = _try(forward, chosen.get(forward.guest, 0))
    except OSError:
        number = _try(forward, 0)
    return chosen.setdefault(forward.guest, number)


def _refusal(forward: PortForward, error: OSError) -> HostError:
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(forward)
        by = f" by {holder}" if holder else ""
        return HostError(
            "port-taken",
            f"port {forward.host}/{forward.protocol} of this machine is taken{by}",
            hint=f"stop that process, or forward another port: -p {_other(forward)}",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return HostError(
            "port-forbidden",
            f"this user may not open port {forward.host}/{forward.protocol}",
            hint=f"forward a port above 1023: -p {_other(forward)}",
        )
    return HostError(
        "port-unusable",
        f"cannot open {forward.address} port {forward.host}/{forward.protocol}: {error.strerror}",
        hint="forward from an address of this machine",
    )


def _other(forward: PortForward) -> str:
    number = forward.host + 8000 if forward.host + 8000 <= _HIGHEST else 0
    return f"{number}:{forward.guest}/{forward.protocol}"


def holder_of(forward: PortForward) -> str:
    """Return ``process PID (NAME)`` for who holds the host port, as far as this user may see."""
    inodes = _inodes(forward)
    if not inodes:
        return ""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _holds(process, wanted):
            name = (process / "comm").read_text("utf-8", "replace").strip()
            return f"process {process.name} ({name})"
    owner = next(iter(inodes.values()))
    return f"a process of user {owner}"


def _inodes(forward: PortForward) -> dict[str, int]:
    """Return the sockets on the port: inode to the user id of the owner (proc(5), net/tcp)."""
    found = {}
    for table in (forward.protocol, f"{forward.protocol}6"):
        try:
            lines = Path("/proc/net", table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == forward.host and fields[9] != "0":
                found[fields[9]] = int(fields[7])
    return found


def _holds(process: Path, wanted: set[str]) -> bool:
    try:
        return any(str(entry.readlink()) in wanted for entry in (process / "fd").iterdir())
    except OSError:
        return False
