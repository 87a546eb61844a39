"""C16, C17, C19, C24: what a neighbour on the guest's Ethernet can predict, reach and exhaust.

The probe is the whole network of the guest: it speaks Ethernet over the monitor's stream socket
(each frame behind its length, four bytes, big-endian), as hosts 10.0.2.2 and 10.0.2.3. The first
argument names the check; network.c is the guest's side. Bounds are far outside what a fair random
draw gives, so that a sound guest passes every time.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GUEST = bytes([10, 0, 2, 15])
PEERS = (bytes([10, 0, 2, 2]), bytes([10, 0, 2, 3]))
OWN_MAC = b"\x52\x55\x0a\x00\x02\x02"
BROADCAST = b"\xff" * 6
TCP_PORT = 7000
UDP_PORT = 7001
SAMPLES = 1000
PATIENCE = 30.0

FIN, SYN, RST, ACK = 1, 2, 4, 16
ICMP, TCP, UDP = 1, 6, 17


@dataclass(frozen=True, slots=True)
class Packet:
    """An IPv4 datagram of the guest."""

    peer: bytes
    protocol: int
    identification: int
    dont_fragment: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """The header of a TCP segment."""

    source: int
    target: int
    sequence: int
    flags: int


class ProbeError(Exception):
    """The guest did not do its part."""


class Wire:
    """The Ethernet segment: sends frames, answers ARP, yields the guest's datagrams."""

    def __init__(self, path: str) -> None:
        """Join the segment and learn the guest's address."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._buffer = bytearray()
        self._guest_mac = BROADCAST
        self._identification = 0
        for _ in range(50):
            self._arp(1, BROADCAST, PEERS[0], GUEST)
            for _ in self.packets(0.1):
                pass
            if self._guest_mac != BROADCAST:
                return
        raise ProbeError("the guest does not answer ARP")

    def _frame(self, target: bytes, kind: int, payload: bytes) -> None:
        frame = (target + OWN_MAC + struct.pack("!H", kind) + payload).ljust(60, b"\0")
        self._socket.sendall(struct.pack("!I", len(frame)) + frame)

    def _arp(self, operation: int, target: bytes, own: bytes, other: bytes) -> None:
        head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
        self._frame(target, 0x0806, head + OWN_MAC + own + target + other)

    def send(self, protocol: int, payload: bytes, peer: bytes = PEERS[0], **parts: int) -> None:
        """Send a datagram from ``peer``; ``parts`` may hold ``identification`` and ``fragment``."""
        self._identification += 1
        identification = parts.get("identification", self._identification & 0xFFFF)
        length = 20 + len(payload)
        fields = (0x45, 0, length, identification, parts.get("fragment", 0), 64, protocol)
        header = struct.pack("!BBHHHBBH", *fields, 0) + peer + GUEST
        total = struct.pack("!BBHHHBBH", *fields, checksum(header)) + peer + GUEST + payload
        self._frame(self._guest_mac, 0x0800, total)

    def packets(self, seconds: float) -> Iterator[Packet]:
        """Yield datagrams of the guest for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            while (frame := self._take()) is not None:
                packet = self._packet(frame)
                if packet is not None:
                    yield packet
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                return
            if not data:
                raise ProbeError("the guest is gone")
            self._buffer += data

    def _take(self) -> bytes | None:
        if len(self._buffer) < 4:
            return None
        (length,) = struct.unpack_from("!I", self._buffer)
        if len(self._buffer) < 4 + length:
            return None
        frame = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        return frame

    def _packet(self, frame: bytes) -> Packet | None:
        kind, body = frame[12:14], frame[14:]
        if kind == b"\x08\x06" and body[14:18] == GUEST:
            self._guest_mac = body[8:14]
            if body[6:8] == b"\0\x01" and body[24:28] in PEERS:
                self._arp(2, self._guest_mac, body[24:28], GUEST)
            return None
        if kind != b"\x08\x00" or body[12:16] != GUEST or body[16:20] not in PEERS:
            return None
        (length, identification, fragment) = struct.unpack_from("!HHH", body, 2)
        head = (body[0] & 15) * 4
        payload = body[head:length]
        return Packet(body[16:20], body[9], identification, bool(fragment & 0x4000), payload)


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(protocol: int, length: int, peer: bytes) -> bytes:
    """Return the pseudo header that TCP's and UDP's checksums cover (RFC 9293, RFC 768)."""
    return peer + GUEST + struct.pack("!BBH", 0, protocol, length)


def tcp(wire: Wire, segment: Segment, acknowledged: int = 0) -> None:
    """Send a segment without data from the first peer."""
    fields = (segment.source, segment.target, segment.sequence, acknowledged, 0x50, segment.flags)
    header = struct.pack("!HHIIBBHHH", *fields, 65535, 0, 0)
    total = checksum(pseudo(TCP, len(header), PEERS[0]) + header)
    wire.send(TCP, struct.pack("!HHIIBBHHH", *fields, 65535, total, 0))


def udp(payload: bytes, source: int, target: int, peer: bytes = PEERS[0]) -> bytes:
    """Return a UDP datagram with its checksum."""
    length = 8 + len(payload)
    header = struct.pack("!HHHH", source, target, length, 0)
    total = checksum(pseudo(UDP, length, peer) + header + payload) or 0xFFFF
    return struct.pack("!HHHH", source, target, length, total) + payload


def segment_of(packet: Packet) -> Segment:
    """Return the header of a TCP segment."""
    source, target, sequence, _, _, flags = struct.unpack_from("!HHIIBB", packet.payload)
    return Segment(source, target, sequence, flags)


def ask(wire: Wire, command: str, seen: Callable[[Packet], None]) -> None:
    """Send a command to the guest, show ``seen`` every datagram until its answer comes."""
    wire.send(UDP, udp(command.encode(), 5000, UDP_PORT))
    for packet in wire.packets(PATIENCE):
        if packet.protocol == UDP and packet.payload[:4] == struct.pack("!HH", UDP_PORT, 5000):
            return
        seen(packet)
    raise ProbeError(f"no answer to `{command}`")


def open_once(wire: Wire, source: int) -> int:
    """Begin a connection and abandon it; return the guest's initial sequence number."""
    tcp(wire, Segment(source, TCP_PORT, 1000, SYN))
    for packet in wire.packets(PATIENCE):
        if packet.protocol != TCP:
            continue
        answer = segment_of(packet)
        if answer.target == source and answer.flags & (SYN | ACK) == SYN | ACK:
            tcp(wire, Segment(source, TCP_PORT, 1001, RST))
            return answer.sequence
    raise ProbeError(f"no answer to a connection from port {source}")


def unpredictable(numbers: list[int], name: str) -> list[str]:
    """Return what is wrong with 32-bit numbers that should look like a random draw."""
    problems = []
    if len(set(numbers)) < len(numbers) - 2:
        problems.append(f"{name} repeat")
    steps = [(second - first) % 2**32 for first, second in pairwise(numbers)]
    small = sum(step < 2**24 or step > 2**32 - 2**24 for step in steps)
    if small > len(steps) // 25:  # a fair draw gives 1 in 128
        problems.append(f"{small} of {len(steps)} {name} lie close to the one before")
    if Counter(steps).most_common(1)[0][1] > 3:
        problems.append(f"steps between {name} repeat")
    eighths = Counter(number >> 29 for number in numbers)
    if min(eighths[i] for i in range(8)) < len(numbers) // 16:
        problems.append(f"{name} leave out parts of their range")
    return problems


def check_incoming(wire: Wire) -> list[str]:
    """RFC 6528: another tuple gives an unrelated number, the same tuple one that follows time."""
    numbers = [open_once(wire, 10000 + i) for i in range(SAMPLES)]
    problems = unpredictable(numbers, "sequence numbers of answers")
    begin = time.monotonic()
    same = [open_once(wire, 9999) for _ in range(20)]
    elapsed = (time.monotonic() - begin) * 250_000  # one number every 4 microseconds
    growth = (same[-1] - same[0]) % 2**32
    if not 0 < growth < 4 * elapsed + 250_000:
        problems.append(f"one tuple's numbers grew by {growth}, time by {elapsed:.0f}")
    return problems


def check_outgoing(wire: Wire) -> list[str]:
    """Connections that the guest opens: numbers and source ports."""
    segments: list[Segment] = []

    def refuse(packet: Packet) -> None:
        if packet.protocol == TCP and segment_of(packet).flags & (SYN | ACK) == SYN:
            one = segment_of(packet)
            segments.append(one)
            tcp(wire, Segment(9, one.source, 0, RST | ACK), (one.sequence + 1) % 2**32)

    ask(wire, f"tcp 9 {SAMPLES}", refuse)
    if len(segments) < SAMPLES:
        return [f"only {len(segments)} connections of {SAMPLES}"]
    problems = unpredictable([one.sequence for one in segments], "sequence numbers of requests")
    return problems + spread([one.source for one in segments], "TCP")


def check_datagrams(wire: Wire) -> list[str]:
    """Source ports of sockets that are not bound."""
    sources: list[int] = []

    def note(packet: Packet) -> None:
        if packet.protocol == UDP and packet.payload[2:4] == struct.pack("!H", 53):
            sources.append(int.from_bytes(packet.payload[:2], "big"))

    ask(wire, f"udp 53 {SAMPLES}", note)
    if len(sources) < SAMPLES * 9 // 10:
        return [f"only {len(sources)} datagrams of {SAMPLES}"]
    return spread(sources, "UDP")


def spread(ports: list[int], kind: str) -> list[str]:
    """Return what is wrong with source ports that should look like a random draw."""
    problems = []
    low, high = min(ports), max(ports)
    near = sum(abs(second - first) <= 2 for first, second in pairwise(ports))
    if low < 1024 or high - low < 8192:
        problems.append(f"{kind} source ports come from {low}..{high} only")
    if near > len(ports) // 50:  # a fair draw of 16,384 ports gives 1 in 3,300
        problems.append(f"{near} {kind} source ports follow the one before")
    sixteenths = Counter((port - low) * 16 // (high - low + 1) for port in ports)
    if min(sixteenths[i] for i in range(16)) < len(ports) // 64:
        problems.append(f"{kind} source ports leave out parts of their range")
    return problems


def check_identifications(wire: Wire) -> list[str]:
    """IP ids seen by one peer tell nothing of datagrams to another (RFC 7739)."""
    seen: list[Packet] = []
    for i in range(400):
        wire.send(UDP, udp(b"x" * 64, 6000, UDP_PORT, PEERS[i % 2]), PEERS[i % 2])
        for packet in wire.packets(PATIENCE):
            if packet.protocol == UDP:
                seen.append(packet)
                break
    if len(seen) < 400:
        return [f"only {len(seen)} answers of 400"]
    if all(packet.dont_fragment and packet.identification == 0 for packet in seen):
        return []  # atomic datagrams need no id (RFC 6864)
    ids = [packet.identification for packet in seen]
    near = sum(0 < (second - first) % 65536 <= 16 for first, second in pairwise(ids))
    return [f"{near} of 400 IP ids follow the one before"] if near > 8 else []


def check_ports(wire: Wire) -> list[str]:
    """Every TCP and UDP port: only those that the program opened answer."""
    open_tcp: set[int] = set()
    refused: set[int] = set()
    for begin in range(1, 65536, 128):
        missing = set(range(begin, min(begin + 128, 65536)))
        for port in missing:
            tcp(wire, Segment(4000, port, 1, SYN))
        for packet in wire.packets(5.0):
            if packet.protocol != TCP:
                continue
            answer = segment_of(packet)
            missing.discard(answer.source)
            if answer.flags & SYN:
                open_tcp.add(answer.source)
                tcp(wire, Segment(4000, answer.source, 2, RST))
            else:
                refused.add(answer.source)
            if not missing:
                break
    problems = [] if open_tcp == {TCP_PORT} else [f"open TCP ports: {sorted(open_tcp)}"]
    if len(refused) < 65000:
        problems.append(f"only {len(refused)} TCP ports refused a connection")
    return problems + _check_udp_ports(wire)


def _check_udp_ports(wire: Wire) -> list[str]:
    answered: set[int] = set()
    unreachable = 0
    for begin in range(1, 65536, 64):
        batch = range(begin, min(begin + 64, 65536))
        for port in batch:
            wire.send(UDP, udp(b"?", 4000, port))
        expected = len(batch)
        for packet in wire.packets(5.0):
            expected -= 1
            if packet.protocol == UDP:
                answered.add(int.from_bytes(packet.payload[:2], "big"))
            elif packet.protocol == ICMP and packet.payload[:2] == b"\3\3":
                unreachable += 1
            if expected == 0:
                break
    problems = [] if answered == {UDP_PORT} else [f"open UDP ports: {sorted(answered)}"]
    if unreachable < 60000:
        problems.append(f"only {unreachable} UDP ports said that they are unreachable")
    return problems


def check_fragments(wire: Wire) -> list[str]:
    """Overlapping fragments are dropped, and waiting for missing ones is bounded."""
    problems = []
    whole = udp(b"A" * 64, 6000, UDP_PORT)
    more = 0x2000
    wire.send(UDP, whole[:32], identification=1, fragment=more)
    wire.send(UDP, whole[32:], identification=1, fragment=4)
    if not _answered(wire, PATIENCE):
        problems.append("a datagram in two fragments is not answered")
    wire.send(UDP, whole[:40], identification=2, fragment=more)
    wire.send(UDP, whole[32:], identification=2, fragment=4)
    if _answered(wire, 1.0):
        problems.append("overlapping fragments were put together")
    for i in range(3000):
        wire.send(UDP, bytes(1400), identification=1000 + i, fragment=more | (i % 40) * 175)
    time.sleep(6)  # the guest may keep fragments for some seconds
    wire.send(UDP, whole)
    if not _answered(wire, PATIENCE):
        problems.append("after a flood of fragments the guest answers no more")
    return problems


def _answered(wire: Wire, seconds: float) -> bool:
    return any(
        packet.protocol == UDP and packet.payload[2:4] == struct.pack("!H", 6000)
        for packet in wire.packets(seconds)
    )


CHECKS: dict[str, Callable[[Wire], list[str]]] = {
    "incoming": check_incoming,
    "outgoing": check_outgoing,
    "datagrams": check_datagrams,
    "identifications": check_identifications,
    "ports": check_ports,
    "fragments": check_fragments,
}


def main() -> int:
    """Run one check; print its line."""
    name = sys.argv[1]
    try:
        problems = CHECKS[name](Wire(os.environ["UNIBUILD_WIRE"]))
    except ProbeError as error:
        problems = [str(error)]
    sys.stdout.write(f"probe {name} expect=ok got={'; '.join(problems) or 'ok'}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
