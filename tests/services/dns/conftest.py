"""A server to ask: the Linux program with the example zone, or one named by UNIBUILD_TEST_DNS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from services.dns.client import Client, Endpoint, eventually_answers

SOURCES = Path(__file__).parents[3] / "examples" / "services" / "dns"


@pytest.fixture(scope="session")
def dns_sources() -> Path:
    return SOURCES


@pytest.fixture(scope="session")
def dns_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Linux program. Compiled here until the build engine makes it."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("dns") / "dns"
    sources = sorted(str(path) for path in SOURCES.glob("*.c"))
    subprocess.run(
        [compiler, "-std=c11", "-O2", "-D_GNU_SOURCE", *sources, "-o", str(program)], check=True
    )
    return program


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


@pytest.fixture(scope="session")
def dns_endpoint(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """Where the server under test listens."""
    given = os.environ.get("UNIBUILD_TEST_DNS")
    if given:
        host, _, port = given.rpartition(":")
        yield Endpoint(host, int(port))
        return
    endpoint = Endpoint("127.0.0.1", free_port())
    program = request.getfixturevalue("dns_program")
    command = [program, "--listen", endpoint.host, "--port", str(endpoint.port)]
    command += ["--zone", str(SOURCES / "example.test.zone")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            assert eventually_answers(Client(endpoint), 10)
            yield endpoint
            assert server.poll() is None, "the server ended during the tests"
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def client(dns_endpoint: Endpoint) -> Client:
    return Client(dns_endpoint)
