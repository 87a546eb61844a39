"""Run a web server under strace in a network of its own and ask it some pages.

Arguments: the file for the trace, a folder to serve as the root of files, the server below it.
To be started in new user and network namespaces, where the port is free and loopback is down.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PAGES = ("/", "/", "/page.html", "/folder/", "/missing", "/")


def ask(page: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:8080{page}", timeout=10) as answer:
                answer.read()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(page)


def main(trace: str, root: str, server: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    command = ["strace", "-f", "-qq", "-o", trace, "chroot", root, server]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        try:
            for page in PAGES:
                ask(page)
        finally:
            traced = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
            for process in traced.split():
                os.kill(int(process), signal.SIGKILL)


main(*sys.argv[1:])
