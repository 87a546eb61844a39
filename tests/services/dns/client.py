"""Questions to a DNS server, by dnspython and as raw octets."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

WAIT = 10.0
"""Seconds to wait for an answer that must come; a guest under emulation is slow at times."""

SILENCE = 0.5
"""Seconds after which silence counts as no answer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens, over UDP and TCP."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one server."""

    endpoint: Endpoint

    def ask(self, name: str, kind: str = "A", *, tcp: bool = False, **options: Any) -> Any:
        """Ask for `name`; the answer as dnspython reads it, which must fit the question."""
        query = dns.message.make_query(name, kind, **options)
        return self.send(query, tcp=tcp)

    def send(self, query: Any, *, tcp: bool = False) -> Any:
        """Send a dnspython message and return the answer, which must be well formed."""
        where = (self.endpoint.host, WAIT, self.endpoint.port)
        if tcp:
            return dns.query.tcp(query, *where)
        for _ in range(3):
            try:
                return dns.query.udp(query, where[0], timeout=WAIT / 3, port=where[2])
            except dns.exception.Timeout:
                continue
        message = "no answer over UDP"
        raise TimeoutError(message)

    def datagram(self, packet: bytes, wait: float = WAIT) -> bytes | None:
        """Send one datagram; what comes back, or None after `wait` seconds."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.settimeout(wait)
            sender.connect((self.endpoint.host, self.endpoint.port))
            sender.send(packet)
            try:
                return sender.recv(65536)
            except TimeoutError:
                return None

    @contextmanager
    def stream(self) -> Iterator[Stream]:
        """One TCP connection."""
        address = (self.endpoint.host, self.endpoint.port)
        with socket.create_connection(address, timeout=WAIT) as connection:
            yield Stream(connection)


@dataclass(slots=True)
class Stream:
    """A TCP connection, message by message."""

    socket: socket.socket
    kept: bytes = b""

    def send(self, *packets: bytes) -> None:
        """Send messages, each with its length before it, in one piece."""
        self.socket.sendall(b"".join(framed(packet) for packet in packets))

    def receive(self) -> bytes | None:
        """The next message, or None when the server has closed the connection."""
        head = self._take(2)
        return None if head is None else self._take(struct.unpack(">H", head)[0])

    def _take(self, size: int) -> bytes | None:
        while len(self.kept) < size:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self.kept += more
        taken, self.kept = self.kept[:size], self.kept[size:]
        return taken


def framed(packet: bytes) -> bytes:
    """The message as it goes over TCP."""
    return struct.pack(">H", len(packet)) + packet


def question(name: str, kind: str = "A", identifier: int = 0x1234) -> bytes:
    """A plain query without EDNS, as octets."""
    query = dns.message.make_query(name, kind, id=identifier)
    return query.to_wire()


def eventually_answers(client: Client, seconds: float) -> bool:
    """Whether the server answers within that time; for one that is starting."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if client.datagram(question("example.test", "SOA"), wait=0.2) is not None:
                return True
        except ConnectionRefusedError:
            time.sleep(0.02)
    return False
