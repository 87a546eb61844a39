"""The counters of one courier."""

from __future__ import annotations

from unibuild.store.remote.requests import Statistics


class Totals:
    """What was done so far; written by whoever does it."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.hits = 0
        self.misses = 0
        self.downloaded = 0
        self.downloaded_bytes = 0
        self.uploaded = 0
        self.uploaded_bytes = 0
        self.published = 0
        self.executed = 0

    def statistics(self, wire_received: int, wire_sent: int, pending: int) -> Statistics:
        """Return the totals, with what only the connections and the queue know."""
        return Statistics(
            hits=self.hits,
            misses=self.misses,
            downloaded=self.downloaded,
            downloaded_bytes=self.downloaded_bytes,
            uploaded=self.uploaded,
            uploaded_bytes=self.uploaded_bytes,
            wire_received=wire_received,
            wire_sent=wire_sent,
            published=self.published,
            executed=self.executed,
            pending=pending,
        )
