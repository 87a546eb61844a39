"""The execution log: one JSON line for each action of a build, with digests of what it read and made.

``unibuild build --execution-log FILE`` writes it; ``verify`` compares two of them. A line is written
and flushed as soon as its action is done, so that a reader can follow a build that goes on, and the
last line may be cut short if the build was killed: ``Reader`` leaves such a line out. An action that
had to run again in one build has two lines, of which the last counts.

Digests are of the workspace's digest function. A line is the JSON object of a ``LoggedAction`` with
its fields in their order; fields that have their default are there too. ``FORMAT`` is the number of
this shape and stands in each line as ``format``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unibuild.model.errors import UserError
from unibuild.store.protobuf import fields
from unibuild.store.reapi import decode_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from unibuild.execution.keys import Prepared
    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value

FORMAT = 1
_COMMAND, _INPUT_ROOT = 1, 2  # fields of Action (remote_execution.proto)


@dataclass(frozen=True, slots=True)
class LoggedOutput:
    """One output: its path without prefix, and its digest and size in bytes.

    For a directory (``tree``) these are of its Tree message.
    """

    path: str
    digest: str
    size: int
    executable: bool = False
    tree: bool = False


@dataclass(frozen=True, slots=True)
class LoggedAction:
    """One action; ``index`` is its place in the graph, producers first.

    ``action`` is the digest of the REAPI Action, ``command`` that of its Command, ``inputs`` of its
    input root; ``input_count`` counts the artefacts it declares. ``executed`` is false for a result
    from a cache. ``failed``: it made no outputs, which then is empty. ``seconds`` is how long it ran,
    or was looked for.
    """

    index: int
    label: str
    mnemonic: str
    action: str
    command: str
    inputs: str
    input_count: int
    outputs: tuple[LoggedOutput, ...]
    executed: bool
    builtin: bool
    failed: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ExecutionLog:
    """A whole log: actions by their place in the graph, each once."""

    actions: Mapping[int, LoggedAction] = field(default_factory=dict)

    @classmethod
    def of(cls, actions: Iterable[LoggedAction]) -> ExecutionLog:
        """Return the log of ``actions``; of one that was made again, the last counts."""
        found = {action.index: action for action in actions}
        return cls({index: found[index] for index in sorted(found)})

    def making(self, path: str) -> LoggedAction | None:
        """Return the action that made the output ``path`` (without prefix), or nothing."""
        for action in self.actions.values():
            if any(output.path == path for output in action.outputs):
                return action
        return None


def of_action(
    plan: Plan,
    values: Sequence[Value | None],
    prepared: Prepared,
    *,
    executed: bool,
    failed: bool = False,
    seconds: float = 0.0,
) -> LoggedAction:
    """Return what the log says of an action; unless it failed, ``values`` has its outputs."""
    record, key = prepared.record, prepared.key
    parts = dict(fields(key.action))
    made = () if failed else [values[a] for a in record.outputs]
    return LoggedAction(
        prepared.number,
        record.label,
        record.mnemonic,
        key.digest.hash,
        _hash(parts.get(_COMMAND)),
        _hash(parts.get(_INPUT_ROOT)),
        len(record.inputs),
        logged_outputs(plan, record, made),
        executed,
        bool(record.builtin),
        failed,
        round(seconds, 6),
    )


def _hash(message: int | bytes | None) -> str:
    return decode_digest(message).hash if isinstance(message, bytes) else ""


def logged_outputs(
    plan: Plan, record: Record, values: Sequence[Value | None]
) -> tuple[LoggedOutput, ...]:
    """Return what the log says of the outputs of an action that made ``values``, none: it failed."""
    return tuple(
        _output(plan.paths[a].partition("/")[2], value)
        for a, value in zip(record.outputs, values, strict=False)
    )


def _output(path: str, value: Value | None) -> LoggedOutput:
    if value is None:
        raise AssertionError(f"{path} is logged before it is made")
    if len(value) == 4:  # noqa: PLR2004 - a directory
        return LoggedOutput(path, value[0], value[1], tree=True)
    return LoggedOutput(path, value[0], value[1], value[2])


class LogWriter:
    """Writes a log line by line; ``close`` ends it."""

    def __init__(self, path: Path) -> None:
        """Begin an empty file at ``path``; a ``UserError`` when it cannot be written."""
        self._path = path
        flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o666)
        except OSError as error:
            raise UserError(
                id="unwritable",
                cause=f"cannot write the execution log to {path}: {error.strerror}",
                hint="--execution-log names a file in a directory that exists",
            ) from None

    def write(self, action: LoggedAction) -> None:
        """Add the line of an action that is done."""
        line = memoryview(encode(action))
        while line:
            line = line[os.write(self._descriptor, line) :]

    def close(self) -> None:
        """Give the file up; twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def encode(action: LoggedAction) -> bytes:
    """Return the line of an action, newline included."""
    outputs = [
        {name: getattr(output, name) for name in LoggedOutput.__slots__}
        for output in action.outputs
    ]
    plain = {name: getattr(action, name) for name in LoggedAction.__slots__}
    whole = {"format": FORMAT, **plain, "outputs": outputs}
    return json.dumps(whole, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> LoggedAction:
    """Return the action of a line; raises ``ValueError`` for anything else."""
    plain = json.loads(line)
    if not isinstance(plain, dict) or plain.pop("format", None) != FORMAT:
        raise ValueError("no line of an execution log of this format")
    try:
        outputs = tuple(LoggedOutput(**output) for output in plain.pop("outputs"))
        return LoggedAction(**plain, outputs=outputs)
    except (KeyError, TypeError) as error:
        raise ValueError(f"no line of an execution log: {error}") from None


class Reader:
    """Follows a log that is being written; a file that is not there yet is one without lines."""

    def __init__(self, path: Path) -> None:
        """Begin before the first line."""
        self._path = path
        self._offset = 0

    def new(self) -> list[LoggedAction]:
        """Return the actions of the whole lines that were added since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [decode(line) for line in whole.splitlines()]


def read(path: Path) -> ExecutionLog:
    """Return the log at ``path``; a ``UserError`` when it is none."""
    try:
        os.stat(path)
        return ExecutionLog.of(Reader(path).new())
    except (OSError, ValueError) as error:
        raise UserError(
            id="bad-execution-log", cause=f"{path} is no execution log: {error}",
            hint="'unibuild build --execution-log FILE' writes one",
        ) from None  # fmt: skip
