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


def converse(number: int) -> str:
    """Send random pieces over one connection; return what went wrong, or nothing."""
    draw = random.Random(number)
    address = (os.environ["UNIBUILD_ADDRESS"], int(os.environ["UNIBUILD_PORT_7000_TCP"]))
    with socket.create_connection(address, timeout=30) as connection:
        for _ in range(ROUNDS):
            sent = draw.randbytes(draw.randrange(4, LARGEST))
            with ThreadPoolExecutor(1) as writer:
                writing = writer.submit(connection.sendall, sent)
                got = bytearray()
                while len(got) < len(sent):
                    piece = connection.recv(65536)
                    if not piece:
                        return f"connection {number} ended after {len(got)} of {len(sent)} bytes"
                    got += piece
                writing.result()
            if got != sent:
                return f"connection {number} gave back other bytes"
    return ""


def main() -> int:
    """Run all connections, twice, so that ended ones have been given back."""
    problems = []
    for _ in range(2):
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            problems += [text for text in pool.map(converse, range(CONNECTIONS)) if text]
    sys.stdout.write(f"probe echo expect=ok got={'; '.join(problems) or 'ok'}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
