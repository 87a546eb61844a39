"""Each wrong setting is one error that names it; a server is described as it is."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from store.remote.apart import apart
from store.remote.clients import connected
from store.remote.scripted import Refusal, scripted
from support import certificates, servers
from support.servers import Server

from unibuild.model.errors import HostError, UnibuildError, UserError
from unibuild.store.remote import messages_server
from unibuild.store.remote.messages_server import GET_CAPABILITIES, ServerCapabilities
from unibuild.store.remote.settings import Connection

PASSWORD = "hush-hush-1"  # noqa: S105 - of a server that lives for one test
Made = Callable[..., Server]


async def described(connection: Connection, function: str = "sha256", **options: bool) -> Any:
    """Return what ``describe`` says, which has an event loop of its own."""
    from unibuild.store.remote.inquiry import describe

    return await asyncio.to_thread(describe, connection, function, **options)


async def refused(connection: Connection, function: str = "sha256", **options: bool) -> UserError:
    """Return the mistake that is found, which names a setting and says what would be right."""
    with pytest.raises(UserError) as caught:
        await described(connection, function, **options)
    assert caught.value.hint
    assert caught.value.setting == "digest" or caught.value.setting.startswith("cache.remote")
    return caught.value


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Start servers on demand, each once."""
    from contextlib import ExitStack

    running: dict[str, Server] = {}
    with ExitStack() as stack:

        def make(name: str, **options: Any) -> Server:
            key = f"{name}-{'-'.join(options)}"
            if key not in running:
                folder = tmp_path_factory.mktemp(key)
                running[key] = stack.enter_context(getattr(servers, name)(folder, **options))
            return running[key]

        yield make


def secured(server: Server, **changes: str) -> Connection:
    settings = {
        "url": server.url,
        "ca": str(server.ca or ""),
        "certificate": str(server.certificate or ""),
        "key": str(server.key or ""),
    }
    return Connection(**{**settings, **changes})  # type: ignore[arg-type]


def test_servers_are_described(made: Made) -> None:
    all_servers = [made("casd"), made("buildgrid"), made("bazel_remote")]

    async def body() -> None:
        casd, buildgrid, bazel_remote = [
            await described(Connection(server.url)) for server in all_servers
        ]
        assert casd.functions == buildgrid.functions == bazel_remote.functions == ("sha256",)
        assert (casd.api.split("..")[0], buildgrid.api) == ("2.1", "2.0..2.2")
        assert [casd.zstd, buildgrid.zstd, bazel_remote.zstd] == [False, False, True]
        assert casd.writable is buildgrid.writable is bazel_remote.writable is True

    apart(body)()


@pytest.mark.parametrize("name", ["casd", "buildgrid"])
def test_an_unknown_instance(made: Made, name: str) -> None:
    url = made(name).url

    async def body() -> None:
        error = await refused(Connection(url, instance="nope"))
        assert (error.id, error.setting) == ("remote-instance", "cache.remote.instance")
        assert "'nope'" in error.cause

    apart(body)()


@pytest.mark.parametrize("name", ["casd", "buildgrid", "bazel_remote"])
def test_a_server_without_the_digest_function(made: Made, name: str) -> None:
    url = made(name).url

    async def body() -> None:
        error = await refused(Connection(url), "blake3")
        assert (error.id, error.setting) == ("remote-digest-function", "digest")
        assert "has only sha256" in error.cause
        assert 'digest = "sha256"' in error.hint

    apart(body)()


def test_a_cache_that_runs_nothing(made: Made) -> None:
    url = made("bazel_remote").url

    async def body() -> None:
        error = await refused(Connection(url), execution=True)
        assert error.id == "remote-no-execution"

    apart(body)()


def test_the_wrong_scheme(made: Made) -> None:
    plain, tls = made("casd"), made("bazel_remote", tls=True)

    async def body() -> None:
        error = await refused(Connection(f"grpcs://{plain.address}"))
        assert error.id == "remote-scheme"
        assert f'url = "grpc://{plain.address}"' in error.hint
        error = await refused(Connection(f"grpc://{tls.address}"))
        assert error.id == "remote-scheme"
        assert f'url = "grpcs://{tls.address}"' in error.hint

    apart(body)()


def test_a_web_server(made: Made) -> None:
    plain, tls = made("bazel_remote"), made("bazel_remote", tls=True)

    async def body() -> None:
        address = plain.http.partition("://")[2]
        assert (await refused(Connection(f"grpc://{address}"))).id == "remote-not-reapi"
        address = tls.http.partition("://")[2]
        url = f"grpcs://localhost:{address.partition(':')[2]}"
        assert (await refused(secured(tls, url=url))).id == "remote-not-reapi"

    apart(body)()


@pytest.mark.parametrize("name", ["bazel_remote", "buildgrid"])
def test_certificates(made: Made, name: str, tmp_path: Path) -> None:
    server = made(name, mutual=True)
    others = certificates.make(tmp_path)

    async def body() -> None:
        assert (await described(secured(server))).functions == ("sha256",)
        error = await refused(secured(server, ca=""))
        assert (error.id, error.setting) == ("remote-certificate", "cache.remote.ca")
        error = await refused(secured(server, ca=str(others.ca)))
        assert error.id == "remote-certificate"
        error = await refused(secured(server, certificate="", key=""))
        assert error.id == "remote-client-certificate"
        assert "a client certificate" in error.cause
        strange = secured(server, certificate=str(others.client), key=str(others.client_key))
        error = await refused(strange)
        assert error.id == "remote-client-certificate"
        assert "another client certificate" in error.cause

    apart(body)()


@pytest.mark.parametrize("dates", ["expired", "early"])
def test_certificates_of_another_time(tmp_path: Path, dates: str) -> None:
    certificates.make(tmp_path / "tls", **{dates: True})
    with served_with_tls(tmp_path / "tls") as url:

        async def body() -> None:
            error = await refused(Connection(url, ca=str(tmp_path / "tls" / "ca.pem")))
            assert error.id == "remote-certificate"
            assert "clock" in error.hint

        apart(body)()


def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    files = certificates.make(tmp_path)
    with served_with_tls(tmp_path, "127.0.0.2") as url:

        async def body() -> None:
            error = await refused(Connection(url, ca=str(files.ca)))
            assert error.id == "remote-certificate"
            assert "name in the certificate" in error.hint

        apart(body)()


@contextmanager
def served_with_tls(folder: Path, host: str = "localhost") -> Iterator[str]:
    """Serve TLS to whoever connects, for as long as the block runs."""
    import ssl
    import threading

    files = certificates.make(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server, files.server_key)
    listening = socket.create_server(("127.0.0.2" if host == "127.0.0.2" else "127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            try:
                connection.settimeout(5)
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.recv(1)
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"grpcs://{host}:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


PEM_MISTAKES: dict[str, tuple[dict[str, str], str]] = {
    "no such file": ({"ca": "none.pem"}, "ca"),
    "no authority": ({"ca": "client_key.pem"}, "ca"),
    "no PEM": ({"ca": "text"}, "ca"),
    "a certificate alone": ({"certificate": "client.pem"}, "key"),
    "a key alone": ({"key": "client_key.pem"}, "certificate"),
    "no such key": ({"certificate": "client.pem", "key": "none.pem"}, "key"),
    "no pair": ({"certificate": "client.pem", "key": "server_key.pem"}, "certificate"),
    "twice the same": ({"certificate": "client.pem", "key": "client.pem"}, "certificate"),
}


@pytest.mark.parametrize("name", PEM_MISTAKES)
def test_files_of_certificates(tmp_path: Path, name: str) -> None:
    certificates.make(tmp_path)
    (tmp_path / "text").write_text("no certificate")
    settings = {key: str(tmp_path / file) for key, file in PEM_MISTAKES[name][0].items()}

    async def body() -> None:
        error = await refused(Connection("grpcs://localhost:1", **settings))  # type: ignore[arg-type]
        assert error.id == "remote-certificate"
        assert error.setting == f"cache.remote.{PEM_MISTAKES[name][1]}"

    apart(body)()


@pytest.mark.parametrize(
    "url",
    [
        "grpc://",
        "grpc://:8980",
        "grpc://host:port",
        "grpc://host:99999",
        "grpc://host/instance",
        "grpc://[::1",
        "grpcs://user:hush@host",
        "ftp://host",
        "host:8980",
        "",
    ],
)
@apart
async def test_urls_that_are_none(url: str) -> None:
    error = await refused(Connection(url))
    assert error.id == "remote-url"
    assert "hush" not in str(error)


@apart
async def test_nobody_there(tmp_path: Path) -> None:
    for url, why in (
        ("grpc://127.0.0.1:1", "connection refused"),
        ("grpcs://127.0.0.1:1", "connection refused"),
        ("grpc://no-such-host.invalid", "not known"),
        (f"unix:{tmp_path}/none.sock", "no such file"),
    ):
        with pytest.raises(HostError) as caught:
            await described(Connection(url))
        assert caught.value.id == "remote-unreachable"
        assert why in caught.value.cause


@apart
async def test_nobody_who_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(HostError) as caught:
        await described(Connection(f"grpc://127.0.0.1:{silent.getsockname()[1]}", timeout=2))
    assert caught.value.id == "remote-unreachable"


def test_a_unix_socket(tmp_path: Path) -> None:
    with servers.casd(tmp_path, options=[f"--bind=unix:{tmp_path}/casd.sock"]):

        async def body() -> None:
            for form in ("unix:", "unix://"):
                state = await described(Connection(f"{form}{tmp_path}/casd.sock"))
                assert state.functions == ("sha256",)

        apart(body)()


def announcing(server: ServerCapabilities) -> Callable[[bytes], Any]:
    async def capabilities(_request: bytes) -> bytes:
        return messages_server.encode_capabilities(server)

    return capabilities


GOOD = ServerCapabilities(low=(2, 0), high=(2, 3), functions=(1,), update=True, cache=True)
MISFITS = {
    "remote-api-version": GOOD._replace(low=(3, 0), high=(3, 1)),
    "remote-no-cache": ServerCapabilities(low=(2, 0), high=(2, 3), execution=True),
    "remote-digest-function": GOOD._replace(functions=(2, 77)),
}


@pytest.mark.parametrize("id_", MISFITS)
@apart
async def test_servers_that_do_not_fit(id_: str) -> None:
    async with scripted({GET_CAPABILITIES: announcing(MISFITS[id_])}) as server:
        assert (await refused(Connection(server.url))).id == id_


@apart
async def test_a_grpc_server_of_something_else() -> None:
    async with scripted({}) as server:
        assert (await refused(Connection(server.url))).id == "remote-not-reapi"


@apart
async def test_what_no_message_is() -> None:
    async def capabilities(_request: bytes) -> bytes:
        return b"\x0a\xff"

    async with scripted({GET_CAPABILITIES: capabilities}) as server:
        with pytest.raises(UnibuildError) as caught:
            await described(Connection(server.url))
    assert caught.value.id == "remote-unreachable"


@pytest.mark.parametrize(
    ("code", "id_"),
    [
        ("UNAUTHENTICATED", "remote-unauthenticated"),
        ("PERMISSION_DENIED", "remote-permission"),
        ("NOT_FOUND", "remote-instance"),
    ],
)
@apart
async def test_servers_that_turn_us_away(code: str, id_: str) -> None:
    async def capabilities(_request: bytes) -> bytes:
        raise Refusal(code, "go away")

    async with scripted({GET_CAPABILITIES: capabilities}) as server:
        error = await refused(Connection(server.url))
    assert error.id == id_
    assert "go away" in error.cause


@apart
async def test_limits_are_bounded_whatever_is_announced() -> None:
    for announced, used in (
        (0, 4_000_000),
        (1 << 40, 4_000_000),
        (100_000, 100_000),
        (-5, 4_000_000),
    ):
        server_says = announcing(GOOD._replace(batch_limit=announced))
        async with (
            scripted({GET_CAPABILITIES: server_says}) as server,
            connected(server.url) as client,
        ):
            assert client.capabilities.batch_limit == used


def test_who_may_write_is_tried(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    web, passwords = made("buildgrid", tokens=True), made("bazel_remote", password=PASSWORD)
    basic = base64.b64encode(f"ci:{PASSWORD}".encode()).decode()
    monkeypatch.setenv("TOKEN_CI", web.token)
    monkeypatch.setenv("TOKEN_READER", servers.token_for(web.folder, "reader"))
    monkeypatch.setenv("TOKEN_OLD", servers.token_for(web.folder, "ci", -100))

    async def body() -> None:
        for variable, writable in (("TOKEN_CI", True), ("TOKEN_READER", False)):
            state = await described(Connection(web.url, token_variable=variable))
            assert state.writable is writable
        for variable in ("TOKEN_OLD", ""):
            error = await refused(Connection(web.url, token_variable=variable))
            assert error.id == "remote-unauthenticated"
            assert variable in error.hint
        assert (await described(Connection(passwords.url))).writable is False
        headers = (("Authorization", f"Basic {basic}"),)
        assert (await described(Connection(passwords.url, headers=headers))).writable is True

    apart(body)()
