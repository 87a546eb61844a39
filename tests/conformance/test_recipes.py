from __future__ import annotations

import grp
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conformance import expected
from conformance.examine import Examination, examine
from conformance.recipe import CACHE, UNITS, Machine, block, blocks, setting
from support import processes, servers
from support.command import ROOT, unibuild
from support.tree import write_tree

READMES = sorted(str(path.relative_to(CACHE)) for path in CACHE.rglob("README.md"))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "machine")
    with tempfile.TemporaryDirectory() as short:  # the path of a socket has 107 bytes at most
        made.run = Path(short)
        yield made


def without(known: dict[str, str], *names: str) -> dict[str, str]:
    return {name: outcome for name, outcome in known.items() if name not in names}


def unusual(found: Examination) -> dict[str, str]:
    return without(found.unusual, *expected.UNSTABLE)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_units(tmp_path: Path, unit: Path) -> None:
    copy = tmp_path / unit.name
    (program,) = {line.split()[0] for line in setting(unit, "ExecStart")}
    copy.write_text(unit.read_text().replace(program, "/bin/sh"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert setting(unit, "DynamicUser") == ["yes"]
    assert setting(unit, "NoNewPrivileges") == ["yes"] or "workers" in unit.name


def test_casd(machine: Machine) -> None:
    with machine.started("casd/unibuild-casd.service", 8980) as port:
        found = examine(f"grpc://127.0.0.1:{port}")
    assert unusual(found) == expected.CASD


def test_casd_behind_a_socket_of_a_group(machine: Machine) -> None:
    unit = CACHE / "casd" / "unibuild-casd-socket.service"
    path = machine.run / "unibuild-casd-socket" / "casd"
    path.parent.mkdir()
    group = grp.getgrgid(os.getgid()).gr_name
    (command,) = machine.commands(unit)
    command = [word.replace("=unibuild-cache", f"={group}") for word in command]
    log = machine.state / "log"
    process = processes.Process(lambda _port: command, lambda _port: path.is_socket(), log)
    try:
        process.start()
        found = examine(f"unix:{path}")
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    finally:
        process.stop()
    assert unusual(found) == expected.CASD


@pytest.mark.skipif(not servers.have_bubblewrap(), reason="no bubblewrap here")
def test_workers(machine: Machine) -> None:
    with machine.started("casd/unibuild-workers.service", 8982) as port:
        found = examine(f"grpc://127.0.0.1:{port}")
    assert unusual(found) == expected.CASD_WITH_EXECUTION


@contextmanager
def gate(machine: Machine) -> Iterator[str]:
    """Set the gate up as its README says and start it; yields its url."""
    believing = machine.certificates()
    machine.shell("buildgrid/README.md", "openssl rand -hex 32")
    for name in ("gate.yml", "rights.yml"):
        path = machine.etc / name
        path.write_text(machine.here(path.read_text()))

    def ready(port: int) -> bool:
        return processes.answers_grpc(port, believing)

    with (
        machine.started("casd/unibuild-casd.service", 8980),
        machine.started("buildgrid/unibuild-gate.service", 8981, ready) as port,
    ):
        yield f"grpcs://localhost:{port}"


def token(machine: Machine, subject: str, days: str) -> str:
    words = [CACHE / "buildgrid" / "make-token", machine.etc / "token-secret", subject, days]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_gate_before_casd(machine: Machine) -> None:
    ca = f"--ca={machine.etc / 'ca.pem'}"
    with gate(machine) as server:
        ci = examine(server, ca, token=token(machine, "ci", "7"))
        developer = examine(server, ca, token=token(machine, "alice", "180"))
        almost = examine(server, ca, token=token(machine, "cinderella", "1"))
        nobody = examine(server, ca)
    assert unusual(ci) == expected.BUILDGRID_WITH_TOKENS
    for reader in (developer, almost):
        assert unusual(reader) == expected.READING
        assert reader.outcomes["access.read-only"] == "passes"
    assert nobody.outcomes == {"server.answers": "fails"}


def test_ci_writes_and_a_developer_reads_through_the_gate(machine: Machine, tmp_path: Path) -> None:
    with gate(machine) as server:
        workspace = write_tree(
            tmp_path / "workspace",
            {
                "WORKSPACE.toml": f"""name = "team"
digest = "sha256"
standard_repository = "{ROOT}"

[cache.remote]
url = "{server}"
ca = "{machine.etc / "ca.pem"}"
token_variable = "UNIBUILD_CACHE_TOKEN"
""",
                "BUILD.toml": """[genrule.word]
outs = ["word"]
cmd = "echo shared > $@"
""",
            },
        )

        def run(who: str, *words: str) -> subprocess.CompletedProcess[str]:
            return unibuild(
                *words,
                cwd=workspace,
                environment={
                    "UNIBUILD_CACHE": str(tmp_path / who),
                    "UNIBUILD_CACHE_TOKEN": token(machine, who, "1"),
                    "XDG_CONFIG_HOME": str(tmp_path / "configuration"),
                },
            )

        pushed = run("ci", "cache", "push", "//:word")
        shutil.rmtree(workspace / "unibuild-out")
        built = run("alice", "build", "//:word", "--remote=required")
        (workspace / "BUILD.toml").write_text(
            (workspace / "BUILD.toml").read_text().replace("shared", "her own")
        )
        refused = run("alice", "build", "//:word", "--upload")
        unread = run("bob", "build", "//:word", "--remote=required")
    assert pushed.returncode == 0, pushed.stderr
    assert built.returncode == 0, built.stderr
    assert "0 executed" in built.stderr + built.stdout, built.stderr
    assert refused.returncode == 0, "who may not write can build"
    assert "upload" in refused.stderr, refused.stderr
    assert "1 executed" in unread.stderr + unread.stdout, "nothing of hers was kept"


def test_make_token_says_how_it_is_used() -> None:
    done = subprocess.run(
        [CACHE / "buildgrid" / "make-token", "no-such-file", "ci", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "make-token SECRET-FILE SUBJECT DAYS" in done.stderr


def test_bazel_remote(machine: Machine) -> None:
    believing = machine.certificates()
    machine.shell("bazel-remote/README.md", "htpasswd")
    password = (machine.etc / "ci-password").read_text().strip()
    helper = f"--credential-helper={CACHE / 'bazel-remote' / 'credentials'}"
    with machine.started(
        "bazel-remote/unibuild-bazel-remote.service",
        8981,
        lambda port: processes.answers_grpc(port, believing),
    ) as port:
        server, ca = f"grpcs://localhost:{port}", f"--ca={machine.etc / 'ca.pem'}"
        ci = examine(server, ca, helper, environment={"UNIBUILD_CACHE_PASSWORD": password})
        developer = examine(server, ca, helper)
    assert unusual(ci) == without(expected.BAZEL_REMOTE, "access.anonymous")
    assert developer.outcomes["access.read-only"] == "passes", developer.detail("access.read-only")
    assert "fails" not in developer.outcomes.values()
    assert password not in str(ci.verdicts) + ci.error


def test_bucket_that_ci_fills_and_everybody_reads(machine: Machine) -> None:
    machine.certificates()
    machine.shell("bucket/README.md", "openssl rand -hex 24")
    keys = dict(
        line.split("=", 1) for line in (machine.etc / "bucket-keys").read_text().splitlines()
    )
    with machine.started("bucket/unibuild-bucket.service", 8983, processes.accepts, **keys) as port:
        policy = machine.here(block("bucket/README.md", "sh", "policy"))
        policy = policy.replace(
            "curl ", f"curl --silent --show-error --cacert {machine.etc}/ca.pem "
        )
        policy = policy.replace("cache.example.test", "localhost")
        done = subprocess.run(
            ["/bin/sh", "-euc", policy], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{policy}\n{done.stderr}"
        ca = f"--ca={machine.etc / 'ca.pem'}"
        url = f"s3://unibuild?endpoint=https://localhost:{port}&region=us-east-1"
        credentials = {
            "AWS_ACCESS_KEY_ID": keys["ROOT_ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": keys["ROOT_SECRET_KEY"],
        }
        ci = examine(url, ca, environment=credentials)
        developer = examine(f"{url}&anonymous=true", ca)
        reader = examine(f"https://localhost:{port}/unibuild", ca)
    assert (len(ci.outcomes), ci.unusual, ci.status) == (6, {}, 0)
    assert developer.unusual == reader.unusual == {"bucket.writable": "not offered"}
    for found in (developer, reader):
        assert found.outcomes["bucket.anonymous"] == "passes", found.detail("bucket.anonymous")
    assert keys["ROOT_SECRET_KEY"] not in str(ci.verdicts) + ci.error
    kept = machine.state / "unibuild-bucket" / "buckets" / "unibuild"
    assert {path.name for path in kept.iterdir() if path.is_dir()} >= {"ac", "cas"}


def test_a_folder_is_examined_too(tmp_path: Path) -> None:
    found = examine(f"file://{tmp_path}", digest="blake3")
    assert found.unusual == {"bucket.anonymous": "not offered"}
    assert len(found.outcomes) == 6
    assert {path.name for path in (tmp_path / "blake3").iterdir()} == {"ac", "cas"}


def test_a_web_server_that_anybody_may_write_to_is_found_out(tmp_path: Path) -> None:
    with servers.bazel_remote(tmp_path) as server:
        found = examine(server.http)
    assert found.unusual == {"bucket.writable": "not offered", "bucket.anonymous": "fails"}
    assert found.status == 4


@pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="no systemd here")
def test_what_is_old_leaves_the_bucket(tmp_path: Path) -> None:
    folder = tmp_path / "unibuild"
    folder.mkdir()
    rule = (CACHE / "bucket" / "unibuild-bucket.conf").read_text()
    rule = rule.replace("/var/lib/unibuild-bucket/buckets/unibuild", str(folder))
    (tmp_path / "rule.conf").write_text(rule)
    for name, days in (("old", 61), ("young", 59)):
        (folder / name).write_text(name)
        when = time.time() - days * 24 * 3600
        os.utime(folder / name, (when, when))
    done = subprocess.run(
        ["systemd-tmpfiles", "--clean", tmp_path / "rule.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in folder.iterdir()] == ["young"]


@pytest.mark.parametrize("readme", READMES)
def test_commands_of_a_readme_name_what_exists(readme: str) -> None:
    for text in blocks(readme, "sh"):
        done = subprocess.run(["/bin/sh", "-nc", text], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), text
        for word in text.replace("=", " ").split():
            if word.startswith("cache/"):
                assert (ROOT / word).exists(), word


@pytest.mark.parametrize("readme", READMES)
def test_settings_of_a_readme_are_settings(readme: str, tmp_path: Path) -> None:
    from unibuild.loading.workspace import read_workspace

    for text in blocks(readme, "toml"):
        (tmp_path / "WORKSPACE.toml").write_text(f'name = "team"\n{text}')
        read_workspace(tmp_path)
