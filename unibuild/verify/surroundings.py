"""What a rebuild sees of its surroundings, written down by the rebuild itself.

A variation that was silently without effect must not count as passed; so the process that rebuilds
writes what it sees beside its execution log (``LOG.surroundings``), and whoever started it compares.
Values are plain: text, numbers, truth. Of the environment only ``VARIABLES`` are kept, since the rest
may hold what is nobody's business.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from unibuild.verify.rebuild import RebuildRequest

MARKED_VARIABLE = "UNIBUILD_VERIFY_ENVIRONMENT"
"""A variable that only a variation sets."""
VARIABLES = (MARKED_VARIABLE, "COLUMNS", "HOME", "NO_COLOR", "PATH", "SOURCE_DATE_EPOCH", "TZ")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-"


def path_beside(log: Path) -> Path:
    """Return where the rebuild that writes the execution log ``log`` writes what it sees."""
    return log.with_name(f"{log.name}.surroundings")


def write(request: RebuildRequest) -> None:
    """Write what this process sees beside the log of ``request``, at once complete."""
    path = path_beside(request.log)
    unfinished = path.with_name(f"{path.name}.part")
    seen = observe(request.workspace, request.cache)
    unfinished.write_text(json.dumps(seen), encoding="utf-8")
    unfinished.replace(path)


def read(log: Path) -> dict[str, object] | None:
    """Return what the rebuild that writes ``log`` saw; None before it has come so far."""
    try:
        seen: dict[str, object] = json.loads(path_beside(log).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return seen


def observe(workspace: Path, cache: Path) -> dict[str, object]:
    """Return what this process sees: one entry for whatever some variation changes."""
    import socket
    import tempfile
    import time

    name = os.uname()
    return {
        "cache": str(cache),
        "cpus": len(os.sched_getaffinity(0)),
        "domain": _text("/proc/sys/kernel/domainname"),
        "environment": {key: os.environ[key] for key in VARIABLES if key in os.environ},
        "file_systems": [file_system(workspace), file_system(cache)],
        "git": (workspace / ".git").exists(),
        "hash": hash("unibuild"),
        "host": socket.gethostname(),
        "letters": letters_in_order(),
        "personality": int(_text("/proc/self/personality") or "0", 16),
        "release": name.release,
        "temporary": tempfile.gettempdir(),
        "terminal": os.isatty(1),
        "time": time.time(),
        "umask": _umask(),
        "user": [os.geteuid(), os.getegid()],
        "workspace": str(workspace),
        "zone": time.strftime("%z"),
    }


def letters_in_order(name: str = "") -> str:
    """Return ``LETTERS`` in the order of the locale ``name``; empty for that of the environment."""
    import locale

    before = locale.setlocale(locale.LC_COLLATE)
    try:
        locale.setlocale(locale.LC_COLLATE, name)
        return "".join(sorted(LETTERS, key=locale.strxfrm))
    except locale.Error:
        return ""
    finally:
        locale.setlocale(locale.LC_COLLATE, before)


def file_system(path: Path) -> str:
    """Return the type of the file system that ``path``, or what will be its parent, is on."""
    mounts = _mounts()
    place = path.resolve()
    for folder in (place, *place.parents):
        if str(folder) in mounts:
            return mounts[str(folder)]
    return ""


def _mounts() -> Mapping[str, str]:
    """Return types by mount point (proc_pid_mountinfo(5)); of several on one, the uppermost's."""
    found = {}
    for line in _text("/proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(" - ")
        point = fields.split(" ")[4].encode("ascii", "backslashreplace").decode("unicode_escape")
        found[point] = rest.split(" ")[0]
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - /proc
            return file.read().strip()
    except OSError:
        return ""


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
