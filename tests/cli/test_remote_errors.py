"""Servers that cannot be used as configured, and exactly what is said: one error or one warning.

Every test runs the real program against a real server. ``SERVER`` stands for its address in what is
compared, ``HOME`` for the test's folder.
"""

from __future__ import annotations

import http.server
import re
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import certificates, processes, servers
from support.command import unibuild

pytestmark = pytest.mark.network

BUILD = "".join(
    f"""\
[genrule.greeting{number}]
outs = ["greeting{number}"]
cmd = "echo hello {number} > $@"
"""
    for number in range(4)
)
"""So many actions that a build with one slot waits for the server before it runs them."""
_TOLD = re.compile(r"^(?:warning: .*|error\[.*(?:\n(?!warning|built|\[).*)*)", re.MULTILINE)


def make_workspace(folder: Path, table: str, digest: str = "sha256", more: str = "") -> Path:
    """A workspace with a few actions, its [cache.remote] as given."""
    root = folder / "workspace"
    root.mkdir(parents=True, exist_ok=True)
    (root / "WORKSPACE.toml").write_text(
        f'name = "sample"\ndigest = "{digest}"\n\n[cache.remote]\n{table}\n{more}'
    )
    # A word of its own in the action, so that no cache of the machine knows it.
    (root / "BUILD.toml").write_text(BUILD.replace("hello", f"hello {secrets.token_hex(8)}"))
    return root


def told(
    folder: Path,
    url: str,
    table: str = "",
    *options: str,
    digest: str = "sha256",
    environment: dict[str, str] | None = None,
    more: str = "",
) -> tuple[int, str]:
    """Build and return the exit code and the errors and warnings, nothing else that was said."""
    root = make_workspace(folder, f'url = "{url}"\n{table}', digest, more)
    own = {"XDG_CONFIG_HOME": str(folder / "config"), **(environment or {})}
    result = unibuild("build", "//...", "-j1", *options, cwd=root, environment=own)
    assert "Traceback" not in result.stderr
    said = "\n".join(_TOLD.findall(result.stderr))
    # Ports are of different lengths, and so are the marks below their URLs.
    said = re.sub(r"\^+", "^", said.replace(url.partition("://")[2], "SERVER"))
    if result.returncode == 0:
        assert (root / "unibuild-out/greeting3").read_text().startswith("hello ")
    return result.returncode, said.replace(str(folder), "HOME")


@contextmanager
def web_server() -> Iterator[str]:
    """A plain web server; its address."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def bare_server(folder: Path, *files: Path) -> Iterator[int]:
    """A gRPC server without services, with TLS when given certificate and key; its port."""
    script = Path(__file__).parents[1] / "support" / "bare_server.py"
    process = processes.Process(
        lambda port: [sys.executable, "-P", script, str(port), *files],
        processes.accepts,
        folder / "bare.log",
    )
    process.start()
    try:
        yield process.port
    finally:
        process.stop()


def test_nobody_listens(tmp_path: Path) -> None:
    port = processes.free_port()
    code, said = told(tmp_path, f"grpc://127.0.0.1:{port}")
    assert code == 0
    assert said == (
        "warning: grpc://SERVER cannot be reached: connection refused; "
        "the build goes on without it (see url in [cache.remote], or use --remote=off)"
    )


def test_nobody_listens_where_it_is_required(tmp_path: Path) -> None:
    port = processes.free_port()
    code, said = told(tmp_path, f"grpc://127.0.0.1:{port}", "", "--remote=required")
    assert code == 3
    assert (
        said
        == """\
error[remote-required]: grpc://SERVER cannot be reached: connection refused
  --> WORKSPACE.toml:5:7
  |
5 | url = "grpc://SERVER"
  |       ^
hint: see url in [cache.remote], or use --remote=on
"""
    )


def test_a_scheme_with_tls_for_a_server_without(tmp_path: Path) -> None:
    with servers.casd(tmp_path / "server") as server:
        code, said = told(tmp_path, server.url.replace("grpc:", "grpcs:"))
    assert code == 2
    assert (
        said
        == """\
error[remote-scheme]: grpcs://SERVER speaks no TLS
  --> WORKSPACE.toml:5:7
  |
5 | url = "grpcs://SERVER"
  |       ^
hint: write url = "grpc://SERVER" in [cache.remote]
"""
    )


def test_an_instance_that_the_server_does_not_have(tmp_path: Path) -> None:
    with servers.casd(tmp_path / "server") as server:
        code, said = told(tmp_path, server.url, 'instance = "nowhere"')
    assert code == 2
    assert (
        said
        == """\
error[remote-instance]: grpc://SERVER has no instance 'nowhere': Invalid instance name "nowhere"
  --> WORKSPACE.toml:6:12
  |
6 | instance = "nowhere"
  |            ^
hint: set instance in [cache.remote] to a name that the server has
"""
    )


def test_a_digest_function_that_the_server_does_not_have(tmp_path: Path) -> None:
    with servers.casd(tmp_path / "server") as server:
        code, said = told(tmp_path, server.url, digest="blake3")
    assert code == 2
    assert (
        said
        == """\
error[remote-digest-function]: the workspace's digest function is blake3; grpc://SERVER has only sha256
  --> WORKSPACE.toml:2:10
  |
2 | digest = "blake3"
  |          ^
hint: write digest = "sha256" in WORKSPACE.toml, or give a server with blake3
"""
    )


def test_a_server_without_execution(tmp_path: Path) -> None:
    with servers.casd(tmp_path / "server") as server:
        code, said = told(tmp_path, server.url, "", "--remote-exec")
    assert code == 2
    assert (
        said
        == """\
error[remote-no-execution]: grpc://SERVER runs no actions: execution is not enabled there
  --> WORKSPACE.toml:5:7
  |
5 | url = "grpc://SERVER"
  |       ^
hint: give a server with workers as url in [execution.remote], or use --exec=local
"""
    )


def test_a_web_server(tmp_path: Path) -> None:
    with web_server() as address:
        code, said = told(tmp_path, f"grpc://{address}")
    assert code == 2
    assert (
        said
        == """\
error[remote-not-reapi]: grpc://SERVER is a web server, but speaks no gRPC
  --> WORKSPACE.toml:5:7
  |
5 | url = "grpc://SERVER"
  |       ^
hint: give url in [cache.remote] the port of the cache's gRPC service
"""
    )


def test_a_server_of_something_else(tmp_path: Path) -> None:
    with bare_server(tmp_path) as port:
        code, said = told(tmp_path, f"grpc://127.0.0.1:{port}")
    assert code == 2
    assert (
        said
        == """\
error[remote-not-reapi]: grpc://SERVER speaks gRPC, but not the Remote Execution API
  --> WORKSPACE.toml:5:7
  |
5 | url = "grpc://SERVER"
  |       ^
hint: give url in [cache.remote] the port of the cache's gRPC service
"""
    )


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    files = certificates.make(tmp_path / "tls")
    with bare_server(tmp_path, files.server, files.server_key) as port:
        code, said = told(tmp_path, f"grpcs://localhost:{port}")
    assert code == 0
    assert said == (
        "warning: the certificate of grpcs://SERVER is not believed: unable to get local issuer certificate; "
        "the build goes on without it "
        "(set ca in [cache.remote] to the PEM file of the authority that signed it)"
    )


def test_a_certificate_that_has_expired(tmp_path: Path) -> None:
    files = certificates.make(tmp_path / "tls", expired=True)
    with bare_server(tmp_path, files.server, files.server_key) as port:
        code, said = told(tmp_path, f"grpcs://localhost:{port}", f'ca = "{files.ca}"')
    assert code == 0
    assert said == (
        "warning: the certificate of grpcs://SERVER is not believed: certificate has expired; "
        "the build goes on without it "
        "(compare this machine's clock with the certificate's dates; renew it if it is old)"
    )


def test_a_certificate_that_is_not_valid_yet(tmp_path: Path) -> None:
    files = certificates.make(tmp_path / "tls", early=True)
    with bare_server(tmp_path, files.server, files.server_key) as port:
        code, said = told(tmp_path, f"grpcs://localhost:{port}", f'ca = "{files.ca}"')
    assert code == 0
    assert said == (
        "warning: the certificate of grpcs://SERVER is not believed: certificate is not yet valid; "
        "the build goes on without it "
        "(compare this machine's clock with the certificate's dates; renew it if it is old)"
    )


def test_a_token_that_is_not_there(tmp_path: Path) -> None:
    with servers.casd(tmp_path / "server") as server:
        code, said = told(tmp_path, server.url, 'token_variable = "SAMPLE_TOKEN"')
    assert code == 0
    assert said == (
        "warning: the environment variable SAMPLE_TOKEN holds no token; "
        "the build goes on without it "
        "(set SAMPLE_TOKEN, or change token_variable in [cache.remote])"
    )


def test_a_token_that_has_expired(tmp_path: Path) -> None:
    with servers.buildgrid(tmp_path / "server", tokens=True) as server:
        token = servers.token_for(tmp_path / "server", "ci", seconds=-3600)
        code, said = told(
            tmp_path, server.url, 'token_variable = "SAMPLE_TOKEN"', "--upload",
            environment={"SAMPLE_TOKEN": token},
        )  # fmt: skip
    assert code == 0
    assert token not in said
    assert said == (
        "warning: grpc://SERVER does not accept who we are: "
        "No valid authorization or authentication provided; "
        "the build goes on without it (renew the token that SAMPLE_TOKEN gives)"
    )


def test_a_token_that_may_not_write(tmp_path: Path) -> None:
    with servers.buildgrid(tmp_path / "server", tokens=True) as server:
        token = servers.token_for(tmp_path / "server", "developer")
        code, said = told(
            tmp_path, server.url, 'token_variable = "SAMPLE_TOKEN"', "--upload",
            environment={"SAMPLE_TOKEN": token},
        )  # fmt: skip
    assert code == 0
    assert said == (
        "warning: grpc://SERVER does not let us write (BatchUpdateBlobs: UNAUTHENTICATED: "
        "No valid authorization or authentication provided); what it does not take is not shared "
        "(set upload = false in [cache.remote], or use a token that may write)"
    )


def test_nobody_in_particular_may_not_write(tmp_path: Path) -> None:
    with servers.bazel_remote(tmp_path / "server", password=secrets.token_hex()) as server:
        code, said = told(tmp_path, server.url, "upload = true")
    assert code == 0
    assert said == (
        "warning: grpc://SERVER does not let us write (BatchUpdateBlobs: UNAUTHENTICATED: "
        "no authentication metadata found); what it does not take is not shared "
        "(set upload = false in [cache.remote], or use a token that may write)"
    )
