"""A team's cache, with a real server: what one machine built, no other builds again."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from execution.project import Project, literal, made, source
from execution.team import Machine
from support import servers

from unibuild.execution import kept_graph
from unibuild.model.artifacts import Artifact, Origin
from unibuild.model.errors import UnibuildError
from unibuild.store.cache import Cache
from unibuild.store.digests import Digest

Make = Callable[..., Machine]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd")) as started:
        yield started


@pytest.fixture
def machine(
    tmp_path: Path, busybox: Path, server: servers.Server, request: pytest.FixtureRequest
) -> Make:
    """Makes machines; every test has actions of its own, since they share the server."""

    def make(name: str, declare: Callable[[Project], None] = diamond, **team: object) -> Machine:
        def own(project: Project) -> None:
            project.write("unique", f"{tmp_path} {request.node.nodeid}\n")
            declare(project)

        return Machine(tmp_path / name, busybox, server.url, own, **team)

    return make


def diamond(project: Project) -> None:
    """A big intermediate, a directory with an executable, and an end that is small."""
    project.write("text", "text\n")
    project.shell(
        "a", "cat text unique > unibuild-out/a; seq 1 60000 >> unibuild-out/a",
        (source("text"), source("unique")),
    )  # fmt: skip
    project.shell(
        "l", "head -n 1 unibuild-gen/a > unibuild-out/l; echo l >> unibuild-out/l", (made("a"),)
    )
    project.shell(
        "t",
        "mkdir -p unibuild-out/t/d; head -n 1 unibuild-gen/a > unibuild-out/t/d/r;"
        " echo 'echo ran' > unibuild-out/t/x; chmod +x unibuild-out/t/x; ln -s d/r unibuild-out/t/s",
        (made("a"),), (made("t", tree=True),),
    )  # fmt: skip
    project.shell(
        "end", "cat unibuild-gen/l unibuild-gen/t/s > unibuild-out/end; sh unibuild-gen/t/x",
        (made("l"), made("t", tree=True), source("unique")),
    )  # fmt: skip
    project.requested = ["//:end"]


END = "text\nl\ntext\n"
BIG = 300_000


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


def compiled(project: Project) -> None:
    """One action with a depfile: it reads one of two headers."""
    project.write("used.h", "used\n")
    project.write("unused.h", "unused\n")
    headers = (source("used.h"), source("unused.h"))
    dependencies = made("o.d")
    project.shell(
        "o",
        "cat used.h unique > unibuild-out/o; echo 'o: used.h' > unibuild-out/o.d",
        (source("unique"),),
        (made("o"), dependencies),
        depfile=dependencies,
        prunable=headers,
    )
    project.shell("app", "cat unibuild-gen/o > unibuild-out/app", (made("o"),))
    project.requested = ["//:app"]


def test_a_header_that_was_not_read_runs_nothing_on_a_machine_that_never_compiled(
    machine: Make,
) -> None:
    machine("first", compiled).good()
    second = machine("second", compiled)
    second.good()
    second.write("unused.h", "edited\n")
    report = second.good()
    assert report.executed == 0
    second.write("used.h", "edited\n")
    assert second.good().executed == 2
    assert second.read("app").startswith("edited\n")


def test_a_pruned_result_is_published_for_the_present_inputs(machine: Make) -> None:
    first = machine("first", compiled)
    first.good()
    first.write("unused.h", "edited\n")
    assert first.good().executed == 0
    second = machine("second", compiled)
    second.write("unused.h", "edited\n")
    report = second.good()
    assert (report.executed, report.remote_hits) == (0, 2)


class Packaged:
    """One external package, an action that unpacks it, and who asked a registry for it."""

    def __init__(self, place: Path) -> None:
        self.file = place / "package.tar"
        self.file.write_bytes(b"package " + os.urandom(16))
        data = self.file.read_bytes()
        self.digest = Digest(hashlib.sha256(data).hexdigest(), len(data))
        self.purl = f"pkg:pypi/thing@{self.digest.hash[:8]}"
        self.asked: list[str] = []

    def declare(self, project: Project) -> None:
        archive = Artifact(Origin.PACKAGE, "thing/package.tar", purl=self.purl)
        project.write("version", "1\n")
        project.function("unpacked", "join", (archive, source("version")))
        project.shell("app", "cat unibuild-gen/unpacked unique > unibuild-out/app",
                      (made("unpacked"), source("unique")))  # fmt: skip
        project.requested = ["//:app"]

    def machine(self, make: Make, name: str, *, registry: bool) -> Machine:
        """Return a machine for which the registry is there or gone."""
        one = make(name, self.declare, digest_of=lambda _: self.digest)

        def fetch(purl: str) -> Path:
            assert registry, "no registry is to be asked"
            self.asked.append(purl)
            cache = Cache(str(one.cache), "sha256", one.recorder.note)
            try:
                assert cache.content.put_copy(str(self.file)) == self.digest
                return Path(cache.content.path(self.digest))
            finally:
                cache.close()

        one.set(fetch=fetch)
        return one


def test_packages_are_not_fetched_for_a_warm_build(machine: Make, tmp_path: Path) -> None:
    package = Packaged(tmp_path)
    package.machine(machine, "first", registry=True).good()
    assert package.asked == [package.purl]
    second = package.machine(machine, "second", registry=False)
    assert second.good().executed == 0
    assert package.digest.hash not in second.stored()
    # An edit of what is behind the package still needs none.
    second.write("unique", "edited\n")
    assert second.good().executed == 1


def test_a_package_whose_registry_is_gone_comes_from_the_team(
    machine: Make, tmp_path: Path
) -> None:
    package = Packaged(tmp_path)
    package.machine(machine, "first", registry=True).good()
    second = package.machine(machine, "second", registry=False)
    second.write("version", "2\n")  # so that the package has to be unpacked here
    assert second.good().executed == 2
    assert package.digest.hash in second.stored()


def test_push_keeps_packages_for_the_team_too(machine: Make, tmp_path: Path) -> None:
    package = Packaged(tmp_path)
    first = package.machine(machine, "first", registry=True)
    connection = first.connection
    first.connect("")
    first.good()
    assert connection is not None
    first.connect(connection.url)
    first.set(publish_all=True)
    assert first.good().executed == 0
    second = package.machine(machine, "second", registry=False)
    second.write("version", "2\n")
    assert second.good().executed == 2


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
