"""Two execution logs compared, action by action: which made something else, and why it is that one.

Actions are the same when they make the same first output. ``Comparer`` follows a rebuild that goes on;
``compare`` takes two whole logs. An action with the same Action digest and other outputs is guilty:
everything it was given is equal. One with another Action digest follows an earlier one, unless the two
builds did not mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from unibuild.execution.execution_log import ExecutionLog, LoggedAction, LoggedOutput

Cause = Literal["outputs", "inputs", "command", "failed", "missing", "added"]
_BLAME: tuple[Cause, ...] = ("outputs", "failed", "command", "missing", "added", "inputs")
"""From what is guilty itself to what most likely follows from another."""


@dataclass(frozen=True, slots=True)
class ActionDifference:
    """One action that is not as in the reference; one of the two is None when only one build has it.

    ``cause``: ``outputs`` the same Action made something else, ``command`` it was asked something else,
    ``inputs`` it was given something else, ``failed`` it made nothing in one of them.
    """

    cause: Cause
    reference: LoggedAction | None
    other: LoggedAction | None

    @property
    def action(self) -> LoggedAction:
        """The action, as the reference has it if it does."""
        found = self.reference or self.other
        if found is None:
            raise AssertionError("a difference without an action")
        return found

    @property
    def outputs(self) -> tuple[tuple[LoggedOutput, LoggedOutput], ...]:
        """The outputs that differ, as the reference has them and as the other does."""
        if self.reference is None or self.other is None:
            return ()
        found = {output.path: output for output in self.other.outputs}
        return tuple(
            (output, found[output.path])
            for output in self.reference.outputs
            if output.path in found and found[output.path] != output
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many actions and bytes of outputs were compared, and what differs, in graph order."""

    compared: int = 0
    bytes: int = 0
    differences: tuple[ActionDifference, ...] = field(default=())

    @property
    def first(self) -> ActionDifference | None:
        """The first guilty action, in graph order; nothing when all is equal."""
        return min(self.differences, key=_guilt, default=None)


def _guilt(difference: ActionDifference) -> tuple[int, int]:
    blame = _BLAME.index(difference.cause)
    return (0 if blame < len(_BLAME) - 1 else 1, difference.action.index)


class Comparer:
    """Compares with ``reference`` the actions of another build as they come."""

    def __init__(self, reference: ExecutionLog) -> None:
        """Begin with no action of the other build."""
        self._reference = reference
        self._by_path = {
            action.outputs[0].path: action
            for action in reference.actions.values()
            if action.outputs
        }
        self._seen: set[int] = set()
        self._bytes = 0
        self._differences: dict[int, ActionDifference] = {}

    def add(self, action: LoggedAction) -> ActionDifference | None:
        """Compare one action; return how it differs, if it does."""
        expected = self._expected(action)
        if expected is None:
            return self._differs(ActionDifference("added", None, action), -1 - action.index)
        self._seen.add(expected.index)
        self._bytes += sum(output.size for output in action.outputs)
        if expected.failed or action.failed:
            if expected.failed is action.failed:
                return None
            return self._differs(ActionDifference("failed", expected, action), expected.index)
        if expected.action != action.action:
            asked = expected.inputs == action.inputs and expected.command != action.command
            cause: Cause = "command" if asked else "inputs"
        elif expected.outputs != action.outputs:
            cause = "outputs"
        else:
            self._differences.pop(expected.index, None)  # it was made again, and right
            return None
        return self._differs(ActionDifference(cause, expected, action), expected.index)

    def _expected(self, action: LoggedAction) -> LoggedAction | None:
        if action.outputs:
            return self._by_path.get(action.outputs[0].path)
        found = self._reference.actions.get(action.index)
        return found if found is not None and found.label == action.label else None

    def _differs(self, difference: ActionDifference, index: int) -> ActionDifference:
        self._differences[index] = difference
        return difference

    def result(self, *, ended: bool) -> Comparison:
        """Return the comparison so far; with ``ended``, what did not come is missing."""
        found = list(self._differences.values())
        if ended:
            found += [
                ActionDifference("missing", action, None)
                for index, action in self._reference.actions.items()
                if index not in self._seen and not action.failed
            ]
        found.sort(key=lambda difference: difference.action.index)
        return Comparison(len(self._seen), self._bytes, tuple(found))


def compare(reference: ExecutionLog, other: ExecutionLog) -> Comparison:
    """Compare two whole logs."""
    comparer = Comparer(reference)
    for action in other.actions.values():
        comparer.add(action)
    return comparer.result(ended=True)


def name(action: LoggedAction) -> str:
    """Return an action as people know it: what it does, of which target."""
    return f"{action.mnemonic or 'the action'} of {action.label}"


def words(difference: ActionDifference) -> str:
    """Say what an action did differently, and what was equal; one sentence without a full stop."""
    who = name(difference.action)
    if difference.cause == "outputs":
        paths = [output.path for output, _ in difference.outputs] or [
            output.path for output in difference.action.outputs
        ]
        return f"{who} makes another {listed(paths)} from {_equal(difference.action)}"
    if difference.cause == "failed":
        here = difference.other is not None and difference.other.failed
        return f"{who} {'fails in the rebuild' if here else 'failed, and does not in the rebuild'}"
    if difference.cause == "command":
        return f"{who} has another command or environment, its inputs being equal"
    if difference.cause == "inputs":
        return f"{who} is given other inputs than before, by what comes before it"
    only = "the rebuild does not have" if difference.cause == "missing" else "only the rebuild has"
    return f"{only} {who}"


def _equal(action: LoggedAction) -> str:
    count = action.input_count
    inputs = f"the same {count} inputs" if count != 1 else "the same input"
    return f"{inputs}, command and environment"


def listed(paths: list[str]) -> str:
    """Return paths as a sentence lists them."""
    return paths[0] if len(paths) == 1 else f"{', '.join(paths[:-1])} and {paths[-1]}"
