"""Actions that fail: what is said, what still runs, and that nothing wrong is ever stored."""

from __future__ import annotations

import time

import pytest
from execution.project import Project, made, source

from unibuild.model.errors import ActionError, HostError


def failing(project: Project) -> Project:
    project.write("text", "x\n")
    project.shell("bad", "echo what went wrong >&2; exit 3", (source("text"),))
    project.shell("after", "cat unibuild-gen/bad > unibuild-out/after", (made("bad"),))
    project.shell("other", "echo > unibuild-out/other", (source("text"),))
    project.shell("last", "cat unibuild-gen/other > unibuild-out/last", (made("other"),))
    return project


def test_a_failure_has_its_own_message_its_target_and_a_command(project: Project) -> None:
    report = failing(project).build()
    (failure,) = report.failures
    assert isinstance(failure, ActionError)
    assert failure.id == "action-failed"
    assert failure.cause == "Shell of //:bad failed with exit status 3"
    assert failure.detail == ("what went wrong",)
    assert failure.hint == "repeat it alone: unibuild build //:bad --only-action=bad"


def test_the_first_failure_stops_the_build(project: Project) -> None:
    report = failing(project).build(jobs=1)
    assert project.recorder.ran == ["//:bad"]
    assert (report.executed, report.cached) == (0, 0)
    assert [target.label for target in report.targets] == []


def test_keep_going_runs_what_does_not_depend_on_it(project: Project) -> None:
    report = failing(project).build(jobs=1, keep_going=True)
    assert project.recorder.ran == ["//:bad", "//:other", "//:last"]
    assert len(report.failures) == 1
    assert [target.label for target in report.targets] == ["//:other", "//:last"]
    assert project.read("other") == "\n"


def test_a_failure_is_never_stored_and_is_tried_again(project: Project) -> None:
    failing(project).build(keep_going=True)
    assert not project.is_null()
    report = project.build(keep_going=True)
    assert project.recorder.ran == ["//:bad"]
    assert len(report.failures) == 1
    assert report.cached == 2


def test_a_repaired_action_finishes_the_build(project: Project) -> None:
    failing(project).build()
    project.actions[0] = project.shell("bad", "echo good > unibuild-out/bad", (source("text"),))
    project.actions.pop()
    project.write("BUILD.toml", "# repaired")
    report = project.build()
    assert report.failures == ()
    assert project.read("after") == "good\n"


def test_failures_that_an_edit_repairs_need_no_analysis(project: Project) -> None:
    project.write("text", "bad\n")
    project.shell("x", "grep good text > unibuild-out/x", (source("text"),))
    project.shell("y", "cat unibuild-gen/x > unibuild-out/y", (made("x"),))
    assert len(project.build().failures) == 1
    project.write("text", "good\n")
    assert project.ran() == ["//:x", "//:y"]
    assert project.analyses == 1
    assert project.read("y") == "good\n"


def test_a_later_failure_keeps_the_former_outputs_of_others(project: Project) -> None:
    project.write("text", "good\n")
    project.shell("x", "grep good text > unibuild-out/x", (source("text"),))
    project.shell("z", "cat unibuild-gen/x > unibuild-out/z", (made("x"),))
    project.build()
    project.write("text", "bad\n")
    assert len(project.build().failures) == 1
    project.write("text", "good\n")
    assert project.ran() == []
    assert project.read("z") == "good\n"


WRONG = {
    "missing-output": ("true", "did not make its output x"),
    "undeclared-output": (
        "echo > unibuild-out/x; mkdir unibuild-out/d; echo > unibuild-out/d/more",
        "wrote d/more, which is none of its outputs",
    ),
    "wrong-output-type": ("mkdir unibuild-out/x", "made x, but not as a regular file"),
}


@pytest.mark.parametrize("identifier", WRONG)
def test_outputs_are_checked(project: Project, identifier: str) -> None:
    command, what = WRONG[identifier]
    project.shell("x", f"echo said; {command}")
    (failure,) = project.build().failures
    assert (failure.id, failure.cause) == (identifier, f"Shell of //:x {what}")
    assert failure.detail == ("said",)
    assert "--only-action" in failure.hint
    assert len(project.build().failures) == 1


@pytest.mark.parametrize("status", [0, 1])
def test_an_action_may_wreck_its_own_output_directory(project: Project, status: int) -> None:
    project.shell("a/x", f"rm -r unibuild-out/a; echo > unibuild-out/b; exit {status}")
    project.shell("a/y", "echo fine > unibuild-out/a/y")
    (failure,) = project.build(keep_going=True, jobs=1).failures
    assert failure.id == ("action-failed" if status else "missing-output")
    assert project.read("a/y") == "fine\n"


def test_directories_that_an_action_leaves_are_not_seen_by_the_next(project: Project) -> None:
    project.shell("x", "echo > unibuild-out/x; mkdir unibuild-out/left")
    project.shell("y", "ls unibuild-out > unibuild-out/y")
    assert project.build(jobs=1).failures == ()
    assert project.read("y") == "y\n"


def test_a_link_is_no_file(project: Project) -> None:
    project.write("text", "x")
    project.shell("x", "ln -s ../text unibuild-out/x", (source("text"),))
    (failure,) = project.build().failures
    assert failure.id == "wrong-output-type"


def test_a_tree_with_a_link_out_of_it_is_refused(project: Project) -> None:
    project.shell(
        "t", "mkdir unibuild-out/t; ln -s /etc/passwd unibuild-out/t/l", (), (made("t", tree=True),)
    )
    (failure,) = project.build().failures
    assert failure.id == "wrong-output-type"
    assert "leaves the directory" in failure.cause


def test_an_output_with_two_names_is_stored_as_two_files(project: Project) -> None:
    project.shell(
        "x", "echo 1 > unibuild-out/x; ln unibuild-out/x unibuild-out/y", (), (made("x"), made("y"))
    )
    assert project.build().failures == ()
    assert (project.read("x"), project.read("y")) == ("1\n", "1\n")


def test_a_late_action_is_ended(project: Project) -> None:
    project.shell("x", "sleep 60", timeout=1)
    began = time.monotonic()
    (failure,) = project.build().failures
    assert time.monotonic() - began < 30
    assert (failure.id, failure.cause) == (
        "action-timeout",
        "Shell of //:x took longer than 1 seconds",
    )


def test_a_program_that_does_not_exist_is_an_ordinary_failure(project: Project) -> None:
    action = project.shell("x", "")
    project.actions[0] = type(action)(
        action.label, "Gone", ("no/such/program",), action.inputs, action.outputs
    )
    (failure,) = project.build().failures
    assert failure.id == "action-failed"
    assert any("no/such/program" in line for line in failure.detail)


def test_a_long_log_is_kept_in_part(project: Project) -> None:
    project.shell("x", "echo first; yes | head -c 3000000; echo last; exit 1")
    (failure,) = project.build().failures
    assert failure.detail[0] == "first"
    assert failure.detail[-1] == "last"
    assert sum(map(len, failure.detail)) < 1_100_000


def test_an_endless_log_fails_the_action(project: Project) -> None:
    project.shell("x", "yes > /dev/null & exec yes")
    (failure,) = project.build().failures
    assert failure.id == "action-failed"


def test_names_that_are_no_text_are_refused(project: Project) -> None:
    name = "$(printf 'a\\377')"
    tree = made("t", tree=True)
    project.shell("t", f"mkdir unibuild-out/t; echo > unibuild-out/t/{name}", (), (tree,))
    project.shell("x", f"echo > unibuild-out/x; echo > unibuild-out/{name}")
    failures = project.build(keep_going=True).failures
    assert sorted(failure.id for failure in failures) == ["undeclared-output", "wrong-output-type"]
    assert all("udcff" in str(failure) for failure in failures)


def test_a_place_that_cannot_be_written_is_the_hosts_fault(project: Project) -> None:
    project.shell("x", "echo > unibuild-out/x")
    (project.root / "unibuild-out").write_text("in the way", encoding="utf-8")
    with pytest.raises(HostError):
        project.build()


def test_builtin_actions_run_and_are_cached(project: Project) -> None:
    project.write("a", "A")
    project.function("joined", "join", (source("a"),), "B", "C")
    project.function("apart", "environment")
    assert sorted(project.ran()) == ["//:apart", "//:joined"]
    assert (project.read("joined"), project.read("apart")) == ("AB C", "True")
    assert project.ran() == []


def test_a_builtin_fails_with_its_own_error(project: Project) -> None:
    project.function("x", "refuse")
    (failure,) = project.build().failures
    assert (type(failure), failure.id, failure.cause, failure.hint) == (
        ActionError, "refused", "it was refused", "do not ask",
    )  # fmt: skip
    assert failure.detail == ("why", "what the log says")


def test_a_builtin_that_crashes_is_a_failure_with_its_traceback(project: Project) -> None:
    project.function("x", "crash", (), "argument")
    (failure,) = project.build().failures
    assert failure.id == "action-failed"
    assert any("ZeroDivisionError" in line for line in failure.detail)


def test_tests_run_only_when_asked_for_and_are_cached_when_passed(project: Project) -> None:
    project.write("text", "good\n")
    project.shell(
        "t.log", "grep good text > unibuild-out/t.log; echo seen", (source("text"),), test=True
    )
    assert project.build().total == 0
    report = project.build(kind="test")
    (test,) = report.tests
    assert (test.label, test.passed, test.cached, test.log) == ("//:t.log", True, False, b"seen\n")
    project.write("BUILD.toml", "# again")
    (test,) = project.build(kind="test").tests
    assert (test.passed, test.cached, test.log) == (True, True, b"seen\n")
    (test,) = project.build(kind="test").tests
    assert (test.passed, test.cached) == (True, True)
    project.write("text", "bad\n")
    report = project.build(kind="test")
    assert [(test.passed, test.cached) for test in report.tests] == [(False, False)]
    assert report.failures[0].id == "test-failed"
    assert report.failures[0].hint == "repeat it alone: unibuild test //:t.log --only-action=t.log"


def test_warnings_of_a_cached_action_are_told_again(project: Project) -> None:
    outputs: list[bytes] = []
    project.shell("x", "echo warning >&2; echo > unibuild-out/x")
    project.build()
    project.write("BUILD.toml", "# again")
    project.recorder.action_finished = lambda _, outcome: outputs.append(outcome.output)  # type: ignore[method-assign]
    from unibuild.execution.session import build

    build(project.request(), project.recorder)
    assert outputs == [b"warning\n"]
