"""How each object of an image was compiled, by the action graph.

The graph has the command line of every action, whatever the actions wrote: that is where these facts
are from. What no compile action of the graph made is reported as such, with ``flags`` None.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from unibuild.execution.plan import LITERAL, SOURCE
from unibuild.model.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unibuild.execution.plan import Plan, Record

LINK, COMPILE, ARCHIVE, BATCH, PARAMETERS = (
    "ImageLink",
    "CcCompile",
    "CcArchive",
    "CcBatch",
    "ImageParameters",
)
_ASSEMBLY = (".s", ".S")
_BATCH_COMMAND = re.compile(r'^\s*clang (.*) -c "\$only"', re.MULTILINE)
"""The line of a batch's script (rules/cc_batch.py) that compiles C."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One object, or one archive of a batch, that an image is linked from.

    ``flags`` are the compiler's arguments in their order, None where no command is recorded.
    """

    label: str
    path: str
    language: Literal["C", "assembly", "unknown"]
    flags: tuple[str, ...] | None

    def last(self, pattern: str) -> str:
        """Return the last flag that ``pattern`` matches as a whole, which is the one that counts."""
        matching = [flag for flag in self.flags or () if re.fullmatch(pattern, flag)]
        return matching[-1] if matching else ""


@dataclass(frozen=True, slots=True)
class Linking:
    """The link of an image: its command, what it links, and the number of the linked file."""

    arguments: tuple[str, ...]
    compiled: tuple[Compiled, ...]
    linked: int


def linking(plan: Plan, label: str) -> Linking:
    """Return the link of the image ``label``."""
    for index in range(len(plan.outputs)):
        record = plan.record(index)
        if record.mnemonic == LINK and record.label == label:
            producers = plan.producers()
            script = _after("-T", record.arguments)
            found = [
                one
                for artifact in _named(plan, record)
                if plan.paths[artifact] != script
                for one in _compiled(plan, producers, artifact, label)
            ]
            return Linking(record.arguments, tuple(found), record.outputs[0])
    raise HostError(
        "no-image-link",
        f"the graph of {label} has no link of an image",
        hint="its rule makes images in a way that is not known here",
    )


def _after(option: str, arguments: Sequence[str]) -> str:
    return arguments[arguments.index(option) + 1] if option in arguments else ""


def _named(plan: Plan, record: Record) -> Iterator[int]:
    """The inputs of an action that its command line names."""
    words = set(record.arguments)
    return (artifact for artifact in record.inputs if plan.paths[artifact] in words)


def _compiled(
    plan: Plan, producers: dict[int, int], artifact: int, label: str
) -> Iterator[Compiled]:
    path = plan.paths[artifact].partition("/")[2]
    if artifact not in producers:
        where = plan.paths[artifact] if plan.kinds[artifact] == SOURCE else path
        yield Compiled(label, where, "unknown", None)
        return
    record = plan.record(producers[artifact])
    if record.mnemonic == ARCHIVE:
        for member in _named(plan, record):
            yield from _compiled(plan, producers, member, record.label)
    elif record.mnemonic in (COMPILE, PARAMETERS):
        source = _after("-c", record.arguments)
        language: Literal["C", "assembly"] = "assembly" if source.endswith(_ASSEMBLY) else "C"
        yield Compiled(record.label, path, language, record.arguments)
    elif record.mnemonic == BATCH:
        flags = _batch_flags(plan, record)
        yield Compiled(record.label, path, "C" if flags else "unknown", flags)
    else:
        yield Compiled(record.label, path, "unknown", None)


def _batch_flags(plan: Plan, record: Record) -> tuple[str, ...] | None:
    for artifact in record.inputs:
        if plan.kinds[artifact] == LITERAL and plan.paths[artifact].endswith("/compile.sh"):
            script = plan.extra[artifact]
            text = script.decode() if isinstance(script, bytes) else script
            match = _BATCH_COMMAND.search(text)
            return tuple(shlex.split(match[1])) if match else None
    return None
