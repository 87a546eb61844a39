"""The servers' own support: installed by hash, found ready, and never left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conformance.recipe import CACHE
from support import installing, processes, servers
from support.command import ROOT

LOCKS = sorted(CACHE.glob("**/*.lock"))


def gone(pid: int) -> bool:
    """Whether a process has ended, though nobody may have asked for its status yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def test_a_server_ends_with_the_test_process_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from support import servers\n"
        f"with servers.casd(pathlib.Path({str(tmp_path)!r})) as server:\n"
        "    print(server.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as tester:
        assert tester.stdout is not None
        server = int(tester.stdout.readline())
        assert not gone(server)
        tester.send_signal(signal.SIGKILL)
        tester.wait()
        assert servers.wait_until(lambda: gone(server))


def test_kill_restart_and_stop_keep_address_and_content(tmp_path: Path) -> None:
    with servers.casd(tmp_path) as server:
        url, first = server.url, server.pid
        server.kill()
        assert gone(first)
        server.start()
        server.restart()
        assert (server.url, server.process.running) == (url, True)
        last = server.pid
        assert (tmp_path / "store" / "cas").is_dir()
    assert gone(last)


def test_a_server_that_does_not_start_shows_its_last_words(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", "echo the reason why >&2; exit 1"]
    process = processes.Process(lambda _port: command, processes.accepts, tmp_path / "log")
    with pytest.raises(processes.StartError, match="the reason why"):
        process.start()


def test_starting_a_server_brings_no_grpc_into_the_test_process(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from support import servers\n"
        f"with servers.casd(pathlib.Path({str(tmp_path)!r})): assert 'grpc' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNIBUILD_SERVERS", str(tmp_path / "servers"))
    return tmp_path / "servers"


def broken(_folder: Path) -> None:
    raise installing.UnavailableError("it needs what is not here")


def test_a_server_that_cannot_be_had_is_one_line_and_a_reason(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = installing.Recipe("bucket", "bucket/go.sum", "bin/versitygw", broken)
    monkeypatch.setitem(installing.RECIPES_BY_NAME, "bucket", recipe)
    with pytest.raises(installing.UnavailableError, match=r"\./check does it"):
        installing.find("bucket")
    assert installing._report("bucket"), "the others go on"
    assert capsys.readouterr().err == (
        "unibuild: installing the test server bucket (once per machine)\n"
        "unibuild: bucket: it needs what is not here; its tests are skipped\n"
    )
    with pytest.raises(installing.UnavailableError, match="bucket: it needs what is not here"):
        installing.find("bucket")
    with pytest.raises(pytest.skip.Exception, match="it needs what is not here"):
        servers._installed("bucket")
    left = [path.name for path in elsewhere.iterdir() if path.suffix not in {".lock", ".refused"}]
    assert left == [], "nothing half-installed stays"


def test_casd_is_never_skipped(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = installing.Recipe("casd", "casd/requirements.lock", "bin/buildbox-casd", broken)
    monkeypatch.setitem(installing.RECIPES_BY_NAME, "casd", recipe)
    with pytest.raises(installing.UnavailableError):
        servers._installed("casd")
    assert not installing._report("casd"), "and ./check ends"
    assert elsewhere.is_dir()


def test_an_installation_appears_whole(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(folder: Path) -> None:
        (folder / "bin").mkdir()
        (folder / "bin" / "versitygw").write_text("program")
        assert not installing.RECIPES_BY_NAME["bucket"].folder.exists()

    recipe = installing.Recipe("bucket", "bucket/go.sum", "bin/versitygw", install)
    monkeypatch.setitem(installing.RECIPES_BY_NAME, "bucket", recipe)
    folder = installing.ensure("bucket")
    assert folder.parent == elsewhere
    assert installing.find("bucket") == installing.ensure("bucket") == folder


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(CACHE)))
def test_every_package_of_a_server_has_hashes_and_no_index_is_named(lock: Path) -> None:
    text = lock.read_text()
    blocks = re.findall(
        r"^[A-Za-z0-9][^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE
    )
    assert len(blocks) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE)) > 0
    assert "://" not in text


@pytest.mark.parametrize("name", ["bazel-remote", "bucket"])
def test_every_module_of_a_server_is_pinned(name: str) -> None:
    required = re.findall(
        r"^(?:require )?\s*([\w./-]+) (v\d\S+)", (CACHE / name / "go.mod").read_text(), re.MULTILINE
    )
    sums = (CACHE / name / "go.sum").read_text()
    assert required
    assert [one for one in required if f"{one[0]} {one[1]} h1:" not in sums] == []


SCRIPTS = [*sorted(CACHE.glob("*/install")), ROOT / ".ci" / "lock-servers"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_scripts_are_understood_by_the_smallest_shell(script: Path) -> None:
    done = subprocess.run(["/bin/sh", "-n", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.access(script, os.X_OK)
