"""A server to ask: the Linux program, the booted image, or one named by UNIBUILD_TEST_DNS."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from services.dns.client import Client, Endpoint, eventually_answers
from support.booted import booted
from support.command import unibuild

EXAMPLES = Path(__file__).parents[3] / "examples"
SOURCES = EXAMPLES / "services" / "dns"


@pytest.fixture(scope="session")
def dns_sources() -> Path:
    return SOURCES


@pytest.fixture(scope="session")
def dns_program() -> Path:
    """The same program as a static Linux executable."""
    built = unibuild("build", "//services/dns:dns_linux", cwd=EXAMPLES)
    assert built.returncode == 0, built.stderr
    return EXAMPLES / "unibuild-out/services/dns/dns_linux"


def free_port() -> int:
    """A port that is free for UDP and TCP at this moment."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            stream.bind(("127.0.0.1", 0))
            port: int = stream.getsockname()[1]
            try:
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@pytest.fixture(
    scope="session",
    params=["linux", pytest.param("image", marks=pytest.mark.boot)],
)
def dns_endpoint(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """Where the server under test listens: as a Linux program, then as a booted image."""
    given = os.environ.get("UNIBUILD_TEST_DNS")
    if given:
        host, _, port = given.rpartition(":")
        yield Endpoint(host, int(port))
        return
    endpoint = Endpoint("127.0.0.1", free_port())
    start = _linux if request.param == "linux" else _image
    with start(request, endpoint) as server:
        assert eventually_answers(Client(endpoint), 60)
        yield endpoint
        assert server.poll() is None, "the server ended during the tests"


@contextmanager
def _linux(request: pytest.FixtureRequest, endpoint: Endpoint) -> Iterator[subprocess.Popen[bytes]]:
    program = request.getfixturevalue("dns_program")
    command = [program, "--listen", endpoint.host, "--port", str(endpoint.port)]
    command += ["--zone", str(SOURCES / "example.test.zone")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            yield server
        finally:
            server.terminate()


@contextmanager
def _image(
    request: pytest.FixtureRequest,  # noqa: ARG001 - as _linux takes it
    endpoint: Endpoint,
) -> Iterator[subprocess.Popen[bytes]]:
    built = unibuild("build", "//services/dns:image", cwd=EXAMPLES)
    assert built.returncode == 0, built.stderr
    ports = [f"-p{endpoint.port}:53/{protocol}" for protocol in ("udp", "tcp")]
    with booted("//services/dns:image", *ports, cwd=EXAMPLES) as machine:
        yield machine


@pytest.fixture(scope="session")
def client(dns_endpoint: Endpoint) -> Client:
    return Client(dns_endpoint)
