"""Between the values of an action's outputs and the ``ActionResult`` that a cache keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.execution.keys import output_path
from unibuild.store.digests import HASH_LENGTH, Digest
from unibuild.store.reapi import ActionResult, OutputDirectory, OutputFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value

_DIGITS = frozenset("0123456789abcdef")
_KEPT_OUTPUT = 1 << 16  # bytes of an action's output that its result keeps


def result_of(plan: Plan, record: Record, values: Sequence[Value], printed: bytes) -> ActionResult:
    """Return the result of a successful action that made ``values`` and printed ``printed``."""
    files, directories = [], []
    for a, value in zip(record.outputs, values, strict=True):
        path = output_path(plan.paths[a])
        digest = Digest(value[0], value[1])
        if len(value) == 4:  # noqa: PLR2004 - a directory
            directories.append(OutputDirectory(path, digest, Digest(value[2], value[3])))
        else:
            files.append(OutputFile(path, digest, value[2]))
    return ActionResult(tuple(files), tuple(directories), 0, printed[-_KEPT_OUTPUT:])


def values_of(plan: Plan, record: Record, result: ActionResult) -> list[Value] | None:
    """Return the values of an action's outputs in order, or nothing when one is not in ``result``.

    A result from elsewhere must keep the action's declaration: files as files, directories as
    directories with the digest of their root, nothing else, and no failure. A file that is declared
    executable is, whatever the result says, as it is when the action runs here.
    """
    if result.exit_code:
        return None
    found: dict[str, Value] = {}
    for file in result.files:
        found[file.path] = (*file.digest, file.executable)
    for item in result.directories:
        found[item.path] = (*item.tree, *item.root)
    if len(found) != len(record.outputs):
        return None
    values = [_declared(plan, a, found.get(output_path(plan.paths[a]))) for a in record.outputs]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def _declared(plan: Plan, artifact: int, value: Value | None) -> Value | None:
    if value is None or not _is_digest(value[0], value[1]):
        return None
    if len(value) == 4:  # noqa: PLR2004 - a directory
        return value if artifact in plan.trees and _is_digest(value[2], value[3]) else None
    if artifact in plan.trees:
        return None
    return (value[0], value[1], value[2] or artifact in plan.executables)


def _is_digest(text: str, size: int) -> bool:
    return len(text) == HASH_LENGTH and size >= 0 and _DIGITS.issuperset(text)
