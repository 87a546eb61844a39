"""One file from the first server that has it, checked while it arrives.

The bytes go to a partial file in the store's own ``incoming`` folder, which stays when a download
breaks off and is continued by the next. The partial file is locked while it is written: a second
process that wants the same file waits, and then finds it in the store. Both digests are computed
from the bytes on disk, so that a continued file is checked as a whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from unibuild.external.transport import GoneError, Progress, Transport
from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a file beforehand; an empty digest or a negative size is not known."""

    purl: str
    name: str
    size: int = -1
    sha256: str = ""
    blake3: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a file really holds: size in bytes, digests in lower-case hex."""

    size: int
    sha256: str
    blake3: str


@contextmanager
def partial_file(path: Path) -> Iterator[IO[bytes]]:
    """Open (or make) a partial file for this process alone, waiting for any other one.

    The name may be gone when the lock was got, since the process that had it moved the finished
    file into the store: then a new one is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(file.fileno()), path.stat())
            except FileNotFoundError:
                continue
            if same:
                yield file
                return


def download(
    file: IO[bytes],
    urls: Sequence[str],
    expected: Expected,
    transport: Transport,
    progress: Progress | None = None,
) -> Content:
    """Fill ``file`` from the first of ``urls`` that has it and return what it holds.

    Raises ``package-gone`` when no server has it, ``hash-mismatch`` when a server has other bytes,
    ``unreachable`` when no server answered.
    """

    def notify(done: int) -> None:
        if progress:
            progress(expected.purl, done, max(expected.size, 0))

    problems: list[HostError | GoneError] = []
    for url in urls:
        continued = _prepare(file, expected)
        try:
            if not expected.size == file.seek(0, 2) > 0:
                transport.stream(url, file, notify)
            content = digests(file)
            if continued and _differences(content, expected):
                file.truncate(0)
                transport.stream(url, file, notify)
                content = digests(file)
        except (GoneError, HostError) as error:
            problems.append(error)
            continue
        differences = _differences(content, expected)
        if not differences:
            return content
        file.truncate(0)
        raise UserError(
            id="hash-mismatch",
            cause=f"{expected.name} of {expected.purl} is not the file that the lock pins",
            hint="somebody changed it on the server, or on its way: find out before you trust it."
            " If the new file is right, delete the package from unibuild.lock and run"
            " 'unibuild lock'",
            detail=(f"from {url}", *differences),
        )
    if problems and isinstance(problems[0], HostError):  # what the best server said counts
        raise problems[0]
    raise UserError(
        id="package-gone",
        cause=f"no registry of this machine has {expected.name} of {expected.purl} any more",
        hint="mirrors drop versions once they are superseded: run 'unibuild update', or name an"
        " archive that keeps old versions under [mirrors] in WORKSPACE.toml",
        detail=tuple(map(str, problems)),
    )


def digests(file: IO[bytes]) -> Content:
    """Return what an open file holds from its start."""
    from blake3 import blake3

    sha, blake = hashlib.sha256(), blake3()
    size = 0
    file.seek(0)
    while chunk := file.read(_CHUNK):
        sha.update(chunk)
        blake.update(chunk)
        size += len(chunk)
    return Content(size, sha.hexdigest(), blake.hexdigest())


def _prepare(file: IO[bytes], expected: Expected) -> bool:
    """Empty a partial file that cannot be the beginning of what is wanted; tell if it is kept."""
    have = file.seek(0, 2)
    pinned = bool(expected.sha256) and expected.size >= 0
    if have and (not pinned or have > expected.size):
        file.truncate(0)
        return False
    return have > 0


def _differences(content: Content, expected: Expected) -> tuple[str, ...]:
    pairs = (
        ("size", str(expected.size) if expected.size >= 0 else "", str(content.size)),
        ("sha256", expected.sha256, content.sha256),
        ("blake3", expected.blake3, content.blake3),
    )
    return tuple(
        f"{what}: expected {wanted}, got {got}"
        for what, wanted, got in pairs
        if wanted and wanted != got
    )
