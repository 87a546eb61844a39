"""What the engine knows of an artefact's contents: its value, and how sources get theirs.

A value is a plain tuple, so that it can be kept: ``(hash, size, executable)`` for a file,
``(tree hash, tree size, root hash, root size)`` for a directory. The value of a source is kept with
the stamp of its inode, and the file is read again only when the stamp differs.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from unibuild.execution.kept_graph import GONE, NO_STAMP, Stamp
from unibuild.execution.plan import GENERATED, LITERAL, PACKAGE
from unibuild.model.errors import InternalError, Place, UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.execution.plan import Plan, Record
    from unibuild.store.digests import Digest, DigestFunction

Value = tuple[str, int, bool] | tuple[str, int, str, int]

RACY_NS = 20_000_000
"""A file changed so shortly before it was read may change again within the same clock tick."""


def same(value: Value | None, other: Value | None) -> bool:
    """Tell whether two known values are equal; an unknown one equals nothing."""
    return value is not None and value == other


def read_source(path: str, shown: str, function: DigestFunction) -> tuple[Value, Stamp]:
    """Return the value of the file at ``path`` and the stamp under which it may be kept.

    A file that changes while it is read is read again. ``shown`` is the path for error messages.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(shown, error) from error
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise UserError(
                    id="not-a-file",
                    cause=f"the source {shown} is not a regular file",
                    place=Place(shown),
                )
            digest = function.of_descriptor(descriptor)
            after = os.fstat(descriptor)
        except OSError as error:
            raise _unreadable(shown, error) from error
        finally:
            os.close(descriptor)
        stamp = _stamp(before)
        if stamp == _stamp(after) and digest.size == before.st_size:
            value = (digest.hash, digest.size, bool(before.st_mode & 0o100))
            return value, NO_STAMP if _racy(before) else stamp


def source_stamp(path: str) -> Stamp:
    """Return the present stamp of a file; ``NO_STAMP`` when it changed just now."""
    try:
        found = os.stat(path)
    except OSError:
        return GONE
    return NO_STAMP if _racy(found) else _stamp(found)


def _racy(found: os.stat_result) -> bool:
    return time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) < RACY_NS


def _stamp(found: os.stat_result) -> Stamp:
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def _unreadable(shown: str, error: OSError) -> UserError:
    return UserError(
        id="missing-file",
        cause=f"the source {shown} cannot be read: {error.strerror}",
        place=Place(shown),
    )


class KnownInputs:
    """Learns the values of inputs that no action makes, when an action first needs them.

    The value of a package is what the lock says, so that nothing is fetched for a result that some
    cache has. ``packages`` are the local files of those that had to be fetched, ``source_stamps``
    the stamps under which the values of sources may be kept; both by artefact.
    """

    def __init__(
        self,
        plan: Plan,
        values: list[Value | None],
        function: DigestFunction,
        fetch: Callable[[str], object],
        digest_of: Callable[[str], Digest] | None,
    ) -> None:
        """Fill ``values`` in; ``fetch`` and ``digest_of`` are those of the request."""
        self._plan = plan
        self._values = values
        self._function = function
        self._fetch = fetch
        self._digest_of = digest_of
        self.packages: dict[int, str] = {}
        self.source_stamps: dict[int, Stamp] = {}

    def learn(self, record: Record) -> None:
        """Make the values of all inputs of an action known."""
        for a in record.inputs:
            if self._values[a] is None:
                self._values[a] = self.value(a)

    def fetch(self, a: int) -> None:
        """Make a package local; raises what the fetch of the request raises."""
        self.packages[a] = str(self._fetch(str(self._plan.extra[a])))

    def value(self, a: int) -> Value:
        """Return the present value of a source, a literal or a package."""
        kind, extra = self._plan.kinds[a], self._plan.extra.get(a)
        executable = a in self._plan.executables
        if kind == LITERAL and isinstance(extra, bytes):
            return (*self._function.of(extra), executable)
        if kind == PACKAGE:
            if self._digest_of is not None:
                return (*self._digest_of(str(extra)), executable)
            self.fetch(a)
            return (*self._function.of_file(self.packages[a]), executable)
        if kind == GENERATED:
            raise InternalError(
                id="no-producer", cause=f"no action makes the input {self._plan.paths[a]}"
            )
        value, stamp = read_source(str(extra), self._plan.paths[a], self._function)
        self.source_stamps[a] = stamp
        return value
