"""A cache that is only looked at: nothing is repaired, dropped, made or marked as used.

Who doubts a cache must not heal it by reading; ``LocalStore`` and ``Records`` would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.store.digests import DigestFunction
from unibuild.store.files import read_whole
from unibuild.store.gc import intact
from unibuild.store.layout import Layout
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_action_result
from unibuild.store.records import check

if TYPE_CHECKING:
    from unibuild.store.reapi import ActionResult


class Inspection:
    """The entries of one digest function in the cache at ``root``, which may not exist."""

    def __init__(self, root: str, function_name: str) -> None:
        """Name the places."""
        self._layout = Layout(root, function_name)
        self._function = DigestFunction(function_name)

    def path(self, kind: str, name: str) -> str:
        """Return where an entry is or would be."""
        return self._layout.path(kind, name[:64]) + name[64:]

    def result(self, action: str) -> ActionResult | None:
        """Return the result stored for the action with this hash; nothing for a damaged one."""
        data = self._record("actions", action)
        try:
            return None if data is None else decode_action_result(data)
        except MalformedMessageError:
            return None

    def get(self, key: str) -> bytes | None:
        """Return the depfile record ``key``; nothing for a damaged one."""
        return self._record("inputs", key)

    def _record(self, kind: str, key: str) -> bytes | None:
        data = read_whole(self._layout.path(kind, key))
        return None if data is None else check(data, self._function)

    def intact(self, kind: str, name: str) -> bool:
        """Tell whether the entry's bytes are what its name or its checksum says."""
        return intact(self.path(kind, name), kind, self._function)
