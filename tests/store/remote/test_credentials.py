"""Tokens, headers and helpers: they reach the server, and nothing else ever shows them."""

from __future__ import annotations

import asyncio
import json
import os
import time
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from store.remote.apart import apart
from store.remote.clients import SHA256, connected
from store.remote.scripted import Refusal, Scripted, scripted
from support import servers

from unibuild.model.errors import UnibuildError, UserError
from unibuild.store.digests import Digest
from unibuild.store.reapi import ActionResult
from unibuild.store.remote import messages_content as content
from unibuild.store.remote.capabilities import Capabilities
from unibuild.store.remote.credentials import Credentials
from unibuild.store.remote.messages import Status
from unibuild.store.remote.messages_results import GET_RESULT, UPDATE_RESULT
from unibuild.store.remote.messages_server import GET_CAPABILITIES
from unibuild.store.remote.redaction import Redactor
from unibuild.store.remote.services import RemoteCallError
from unibuild.store.remote.settings import Connection

SECRET = "t0ken-0f-a-test/+="  # noqa: S105 - it is looked for, not used
PLAIN = Capabilities(functions=("sha256",), low=(2, 0), high=(2, 3), update=True)
DIGEST = Digest("1" * 64, 3)
LARGE = Digest("2" * 64, 5_000_000)


def helper(folder: Path, *lines: str) -> str:
    """Write a credential helper that counts its calls and then does ``lines``."""
    path = folder / "helper"
    path.write_text(f'#!/bin/sh\necho "$1 $(cat)" >> {folder}/asked\n' + "\n".join(lines) + "\n")
    path.chmod(0o755)
    return str(path)


def answer(token: str = SECRET, expires: str = "") -> str:
    said: dict[str, Any] = {"headers": {"Authorization": [f"Bearer {token}"], "X-Extra": ["yes"]}}
    if expires:
        said["expires"] = expires
    return f"cat <<'END'\n{json.dumps(said)}\nEND"


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


def credentials(**settings: Any) -> Credentials:
    return Credentials(Connection(**{"url": "grpcs://cache.example.test", **settings}), Redactor())


def headers(made: Credentials, times: int = 1) -> dict[str, str]:
    async def body() -> dict[str, str]:
        for _ in range(times - 1):
            await made.headers()
        return dict(await made.headers())

    return asyncio.run(body())


def test_headers_and_a_token_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_TOKEN", f"{SECRET}\n")
    made = credentials(headers=(("X-Team", "kernel"),), token_variable="CACHE_TOKEN")  # noqa: S106
    assert headers(made) == {"x-team": "kernel", "authorization": f"Bearer {SECRET}"}
    assert not made.can_refresh


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_a_variable_without_a_token(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CACHE_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("CACHE_TOKEN", value)
    with pytest.raises(UserError) as caught:
        credentials(token_variable="CACHE_TOKEN")  # noqa: S106
    assert caught.value.id == "remote-token-missing"
    assert caught.value.setting == "cache.remote.token_variable"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("a b", "x"),
        ("grpc-timeout", "1S"),
        (":path", "/"),
        ("te", "x"),
        ("x", f"{SECRET}\n"),
        ("x", f"{SECRET}é"),
    ],
)
def test_headers_that_cannot_be_sent(name: str, value: str) -> None:
    with pytest.raises(UserError) as caught:
        credentials(headers=((name, value),))
    assert caught.value.id == "remote-header"
    assert SECRET not in str(caught.value)


def test_a_helper_is_asked_once_as_bazel_asks_it(tmp_path: Path) -> None:
    made = credentials(credential_helper=helper(tmp_path, answer()))
    assert headers(made, 5) == {"authorization": f"Bearer {SECRET}", "x-extra": "yes"}
    assert asked(tmp_path) == ['get {"uri": "https://cache.example.test"}']


@pytest.mark.parametrize(
    ("later", "times"), [(timedelta(hours=1), 1), (timedelta(seconds=5), 3), (timedelta(-1), 3)]
)
def test_an_answer_is_kept_until_it_expires(tmp_path: Path, later: timedelta, times: int) -> None:
    until = (datetime.now(UTC) + later).isoformat().replace("+00:00", "Z")
    made = credentials(credential_helper=helper(tmp_path, answer(expires=until)))
    headers(made, 3)
    assert len(asked(tmp_path)) == times


def test_many_calls_at_once_ask_a_helper_once(tmp_path: Path) -> None:
    made = credentials(credential_helper=helper(tmp_path, "sleep 0.2", answer()))

    async def body() -> None:
        await asyncio.gather(*[made.headers() for _ in range(50)])

    asyncio.run(body())
    assert len(asked(tmp_path)) == 1


HELPERS = {
    "no JSON": f"echo {SECRET}",
    "a list": f"echo '[\"{SECRET}\"]'",
    "no object of headers": f'echo \'{{"headers": "{SECRET}"}}\'',
    "numbers": 'echo \'{"headers": {"a": 5}}\'',
    "no date": f'echo \'{{"headers": {{}}, "expires": "{SECRET}"}}\'',
    "nothing": "true",
    "a failure": f"echo {SECRET}; echo {SECRET} >&2; exit 3",
    "a header that cannot be sent": f'echo \'{{"headers": {{"a": ["{SECRET}é"]}}}}\'',
}


@pytest.mark.parametrize("name", HELPERS)
def test_a_helper_that_gives(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = credentials(credential_helper=helper(tmp_path, HELPERS[name]))
    with pytest.raises(UserError) as caught:
        headers(made)
    assert caught.value.id in ("remote-credential-helper", "remote-header")
    assert SECRET not in told(caught.value)
    assert SECRET not in "".join(capfd.readouterr())


def test_a_helper_that_is_none(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError) as caught:
            headers(credentials(credential_helper=str(path)))
        assert caught.value.id == "remote-credential-helper"


def test_a_helper_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unibuild.store.remote.credentials.HELPER_SECONDS", 0.2)
    made = credentials(credential_helper=helper(tmp_path, "exec sleep 60"))
    start = time.monotonic()
    with pytest.raises(UserError) as caught:
        headers(made)
    assert caught.value.id == "remote-credential-helper"
    assert time.monotonic() - start < 10


def test_a_token_does_not_travel_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_TOKEN", SECRET)

    async def body() -> None:
        from unibuild.store.remote.channel import Channel

        for settings in ({"token_variable": "CACHE_TOKEN"}, {"credential_helper": "helper"}):
            with pytest.raises(UserError) as caught:
                Channel(Connection("grpc://cache.example.test", **settings))
            assert caught.value.id == "remote-plain-token"
            assert SECRET not in told(caught.value)
            await Channel(Connection("grpc://localhost:1", **settings)).close()
            await Channel(Connection("grpcs://cache.example.test", **settings)).close()

    apart(body)()


def guarded(good: str, echo: Callable[[Scripted], str]) -> tuple[dict[str, Any], list[Scripted]]:
    """Return methods that let in who says ``good``, and tell others what they were told."""
    running: list[Scripted] = []

    def check() -> None:
        if running[0].headers[-1].get("authorization") != f"Bearer {good}":
            raise Refusal("UNAUTHENTICATED", echo(running[0]))

    async def unary(_request: bytes) -> bytes:
        check()
        return b""

    async def read(_request: bytes) -> AsyncIterator[bytes]:
        check()
        yield content.encode_chunk(b"abc")

    async def write(requests: AsyncIterator[bytes]) -> bytes:
        check()
        async for _request in requests:
            pass
        return content.encode_committed(LARGE.size)

    return {content.FIND_MISSING: unary, content.READ: read, content.WRITE: write}, running


@apart
async def test_a_token_that_expired_on_the_way_is_renewed() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once = f"if [ ! -e {folder}/again ]; then : > {folder}/again"
        program = helper(folder, once, answer("old-token-of-a-test"), "else", answer(), "fi")
        origin = folder / "origin"
        with origin.open("wb") as file:
            file.truncate(LARGE.size)
        methods, running = guarded(SECRET, lambda _: "expired")
        async with scripted(methods, content.WRITE) as server:
            running.append(server)
            for call in range(3):
                (folder / "again").unlink(missing_ok=True)
                async with connected(
                    server.url, capabilities=PLAIN, credential_helper=program
                ) as client:
                    if call == 0:
                        found = await asyncio.gather(
                            *[client.content.find_missing([DIGEST]) for _ in range(20)]
                        )
                        assert found == [set()] * 20
                    elif call == 1:
                        small = Digest(SHA256.hash(b"abc"), 3)
                        assert await client.content.read_to(small, f"{folder}/target")
                    else:
                        await client.content.write_file(LARGE, str(origin))
        assert len(asked(folder)) == 6


@apart
async def test_a_helper_that_fails_later_is_a_fault_like_others() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        soon = (datetime.now(UTC) + timedelta(seconds=11)).isoformat()
        working = f"[ ! -e {folder}/broken ] || exit 1"
        program = helper(folder, working, answer(expires=soon))
        methods, running = guarded(SECRET, lambda _: "expired")
        async with scripted(methods, content.WRITE) as server:
            running.append(server)
            async with connected(
                server.url, capabilities=PLAIN, credential_helper=program
            ) as client:
                assert await client.content.find_missing([DIGEST]) == set()
                (folder / "broken").touch()
                await asyncio.sleep(1.1)
                with pytest.raises(RemoteCallError) as caught:
                    await client.content.find_missing([DIGEST])
                assert caught.value.code == "UNAUTHENTICATED"
                assert "ended with status 1" in caught.value.detail


def told(error: BaseException) -> str:
    """Return all that an error can tell, its traceback included."""
    said = "".join(traceback.format_exception(error)) + repr(error)
    if isinstance(error, UnibuildError):
        said += f"{error.cause}{error.hint}{error.detail}{error.setting}{error.place}"
    return said


async def everything_told(url: str, folder: str, **settings: Any) -> str:
    """Make every call once and return what a person could ever see of it."""
    from unibuild.store.remote.inquiry import describe

    texts = []
    async with connected(url, capabilities=PLAIN, **settings) as client:
        origin = f"{folder}/origin"
        with open(origin, "wb") as file:  # noqa: ASYNC230 - nothing else runs yet
            file.truncate(LARGE.size)
        calls = [
            client.content.find_missing([DIGEST]),
            client.content.read([DIGEST]),
            client.content.read_to(DIGEST, f"{folder}/target"),
            client.content.write({DIGEST: b"abc"}),
            client.content.write_file(LARGE, origin),
            client.results.get(DIGEST),
            client.results.put(DIGEST, ActionResult()),
        ]
        for error in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(error, RemoteCallError)
            texts.append(told(error))
        texts += client.notes
        texts.append(client.channel.patience.breaker.reason)
    with pytest.raises(UnibuildError) as caught:
        await asyncio.to_thread(describe, Connection(url, **settings), "sha256")
    return "\n".join([*texts, told(caught.value)])


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "UNAVAILABLE", "UNAUTHENTICATED", "UNKNOWN"])
def test_secrets_that_a_server_repeats_are_never_told(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CACHE_TOKEN", SECRET)
    program = helper(tmp_path, answer("another-secret-0815"))
    ways: list[dict[str, Any]] = [
        {"token_variable": "CACHE_TOKEN"},
        {"credential_helper": program},
        {"headers": (("Authorization", "Basic aHVzaDpodXNo"), ("x-key", "short-secret"))},
    ]
    secrets = [SECRET, "another-secret-0815", "aHVzaDpodXNo", "short-secret"]

    async def body() -> None:
        running: list[Scripted] = []

        def refuse() -> None:
            raise Refusal(code, f"you said {json.dumps(running[0].headers[-1])}")

        async def unary(_request: bytes) -> bytes:
            refuse()
            return b""

        async def update(_request: bytes) -> bytes:
            said = Status(7, json.dumps(running[0].headers[-1]))
            return content.encode_updated([(DIGEST, said)])

        async def read(_request: bytes) -> AsyncIterator[bytes]:
            yield b""
            refuse()

        methods = {
            content.FIND_MISSING: unary,
            content.BATCH_READ: unary,
            content.BATCH_UPDATE: update,
            content.READ: read,
            content.WRITE: unary,
            GET_RESULT: unary,
            UPDATE_RESULT: unary,
            GET_CAPABILITIES: unary,
        }
        async with scripted(methods, content.WRITE) as server:
            running.append(server)
            for settings in ways:
                folder = str(tmp_path)
                everything = await everything_told(server.url, folder, **settings)
                print(everything)  # noqa: T201 - what is written is looked at below
                assert [secret for secret in secrets if secret in everything] == []
                assert "you said" in everything
            sent = json.dumps(server.headers)
            assert [secret for secret in secrets if secret not in sent] == []

    apart(body)()
    written = "".join(capfd.readouterr())
    assert [secret for secret in secrets if secret in written] == []


def test_a_real_server_takes_a_helper_s_token(tmp_path: Path) -> None:
    with servers.buildgrid(tmp_path / "server", tokens=True) as server:
        program = helper(tmp_path, answer(server.token))

        async def body() -> None:
            async with connected(server.url, credential_helper=program) as client:
                data = b"who may write"
                await client.content.write({SHA256.of(data): data})
                assert await client.content.find_missing([SHA256.of(data)]) == set()

        apart(body)()
        assert os.listdir(tmp_path / "server")
