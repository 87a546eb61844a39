"""What the reference server keeps: verified blobs by digest, and results, as files in a folder.

A file is written aside and renamed when its bytes are known to be right, so whatever is in the folder
after a crash is whole. Nothing is ever removed.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from unibuild.store.digests import Digest, DigestFunction, Hasher


class WrongContentError(Exception):
    """Bytes that are not those of the digest they were sent for."""


@dataclass(frozen=True, slots=True)
class Storage:
    """One folder; ``functions`` are the digest functions that it serves, each apart."""

    folder: Path
    functions: dict[str, DigestFunction]

    def blob(self, function: str, digest: Digest) -> Path:
        """Return where a blob is, or would be."""
        return self.folder / function / "cas" / digest.hash[:2] / f"{digest.hash}-{digest.size}"

    def has(self, function: str, digest: Digest) -> bool:
        """Tell whether a blob is there; the empty one always is."""
        return not digest.size or self.blob(function, digest).is_file()

    def read(self, function: str, digest: Digest) -> bytes | None:
        """Return a blob of any size."""
        if not digest.size:
            return b""
        try:
            return self.blob(function, digest).read_bytes()
        except FileNotFoundError:
            return None

    def writer(self, function: str, digest: Digest) -> Writer:
        """Begin a blob."""
        return Writer(self, function, digest)

    def write(self, function: str, digest: Digest, data: bytes) -> None:
        """Keep a blob, or raise ``WrongContentError``."""
        with self.writer(function, digest) as writer:
            writer.add(data)
            writer.finish()

    def result(self, function: str, action: Digest) -> Path:
        """Return where the result of an action is, or would be."""
        return self.folder / function / "ac" / f"{action.hash}-{action.size}"

    def read_result(self, function: str, action: Digest) -> bytes | None:
        """Return a result."""
        try:
            return self.result(function, action).read_bytes()
        except FileNotFoundError:
            return None

    def write_result(self, function: str, action: Digest, result: bytes) -> None:
        """Keep a result; the last of several wins."""
        path = self.result(function, action)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.aside()
        aside.write_bytes(result)
        aside.rename(path)

    def aside(self) -> Path:
        """Return a new name on the same file system."""
        folder = self.folder / "aside"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid.uuid4().hex


class Writer:
    """A blob that is being received; left without ``finish``, nothing of it stays."""

    def __init__(self, storage: Storage, function: str, digest: Digest) -> None:
        """Write aside."""
        self._target = storage.blob(function, digest)
        self._aside = storage.aside()
        self._file: BinaryIO = self._aside.open("xb")
        self._hasher: Hasher = storage.functions[function].hasher(b"")
        self._digest = digest
        self.size = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what was not finished."""
        self._file.close()
        self._aside.unlink(missing_ok=True)

    def add(self, data: bytes) -> None:
        """Take more bytes; more than the digest says is an error at once."""
        self.size += len(data)
        if self.size > self._digest.size:
            raise WrongContentError(f"more than {self._digest.size} bytes")
        self._hasher.update(data)
        self._file.write(data)

    def finish(self) -> None:
        """Check size and hash, and give the blob its name."""
        if Digest(self._hasher.hexdigest(), self.size) != self._digest:
            raise WrongContentError(f"the {self.size} bytes do not have the hash of their name")
        self._file.flush()
        self._target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._aside, self._target)  # noqa: PTH105 -- replaces what another client wrote
