"""Actions on the workers of a real remote engine: the same outputs, whatever goes wrong there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from execution.project import Project, made, source
from execution.team import Machine
from support import servers

Make = Callable[..., Machine]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd"), execution=True) as started:
        yield started


@pytest.fixture
def machine(
    tmp_path: Path, busybox: Path, engine: servers.Server, request: pytest.FixtureRequest
) -> Make:
    def make(name: str, declare: Callable[[Project], None] = varied, **team: object) -> Machine:
        def own(project: Project) -> None:
            project.write("unique", f"{tmp_path} {request.node.nodeid}\n")
            declare(project)

        return Machine(tmp_path / name, busybox, engine.url, own, **team)

    return make


def varied(project: Project) -> None:
    """Files, an executable, a directory with a link, a built-in action, printed text."""
    project.write("text", "text\n")
    project.shell(
        "a", "cat text unique > unibuild-out/a; echo warned >&2; echo told",
        (source("text"), source("unique")),
    )  # fmt: skip
    project.shell(
        "tool", "echo 'echo ran' > unibuild-out/tool; chmod +x unibuild-out/tool",
        (source("unique"),),
    )  # fmt: skip
    project.shell(
        "t",
        "mkdir -p unibuild-out/t/d/e; cp unibuild-gen/a unibuild-out/t/d/r; ln -s d/r unibuild-out/t/s;"
        " cp unibuild-gen/tool unibuild-out/t/tool; : > unibuild-out/t/empty",
        (made("a"), made("tool")), (made("t", tree=True),),
    )  # fmt: skip
    project.function("joined", "join", (made("a"), made("tool")))
    project.shell(
        "end", "cat unibuild-gen/t/s unibuild-gen/joined > unibuild-out/end; cat unibuild-gen/t/tool",
        (made("t", tree=True), made("joined")),
    )  # fmt: skip


COMMANDS = ["//:a", "//:end", "//:t", "//:tool"]


def outputs(machine: Machine) -> dict[str, tuple[int, bytes | str]]:
    base = machine.root / "unibuild-out"
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(base.rglob("*")):
        name = path.relative_to(base).as_posix()
        if path.is_symlink():
            found[name] = (0, str(path.readlink()))
        elif path.is_file():
            found[name] = (path.stat().st_mode, path.read_bytes())
    return found


def digests(machine: Machine) -> list[tuple[str, str]]:
    report = machine.good()
    return [(output.path, output.digest) for target in report.targets for output in target.outputs]


def test_the_outputs_are_those_of_a_local_build(machine: Make) -> None:
    away = machine("away", where="remote", upload=False)
    report = away.good()
    assert report.executed == 5
    assert sorted(away.recorder.remote) == COMMANDS
    assert away.recorder.notes == []
    here = machine("here")
    here.connect("")
    here.good()
    assert outputs(away) == outputs(here)
    assert digests(away) == digests(here)


def test_results_of_the_engine_are_hits_for_everybody(machine: Make) -> None:
    machine("away", where="remote", upload=True).good()
    report = machine("second").good()
    assert (report.executed, report.remote_hits) == (0, 5)


def test_a_failure_shows_what_the_command_printed(machine: Make) -> None:
    def failing(project: Project) -> None:
        project.shell("bad", "cat unique; echo out; echo err >&2; exit 3", (source("unique"),))

    away = machine("away", failing, where="remote")
    report = away.build()
    (error,) = report.failures
    assert error.id == "action-failed"
    assert "exit status 3" in error.cause
    assert {"out", "err"} <= set(error.detail)
    assert away.recorder.started == ["//:bad"]
    here = machine("here", failing)
    here.connect("")
    assert here.build().failures[0].cause == error.cause


def test_a_missing_output_is_not_believed(machine: Make) -> None:
    def lacking(project: Project) -> None:
        project.shell(
            "lacking", "cat unique > unibuild-out/lacking", (source("unique"),),
            (made("lacking"), made("other")),
        )  # fmt: skip

    away = machine("away", lacking, where="remote")
    report = away.build()
    assert [error.id for error in report.failures] == ["missing-output"]  # what it is locally
    assert len(away.recorder.notes) == 1
    assert "//:lacking" in away.recorder.notes[0]
    again = machine("again", lacking)
    assert [error.id for error in again.build().failures] == ["missing-output"]


def test_an_action_that_takes_too_long_there_is_run_here(machine: Make) -> None:
    def slow(project: Project) -> None:
        # Workers of casd start in the root directory, the local sandbox in /build.
        command = "cat unique >unibuild-out/slow; test $PWD != / || sleep 30"
        project.shell("slow", command, (source("unique"),), timeout=2)

    away = machine("away", slow, where="remote")
    report = away.good()
    assert report.executed == 1
    assert ["it took longer" in note for note in away.recorder.notes] == [True]


def test_intermediates_stay_with_the_engine(machine: Make) -> None:
    def chained(project: Project) -> None:
        varied(project)
        project.requested = ["//:end"]

    away = machine("away", chained, where="remote", download="minimal", upload=False)
    moved = away.good().remote
    assert moved is not None
    assert moved.executed == 4


def test_tests_and_unsandboxed_actions_run_here(machine: Make) -> None:
    def tested(project: Project) -> None:
        project.shell("log", "cat unique > unibuild-out/log", (source("unique"),), test=True)

    away = machine("away", tested, where="remote")
    away.good(kind="test")
    assert away.recorder.remote == []
    bare = machine("bare", where="remote")
    bare.good(sandbox="none")
    assert bare.recorder.remote == []


def test_a_race_is_won_by_the_first(machine: Make) -> None:
    def racing(project: Project) -> None:
        for number in range(6):
            project.shell(
                f"r{number}",
                f"sleep 0.{number}; cat unique > unibuild-out/r{number}",
                (source("unique"),),
            )

    racer = machine("racer", racing, where="auto")
    report = racer.good()
    assert report.executed == 6
    assert sorted(racer.recorder.ran) == sorted(racer.recorder.started)
    assert len(racer.recorder.ran) == 6
    here = machine("here", racing)
    here.connect("")
    here.good()
    assert outputs(racer) == outputs(here)


def test_an_engine_that_dies_costs_a_few_notes(tmp_path: Path, busybox: Path) -> None:
    with servers.casd(tmp_path / "mortal", execution=True) as mortal:

        def slow(project: Project) -> None:
            for number in range(6):
                project.shell(f"s{number}", f"sleep 0.3; echo {number} > unibuild-out/s{number}")

        away = Machine(tmp_path / "away", busybox, mortal.url, slow, where="remote")
        killed = []

        def kill(_: object) -> None:
            if not killed:
                killed.append(1)
                mortal.kill()

        away.recorder.on_finish = kill
        report = away.good()
        assert report.executed == 6
        assert away.read("s5") == "5\n"
        assert 1 <= len(away.recorder.notes) <= 4  # of the cache, two faults, and the end of it


def test_an_input_that_only_the_engine_had_is_made_again(tmp_path: Path, busybox: Path) -> None:
    def chained(project: Project) -> None:
        varied(project)
        project.write("unique", "")
        project.write("more", "more\n")
        project.shell(
            "late", "cat more unibuild-gen/a > unibuild-out/late", (source("more"), made("a"))
        )
        project.requested = ["//:late"]

    with servers.casd(tmp_path / "casd", execution=True) as one:
        away = Machine(tmp_path / "away", busybox, one.url, chained, where="remote")
        away.good()
        assert away.read("late") == "more\ntext\n"
    with servers.casd(tmp_path / "other", execution=True) as another:  # it has nothing
        away.connect(another.url)
        away.write("more", "edited\n")
        away.good()
        assert away.read("late") == "edited\ntext\n"
