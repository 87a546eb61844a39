"""How a build and its courier talk over their socket pair: frames of ``marshal``ed tuples.

A frame is its length (4 bytes, low first) and a list of messages, each a number that names its kind
and its fields. Both ends are the same unibuild, one the fork of the other, so nothing here has
versions. A ``Decoder`` takes whatever a socket gives and returns whole messages.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any, NamedTuple

from unibuild.store.digests import Digest
from unibuild.store.remote.requests import (
    Blob,
    Cancel,
    Execute,
    Executed,
    Fetch,
    FetchAsset,
    Fetched,
    FindHistory,
    Found,
    History,
    Input,
    Lookup,
    Noted,
    Publish,
    PushAsset,
    Refused,
    Reply,
    Request,
    Statistics,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Fields = list[Any]

FRAME_MESSAGES = 512  # messages of one frame: both ends begin to work before all is encoded
CHUNK = 1 << 18  # bytes asked of a socket at once
_LENGTH_BYTES = 4
_VERSION = 2  # of marshal: without references, which cost more here than they save


class Finish(NamedTuple):
    """Ask the courier to end its uploads; answered by ``Finished``, the last message."""


class Finished(NamedTuple):
    """Nothing is under way any more; the totals."""

    statistics: Statistics


AnyMessage = Request | Reply | Finish | Finished

_KINDS: tuple[type, ...] = (
    Lookup,
    Fetch,
    Publish,
    Execute,
    FetchAsset,
    PushAsset,
    FindHistory,
    Cancel,
    Finish,
    Found,
    Fetched,
    Executed,
    History,
    Noted,
    Refused,
    Statistics,
    Finished,
)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}


def encode(messages: Iterable[AnyMessage]) -> bytes:
    """Return one frame."""
    body = marshal.dumps(
        [(_NUMBERS[type(message)], *map(_plain, message)) for message in messages], _VERSION
    )
    return len(body).to_bytes(_LENGTH_BYTES, "little") + body


def _plain(value: object) -> object:
    """Return tuples of every kind as plain ones, which is all that ``marshal`` takes."""
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


class Decoder:
    """Puts frames together from the pieces in which a socket gives them."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        """Start with nothing."""
        self._data = bytearray()

    def feed(self, data: bytes) -> list[AnyMessage]:
        """Take more bytes; return the messages that are complete now."""
        held = self._data
        held += data
        found: list[AnyMessage] = []
        position = 0
        while len(held) - position >= _LENGTH_BYTES:
            begin = position + _LENGTH_BYTES
            end = begin + int.from_bytes(held[position:begin], "little")
            if end > len(held):
                break
            with memoryview(held) as view:
                messages = marshal.loads(view[begin:end])
            found += [_REBUILD[number](fields) for number, *fields in messages]
            position = end
        del held[:position]
        return found


def _digest(fields: tuple[str, int]) -> Digest:
    return Digest(*fields)


def _digests(values: Iterable[tuple[str, int]]) -> tuple[Digest, ...]:
    return tuple(Digest(*value) for value in values)


def _as_is(kind: Callable[..., AnyMessage]) -> Callable[[Fields], AnyMessage]:
    def rebuild(fields: Fields) -> AnyMessage:
        return kind(*fields)

    return rebuild


def _lookup(fields: Fields) -> Lookup:
    token, action = fields
    return Lookup(token, _digest(action))


def _fetch(fields: Fields) -> Fetch:
    token, blobs = fields
    return Fetch(token, tuple(map(_blob, blobs)))


def _blob(fields: Fields) -> Blob:
    digest, executable, tree, root = fields
    return Blob(_digest(digest), executable, tree, None if root is None else _digest(root))


def _execute(fields: Fields) -> Execute:
    token, action, command, directories, inputs, *rest = fields
    taken = tuple(
        Input(_digest(digest), None if tree is None else _digest(tree)) for digest, tree in inputs
    )
    return Execute(token, action, command, directories, taken, *rest)


def _fetch_asset(fields: Fields) -> FetchAsset:
    token, purl, digest = fields
    return FetchAsset(token, purl, _digest(digest))


def _push_asset(fields: Fields) -> PushAsset:
    purl, digest = fields
    return PushAsset(purl, _digest(digest))


def _fetched(fields: Fields) -> Fetched:
    token, missing = fields
    return Fetched(token, _digests(missing))


def _executed(fields: Fields) -> Executed:
    token, result, why, missing, timed_out = fields
    return Executed(token, result, why, _digests(missing), timed_out)


def _finished(fields: Fields) -> Finished:
    return Finished(Statistics(*fields[0]))


_SPECIAL: dict[type, Callable[[Fields], AnyMessage]] = {
    Lookup: _lookup,
    Fetch: _fetch,
    Execute: _execute,
    FetchAsset: _fetch_asset,
    PushAsset: _push_asset,
    Fetched: _fetched,
    Executed: _executed,
    Finished: _finished,
}
_REBUILD = [_SPECIAL.get(kind) or _as_is(kind) for kind in _KINDS]
