"""Messages of the Remote Execution API v2, byte for byte (build/bazel/remote/execution/v2).

Only what a local build needs is here: ``Digest``, ``Command``, ``Platform``, ``Directory``,
``Tree``, ``Action`` and ``ActionResult``. Encoders return the canonical bytes whose digest is the
message's name; decoders accept what any conforming writer makes and ignore unknown fields.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from unibuild.store.digests import Digest
from unibuild.store.protobuf import (
    MalformedMessageError,
    blob,
    fields,
    message,
    number,
    string,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Pairs = tuple[tuple[str, str], ...]

_EXECUTABLE = b"\x20\x01"  # field 4, true


class FileNode(NamedTuple):
    """A file in a ``Directory``."""

    name: str
    digest: Digest
    executable: bool = False


class DirectoryNode(NamedTuple):
    """A child directory in a ``Directory``, by the digest of its message."""

    name: str
    digest: Digest


class SymlinkNode(NamedTuple):
    """A symbolic link in a ``Directory``."""

    name: str
    target: str


class Directory(NamedTuple):
    """One level of a Merkle tree; the encoder sorts the nodes by name."""

    files: tuple[FileNode, ...] = ()
    directories: tuple[DirectoryNode, ...] = ()
    symlinks: tuple[SymlinkNode, ...] = ()


class OutputFile(NamedTuple):
    """A file an action made, ``path`` as in ``Command.output_paths``."""

    path: str
    digest: Digest
    executable: bool = False


class OutputDirectory(NamedTuple):
    """A directory an action made: digests of its ``Tree`` and of its root ``Directory``."""

    path: str
    tree: Digest
    root: Digest


class ActionResult(NamedTuple):
    """What an action left behind; ``stdout`` holds both of its standard streams, in order."""

    files: tuple[OutputFile, ...] = ()
    directories: tuple[OutputDirectory, ...] = ()
    exit_code: int = 0
    stdout: bytes = b""


def encode_digest(digest: Digest) -> bytes:
    """Return a ``Digest``."""
    return string(1, digest[0]) + number(2, digest[1])


@lru_cache(maxsize=1 << 14)
def _digest_field(hash_text: str, size: int) -> bytes:
    """Return field 2 of a node: most digests appear in many input roots."""
    return message(2, encode_digest(Digest(hash_text, size)))


def encode_command(
    arguments: Iterable[str],
    environment: Pairs,
    output_paths: Iterable[str],
    platform: Pairs = (),
    working_directory: str = "",
) -> bytes:
    """Return a ``Command``; environment, platform and output paths are sorted as the API asks."""
    parts = [message(1, argument.encode()) for argument in arguments]
    parts += [message(2, _pair(name, value)) for name, value in sorted(environment)]
    if platform:
        parts.append(message(5, encode_platform(platform)))
    parts.append(string(6, working_directory))
    parts += [message(7, path.encode()) for path in sorted(set(output_paths))]
    return b"".join(parts)


def encode_platform(properties: Pairs) -> bytes:
    """Return a ``Platform`` with its properties sorted by name, then value."""
    return b"".join(message(1, _pair(name, value)) for name, value in sorted(properties))


def encode_action(
    command: Digest, input_root: Digest, platform: Pairs = (), timeout: int = 0
) -> bytes:
    """Return an ``Action``; ``timeout`` in seconds, 0 for none."""
    parts = [message(1, encode_digest(command)), message(2, encode_digest(input_root))]
    if timeout:
        parts.append(message(6, number(1, timeout)))
    if platform:
        parts.append(message(10, encode_platform(platform)))
    return b"".join(parts)


def encode_file_node(name: str, digest: Digest, executable: bool) -> bytes:
    """Return the ``files`` field of a ``Directory`` for one file."""
    return message(
        1,
        message(1, name.encode())
        + _digest_field(digest[0], digest[1])
        + (_EXECUTABLE if executable else b""),
    )


def encode_directory_node(name: str, digest: Digest) -> bytes:
    """Return the ``directories`` field of a ``Directory`` for one child."""
    return message(2, message(1, name.encode()) + _digest_field(digest[0], digest[1]))


def encode_symlink_node(name: str, target: str) -> bytes:
    """Return the ``symlinks`` field of a ``Directory`` for one link."""
    return message(3, string(1, name) + string(2, target))


def encode_directory(directory: Directory) -> bytes:
    """Return a ``Directory`` with every list sorted by name."""
    parts = [encode_file_node(*node) for node in sorted(directory.files)]
    parts += [encode_directory_node(*node) for node in sorted(directory.directories)]
    parts += [encode_symlink_node(*node) for node in sorted(directory.symlinks)]
    return b"".join(parts)


def encode_tree(root: bytes, children: Sequence[bytes]) -> bytes:
    """Return a ``Tree`` of encoded directories."""
    return message(1, root) + b"".join(message(2, child) for child in children)


def encode_action_result(result: ActionResult) -> bytes:
    """Return an ``ActionResult``; output lists keep their order."""
    parts = [
        message(
            2,
            string(1, item.path)
            + message(2, encode_digest(item.digest))
            + (_EXECUTABLE if item.executable else b""),
        )
        for item in result.files
    ]
    parts += [
        message(
            3,
            string(1, item.path)
            + message(3, encode_digest(item.tree))
            + message(5, encode_digest(item.root)),
        )
        for item in result.directories
    ]
    parts.append(number(4, result.exit_code))
    parts.append(blob(5, result.stdout))
    return b"".join(parts)


def decode_action_result(data: bytes) -> ActionResult:
    """Return the parts of an ``ActionResult`` that a build uses."""
    files: list[OutputFile] = []
    directories: list[OutputDirectory] = []
    exit_code = 0
    stdout = b""
    for field, value in fields(data):
        if field == 2 and isinstance(value, bytes):  # noqa: PLR2004 - numbers of the .proto
            files.append(_decode_output_file(value))
        elif field == 3 and isinstance(value, bytes):  # noqa: PLR2004
            directories.append(_decode_output_directory(value))
        elif field == 4 and isinstance(value, int):  # noqa: PLR2004
            exit_code = value
        elif field == 5 and isinstance(value, bytes):  # noqa: PLR2004
            stdout = value
    return ActionResult(tuple(files), tuple(directories), exit_code, stdout)


def decode_digest(data: bytes) -> Digest:
    """Return a ``Digest``."""
    hash_text, size = "", 0
    for field, value in fields(data):
        if field == 1 and isinstance(value, bytes):
            hash_text = _text(value)
        elif field == 2 and isinstance(value, int):  # noqa: PLR2004
            size = value
    return Digest(hash_text, size)


def decode_directory(data: bytes) -> Directory:
    """Return a ``Directory``."""
    files: list[FileNode] = []
    directories: list[DirectoryNode] = []
    symlinks: list[SymlinkNode] = []
    for field, value in fields(data):
        if not isinstance(value, bytes):
            continue
        parts = dict(fields(value))
        name = _text(parts.get(1, b""))
        if field == 1:
            files.append(FileNode(name, _digest(parts.get(2)), bool(parts.get(4))))
        elif field == 2:  # noqa: PLR2004
            directories.append(DirectoryNode(name, _digest(parts.get(2))))
        elif field == 3:  # noqa: PLR2004
            symlinks.append(SymlinkNode(name, _text(parts.get(2, b""))))
    return Directory(tuple(files), tuple(directories), tuple(symlinks))


def decode_tree(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the encoded root directory of a ``Tree`` and its encoded children."""
    root, children = b"", []
    for field, value in fields(data):
        if field == 1 and isinstance(value, bytes):
            root = value
        elif field == 2 and isinstance(value, bytes):  # noqa: PLR2004
            children.append(value)
    return root, tuple(children)


def _pair(name: str, value: str) -> bytes:
    return string(1, name) + string(2, value)


def _text(value: int | bytes) -> str:
    if not isinstance(value, bytes):
        raise MalformedMessageError("a text field is a number")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise MalformedMessageError("a text field is not UTF-8") from error


def _digest(value: int | bytes | None) -> Digest:
    return decode_digest(value) if isinstance(value, bytes) else Digest("", 0)


def _decode_output_file(data: bytes) -> OutputFile:
    parts = dict(fields(data))
    return OutputFile(_text(parts.get(1, b"")), _digest(parts.get(2)), bool(parts.get(4)))


def _decode_output_directory(data: bytes) -> OutputDirectory:
    parts = dict(fields(data))
    return OutputDirectory(_text(parts.get(1, b"")), _digest(parts.get(3)), _digest(parts.get(5)))
