"""A team's cache, with a real server: what one machine built, no other builds again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from execution.project import Project, literal, source
from execution.team import BIG, END, Machine, Make, diamond
from support import servers

from unibuild.execution import kept_graph


def test_what_one_machine_built_no_other_builds_again(machine: Make) -> None:
    first = machine("first")
    report = first.good()
    assert (report.executed, report.remote_hits) == (4, 0)
    assert report.remote is not None
    assert report.remote.published == 4

    second = machine("second")
    report = second.good()
    assert (report.total, report.executed, report.cached, report.remote_hits) == (4, 0, 4, 4)
    assert sorted(second.recorder.remote) == ["//:a", "//:end", "//:l", "//:t"]
    assert second.read("end") == END
    assert second.is_null()
    assert second.recorder.notes == []


def test_only_the_wanted_bytes_cross_the_wire(machine: Make) -> None:
    machine("first").good()
    second = machine("second")
    moved = second.good().remote
    assert moved is not None
    assert (moved.downloaded, moved.downloaded_bytes) == (1, len(END))
    assert moved.wire_received < 20_000  # four results and one small file
    assert not (second.root / "unibuild-out/a").exists()


def test_all_brings_everything_and_minimal_nothing(machine: Make) -> None:
    machine("first").good()
    everything = machine("everything", download="all")
    moved = everything.good().remote
    assert moved is not None
    assert moved.downloaded_bytes > BIG
    everything.connect("")  # all results are in the local cache now
    shutil.rmtree(everything.root / ".unibuild")
    assert everything.good().executed == 0

    nothing = machine("nothing", download="minimal")
    report = nothing.good()
    assert report.remote is not None
    assert (report.executed, report.remote.downloaded) == (0, 0)
    assert not (nothing.root / "unibuild-out/end").exists()
    assert nothing.is_null()
    nothing.set(download="toplevel")  # another kept graph: the output is missed and comes
    report = nothing.good()
    assert report.executed == 0
    assert nothing.read("end") == END


def test_each_blob_is_uploaded_once(machine: Make) -> None:
    def twins(project: Project) -> None:
        for name in ("one", "two", "three"):
            project.shell(name, f"cat unique > unibuild-out/{name}; : {name}", (source("unique"),))

    moved = machine("first", twins).good().remote
    assert moved is not None
    assert moved.published == 3
    first = machine("again", twins)
    first.set(publish_all=True)
    again = first.good().remote
    assert again is not None
    assert again.uploaded == 0
    # One output, and for each action its Action, its Command and the directories of its inputs.
    size = len((first.root / "unique").read_bytes())
    assert moved.uploaded_bytes < 3 * 2000 + 2 * size


def test_pull_runs_nothing_and_says_what_is_missing(machine: Make) -> None:
    second = machine("second", only_cached=True)
    report = second.build()
    assert [error.id for error in report.failures] == ["not-cached"]
    assert report.failures[0].detail == ("//:a",)
    assert report.executed == 0
    machine("first").good()
    report = second.good()
    assert report.remote_hits == 4
    assert second.read("end") == END


def test_push_publishes_what_was_built_before(machine: Make) -> None:
    first = machine("first")
    first.connect("")
    first.good()
    first.connect(machine("other").team["remote"].cache.url)
    first.set(publish_all=True)
    report = first.good()
    assert report.executed == 0
    assert report.remote is not None
    assert report.remote.published == 4
    assert machine("second").good().remote_hits == 4


def test_nothing_is_uploaded_unless_allowed(machine: Make) -> None:
    report = machine("first", upload=False).good()
    assert report.remote is not None
    assert (report.remote.uploaded, report.remote.published) == (0, 0)
    assert machine("second").good().remote_hits == 0


def test_actions_without_a_sandbox_are_not_published(machine: Make) -> None:
    report = machine("first").good(sandbox="none")
    assert report.remote is not None
    assert report.remote.published == 0


def test_failures_are_not_published(machine: Make) -> None:
    def failing(project: Project) -> None:
        project.shell("bad", "cat unique > unibuild-out/bad; exit 3", (source("unique"),))

    for name in ("first", "second"):
        one = machine(name, failing)
        report = one.build()
        assert [error.id for error in report.failures] == ["action-failed"]
        assert report.remote is not None
        assert report.remote.published == 0


def test_a_passed_test_is_shared(machine: Make) -> None:
    def tested(project: Project) -> None:
        project.shell("log", "cat unique > unibuild-out/log", (source("unique"),), test=True)

    assert not machine("first", tested).good(kind="test").tests[0].cached
    report = machine("second", tested).good(kind="test")
    assert [(test.passed, test.cached) for test in report.tests] == [(True, True)]
    assert report.remote_hits == 1


def test_a_kept_build_reports_its_settings(machine: Make) -> None:
    first = machine("first", kept_settings={"url": "x"})
    first.good()
    key = first.request().key
    assert kept_graph.settings(str(first.root), key) == (str(first.cache), "sha256", {"url": "x"})


def test_literals_and_tools_are_shared_too(machine: Make) -> None:
    def scripted(project: Project) -> None:
        script = literal("script", b"cat unique > unibuild-out/made\n", executable=True)
        project.shell("made", "sh unibuild-gen/script", (script, source("unique")))

    machine("first", scripted).good()
    assert machine("second", scripted).good().remote_hits == 1


SERVERS: dict[str, Callable[[Path], AbstractContextManager[servers.Server]]] = {
    "bazel-remote": servers.bazel_remote,
    "buildgrid": servers.buildgrid,
    "reference, BLAKE3": lambda folder: servers.reference(folder, digest="blake3", zstd=True),
}


@pytest.mark.parametrize("name", SERVERS)
def test_every_server_serves_a_team(name: str, tmp_path: Path, busybox: Path) -> None:
    def declare(project: Project) -> None:
        project.write("unique", "")
        diamond(project)

    function = "blake3" if "BLAKE3" in name else "sha256"
    with SERVERS[name](tmp_path / "server") as one:
        first = Machine(tmp_path / "first", busybox, one.url, declare, digest_function=function)
        moved = first.good().remote
        assert moved is not None
        assert moved.published == 4
        second = Machine(tmp_path / "second", busybox, one.url, declare, digest_function=function)
        report = second.good()
        assert (report.executed, report.remote_hits) == (0, 4)
        assert second.read("end") == END
        assert second.recorder.notes == []
        second.write("text", "edited\n")
        second.good()
        assert second.read("end") == "edited\nl\nedited\n"
