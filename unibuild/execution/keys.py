"""Digests of actions: from the values of their inputs to the messages of the Remote Execution API.

The digest of the ``Action`` message names the action's result in every cache, local or remote, and
the messages themselves are what a remote engine runs. See ``store.reapi`` for the encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.model.artifacts import GENERATED_PREFIX, OUTPUT_PREFIX
from unibuild.store.digests import Digest
from unibuild.store.merkle import Entry, input_root, root_digest
from unibuild.store.reapi import encode_action, encode_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value
    from unibuild.store.digests import DigestFunction

PLATFORM = (("ISA", "x86-64"), ("OSFamily", "linux"))
UNSANDBOXED = (*PLATFORM, ("unibuild-sandbox", "none"))
_UNKNOWN = Digest("0" * 64, 0)
_NOTHING_HIDDEN: frozenset[int] = frozenset()


class Key(NamedTuple):
    """The digest of an ``Action``, and the encoded ``Action`` and ``Command``.

    ``directories`` are the encoded ``Directory`` messages of the input root without those of trees,
    when somebody else is to have them too.
    """

    digest: Digest
    action: bytes
    command: bytes
    directories: tuple[bytes, ...] = ()


class Prepared(NamedTuple):
    """An evaluated action: its number, what it is, its key, and whether that is of a sandboxed run.

    ``pruned_key`` is "" unless the action has a depfile. Identity matters: an action that is
    evaluated again gets a new one, and what still refers to the old one is out of date.
    """

    number: int
    record: Record
    key: Key
    pruned_key: str
    sandboxed: bool


class ActionKeys:
    """Keys of actions from the values of their inputs."""

    def __init__(
        self, plan: Plan, values: Sequence[Value | None], function: DigestFunction
    ) -> None:
        """Read input values from ``values``, which the caller keeps up to date."""
        self._plan = plan
        self._values = values
        self._function = function

    def action(self, record: Record, *, sandboxed: bool, whole: bool = False) -> Key:
        """Return the key of the action, ``whole`` with directories; all input values are known."""
        entries = self._entries(record, _NOTHING_HIDDEN)
        if not whole:
            return self._key(record, root_digest(entries, self._function), sandboxed)
        root, messages = input_root(entries, self._function)
        return self._key(record, root, sandboxed)._replace(directories=tuple(messages.values()))

    def without_prunable(self, record: Record, *, sandboxed: bool) -> str:
        """Return a hash over everything but the contents of the prunable inputs.

        Their paths are in it: a header that appears or goes may change which one is included.
        """
        hidden = frozenset(record.prunable)
        root = root_digest(self._entries(record, hidden), self._function)
        digest = self._key(record, root, sandboxed).digest
        return self._function.hash(b"pruned 2 " + digest.hash.encode())

    def _key(self, record: Record, root: Digest, sandboxed: bool) -> Key:
        platform = PLATFORM if sandboxed or record.builtin else UNSANDBOXED
        names = [output_path(self._plan.paths[a]) for a in record.outputs]
        command = encode_command(record.arguments, record.environment, names, platform)
        action = encode_action(self._function.of(command), root, platform, record.timeout)
        return Key(self._function.of(action), action, command)

    def _entries(self, record: Record, hidden: frozenset[int]) -> list[Entry]:
        plan, values = self._plan, self._values
        entries: list[Entry] = []
        for a in record.inputs:
            value = values[a]
            if value is None:
                raise AssertionError(f"the value of {plan.paths[a]} is not known yet")
            if a in hidden:
                entries.append(Entry(plan.paths[a], _UNKNOWN, tree=a in plan.trees))
            elif len(value) == 4:  # noqa: PLR2004 - a directory
                entries.append(Entry(plan.paths[a], Digest(value[2], value[3]), tree=True))
            else:
                entries.append(Entry(plan.paths[a], Digest(value[0], value[1]), value[2]))
        return entries


def output_path(input_path: str) -> str:
    """Return where an action writes what others read at ``input_path``."""
    return OUTPUT_PREFIX + input_path[len(GENERATED_PREFIX) :]
