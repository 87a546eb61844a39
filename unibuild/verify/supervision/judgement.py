"""What was seen of an action, judged: what it may do, what it may not, and what its outputs decide.

An action may look at its inputs, at its own outputs and temporary files, at itself (/proc/self) and at
devices that tell nothing. It must not look at anything else, nor at the network. What tells the moment,
chance or the host is judged by its effect: it was another one in the rebuild than in the ordinary build,
so it does no harm exactly when the outputs are the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from unibuild.verify.supervision import Seen

Verdict = Literal["forbidden", "by-effect", "untried"]
"""``untried``: judged by its effect, but the rebuild could not be told anything else."""

BUILD = "/build"
HIDDEN = (
    "/proc/cmdline",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/partitions",
    "/proc/swaps",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/kernel/version",
    "/proc/version",
)
"""Files of the host for which a sandboxed action is shown others, of the same form."""
_CHANGING = (
    *("/proc/diskstats", "/proc/interrupts", "/proc/loadavg", "/proc/stat", "/proc/uptime"),
    *("/proc/sys/kernel/random/uuid", "/proc/vmstat", "/proc/zoneinfo"),
)
_OF_ITSELF = re.compile(r"/proc/self(?!/(?:cgroup|mount(?:info|s|stats)|net)(?:/|$))(?:/.*)?")
_HARMLESS = frozenset(
    {"/", "/dev", "/dev/full", "/dev/null", "/dev/zero", "/proc", "/tmp"}  # noqa: S108 - the action's
)
_RANDOM_DEVICES = frozenset({"/dev/random", "/dev/urandom"})
_OTHER_DIGITS = str.maketrans("123456789", "234567891")
_LOOKS = {
    "open": "reads",
    "write": "writes",
    "make": "makes",
    "look": "looks at",
    "execute": "runs",
}
_FACTS = {
    "uname": "the kernel's name and version",
    "sysinfo": "memory and uptime of the host",
    "processors": "the number of processors",
    "processor in use": "the processor in use",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an action does, in words (``reads /etc/passwd``), and what to think of it."""

    kind: str
    what: str
    words: str
    verdict: Verdict
    programs: tuple[str, ...]
    count: int


def judge(seen: Iterable[Seen], *, sandboxed: bool) -> tuple[Finding, ...]:
    """Return what is to be said of what was seen; what an action may do is left out."""
    found: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        found.setdefault((one[0], one[1]), []).append(one)
    findings = []
    for (kind, what), times in found.items():
        judged = _judge(kind, what, sandboxed=sandboxed)
        if judged is not None:
            programs = tuple(dict.fromkeys(one[2] for one in times))
            count = sum(one[3] for one in times)
            findings.append(Finding(judged[0], what, judged[1], judged[2], programs, count))
    return tuple(_without_looks(findings))


def _judge(kind: str, what: str, *, sandboxed: bool) -> tuple[str, str, Verdict] | None:
    if kind in _LOOKS:
        return _judge_path(_LOOKS[kind], what, sandboxed=sandboxed)
    if kind == "network":
        verb, _, whom = what.partition(" ")
        done = f"connects to {whom}" if verb == "connect" else f"opens a socket ({whom})"
        return "network", done, "forbidden"
    if kind == "clock":
        return "clock", f"reads the clock ({what})", "by-effect"
    if kind == "random":
        return "random", "draws random numbers", "by-effect"
    if kind == "host":
        return "host", f"asks for {_FACTS[what]}", "by-effect"
    return "unseen", f"uses {what}, behind which nothing can be seen", "forbidden"


def _judge_path(verb: str, path: str, *, sandboxed: bool) -> tuple[str, str, Verdict] | None:
    below = path.startswith(f"{BUILD}/") or path == BUILD
    if below or path in _HARMLESS or _OF_ITSELF.fullmatch(path):
        return None
    if sandboxed and path.startswith("/tmp/"):  # noqa: S108 - the sandbox's own
        return None
    if path in _RANDOM_DEVICES:
        return "random", f"{verb} {path}", "by-effect"
    if path.startswith("/proc/"):
        tried = path in _CHANGING or (sandboxed and path in HIDDEN)
        return "host", f"{verb} {path} of the host", "by-effect" if tried else "untried"
    return "undeclared", f"{verb} {path}, which it does not declare", "forbidden"


def _without_looks(findings: list[Finding]) -> list[Finding]:
    """Leave out that a file is looked at which is read or run as well."""
    used = {f.what for f in findings if not f.words.startswith("looks")}
    return [f for f in findings if f.what not in used or not f.words.startswith("looks")]


def opened(seen: Iterable[Seen]) -> set[str]:
    """Return the paths of files that were read or run, relative to the action's directory."""
    start = len(BUILD) + 1
    return {
        what[start:]
        for kind, what, _, _ in seen
        if kind in {"open", "execute"} and what.startswith(f"{BUILD}/")
    }


def hide_host(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """Write to the new ``folder`` what a supervised action is told of the host, and return it.

    ``files`` are paths with contents that are to be told otherwise, None: ``HIDDEN`` as it is here.
    """
    folder.mkdir(parents=True)
    for path, text in (_host_files() if files is None else files).items():
        (folder / path.replace("/", "%2F")).write_text(text.translate(_OTHER_DIGITS))
    return folder


def _host_files() -> dict[str, str]:
    from pathlib import Path

    found = {}
    for path in HIDDEN:
        try:
            found[path] = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
    return found
