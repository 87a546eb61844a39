"""The entries of an archive, whatever its format: zip (wheel), tar in four compressions, deb.

The format is told by the first bytes, not by the name. Every entry's path is looked at before
anything is written: ``Entry.path`` is relative, without ``.``, ``..`` or empty parts, and unique;
a symbolic link cannot lead out of the tree; devices and the like are refused.
"""

from __future__ import annotations

import io
import posixpath
import stat
import tarfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from unibuild.model.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAXIMUM_ENTRIES = 500_000
MAXIMUM_BYTES = 8 << 30
_MAXIMUM_PATH = 1024
_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """A file (``open`` gives its bytes) or a symbolic link (``target`` is set).

    ``size`` is what the archive claims, in bytes; ``executable`` its owner's permission.
    """

    path: str
    open: Callable[[], IO[bytes]]
    size: int = 0
    executable: bool = False
    target: str = ""


@contextmanager
def entries(path: Path) -> Iterator[list[Entry]]:
    """Open an archive and list its files and links, in its order; ``bad-archive`` if damaged."""
    import lzma
    import zlib

    import zstandard

    try:
        with path.open("rb") as file:
            magic = file.read(8)
            file.seek(0)
            if magic.startswith(b"PK"):
                with zipfile.ZipFile(file) as archive:
                    yield _checked(_zip_entries(archive))
                return
            stream = _deb_data(file) if magic == _AR_MAGIC else file
            with (
                _decompressed(stream) as plain,
                tarfile.open(fileobj=plain, mode="r:") as tar,
            ):
                yield _checked(_tar_entries(tar, installed=magic == _AR_MAGIC))
    except (
        EOFError,
        NotImplementedError,
        RuntimeError,
        lzma.LZMAError,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        zstandard.ZstdError,
    ) as error:
        raise bad_archive(f"the archive is damaged: {error}") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise bad_archive(f"the archive is damaged: {error}") from None


def safe_path(name: str) -> str:
    """Return the normal form of an entry's name, or raise ``bad-archive``."""
    if name.startswith("/") or "\\" in name or "\0" in name or len(name) > _MAXIMUM_PATH:
        raise bad_archive(f"the archive has an entry with a bad name: {name[:80]!r}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise bad_archive(f"the archive has a name that is no UTF-8: {name!r}") from None
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise bad_archive(f"the archive has an entry that leads out of it: {name!r}")
    return "/".join(parts)


def safe_target(path: str, target: str) -> str:
    """Return the target of a link at ``path`` when it stays inside the tree.

    Only leading ``..`` are allowed, no more than the link has folders above it: then, since no
    entry lies below a link, following any chain of links stays inside.
    """
    parts = [part for part in target.split("/") if part not in {"", "."}]
    ups = next((count for count, part in enumerate(parts) if part != ".."), len(parts))
    leads_out = target.startswith("/") or ".." in parts[ups:] or ups > path.count("/")
    if not parts or leads_out or "\0" in target:
        raise bad_archive(f"the archive has a link that leads out of it: {path} -> {target}")
    return "/".join(parts)


def bad_archive(cause: str) -> ActionError:
    """Return the error of an archive that is not unpacked."""
    return ActionError(
        id="bad-archive",
        cause=cause,
        hint="its digest is the one in unibuild.lock, so it was published so:"
        " do not unpack it, or leave the entry out with 'exclude'",
    )


def _checked(found: Iterator[Entry]) -> list[Entry]:
    """Hold the archive to its bounds and to one entry a path, none below a file or link."""
    checked: dict[str, Entry] = {}
    total = 0
    for entry in found:
        total += entry.size
        if len(checked) >= MAXIMUM_ENTRIES or total > MAXIMUM_BYTES:
            raise bad_archive("the archive is larger than unibuild unpacks")
        if not entry.path or entry.path in checked:
            raise bad_archive(f"the archive has the entry '{entry.path}' twice")
        checked[entry.path] = entry
    for path in checked:
        parent = path.rpartition("/")[0]
        while parent:
            if parent in checked:
                raise bad_archive(f"the archive has '{path}' below '{parent}', which is no folder")
            parent = parent.rpartition("/")[0]
    return list(checked.values())


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[Entry]:
    for info in archive.infolist():
        path = safe_path(info.filename)
        mode = info.external_attr >> 16
        if info.is_dir():
            continue

        def opener(info: zipfile.ZipInfo = info) -> IO[bytes]:
            return archive.open(info)

        if stat.S_ISLNK(mode):
            if info.file_size > _MAXIMUM_PATH:
                raise bad_archive(f"the archive has a link with a bad target: {path}")
            target = archive.read(info).decode("utf-8", "replace")
            yield Entry(path, opener, target=safe_target(path, target))
        elif stat.S_IFMT(mode) in {0, stat.S_IFREG}:
            yield Entry(path, opener, info.file_size, bool(mode & stat.S_IXUSR))
        else:
            raise bad_archive(f"the archive has a special file: {path}")


def _tar_entries(tar: tarfile.TarFile, *, installed: bool) -> Iterator[Entry]:
    """Yield the entries; of an ``installed`` tree (a Debian package) the top is the root directory."""
    for member in tar:
        path = safe_path(member.name)
        if member.isdir():
            continue

        def opener(member: tarfile.TarInfo = member) -> IO[bytes]:
            try:
                file = tar.extractfile(member)
            except KeyError:
                file = None
            if file is None:
                raise bad_archive(f"the archive links to what it does not have: {member.name}")
            return file

        if member.issym():
            target = member.linkname
            if installed and target.startswith("/"):
                target = posixpath.relpath(target, posixpath.dirname(f"/{path}"))
            yield Entry(path, opener, target=safe_target(path, target))
        elif member.isreg() or member.islnk():
            yield Entry(path, opener, member.size, bool(member.mode & stat.S_IXUSR))
        else:
            raise bad_archive(f"the archive has a special file: {path}")


def _decompressed(stream: IO[bytes]) -> IO[bytes]:
    import bz2
    import gzip
    import lzma

    magic = stream.read(6)
    stream.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=stream))
    if magic == b"\xfd7zXZ\0":
        return lzma.LZMAFile(stream)
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(stream)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return _decompressed_zstd(stream)
    return stream


def _decompressed_zstd(stream: IO[bytes]) -> IO[bytes]:
    # zstandard's reader cannot seek backwards, which hard links in a tar need.
    import tempfile

    import zstandard

    whole = tempfile.TemporaryFile()  # noqa: SIM115 - closed by who reads it, or below
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(
            stream, read_across_frames=True, closefd=False
        )
        while (chunk := reader.read(1 << 20)) and whole.tell() <= MAXIMUM_BYTES:
            whole.write(chunk)
        whole.seek(0)
    except BaseException:
        whole.close()
        raise
    return whole


def _deb_data(file: IO[bytes]) -> IO[bytes]:
    """Return the member ``data.tar*`` of a Debian package (deb(5), an ar(5) archive)."""
    file.seek(len(_AR_MAGIC))
    while len(header := file.read(_AR_HEADER)) == _AR_HEADER:
        name = header[:16].rstrip().rstrip(b"/")
        digits = header[48:58].strip()
        if header[58:60] != b"`\n" or not digits.isdigit():
            break
        size = int(digits)
        if name.startswith(b"data.tar"):
            data = file.read(size)
            if len(data) == size:
                return io.BytesIO(data)
            break
        file.seek(size + size % 2, 1)
    raise bad_archive("the archive is no Debian package with data in it")
