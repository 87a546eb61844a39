"""Edits, evictions, servers that go away: with or without the team, every build is right."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from execution.project import Project, made, source
from execution.team import BIG, END, Machine, Make, diamond
from support import servers

from unibuild.model.errors import UnibuildError


def test_an_edit_fetches_just_the_inputs_of_what_must_run(machine: Make) -> None:
    def declare(project: Project) -> None:
        diamond(project)
        project.write("more", "more\n")
        project.shell(
            "late", "cat more unibuild-gen/l > unibuild-out/late", (source("more"), made("l"))
        )
        project.requested = ["//:end", "//:late"]

    machine("first", declare).good()
    second = machine("second", declare)
    second.good()
    second.write("more", "other\n")
    report = second.good()
    assert second.recorder.ran == ["//:late"]
    assert second.read("late") == "other\ntext\nl\n"
    assert report.remote is not None
    assert report.remote.downloaded_bytes < BIG


def test_an_edit_with_the_server_gone_makes_what_it_needs(machine: Make) -> None:
    machine("first").good()
    second = machine("second")
    second.good()
    second.connect("")
    second.write("text", "other\n")
    second.good()
    assert second.read("end") == "other\nl\nother\n"
    assert second.is_null()


def test_an_edit_at_the_end_with_the_server_gone(machine: Make) -> None:
    def declare(project: Project) -> None:
        diamond(project)
        project.write("more", "more\n")
        project.shell(
            "late", "cat more unibuild-gen/t/d/r > unibuild-out/late",
            (source("more"), made("t", tree=True)),
        )  # fmt: skip
        project.requested = ["//:late"]

    machine("first", declare).good()
    second = machine("second", declare)
    second.good()
    second.connect("")
    second.write("more", "other\n")
    second.good()
    assert second.read("late") == "other\ntext\n"
    assert sorted(second.recorder.ran) == ["//:a", "//:late", "//:t"]


def test_an_unreachable_server_costs_one_note(machine: Make) -> None:
    first = machine("first")
    first.connect("grpc://127.0.0.1:1")
    report = first.good()
    assert report.executed == 4
    assert len(first.recorder.notes) == 1
    assert first.read("end") == END


def test_a_required_server_that_is_unreachable_is_an_error(machine: Make) -> None:
    first = machine("first")
    first.connect("grpc://127.0.0.1:1")
    first.set(required=True)
    with pytest.raises(UnibuildError) as caught:
        first.build()
    assert "127.0.0.1:1" in str(caught.value)


def test_lost_outputs_come_back_from_the_server(machine: Make) -> None:
    first = machine("first")
    first.good()
    first.forget_local()
    shutil.rmtree(first.root / "unibuild-out")
    report = first.good()
    assert report.executed == 0
    assert first.read("end") == END


@pytest.mark.parametrize("kept", [True, False])
def test_whatever_the_server_evicts_is_built(tmp_path: Path, busybox: Path, kept: bool) -> None:
    """Every blob of the server goes, one after the other, and each build is right."""
    with servers.casd(tmp_path / "casd") as evicting:

        def declare(project: Project) -> None:
            project.write("unique", "")
            diamond(project)

        Machine(tmp_path / "first", busybox, evicting.url, declare).good()
        stored = tmp_path / "casd/store/cas/objects"
        blobs = sorted(path for path in stored.rglob("*") if path.is_file())
        assert len(blobs) > 8
        second = Machine(tmp_path / "second", busybox, evicting.url, declare, upload=False)
        second.good()
        for number, blob in enumerate(blobs):
            blob.rename(blob.with_name("hidden"))
            second.forget_local()
            if kept:
                shutil.rmtree(second.root / "unibuild-out")
                second.write("text", "text\n" if number % 2 else "edited\n")
            else:
                for name in ("unibuild-out", ".unibuild"):
                    shutil.rmtree(second.root / name)
            second.good()
            text = "edited" if kept and number % 2 == 0 else "text"
            assert second.read("end") == f"{text}\nl\n{text}\n"
            blob.with_name("hidden").rename(blob)


def test_blobs_that_vanish_while_the_build_runs(machine: Make) -> None:
    machine("first").good()
    second = machine("second")

    lost: list[object] = []

    def lose(event: object) -> None:
        lost.append(event)
        if len(lost) > len(second.actions):  # or nothing would ever be there for who needs it
            return
        for path in (second.cache / "sha256/blobs").glob("??/*"):
            path.unlink()

    second.recorder.on_finish = lose
    second.good()
    second.recorder.on_finish = None
    assert second.read("end") == END


def test_an_interrupt_ends_the_courier_too(machine: Make, tmp_path: Path) -> None:
    first = machine("first")
    url = first.team["remote"].cache.url
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-m", "execution.interrupted", tmp_path / "own", first.busybox, url]
    environment = {**os.environ, "PYTHONPATH": f"{tests}:{tests.parent}"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        assert child.stdout is not None
        courier = int(child.stdout.readline())
        assert Path(f"/proc/{courier}").exists()
        child.send_signal(signal.SIGINT)
        child.wait(timeout=10)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{courier}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{courier}").exists()


def slow(project: Project) -> None:
    """One action that takes a while, and one that reads it."""
    project.write("text", "text\n")
    project.shell(
        "s", "sleep 4; cat text unique > unibuild-out/s", (source("text"), source("unique"))
    )
    project.shell("end", "cat unibuild-gen/s > unibuild-out/end", (made("s"),))
    project.requested = ["//:end"]


def test_an_edit_gives_way_to_a_result_that_comes_before_it_is_built(machine: Make) -> None:
    first, second = machine("first", slow), machine("second", slow)
    first.good()
    second.good()
    first.write("text", "edited\n")
    first.good()
    second.write("text", "edited\n")
    report = second.good()
    assert (report.executed, report.remote_hits) == (0, 2)
    assert report.seconds < 4
    assert second.read("end").startswith("edited\n")
    assert second.recorder.started == ["//:s"]
    assert sorted(second.recorder.cached) == ["//:end", "//:s"]


def test_an_edit_does_not_wait_for_a_server_that_never_answers(machine: Make) -> None:
    second = machine("second")
    second.good()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        second.connect(f"grpc://127.0.0.1:{silent.getsockname()[1]}")
        second.set(upload=False)
        second.write("text", "edited\n")
        report = second.good()
    assert report.executed >= 1
    assert report.seconds < 5
    assert second.read("end") == "edited\nl\nedited\n"
