"""The action cache: results by the digest of their Action; only successes are stored.

A result may name blobs that are gone; the caller looks and treats that as a miss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_action_result, encode_action_result

if TYPE_CHECKING:
    from unibuild.store.reapi import ActionResult
    from unibuild.store.records import Records


class ActionCache(Protocol):
    """Results by the hash of an Action."""

    def get(self, action: str) -> ActionResult | None:
        """Return the result stored for the action with this hash, or nothing."""

    def put(self, action: str, result: ActionResult) -> None:
        """Store the result of a successful run."""


class LocalActionCache:
    """An ``ActionCache`` of one small checked file an action."""

    def __init__(self, records: Records) -> None:
        """Keep results in ``records``."""
        self._records = records

    def get(self, action: str) -> ActionResult | None:
        """Return the stored result, or nothing."""
        data = self._records.get(action)
        if data is None:
            return None
        try:
            result = decode_action_result(data)
        except MalformedMessageError:
            self._records.drop(action)
            return None
        return result if result.exit_code == 0 else None

    def put(self, action: str, result: ActionResult) -> None:
        """Store the result of a successful run; a failure is never stored."""
        if result.exit_code:
            raise ValueError("a failed action has no place in the cache")
        self._records.put(action, encode_action_result(result))
