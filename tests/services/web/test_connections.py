"""The Go server's image with a thousand connections that stay open.

They are opened one after the other, each asked once: QEMU's user network has a host's queue of one
connection, and what comes at once waits for seconds there. Then all are asked at once.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from services.dns.conftest import free_port
from support.booted import booted
from support.command import unibuild

EXAMPLES = Path(__file__).parents[3] / "examples"
PAGE = (EXAMPLES / "services/web/static/style.css").read_bytes()
REQUEST = b"GET /style.css HTTP/1.1\r\nHost: test\r\n\r\n"
CONNECTIONS = 1000
ROUNDS = 3
MEMORY = "48M"
"""Go's own memory for each connection is most of it."""
PATIENCE = 60.0


class Connection:
    """One that stays open."""

    def __init__(self, port: int, patience: float = PATIENCE) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), patience)

    def ask(self) -> None:
        self._socket.sendall(REQUEST)

    def answer(self) -> bytes:
        """Return the body of the next answer."""
        data = b""
        while True:
            head, found, body = data.partition(b"\r\n\r\n")
            if found and len(body) == int(
                head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            ):
                return body
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionResetError
            data += more

    def close(self) -> None:
        self._socket.close()


def wait_for_server(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), contextlib.closing(Connection(port, 0.5)) as connection:
            connection.ask()
            if connection.answer() == PAGE:
                return
        time.sleep(0.05)
    pytest.fail("the server does not answer")


@pytest.fixture
def port() -> Iterator[int]:
    built = unibuild("build", "//services/web:image", cwd=EXAMPLES)
    assert built.returncode == 0, built.stderr
    number = free_port()
    options = (f"-p{number}:8080", f"--memory={MEMORY}")
    with booted("//services/web:image", *options, cwd=EXAMPLES) as machine:
        wait_for_server(number)
        yield number
        assert machine.poll() is None, "the image ended"


@pytest.mark.boot
def test_a_thousand_connections_stay_open(port: int) -> None:
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(contextlib.closing(Connection(port)))
            connection.ask()
            assert connection.answer() == PAGE
            connections.append(connection)
        for _ in range(ROUNDS):
            for connection in connections:
                connection.ask()
            assert all(connection.answer() == PAGE for connection in connections)
