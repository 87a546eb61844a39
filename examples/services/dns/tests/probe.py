"""Asks a booted image a few questions over UDP and TCP; the end-to-end tests ask the rest.

Exits with 1 and a sentence when an answer is not as expected.
"""

from __future__ import annotations

import os
import socket
import struct
import sys

ADDRESS = os.environ["UNIBUILD_ADDRESS"]
UDP_PORT = int(os.environ["UNIBUILD_PORT_53_UDP"])
TCP_PORT = int(os.environ["UNIBUILD_PORT_53_TCP"])
TRIES = 20
TYPE_A, TYPE_TXT = 1, 16
TRUNCATED = 0x0200


def question(name: str, kind: int) -> bytes:
    """Return a query for the records of one name and type."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    header = struct.pack(">6H", 0x1234, 0, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack(">2H", kind, 1)


def over_udp(packet: bytes) -> bytes:
    """Return the answer; datagrams may be lost while the image starts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect((ADDRESS, UDP_PORT))
        for _ in range(TRIES):
            client.send(packet)
            try:
                return client.recv(4096)
            except (TimeoutError, ConnectionError):
                continue
    sys.exit("no answer over UDP")


def over_tcp(packet: bytes) -> bytes:
    """Return the answer."""
    with socket.create_connection((ADDRESS, TCP_PORT), timeout=10) as client:
        client.sendall(struct.pack(">H", len(packet)) + packet)
        with client.makefile("rb") as stream:
            return stream.read(struct.unpack(">H", stream.read(2))[0])


def expect(what: str, answer: bytes, flags: int, answers: int) -> None:
    """Compare the flags (rcode included) and the number of records."""
    got = struct.unpack(">4H", answer[:8])
    if got[0] != 0x1234 or got[1] != flags or got[3] != answers:
        sys.exit(f"{what}: flags {got[1]:#06x}, {got[3]} records; not {flags:#06x}, {answers}")
    print(f"{what}: as expected")


expect("an address", over_udp(question("mail.example.test", TYPE_A)), 0x8400, 1)
expect("a missing name", over_udp(question("no.example.test", TYPE_A)), 0x8403, 0)
expect("another zone", over_udp(question("example.net", TYPE_A)), 0x8005, 0)
large = question("large.example.test", TYPE_TXT)
expect("a large set over UDP", over_udp(large), 0x8400 | TRUNCATED, 0)
expect("a large set over TCP", over_tcp(large), 0x8400, 16)
