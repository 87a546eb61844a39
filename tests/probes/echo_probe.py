"""Many connections at once to the echo server of echo.c: what comes back is what was sent."""

from __future__ import annotations

import os
import random
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

CONNECTIONS = 24
ROUNDS = 3
LARGEST = 60_000


class EchoError(Exception):
    """The guest did not give back what was sent."""


def connect(number: int) -> socket.socket:
    """Open a connection and see it answer.

    One after the other: the monitor's own queue for connections to a forwarded port has one place.
    """
    address = (os.environ["UNIBUILD_ADDRESS"], int(os.environ["UNIBUILD_PORT_7000_TCP"]))
    connection = socket.create_connection(address, timeout=30)
    exchange(connection, number.to_bytes(4, "big"))
    return connection


def exchange(connection: socket.socket, sent: bytes) -> None:
    """Send bytes and compare what comes back."""
    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(connection.sendall, sent)
        got = bytearray()
        while len(got) < len(sent):
            piece = connection.recv(65536)
            if not piece:
                raise EchoError(f"ended after {len(got)} of {len(sent)} bytes")
            got += piece
        writing.result()
    if got != sent:
        raise EchoError("gave back other bytes")


def converse(number: int, connection: socket.socket) -> str:
    """Send random pieces over one connection; return what went wrong, or nothing."""
    draw = random.Random(number)
    try:
        for _ in range(ROUNDS):
            exchange(connection, draw.randbytes(draw.randrange(4, LARGEST)))
    except (EchoError, OSError) as error:
        return f"connection {number} {error}"
    finally:
        connection.close()
    return ""


def main() -> int:
    """Run all connections, twice, so that ended ones have been given back."""
    problems = []
    for _ in range(2):
        connections = [connect(number) for number in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            texts = pool.map(converse, range(CONNECTIONS), connections)
            problems += [text for text in texts if text]
    sys.stdout.write(f"probe echo expect=ok got={'; '.join(problems) or 'ok'}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
