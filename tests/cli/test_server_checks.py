"""``doctor --cache`` and ``explain --rebuilt``, against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import servers
from support.command import unibuild
from support.teams import Team

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd")) as running:
        yield running


def reasons(team: Team, *arguments: str, who: str = "me") -> list[dict[str, object]]:
    """What ``explain --rebuilt --json`` says of the actions of //:second."""
    result = team.run("explain", "--rebuilt", "//:second", "--json", *arguments, who=who)
    assert result.returncode == 0, result.stderr
    actions = json.loads(result.stdout)["actions"]
    assert isinstance(actions, list)
    return actions


def test_the_suite_runs_against_a_server_outside_a_workspace(
    tmp_path: Path, server: servers.Server
) -> None:
    result = unibuild("doctor", "--cache", server.url, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    value = json.loads(result.stdout)
    assert value["server"] == server.url
    outcomes = {verdict["name"]: verdict["outcome"] for verdict in value["verdicts"]}
    assert outcomes["content.batch-round-trip"] == "passes"
    assert "fails" not in outcomes.values()


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    result = unibuild("doctor", "--cache", "grpc://127.0.0.1:1", cwd=tmp_path)
    assert result.returncode == 3
    assert result.stdout.startswith("fails        server.answers ")
    assert unibuild("doctor", "--cache", cwd=tmp_path).returncode == 2


def test_the_suite_runs_against_a_folder(tmp_path: Path) -> None:
    result = unibuild("doctor", "--cache", f"file://{tmp_path}", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    assert "passes       bucket.round-trip " in result.stdout


def test_an_edit_is_named_with_both_digests(tmp_path: Path) -> None:
    team = Team(tmp_path)
    team.use("grpc://127.0.0.1:1")
    off = "--remote=off"
    assert team.run("build", "//:second", off).returncode == 0
    (team.root / "words").write_text("other words\n")
    assert team.run("build", "//:second", off).returncode == 0
    first, second = reasons(team, off)
    assert (first["label"], first["why"], first["against"]) == ("//:first", "changed", "here")
    (difference,) = first["differences"]  # type: ignore[misc]
    assert difference["field"] == "input words"
    assert len(difference["old"]) == len(difference["new"]) == 64
    assert second["differences"][0]["field"] == "input unibuild-gen/first"  # type: ignore[index]
    shown = team.run("explain", "--rebuilt", ":second", off).stdout
    assert f"    input words  {difference['old'][:12]} → {difference['new'][:12]}\n" in shown


def test_a_command_is_named_with_both_texts(tmp_path: Path) -> None:
    team = Team(tmp_path)
    team.use("grpc://127.0.0.1:1")
    build = team.root / "BUILD.toml"
    assert team.run("build", "//:second", "--remote=off").returncode == 0
    build.write_text(build.read_text().replace("tr a-z A-Z", "tr a-y A-Y"))
    assert team.run("build", "//:second", "--remote=off").returncode == 0
    (first,) = reasons(team, "--remote=off")  # its output is the same, so nothing else ran
    (difference,) = first["differences"]  # type: ignore[misc]
    assert difference["field"].startswith("argument ")
    assert ("tr a-z A-Z" in difference["old"], "tr a-y A-Y" in difference["new"]) == (True, True)


def test_what_is_new_here_is_compared_with_the_team(tmp_path: Path, server: servers.Server) -> None:
    mine, theirs = Team(tmp_path / "mine"), Team(tmp_path / "theirs")
    theirs.use(server.url)
    key = theirs.run("cache", "key").stdout.strip()
    mine.use(server.url, f'require_signed = ["{key}"]')
    assert theirs.run("build", "//:second", "--upload").returncode == 0
    assert mine.run("build", "//:second").returncode == 0
    first = next(one for one in reasons(mine) if one["label"] == "//:first")
    assert (first["why"], first["against"], first["signer"]) == ("changed", "remote", key)
    assert first["differences"][0]["field"] == "input words"  # type: ignore[index]


def test_nothing_is_known_of_what_was_not_built(tmp_path: Path) -> None:
    team = Team(tmp_path)
    team.use("grpc://127.0.0.1:1")
    result = team.run("explain", "--rebuilt", "//:second")
    assert result.returncode == 2
    assert result.stderr.startswith("error[no-last-build]: no build of //:second is known")
