"""Depfiles: which of its prunable inputs an action really read (Makefile syntax, as ``-MD`` writes).

For every action with a depfile the cache keeps a record under a key that covers all but the
contents of the prunable inputs. The record lists, newest first, sets of read inputs with their
values and the action whose result belongs to them. When all values of one set are the present ones,
that result holds. The key covers the paths of all prunable inputs, used or not, so a header that
newly shadows another one never goes unnoticed.

A result that was found remotely leaves its depfile there: its set holds all prunable inputs and the
depfile's digest, and ``narrow`` cuts it down when an edit makes the depfile worth fetching.
"""

from __future__ import annotations

import marshal
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

from unibuild.execution.sandbox import BUILD_DIRECTORY
from unibuild.store.digests import Digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value
    from unibuild.store.records import Records

_SETS_KEPT = 16
_WORD = re.compile(r"(?:\\[^\n]|[^\s\\])+")
Used = list[tuple[str, "Value"]]


def parse(text: str) -> list[str]:
    """Return the prerequisites of every rule in a depfile, unescaped, in order."""
    found: list[str] = []
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        _, colon, prerequisites = _split_target(line)
        if colon:
            found += [_unescape(word) for word in _WORD.findall(prerequisites)]
    return found


def _split_target(line: str) -> tuple[str, str, str]:
    # A colon ends the targets only when blank space or the line's end follows it.
    match = re.search(r":(?=\s|$)", line)
    return (line[: match.start()], ":", line[match.end() :]) if match else (line, "", "")


def _unescape(word: str) -> str:
    return re.sub(r"\\([\s\\#:])", r"\1", word).replace("$$", "$")


def used_inputs(record: Record, plan: Plan, text: str, working_directory: str) -> list[int]:
    """Return the prunable inputs that the depfile names, directories when it names a file in them."""
    named = {_relative(path, working_directory) for path in parse(text)}
    used = []
    for a in record.prunable:
        path = plan.paths[a]
        if path in named or (
            a in plan.trees and any(name.startswith(f"{path}/") for name in named)
        ):
            used.append(a)
    return used


def _relative(path: str, working_directory: str) -> str:
    for base in (BUILD_DIRECTORY, working_directory):
        path = posixpath.normpath(posixpath.join(base, path))
        if path.startswith(f"{base}/"):
            return path[len(base) + 1 :]
    return path


class Entry(NamedTuple):
    """One set of a record; ``depfile`` is to be read before ``used`` is what was really read."""

    action: Digest
    used: Used
    depfile: Digest | None = None


class Readable(Protocol):
    """Checked records by key."""

    def get(self, key: str) -> bytes | None:
        """Return a record, or nothing."""


def entries(records: Readable, key: str) -> list[Entry]:
    """Return the sets recorded under ``key``, newest first."""
    data = records.get(key)
    if data is None:
        return []
    return [
        Entry(Digest(*action), used, None if depfile is None else Digest(*depfile))
        for action, used, depfile in marshal.loads(data)
    ]


def find(
    known: Sequence[Entry], plan: Plan, values: Sequence[Value | None], record: Record
) -> Digest | None:
    """Return the action whose recorded reads all have their present values, or nothing."""
    if not known:
        return None
    present = {plan.paths[a]: values[a] for a in record.prunable}
    for entry in known:
        if all(present.get(path) == value for path, value in entry.used):
            return entry.action
    return None


def remember(records: Records, key: str, new: Entry) -> None:
    """Record that an action read exactly what ``new`` says."""
    kept = [entry for entry in entries(records, key) if entry.used != new.used]
    _write(records, key, [new, *kept[: _SETS_KEPT - 1]])


def narrow(
    records: Records, key: str, wide: Entry, data: bytes | None, plan: Plan, record: Record
) -> None:
    """Cut a set down to the inputs that its depfile, ``data``, names; without one, forget it."""
    kept = []
    for entry in entries(records, key):
        if entry != wide:
            kept.append(entry)
        elif data is not None:
            text = data.decode(errors="surrogateescape")
            names = {plan.paths[a] for a in used_inputs(record, plan, text, "")}
            used = [(path, value) for path, value in entry.used if path in names]
            kept.append(Entry(entry.action, used))
    _write(records, key, kept)


def _write(records: Records, key: str, kept: list[Entry]) -> None:
    plain = [
        (tuple(action), used, None if depfile is None else tuple(depfile))
        for action, used, depfile in kept
    ]
    records.put(key, marshal.dumps(plain))
