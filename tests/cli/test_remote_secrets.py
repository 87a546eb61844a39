"""Secrets never leave: a marked token is used in every way there is, and looked for everywhere after.

The server refuses it and repeats it in its error, as careless ones do.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import fault_proxy, servers
from support.fault_proxy import Fault
from support.teams import Team

pytestmark = pytest.mark.network

MARKER = "5ecret-marker-of-the-test"
PATTERNS = tuple(
    text.encode()
    for text in (MARKER, MARKER[::-1], b64encode(MARKER.encode()).decode().rstrip("="))
)
COMMANDS = (
    ("build", "//...", "--upload", "--profile", "trace.json"),
    ("build", "//...", "--debug", "--json"),
    ("cache", "push", "//..."),
    ("cache", "pull", "//...", "--debug"),
    ("build", "//...", "--remote=required"),
    ("doctor",),
    ("explain", "--rebuilt", "//:second"),
    ("test", "//..."),
)
ENVIRONMENT_RULE = """
[genrule.environment]
outs = ["environment"]
cmd = "export > $@"
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fault_proxy.Calls]:
    with (
        servers.casd(tmp_path_factory.mktemp("casd")) as server,
        fault_proxy.calls(server.url) as calls,
    ):
        yield calls


def helper(folder: Path) -> str:
    """A credential helper that gives the marked token and a marked header of its own."""
    program = folder / "helper"
    answer = json.dumps({"headers": {"Authorization": [f"Bearer {MARKER}"], "X-Key": [MARKER]}})
    program.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{answer}'\n")
    program.chmod(0o755)
    return f'credential_helper = "{program}"'


def broken_helper(folder: Path) -> str:
    """A credential helper that fails, and says more than it should."""
    program = folder / "helper"
    program.write_text(f"#!/bin/sh\necho 'cannot use {MARKER}' >&2\necho '{MARKER}'\nexit 1\n")
    program.chmod(0o755)
    return f'credential_helper = "{program}"'


def variable(_folder: Path) -> str:
    return 'token_variable = "TEAM_TOKEN"'


@pytest.mark.parametrize(
    ("credentials", "fault"),
    [
        (variable, ""),
        (variable, "GetCapabilities"),
        (variable, "GetActionResult"),
        (helper, "GetCapabilities"),
        (helper, "UpdateActionResult"),
        (broken_helper, ""),
    ],
)
def test_the_token_is_found_nowhere(
    tmp_path: Path, proxy: fault_proxy.Calls, credentials: Callable[[Path], str], fault: str
) -> None:
    team = Team(tmp_path, {"TEAM_TOKEN": MARKER})
    with (team.root / "BUILD.toml").open("a") as file:
        file.write(ENVIRONMENT_RULE)
    team.use(proxy.url, credentials(tmp_path))
    proxy.heal()
    proxy.seen.clear()
    if fault:
        proxy.faults[fault] = Fault(status="UNAUTHENTICATED", detail=f"Bearer {MARKER} is no good")
    everything = b""
    for command in COMMANDS:
        result = team.run(*command)
        said = (result.stdout + result.stderr).encode()
        everything += said
        assert not any(pattern in said for pattern in PATTERNS), (command, said.decode())
    assert (b"[secret]" in everything) == bool(fault), "what the server said was shown, masked"
    if credentials is not broken_helper:
        assert any(MARKER in seen.headers.get("authorization", "") for seen in proxy.seen)
    (tmp_path / "helper").unlink(missing_ok=True)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in kept if path.name.startswith(("check-", "state-"))]
    assert (team.root / "trace.json").exists()
    holding = [path for path in kept if any(one in path.read_bytes() for one in PATTERNS)]
    assert holding == []


def test_a_password_in_an_address_is_refused_without_being_shown(tmp_path: Path) -> None:
    team = Team(tmp_path)
    url = f"grpcs://ci:{MARKER}@cache.example.test"
    for variables, options in (
        ({"UNIBUILD_REMOTE_CACHE": url}, ()),
        ({}, (f"--remote-cache={url}",)),
    ):
        team.use("grpc://127.0.0.1:1")
        result = team.run("build", "//:first", "--debug", *options, **variables)
        assert result.returncode != 0
        assert MARKER not in result.stderr
        assert "holds a name or password" in result.stderr
