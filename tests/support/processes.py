"""Run a server for as long as a test needs it: started, found ready, stopped; never left behind.

The child is told by the kernel to end when its parent does (``PR_SET_PDEATHSIG``, with SIGTERM so
that casd takes its workers and their mounts along): nothing survives a killed pytest. Readiness is an
answer to a real call, asked for without grpc's library: a test process that forks (unibuild's courier)
must not have its threads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 10
PORTS_TRIED = 5
LOG_BYTES = 4000

_LAUNCHER = """
import ctypes, os, sys
ctypes.CDLL(None, use_errno=True).prctl(1, 15)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class StartError(RuntimeError):
    """A server did not get ready; the text ends with what it logged."""


def free_port() -> int:
    """Return a port of the loopback interface that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One process at one port, which a restart keeps.

    ``command`` makes the argument list from a port; ``ready`` tells whether it answers there.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str | Path]],
        ready: Callable[[int], bool],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing yet."""
        self.port = 0
        self.log = log
        self._command = command
        self._ready = ready
        self._environment = {**os.environ, **(environment or {})}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; -1 when it was never started."""
        return self._child.pid if self._child else -1

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start it, on the port it had or on a free one, and wait until it answers."""
        ports = (
            [self.port] * PORTS_TRIED if self.port else [free_port() for _ in range(PORTS_TRIED)]
        )
        for port in ports:
            self.port = port
            self._spawn(port)
            if self._wait(port):
                return
            self.kill()
        raise StartError(f"no answer within {START_SECONDS} s; its log ends:\n{self.tail()}")

    def _spawn(self, port: int) -> None:
        command = [str(word) for word in self._command(port)]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-ISc", _LAUNCHER, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def _wait(self, port: int) -> bool:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.running:
            with contextlib.suppress(OSError):
                if self._ready(port):
                    return True
            time.sleep(0.02)
        return False

    def kill(self) -> None:
        """End it and its workers at once, as a crash would."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def stop(self) -> None:
        """End it in an orderly way; at once if that takes too long."""
        if self._child is None:
            return
        if self.running:
            self._child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(STOP_SECONDS)
        self.kill()

    def restart(self) -> None:
        """Stop it and start it on the same port, with what it kept on disk."""
        self.stop()
        self.start()

    def tail(self) -> str:
        """Return the end of its log."""
        return (
            self.log.read_bytes()[-LOG_BYTES:].decode(errors="replace") if self.log.exists() else ""
        )


def accepts(port: int) -> bool:
    """Tell whether somebody accepts connections there."""
    with socket.create_connection(("127.0.0.1", port), 1):
        return True


def answers_grpc(port: int, tls: ssl.SSLContext | None = None) -> bool:
    """Ask for REAPI's capabilities over HTTP/2 (RFC 9113) and tell whether any answer came."""
    with socket.create_connection(("127.0.0.1", port), 2) as plain:
        stream = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        with stream:
            stream.settimeout(5)
            stream.sendall(_request())
            return _has_answer(stream)


def client_context(
    ca: Path, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return TLS settings that believe ``ca`` and ask for HTTP/2."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    if certificate and key:
        context.load_cert_chain(certificate, key)
    return context


def _request() -> bytes:
    path = "/build.bazel.remote.execution.v2.Capabilities/GetCapabilities"
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    # RFC 7541 section 6.2.2: literals without indexing, each name and value under 127 bytes.
    block = b"".join(
        bytes((0, len(name))) + name.encode() + bytes((len(value),)) + value.encode()
        for name, value in fields.items()
    )
    settings, headers, data = 4, 1, 0
    end_headers, end_stream = 4, 1
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + _frame(settings, 0, 0, b"")
        + _frame(headers, end_headers, 1, block)
        + _frame(data, end_stream, 1, bytes(5))
    )


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def _has_answer(stream: socket.socket) -> bool:
    with stream.makefile("rb") as received:
        while len(head := received.read(9)) == 9:
            received.read(int.from_bytes(head[:3]))
            if head[3] in {0, 1} and int.from_bytes(head[5:]) == 1:
                return True
    return False
