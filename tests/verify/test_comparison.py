"""Logs compared: which action is guilty, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

from unibuild.execution.execution_log import ExecutionLog, LoggedAction, LoggedOutput
from unibuild.verify.comparison import Comparer, Comparison, compare, words


def action(index: int, **more: object) -> LoggedAction:
    plain = LoggedAction(
        index, f"//:{index}", "Compile", f"action{index}", f"command{index}", f"inputs{index}", 3,
        (LoggedOutput(f"o{index}", f"digest{index}", 10 + index),), executed=True, builtin=False,
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def log(*actions: LoggedAction) -> ExecutionLog:
    return ExecutionLog.of(actions)


def other(index: int) -> tuple[LoggedOutput, ...]:
    return (LoggedOutput(f"o{index}", "another", 99),)


GOOD = log(action(0), action(1), action(2))


def only(comparison: Comparison) -> str:
    assert comparison.first is not None
    return words(comparison.first)


def test_equal_logs_have_no_difference_whatever_ran_and_however_long() -> None:
    again = log(*(replace(a, executed=False, seconds=9.0) for a in GOOD.actions.values()))
    assert compare(GOOD, again) == Comparison(3, 33)


def test_the_guilty_action_comes_before_those_that_follow_from_it() -> None:
    found = compare(
        GOOD,
        log(
            action(0, action="x", inputs="x"),  # follows, and is met first
            action(1, outputs=other(1)),
            action(2, action="y", inputs="y", outputs=other(2)),
        ),
    )
    assert [d.cause for d in found.differences] == ["inputs", "outputs", "inputs"]
    assert found.first is found.differences[1]
    assert (
        only(found)
        == "Compile of //:1 makes another o1 from the same 3 inputs, command and environment"
    )


def test_of_two_guilty_actions_the_first_in_the_graph_is_named() -> None:
    comparer = Comparer(GOOD)
    for late_first in (action(2, outputs=other(2)), action(0, outputs=other(0))):
        difference = comparer.add(late_first)
        assert difference is not None
        assert difference.cause == "outputs"
    first = comparer.result(ended=False).first
    assert first is not None
    assert first.action.index == 0
    assert [(a.digest, b.digest) for a, b in first.outputs] == [("digest0", "another")]


def test_mode_and_size_are_part_of_an_output() -> None:
    (output,) = action(0).outputs
    assert only(
        compare(log(action(0)), log(action(0, outputs=(replace(output, executable=True),))))
    )


def test_another_command_with_equal_inputs_is_said_so() -> None:
    found = compare(GOOD, log(action(0, action="x", command="x"), action(1), action(2)))
    assert (
        only(found) == "Compile of //:0 has another command or environment, its inputs being equal"
    )


def test_what_is_missing_or_added_is_named() -> None:
    missing = compare(GOOD, log(action(0), action(2)))
    assert only(missing) == "the rebuild does not have Compile of //:1"
    added = compare(GOOD, log(*GOOD.actions.values(), action(3)))
    assert only(added) == "only the rebuild has Compile of //:3"
    assert compare(GOOD, log(*GOOD.actions.values())).first is None


def test_a_failure_is_a_difference_unless_both_failed() -> None:
    failed = action(1, failed=True, outputs=())
    found = compare(GOOD, log(action(0), failed, action(2)))
    assert [d.cause for d in found.differences] == ["failed"]
    assert only(found) == "Compile of //:1 fails in the rebuild"
    assert compare(log(failed), log(failed)).differences == ()


def test_an_action_made_again_in_one_build_counts_as_it_was_last() -> None:
    comparer = Comparer(GOOD)
    assert comparer.add(action(1, outputs=other(1))) is not None
    assert comparer.add(action(1)) is None
    assert comparer.result(ended=False).differences == ()
