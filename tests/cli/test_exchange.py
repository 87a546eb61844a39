"""``cache push``, ``pull`` and ``key``, and what a build says of a remote cache, against a real one."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import servers
from support.command import unibuild
from support.teams import Team

from unibuild.loading.server_url import mistake_in

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd")) as running:
        yield running


@pytest.fixture
def team(tmp_path: Path, server: servers.Server) -> Team:
    made = Team(tmp_path)
    made.use(server.url)
    return made


def test_a_colleague_gets_what_was_pushed(team: Team) -> None:
    pushed = team.run("cache", "push", "//:second")
    assert pushed.returncode == 0, pushed.stderr
    assert re.search(
        r"^published 3 results of 3 actions; uploaded \d+ blobs, ", pushed.stderr, re.MULTILINE
    )
    built = team.run("build", "//:second", who="colleague")
    assert built.returncode == 0, built.stderr
    assert re.search(r"\(3 actions: 0 executed, 3 remote; \d+ B downloaded\)\n$", built.stderr)
    assert (team.root / "unibuild-out/second").read_text().count("WORDS OF") == 2


def test_results_that_were_cached_here_are_pushed_too(team: Team) -> None:
    assert team.run("build", "//:second", "--remote=off").returncode == 0
    pushed = team.run("cache", "push", "//:second", "--json")
    assert pushed.returncode == 0, pushed.stderr
    value = json.loads(pushed.stdout)
    assert value["published"] == value["actions"]["total"] == 3
    assert value["actions"]["executed"] == 0
    again = team.run("cache", "push", "//:second")
    assert "; uploaded 0 blobs, 0 B\n" in again.stderr


def test_pull_brings_everything_and_runs_nothing(team: Team) -> None:
    assert team.run("cache", "push", "//:first").returncode == 0
    pulled = team.run("cache", "pull", "//:first", who="colleague")
    assert pulled.returncode == 0, pulled.stderr
    offline = team.run("build", "//:first", "--remote=off", who="colleague")
    assert "0 executed" in offline.stderr or "nothing to do" in offline.stderr
    missing = team.run("cache", "pull", "//:second", who="colleague")
    assert missing.returncode == 4
    assert missing.stderr.endswith(
        "error[not-cached]: no cache has a result for 1 action\n"
        "  //:second\n"
        "hint: 'unibuild build' makes it here; 'unibuild cache push' shares it\n"
    )


def test_a_folder_is_filled_and_read(team: Team, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/bucket"
    pushed = team.run("cache", "push", "//:second", "--to", url)
    assert pushed.returncode == 0, pushed.stderr
    assert len(list((tmp_path / "bucket/ac").iterdir())) >= 3
    built = team.run("build", "//:second", who="reader", UNIBUILD_REMOTE_CACHE=url)
    assert "0 executed, 3 remote" in built.stderr


def test_push_needs_something_to_write_to(team: Team, tmp_path: Path) -> None:
    for arguments, identifier in (
        (("--to", "https://cache.example.test/x"), "read-only-cache"),
        (("--to", "cache.example.test:1"), "bad-url"),
        (("--remote=off",), "no-remote-cache"),
        (("--remote-cache", f"file://{tmp_path}"), "read-only-cache"),
    ):
        result = team.run("cache", "push", "//:first", *arguments)
        assert result.returncode == 2, arguments
        assert result.stderr.startswith(f"error[{identifier}]:"), result.stderr
        assert "hint:" in result.stderr


def test_a_build_says_what_came_and_went(team: Team) -> None:
    first = team.run("build", "//:second", "--upload", "--json")
    value = json.loads(first.stdout)
    assert value["actions"]["total"] == 3
    assert value["actions"]["executed"] >= 2  # the shell may have been unpacked by another test
    assert value["transfers"]["uploaded"] >= 2
    assert value["transfers"]["uploaded_bytes"] > 0
    other = team.run("build", "//:second", "--json", "--profile", "trace.json", who="colleague")
    value = json.loads(other.stdout)
    assert value["actions"] == {"total": 3, "executed": 0, "cached": 3, "remote": 3}
    assert value["transfers"]["downloaded"] == 1
    events = json.loads((team.root / "trace.json").read_text())["traceEvents"]
    assert {event["cat"] for event in events if event["ph"] == "X"} == {"remote cache"}
    counted = [event["args"]["downloaded bytes"] for event in events if event["ph"] == "C"]
    assert counted[-1] == value["transfers"]["downloaded_bytes"]
    null = json.loads(team.run("build", "//:second", "--json", who="colleague").stdout)
    assert null["transfers"] is None
    assert null["actions"]["remote"] == 0


def test_an_edit_asks_the_cache_without_reading_the_workspace(team: Team) -> None:
    words = team.root / "words"
    assert team.run("build", "//:second").returncode == 0
    words.write_text(f"{words.read_text()}more\n")
    profiled = team.run("build", "//:second", "--upload", PYTHONPROFILEIMPORTTIME="1")
    imported = set(re.findall(r"\| +([\w.]+)$", profiled.stderr, re.MULTILINE))
    assert " uploaded)\n" in profiled.stderr
    assert "unibuild.store.remote.link" in imported
    assert imported.isdisjoint({"pydantic", "tomli", "argparse", "unibuild.loading.workspace"})
    colleague = team.run("build", "//:second", who="colleague")
    assert "0 executed, 3 remote" in colleague.stderr


def test_how_much_is_brought_here_has_a_graph_of_its_own(team: Team) -> None:
    assert team.run("cache", "push", "//:second").returncode == 0
    output = team.root / "unibuild-out/second"
    assert team.run("build", "//:second", who="colleague").returncode == 0
    output.unlink()
    minimal = team.run("build", "//:second", "--download=minimal", who="another")
    assert minimal.returncode == 0, minimal.stderr
    assert not output.exists()
    toplevel = team.run("build", "//:second", who="another")
    assert toplevel.returncode == 0
    assert output.read_text().count("WORDS OF") == 2


def test_the_key_is_made_once_and_printed(team: Team, tmp_path: Path) -> None:
    first = team.run("cache", "key")
    assert re.fullmatch(r"ed25519:[A-Za-z0-9+/]{43}=\n", first.stdout)
    assert team.run("cache", "key").stdout == first.stdout
    assert team.run("cache", "key", who="colleague").stdout != first.stdout
    key = tmp_path / "configuration-of-me/unibuild/signing-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    elsewhere = unibuild(
        "cache", "key", cwd=tmp_path, environment={"XDG_CONFIG_HOME": f"{tmp_path}/new"}
    )
    assert elsewhere.returncode == 0


def test_only_results_of_named_keys_are_believed(team: Team, server: servers.Server) -> None:
    mine = team.run("cache", "key").stdout.strip()
    assert team.run("cache", "push", "//:second", who="stranger").returncode == 0
    team.use(server.url, f'require_signed = ["{mine}"]')
    doubted = team.run("build", "//:second", who="reader")
    assert "3 executed, 0 cached" in doubted.stderr
    assert team.run("cache", "push", "//:second").returncode == 0
    believed = team.run("build", "//:second", who="another")
    assert "0 executed, 3 remote" in believed.stderr


def test_doctor_tells_of_the_server(team: Team, server: servers.Server) -> None:
    line = next(line for line in team.run("doctor").stdout.splitlines() if "remote cache" in line)
    assert line.startswith(f"ok       remote cache: {server.url}, API 2.")
    assert line.endswith("sha256, no zstd, we may write, upload is off")
    off = team.run("doctor", UNIBUILD_REMOTE_CACHE="off")
    assert "ok       remote cache: none is configured\n" in off.stdout
    closed = team.run("doctor", UNIBUILD_REMOTE_CACHE="grpc://127.0.0.1:1")
    assert closed.returncode == off.returncode
    assert "absent   remote cache: grpc://127.0.0.1:1 cannot be reached" in closed.stdout


def test_an_address_in_the_environment_is_checked(team: Team) -> None:
    assert mistake_in("cache:1") is not None
    result = team.run("build", "//:first", UNIBUILD_REMOTE_CACHE="cache:1")
    assert result.returncode == 2
    assert result.stderr.startswith("error[bad-url]: `UNIBUILD_REMOTE_CACHE` (`cache:1`) does not")
    assert not (team.root / "unibuild-out/first").exists()
