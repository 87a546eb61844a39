from __future__ import annotations

from pathlib import Path

import pytest
from conformance import expected
from conformance.examine import Examination, examine, words
from support import processes, servers


def compare(found: Examination, known: dict[str, str]) -> None:
    said = {verdict["name"]: verdict["detail"] for verdict in found.verdicts}
    unusual = {
        name: outcome
        for name, outcome in found.unusual.items()
        if name not in expected.UNSTABLE or outcome == "fails"
    }
    different = {
        name: (unusual.get(name, "passes"), said.get(name, "was not made"))
        for name in unusual.keys() | known.keys()
        if unusual.get(name, "passes") != known.get(name, "passes") or name not in said
    }
    assert different == {}, found.error
    assert found.status == 0


@pytest.mark.skipif(not servers.have_bubblewrap(), reason="no bubblewrap here")
def test_casd_with_execution(tmp_path: Path) -> None:
    with servers.casd(tmp_path, execution=True) as server:
        found = examine(server)
    compare(found, expected.CASD_WITH_EXECUTION)


def test_buildgrid(tmp_path: Path) -> None:
    with servers.buildgrid(tmp_path) as server:
        found = examine(server)
    compare(found, expected.BUILDGRID)


def test_buildgrid_where_ci_writes_and_developers_read(tmp_path: Path) -> None:
    with servers.buildgrid(tmp_path, tls=True, tokens=True) as server:
        ci = examine(server, token=server.token)
        developer = examine(server, token=servers.token_for(server.folder, "dev"))
        expired = examine(server, token=servers.token_for(server.folder, "ci", -1))
    compare(ci, expected.BUILDGRID_WITH_TOKENS)
    compare(developer, expected.READING)
    assert expired.outcomes == {"server.answers": "fails"}
    assert "UNAUTHENTICATED" in expired.detail("server.answers")
    assert expired.status == 4


def test_bazel_remote(tmp_path: Path) -> None:
    with servers.bazel_remote(tmp_path) as server:
        found = examine(server)
    compare(found, expected.BAZEL_REMOTE)


def test_bazel_remote_with_client_certificates(tmp_path: Path) -> None:
    with servers.bazel_remote(tmp_path, mutual=True) as server:
        found = examine(server)
    known = expected.BAZEL_REMOTE
    compare(found, {name: known[name] for name in known if name != "access.anonymous"})


@pytest.mark.parametrize("digest", ["blake3", "sha256"])
def test_reference_server(tmp_path: Path, digest: str) -> None:
    with servers.reference(tmp_path, digest=digest) as server:
        found = examine(server, digest=digest)
    compare(found, expected.REFERENCE)


@pytest.mark.skipif(not servers.have_bubblewrap(), reason="no bubblewrap here")
def test_workers_of_another_server_than_the_cache(tmp_path: Path) -> None:
    with (
        servers.reference(tmp_path / "cache", digest="sha256") as cache,
        servers.casd(tmp_path / "workers", execution=True) as workers,
        servers.casd(tmp_path / "idle") as idle,
    ):
        found = examine(cache, f"--execution={workers.url}")
        lazy = examine(cache, f"--execution={idle.url}")
        absent = examine(cache, f"--execution=grpc://127.0.0.1:{processes.free_port()}")
    known = {name: how for name, how in expected.REFERENCE.items() if "execution" not in name}
    runs = expected.CASD_WITH_EXECUTION
    known |= {name: how for name, how in runs.items() if name.startswith("execution.")}
    compare(found, known)
    for other in (lazy, absent):
        assert other.outcomes["engine.answers"] == "fails"
        assert not any(name.startswith("execution.") for name in other.outcomes)
        assert (other.status, other.error) == (4, "")


def test_a_server_without_the_digest_function_is_told_how_to_be_used(tmp_path: Path) -> None:
    with servers.casd(tmp_path) as server:
        found = examine(server, digest="blake3")
    assert found.unusual == {"server.digest-function": "fails"}
    assert 'write digest = "sha256" in WORKSPACE.toml' in found.detail("server.digest-function")
    assert len(found.outcomes) == 2, "nothing else is asked of it"
    assert found.status == 4


def test_a_wrong_instance_ends_at_once(tmp_path: Path) -> None:
    with servers.casd(tmp_path) as server:
        found = examine(server, "--instance=nobody")
    assert found.outcomes == {"server.answers": "fails"}
    assert "nobody" in found.detail("server.answers")


def test_nobody_at_the_port() -> None:
    found = examine(f"grpc://127.0.0.1:{processes.free_port()}", "--timeout=5")
    assert found.outcomes == {"server.answers": "fails"}
    assert (found.status, found.error) == (4, "")


def test_a_mistake_in_the_url_is_one_error() -> None:
    done = words("ftp://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_the_table_is_for_people(tmp_path: Path) -> None:
    with servers.reference(tmp_path) as server:
        done = words(server.url, "--digest=blake3")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("passes       server.answers  ")
    assert any(line.startswith(" " * 13 + "unibuild: ") for line in lines)
    assert "Not to be seen from outside" in lines[-1]
    assert done.stderr == ""
