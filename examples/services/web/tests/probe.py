"""Asks the web server in the image for what it should serve."""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path

ADDRESS = os.environ["UNIBUILD_ADDRESS"]
PORT = int(os.environ["UNIBUILD_PORT_8080_TCP"])
PATIENCE = 20.0  # seconds until the server has to listen
TRY = 0.5  # seconds: what is sent before the image has its address is lost


def connected() -> http.client.HTTPConnection:
    """Return a connection over which the server has answered."""
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection(ADDRESS, PORT, timeout=TRY)
        try:
            connection.request("HEAD", "/")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            connection.close()
            time.sleep(0.05)
        else:
            connection.sock.settimeout(PATIENCE)
            return connection


def main(page: bytes, style: bytes) -> None:
    """Compare every file, then a part of one, one that is missing, and one over many requests."""
    connection = connected()

    def get(path: str, **headers: str) -> tuple[int, bytes, str]:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers["Content-Type"]

    assert get("/") == (200, page, "text/html; charset=utf-8")
    assert get("/style.css") == (200, style, "text/css; charset=utf-8")
    assert get("/style.css", Range="bytes=3-9")[:2] == (206, style[3:10])
    assert get("/missing")[0] == http.HTTPStatus.NOT_FOUND
    for _ in range(20):
        assert get("/")[1] == page
    print("20 pages over one connection, and all as on the disk")


if __name__ == "__main__":
    main(*(Path(name).read_bytes() for name in sys.argv[1:]))
