"""What an action was made of, field by field, and how two descriptions of one step differ.

A description is had of an action of a plan, or read back from the Remote Execution API messages that
another machine published; both say the same in the same words, so that they can be compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from unibuild.execution.keys import PLATFORM, output_path
from unibuild.store.protobuf import MalformedMessageError, fields
from unibuild.store.reapi import decode_digest, decode_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from unibuild.execution.plan import Plan, Record
    from unibuild.execution.values import Value
    from unibuild.store.digests import Digest, DigestFunction

_HOST = "@host/"  # stands for a value that is filled in when the action is evaluated


class Read(NamedTuple):
    """One input: the hash of a file or of a directory's root."""

    hash: str
    executable: bool = False
    directory: bool = False


class Description(NamedTuple):
    """An action; ``inputs`` and ``outputs`` by the path at which it sees them."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    platform: Mapping[str, str]
    timeout: int
    outputs: tuple[str, ...]
    inputs: Mapping[str, Read]


class Difference(NamedTuple):
    """One field that differs; "" stands for what is not there. Digests are hashes."""

    field: str
    old: str
    new: str


def of_record(plan: Plan, values: Sequence[Value | None], record: Record) -> Description:
    """Describe an action of a plan as ``values`` have it; an unknown input has the hash ""."""
    inputs = {plan.paths[a]: _read(values[a]) for a in record.inputs}
    return Description(
        record.arguments,
        dict(record.environment),
        dict(PLATFORM),
        record.timeout,
        tuple(sorted(output_path(plan.paths[a]) for a in record.outputs)),
        inputs,
    )


def of_messages(
    action: bytes, command: bytes, directories: Iterable[bytes], function: DigestFunction
) -> Description:
    """Describe an action from its messages; raises ``MalformedMessageError``.

    A directory whose message is not given is one input, by its digest.
    """
    timeout = 0
    root = function.of(b"")
    for field, value in fields(action):
        if field == 2:  # noqa: PLR2004 - numbers of the .proto
            root = decode_digest(_data(value))
        elif field == 6:  # noqa: PLR2004
            seconds = dict(fields(_data(value))).get(1, 0)
            timeout = seconds if isinstance(seconds, int) else 0
    arguments: list[str] = []
    environment: dict[str, str] = {}
    platform: dict[str, str] = {}
    outputs: list[str] = []
    for field, value in fields(command):
        if field == 1:
            arguments.append(_text(value))
        elif field == 2:  # noqa: PLR2004
            environment.update([_pair(_data(value))])
        elif field == 5:  # noqa: PLR2004
            platform.update(_pair(_data(item)) for _, item in fields(_data(value)))
        elif field == 7:  # noqa: PLR2004
            outputs.append(_text(value))
    known = {function.of(message): message for message in directories}
    return Description(
        tuple(arguments),
        environment,
        platform,
        timeout,
        tuple(sorted(outputs)),
        dict(_walk(root, known)),
    )


def differences(old: Description, new: Description) -> tuple[Difference, ...]:
    """Return every field in which ``new`` differs from ``old``, what causes most first."""
    return (
        *_inputs(old, new),
        *_arguments(old.arguments, new.arguments),
        *_mappings("environment", old.environment, new.environment),
        *_mappings("platform", old.platform, new.platform),
        *_timeout(old.timeout, new.timeout),
        *(
            Difference(f"output {path}", path, "")
            for path in old.outputs
            if path not in new.outputs
        ),
        *(
            Difference(f"output {path}", "", path)
            for path in new.outputs
            if path not in old.outputs
        ),
    )


def _inputs(old: Description, new: Description) -> Iterator[Difference]:
    for path in sorted({*old.inputs, *new.inputs}):
        before, after = old.inputs.get(path), new.inputs.get(path)
        if before == after:
            continue
        field = f"{_kind(path, (before, after), (*old.arguments[:1], *new.arguments[:1]))} {path}"
        if before is not None and after is not None and before.hash == after.hash:
            yield Difference(field, *(_mode(read) for read in (before, after)))
        else:
            yield Difference(field, before.hash if before else "", after.hash if after else "")


def _kind(path: str, reads: Iterable[Read | None], programs: Iterable[str]) -> str:
    if not any(read is not None and read.directory for read in reads):
        return "input"
    runs = any(program.startswith(f"{path}/") for program in programs)
    return "toolchain" if runs or "toolchains" in path.split("/") else "directory"


def _mode(read: Read) -> str:
    if read.directory:
        return "a directory"
    return "executable" if read.executable else "not executable"


def _arguments(old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    """Yield arguments that differ, numbered as in ``new`` (those that are gone: as in ``old``)."""
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, i, old_end, j, new_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        before, after = old[i:old_end], new[j:new_end]
        for offset in range(max(len(before), len(after))):
            number = j + offset if offset < len(after) else i + offset
            yield Difference(
                f"argument {number}",
                before[offset] if offset < len(before) else "",
                after[offset] if offset < len(after) else "",
            )


def _mappings(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        before, after = old.get(name, ""), new.get(name, "")
        if before != after and not (before.startswith(_HOST) or after.startswith(_HOST)):
            yield Difference(f"{what} {name}", before, after)


def _timeout(old: int, new: int) -> Iterator[Difference]:
    if old != new:
        yield Difference("timeout", str(old), str(new))


def _read(value: Value | None) -> Read:
    if value is None:
        return Read("")
    if len(value) == 4:  # noqa: PLR2004 - a directory
        return Read(value[2], directory=True)
    return Read(value[0], value[2])


def _walk(
    root: Digest, known: Mapping[Digest, bytes], prefix: str = ""
) -> Iterator[tuple[str, Read]]:
    message = known.get(root)
    if message is None:
        return
    directory = decode_directory(message)
    for file in directory.files:
        yield prefix + file.name, Read(file.digest.hash, file.executable)
    for node in directory.directories:
        path = prefix + node.name
        if node.digest in known:
            yield from _walk(node.digest, known, f"{path}/")
        else:
            yield path, Read(node.digest.hash, directory=True)


def _pair(encoded: bytes) -> tuple[str, str]:
    parts = dict(fields(encoded))
    return _text(parts.get(1, b"")), _text(parts.get(2, b""))


def _data(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise MalformedMessageError("a message field is a number")
    return value


def _text(value: int | bytes) -> str:
    return _data(value).decode(errors="replace")
