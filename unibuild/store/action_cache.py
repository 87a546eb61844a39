"""The action cache: results by the digest of their Action; only successes are stored.

A result may name blobs that are gone; the caller looks and treats that as a miss. A stored result
keeps where it is from, so that what others made is never passed on as our own, nor believed when the
workspace has come to demand a signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from unibuild.store.protobuf import MalformedMessageError, fields, message, string
from unibuild.store.reapi import decode_action_result, encode_action_result

if TYPE_CHECKING:
    from unibuild.store.reapi import ActionResult
    from unibuild.store.records import Records


MADE_HERE, MADE_BY_ENGINE, UNSIGNED = "", "engine", "unsigned"
"""Origins of results: this machine, the remote engine it was told to use, nobody who signed."""

_METADATA, _WORKER = 9, 1  # ActionResult.execution_metadata, ExecutedActionMetadata.worker


class StoredResult(NamedTuple):
    """A result and where it is from: one of the origins above, or the public key that signed it."""

    result: ActionResult
    origin: str


class ActionCache(Protocol):
    """Results by the hash of an Action."""

    def get(self, action: str) -> StoredResult | None:
        """Return the result stored for the action with this hash, or nothing."""

    def put(self, action: str, result: ActionResult, origin: str = MADE_HERE) -> None:
        """Store the result of a successful run."""


class LocalActionCache:
    """An ``ActionCache`` of one small checked file an action."""

    def __init__(self, records: Records) -> None:
        """Keep results in ``records``."""
        self._records = records

    def get(self, action: str) -> StoredResult | None:
        """Return the stored result, or nothing."""
        data = self._records.get(action)
        if data is None:
            return None
        try:
            result, origin = decode_action_result(data), _origin(data)
        except MalformedMessageError:
            self._records.drop(action)
            return None
        return StoredResult(result, origin) if result.exit_code == 0 else None

    def put(self, action: str, result: ActionResult, origin: str = MADE_HERE) -> None:
        """Store the result of a successful run; a failure is never stored."""
        if result.exit_code:
            raise ValueError("a failed action has no place in the cache")
        metadata = message(_METADATA, string(_WORKER, origin)) if origin else b""
        self._records.put(action, encode_action_result(result) + metadata)


def _origin(data: bytes) -> str:
    for field, value in fields(data):
        if field == _METADATA and isinstance(value, bytes):
            worker = dict(fields(value)).get(_WORKER, b"")
            return worker.decode(errors="replace") if isinstance(worker, bytes) else UNSIGNED
    return MADE_HERE
