"""The root file system of an image, as a cpio archive in the ``newc`` format (cpio(5)).

Same files, same bytes: entries are sorted by path, every time is 0, every owner is root, inode
numbers count from 1, and modes are fixed (directories 0555, files 0444: nothing is executed from a
file when the program is linked with the kernel, and nothing can be written). A directory stands before
what it holds, whether it was asked for or only follows from a path. An archive without entries is empty,
so that an image without files carries no header either.

In an image whose program is a file, executables have mode 0555, and the contents of ELF files begin on a
page of the archive: NUL bytes fill the field of the name up to there. So they are mapped where they are.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unibuild.execution.request import BuiltinCall

_MAGIC = "070701"
_HEADER_SIZE = 110
_DIRECTORY_MODE = stat.S_IFDIR | 0o555
_FILE_MODE = stat.S_IFREG | 0o444
_PROGRAM_MODE = stat.S_IFREG | 0o555
_ELF = b"\x7fELF"
_PAGE = 4096
_NUL = b"\0"
_LINK_MODE = stat.S_IFLNK | 0o777


def write_root_archive(
    files: Mapping[str, Path] | Iterable[tuple[str, Path]],
    directories: tuple[str, ...] = (),
    *,
    programs: bool = False,
) -> bytes:
    """Return the archive of ``files`` (absolute guest path and a host file or directory tree).

    Symbolic links inside a directory tree stay links. ``programs`` says that executables may be run.
    Raises ``ActionError`` when two entries claim one path.
    """
    entries: dict[str, tuple[int, bytes]] = {}
    for path in directories:
        _add(entries, path, _DIRECTORY_MODE, b"")
    for path, source in files.items() if isinstance(files, Mapping) else files:
        _add_source(entries, path, source, programs=programs)
    if not entries:
        return b""
    for path in list(entries):
        for parent in PurePosixPath(path).parents:
            if str(parent) != ".":
                _add(entries, f"/{parent}", _DIRECTORY_MODE, b"")
    archive = bytearray()
    for inode, path in enumerate(sorted(entries, key=lambda name: name.split("/")), start=1):
        mode, content = entries[path]
        on_page = mode == _PROGRAM_MODE and content.startswith(_ELF)
        archive += _entry(
            path, inode, mode, content, _padding(len(archive), path) if on_page else 0
        )
    return bytes(archive + _entry("TRAILER!!!", 0, 0, b""))


def list_root_archive(archive: bytes) -> list[tuple[str, bytes]]:
    """Return absolute path and content of every regular file in an archive made here."""
    return [(path, archive[start : start + size]) for path, start, size in _files(archive)]


def locate(archive: bytes, path: str) -> tuple[int, int]:
    """Return where the content of the file ``path`` begins in an archive made here, and its size.

    Raises ``KeyError`` when there is no such file.
    """
    return {name: (start, size) for name, start, size in _files(archive)}[path]


def _files(archive: bytes) -> Iterator[tuple[str, int, int]]:
    position = 0
    while position < len(archive):
        fields = archive[position + 6 : position + _HEADER_SIZE]
        mode, size, name_size = (int(fields[8 * i : 8 * i + 8], 16) for i in (1, 6, 11))
        field = archive[position + _HEADER_SIZE : position + _HEADER_SIZE + name_size]
        start = _up(position + _HEADER_SIZE + name_size)
        if stat.S_ISREG(mode):
            yield f"/{field.partition(_NUL)[0].decode()}", start, size
        position = _up(start + size)


def build(call: BuiltinCall) -> None:
    """Run the action: its version, then triples ``file PATH INPUT`` and pairs ``directory PATH``.

    A word ``programs-VERSION`` before them says that files may be run.
    """
    words = iter(call.arguments[1:])
    programs = False
    files: list[tuple[str, Path]] = []
    directories = []
    for word in words:
        if word == "file":
            guest = next(words)
            files.append((guest, call.inputs[next(words)]))
        elif word.startswith("programs-"):
            programs = True
        else:
            directories.append(next(words))
    (output,) = call.outputs.values()
    output.write_bytes(write_root_archive(files, tuple(directories), programs=programs))


def _add_source(
    entries: dict[str, tuple[int, bytes]], path: str, source: Path, *, programs: bool
) -> None:
    if source.is_symlink():
        _add(entries, path, _LINK_MODE, os.fsencode(source.readlink()))
    elif source.is_dir():
        _add(entries, path, _DIRECTORY_MODE, b"")
        for child in sorted(source.iterdir()):
            _add_source(entries, f"{path.rstrip('/')}/{child.name}", child, programs=programs)
    else:
        content = source.read_bytes()
        runs = programs and (content.startswith(_ELF) or source.stat().st_mode & 0o100)
        _add(entries, path, _PROGRAM_MODE if runs else _FILE_MODE, content)


def _add(entries: dict[str, tuple[int, bytes]], path: str, mode: int, content: bytes) -> None:
    name = path.strip("/")
    if not name:
        return
    entry = (mode, content)
    if entries.setdefault(name, entry) != entry:
        raise ActionError(
            "root-path-clash",
            f"two entries of the image's root file system claim the path /{name}",
            hint="give one of them another path in 'files'",
        )


def _padding(position: int, name: str) -> int:
    """Return how many bytes more a name at ``position`` needs for its content to begin on a page."""
    return -_up(position + _HEADER_SIZE + len(name.encode()) + 1) % _PAGE


def _entry(name: str, inode: int, mode: int, content: bytes, padding: int = 0) -> bytes:
    encoded = name.encode() + bytes(1 + padding)
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = (_MAGIC + "".join(f"{field:08X}" for field in fields)).encode() + encoded
    return _padded(header) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(_up(len(data)) - len(data))


def _up(value: int) -> int:
    return (value + 3) // 4 * 4
