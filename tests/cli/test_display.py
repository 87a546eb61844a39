from __future__ import annotations

import json
import os
import pty
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from support import fault_proxy, servers
from support.command import ROOT
from support.types import Run

from unibuild.cli.progress import PlainProgress, transfer_text
from unibuild.cli.terminal import Terminal
from unibuild.store.remote.requests import Statistics

pytestmark = pytest.mark.network

BUILD = """\
[genrule.slow]
outs = ["slow"]
cmd = "sleep 0.5; echo done > $@"

[genrule.loud]
outs = ["loud"]
cmd = "echo beware >&2; echo x > $@"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "WORKSPACE.toml").write_text('name = "display"\n')
    # The comment makes the actions of each test their own, so that none is found in the cache.
    command = f"{BUILD}# {tmp_path}\n".replace("done", f"done {tmp_path}")
    (tmp_path / "BUILD.toml").write_text(command.replace("echo x", f"echo x {tmp_path}"))
    return tmp_path


def on_a_terminal(workspace: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run with a pseudo-terminal as standard error and output; return what arrived on it."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "unibuild", *arguments],
        cwd=workspace,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **environment},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    seen = bytearray()
    while True:
        try:
            data = os.read(controller, 4096)
        except OSError:  # the other side is closed
            break
        seen += data
        if not data:
            break
    os.close(controller)
    return process.wait(), seen.decode()


def test_a_terminal_shows_what_runs_and_leaves_only_messages(workspace: Path) -> None:
    code, seen = on_a_terminal(workspace, "build", "//:slow", NO_COLOR="1")
    assert code == 0
    assert "Genrule slow" in seen
    assert "1 running" in seen
    assert seen.rstrip().split("\x1b[J")[-1].strip().endswith(")")


def test_no_color_means_no_color(workspace: Path) -> None:
    color = re.compile(r"\x1b\[[0-9;]*m")
    code, with_color = on_a_terminal(workspace, "build", "//:nothing")
    assert code == 2
    assert color.search(with_color)
    _, without = on_a_terminal(workspace, "build", "//:nothing", NO_COLOR="1")
    assert not color.search(without)
    assert color.sub("", with_color) == without


def test_a_pipe_gets_plain_lines(run: Run, workspace: Path) -> None:
    result = run("build", "//:slow", cwd=workspace)
    assert result.returncode == 0
    assert "\x1b" not in result.stderr
    assert re.search(r"^\[\d+/\d+\] Genrule slow \(0\.[5-9]\d s\)$", result.stderr, re.MULTILINE)
    assert result.stdout.startswith("unibuild-out/slow  ")


def test_warnings_of_a_command_are_shown(run: Run, workspace: Path) -> None:
    result = run("build", "//:loud", cwd=workspace)
    assert result.returncode == 0
    assert "  beware\n" in result.stderr


def test_json_is_the_documented_object(run: Run, workspace: Path) -> None:
    report = json.loads(run("build", "--json", "//:slow", cwd=workspace).stdout)
    assert set(report) == {"targets", "actions", "transfers", "seconds"}
    assert set(report["actions"]) == {"total", "executed", "cached", "remote"}
    assert report["transfers"] is None
    (target,) = report["targets"]
    assert target["label"] == "//:slow"
    assert set(target["outputs"][0]) == {"path", "digest", "size"}
    again = json.loads(run("build", "--json", "//:slow", cwd=workspace).stdout)
    assert again["targets"] == report["targets"]
    assert again["actions"]["executed"] == 0


def test_profile_is_a_chrome_trace(run: Run, workspace: Path) -> None:
    result = run("build", "--profile", "trace.json", "//:slow", cwd=workspace)
    assert result.returncode == 0, result.stderr
    events = json.loads((workspace / "trace.json").read_text())["traceEvents"]
    slow = [event for event in events if event["args"]["label"] == "//:slow"]
    assert slow
    assert slow[0]["ph"] == "X"
    assert slow[0]["dur"] >= 500_000


def test_profile_into_nowhere_fails_before_the_build(run: Run, workspace: Path) -> None:
    result = run("build", "--profile", "nowhere/trace.json", "//:slow", cwd=workspace)
    assert result.returncode == 2
    assert result.stderr.startswith("error[unwritable]:")
    assert not (workspace / "unibuild-out").exists()


def test_junit(run: Run, workspace: Path) -> None:
    (workspace / "main.c").write_text("int main(void) { return 0; }\n")
    (workspace / "fails.c").write_text(
        '#include <stdio.h>\nint main(void) { puts("it is wrong"); return 1; }\n'
    )
    with (workspace / "BUILD.toml").open("a") as file:
        file.write('[cc_test.good]\nsrcs = ["main.c"]\n[cc_test.bad]\nsrcs = ["fails.c"]\n')
    result = run("test", "//...", "--junit", "report.xml", cwd=workspace)
    assert result.returncode == 1
    assert "PASSED  //:good" in result.stdout
    assert "FAILED  //:bad" in result.stdout
    report = (workspace / "report.xml").read_text()
    assert '<testsuite name="unibuild" tests="2" failures="1" errors="0">' in report
    assert "it is wrong" in report


def test_a_terminal_shows_what_is_uploaded_while_it_is_awaited(
    workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # A word of its own in the action, so that no cache of the machine knows it.
    noise = f"head -c 3000000 /dev/urandom > $@; : {secrets.token_hex(8)}"
    (workspace / "BUILD.toml").write_text(f'[genrule.big]\nouts = ["big"]\ncmd = "{noise}"\n')
    with (
        servers.casd(tmp_path_factory.mktemp("casd")) as server,
        fault_proxy.wire(server.url) as wire,
    ):
        wire.drip(200_000, 0.1)
        (workspace / "WORKSPACE.toml").write_text(
            f'name = "display"\ndigest = "sha256"\n[cache.remote]\nurl = "{wire.url}"\n'
        )
        code, seen = on_a_terminal(workspace, "build", "//:big", "--upload", NO_COLOR="1")
    assert code == 0
    assert re.search(r"0 running.*; uploading \d+ · [\d.]+ \w+, \d+ to go", seen), seen
    assert re.search(r"; [\d.]+ MiB uploaded\)\s*$", seen), seen


def test_transfers_in_words() -> None:
    assert transfer_text(Statistics()) == ""
    moved = Statistics(downloaded=1234, downloaded_bytes=3_565_158)
    assert transfer_text(moved) == "downloading 1,234 · 3.4 MiB"
    moved = Statistics(uploaded=5, uploaded_bytes=1 << 20, pending=7)
    assert transfer_text(moved) == "uploading 5 · 1.0 MiB, 7 to go"


def test_plain_lines_about_transfers_come_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    times = iter((100.0, 101.0, 106.0, 107.0, 112.0))
    monkeypatch.setattr("unibuild.cli.progress.time.monotonic", lambda: next(times))
    display = PlainProgress(Terminal())
    for blobs in (1, 2, 3, 4):
        display.transfers(Statistics(downloaded=blobs, downloaded_bytes=blobs))
    assert capfd.readouterr().err == "downloading 2 · 2 B\ndownloading 4 · 4 B\n"
