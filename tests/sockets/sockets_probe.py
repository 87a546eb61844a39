"""The image's peer: echo servers on this host; asks the image to check itself against them."""

from __future__ import annotations

import os
import socket
import sys
import threading

PATIENCE = 60.0


def echo_datagrams(server: socket.socket) -> None:
    """Send every datagram back."""
    while True:
        data, sender = server.recvfrom(65536)
        server.sendto(data, sender)


def echo_stream(connection: socket.socket) -> None:
    """Send everything back until the other side closes."""
    with connection:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            return  # reset by the guest, which tries that too


def accept_streams(server: socket.socket) -> None:
    """Serve every connection in a thread of its own."""
    while True:
        connection, _ = server.accept()
        threading.Thread(target=echo_stream, args=(connection,), daemon=True).start()


def main() -> int:
    """Return 0 when the image found no difference from Linux."""
    streams = socket.create_server(("127.0.0.1", 0), backlog=64)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    threading.Thread(target=accept_streams, args=(streams,), daemon=True).start()
    threading.Thread(target=echo_datagrams, args=(datagrams,), daemon=True).start()
    command = f"{streams.getsockname()[1]} {datagrams.getsockname()[1]}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as guest:
        guest.settimeout(PATIENCE)
        guest.connect((os.environ["UNIBUILD_ADDRESS"], int(os.environ["UNIBUILD_PORT_7000_UDP"])))
        guest.send(command.encode())
        differences = guest.recv(64).decode()
    sys.stdout.write(f"differences: {differences}\n")
    return int(differences != "0")


if __name__ == "__main__":
    sys.exit(main())
