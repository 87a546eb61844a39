"""What is known of each real server: the checks that do not simply pass. A table for people as well.

When a verdict changes, the server (or the suite) changed: look at what it says now, adapt
``cache/README.md``, then this.
"""

from __future__ import annotations

DIFFERS, ABSENT = "differs", "not offered"

_OPEN = {
    "access.anonymous": DIFFERS,  # started without credentials, anybody may write
    "access.read-only": ABSENT,  # examined with credentials that may write
}
_NO_ASSETS = {"asset.push-and-fetch": ABSENT}
_NO_EXECUTION = {"execution.output-file": ABSENT}
_NO_ZSTD = {"zstd.streams": ABSENT}

CASD = {
    **_OPEN,
    **_NO_ZSTD,
    **_NO_EXECUTION,
    "server.limits": DIFFERS,  # announces no limit, takes 4 MiB
    "content.batch-announced": DIFFERS,
    "stream.resume": DIFFERS,
    "result.inline": DIFFERS,
}

CASD_WITH_EXECUTION = {
    **{name: outcome for name, outcome in CASD.items() if name not in _NO_EXECUTION},
    "execution.exit-code": DIFFERS,  # streams come as blobs, also when asked for inline
    "execution.missing-output": DIFFERS,  # success, and fewer outputs
    "execution.output-tree": DIFFERS,  # no root digest
    "execution.missing-input": DIFFERS,  # INTERNAL instead of FAILED_PRECONDITION
}

BUILDGRID = {
    **_OPEN,
    **_NO_ZSTD,
    **_NO_EXECUTION,
    **_NO_ASSETS,
    "stream.resume": DIFFERS,
    "result.inline": DIFFERS,
}

BUILDGRID_WITH_TOKENS = {
    name: outcome for name, outcome in BUILDGRID.items() if name != "access.anonymous"
}

BAZEL_REMOTE = {
    **_OPEN,
    **_NO_EXECUTION,
    "server.unknown-instance": DIFFERS,  # names are ignored
    "server.limits": DIFFERS,
    "content.batch-announced": DIFFERS,
    "stream.read-part": DIFFERS,  # read_limit ends the call with an error
    "asset.push-and-fetch": DIFFERS,  # no push; blobs are found by checksum
}

REFERENCE = {
    **_OPEN,
    **_NO_EXECUTION,
    **_NO_ASSETS,
    "stream.resume": DIFFERS,
    "result.inline": DIFFERS,
}

READING = {"server.writable": ABSENT, "asset.unknown": ABSENT}
"""With credentials that may only read."""

UNSTABLE = frozenset({"content.many-calls"})
"""Passes or differs as threads happen to run: BuildGrid refuses what its pool has no thread for."""
