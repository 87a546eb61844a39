"""``--profile FILE``: the build as a Chrome trace (chrome://tracing, Perfetto).

Format: the Trace Event Format's complete events ("ph": "X", times in microseconds); each worker is
a thread, cached actions share one of their own. What the remote cache transferred is a counter
("ph": "C").
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.execution.observer import Silent
from unibuild.model.errors import UserError
from unibuild.store.named_files import replace_file

if TYPE_CHECKING:
    from unibuild.execution.observer import ActionEvent, ActionOutcome
    from unibuild.store.remote.requests import Statistics

_CACHED_ROW = 1000
_MICROSECONDS = 1_000_000


class Trace(Silent):
    """An observer that keeps each action's time and writes them all at the end."""

    def __init__(self, file: str) -> None:
        """Refuse at once a file that cannot be written, rather than after a long build."""
        self._file = Path(file)
        self._origin = time.monotonic()
        self._events: list[dict[str, object]] = []
        self._transferred = (0, 0)
        if not os.access(self._file.parent, os.W_OK) or self._file.is_dir():
            raise UserError(
                id="unwritable",
                cause=f"cannot write the profile to {file}",
                hint="--profile names a file in a directory that exists",
            )

    def action_finished(self, event: ActionEvent, outcome: ActionOutcome) -> None:
        """Keep the action's place in time."""
        self._events.append(
            {
                "name": event.mnemonic,
                "cat": _category(outcome),
                "ph": "X",
                "ts": round((outcome.started - self._origin) * _MICROSECONDS),
                "dur": round(outcome.seconds * _MICROSECONDS),
                "pid": 1,
                "tid": outcome.slot if outcome.executed else _CACHED_ROW,
                "args": {"label": event.label, "output": event.output, "failed": outcome.failed},
            }
        )

    def transfers(self, statistics: Statistics) -> None:
        """Keep how many bytes have come and gone."""
        values = (statistics.downloaded_bytes, statistics.uploaded_bytes)
        if values == self._transferred:
            return
        self._transferred = values
        self._events.append(
            {
                "name": "remote cache",
                "ph": "C",
                "ts": round((time.monotonic() - self._origin) * _MICROSECONDS),
                "pid": 1,
                "args": {"downloaded bytes": values[0], "uploaded bytes": values[1]},
            }
        )

    def write(self) -> None:
        """Write the trace."""
        trace = {"traceEvents": self._events, "displayTimeUnit": "ms"}
        replace_file(self._file, json.dumps(trace).encode())


def _category(outcome: ActionOutcome) -> str:
    if outcome.executed:
        return "executed remotely" if outcome.remote else "executed"
    return "remote cache" if outcome.remote else "cached"
