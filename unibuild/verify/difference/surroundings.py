"""What can be known of the machines and moments that made two outputs, to tell causes by."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_DAY = 86_400
_EARLIEST = 631_152_000  # 1990: nobody built anything with us before
_FUTURE = 4 * 366 * _DAY
"""Clocks are moved forward by more than a year to find what reads them."""
_NEAR = 3 * _DAY


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``now`` and ``times`` (of the compared files) are seconds since 1970; names are this machine's."""

    now: float
    times: tuple[float, ...] = ()
    hosts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    def plausible(self, seconds: float) -> bool:
        """Tell whether ``seconds`` may be a time at which something was built."""
        return _EARLIEST <= seconds <= self.now + _FUTURE

    def near(self, seconds: float) -> bool:
        """Tell whether ``seconds`` is within days of now or of a compared file's own time."""
        return any(abs(seconds - moment) < _NEAR for moment in (self.now, *self.times))


def look(*files: Path) -> Surroundings:
    """Return what this machine and the times of ``files`` tell."""
    times = []
    for file in files:
        try:
            times.append(file.stat().st_mtime)
        except OSError:
            continue
    host = os.uname().nodename
    hosts = {host, host.partition(".")[0], "localhost"} - {""}
    return Surroundings(time.time(), tuple(times), frozenset(hosts), _users())


def _users() -> frozenset[str]:
    import pwd

    own = {os.environ.get(name, "") for name in ("USER", "LOGNAME")} - {""}
    try:
        return frozenset(own | {entry.pw_name for entry in pwd.getpwall()})
    except OSError:
        return frozenset(own)
