"""A cache opened for one build: content, trees, action results and depfile records together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.store.action_cache import LocalActionCache
from unibuild.store.cas import LocalStore
from unibuild.store.digests import DigestFunction
from unibuild.store.layout import Layout, Session
from unibuild.store.records import Records
from unibuild.store.trees import TreeStore

if TYPE_CHECKING:
    from collections.abc import Callable


class Cache:
    """The stores of one digest function at one place, in use until ``close``."""

    def __init__(self, root: str, function_name: str, note: Callable[[str], None]) -> None:
        """Open the cache at ``root``, made if need be; ``note`` is told of corrupt entries."""
        self.function = DigestFunction(function_name)
        layout = Layout(root, function_name)
        self.session = Session(layout)
        self.content = LocalStore(layout, self.function, self.session, note)
        self.trees = TreeStore(layout, self.function, self.session, self.content, note)
        self.actions = LocalActionCache(
            Records(layout, "actions", self.function, self.session, note)
        )
        self.inputs = Records(layout, "inputs", self.function, self.session, note)

    def close(self) -> None:
        """Give the scratch space back."""
        self.session.close()
