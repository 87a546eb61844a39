"""What a finished build says: one JSON object, or the outputs as a short list and a summary line.

Used by the null build too, so it imports nothing at the top. The JSON object is an interface:
``{"targets":[{"label","outputs":[{"path","digest","size"}]}],"actions":{"total","executed",
"cached","remote"},"transfers","seconds"}``: ``remote`` of the cached actions came from the remote
cache; ``transfers`` is null, or counts and bytes of content that came and went, the bytes on the
wire, and the actions that ran remotely.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unibuild.execution.kept_graph import KeptReport
    from unibuild.execution.request import BuildReport
    from unibuild.store.remote.requests import Statistics

    Output = tuple[str, str, int]
    Counts = tuple[int, int, int, int]

_FEW = 10
_STARTED = time.perf_counter()


def show_null(report: KeptReport, *, as_json: bool, prefix: str) -> None:
    """Print the result of a build that had nothing to do."""
    many = report.output_count > _FEW and not as_json
    listed = [] if many else report.targets()
    targets = ((label, outputs) for label, _, outputs, _ in listed)
    seconds = time.perf_counter() - _STARTED
    counts = (report.total, 0, report.total, 0)
    show(targets, report.target_count, counts, seconds, as_json=as_json, prefix=prefix)


def show_report(report: BuildReport, *, as_json: bool, prefix: str = "") -> None:
    """Print the result of a build."""
    many = len(report.targets) > _FEW and not as_json
    targets = (
        (target.label, [(output.path, output.digest, output.size) for output in target.outputs])
        for target in (() if many else report.targets)
    )
    counts = (report.total, report.executed, report.cached, report.remote_hits)
    show(
        targets, len(report.targets), counts, report.seconds,
        as_json=as_json, prefix=prefix, transfers=report.remote,
    )  # fmt: skip


def show(
    targets: Iterable[tuple[str, Sequence[Output]]],
    target_count: int,
    counts: Counts,
    seconds: float,
    *,
    as_json: bool,
    prefix: str,
    transfers: Statistics | None = None,
) -> None:
    """Print ``targets`` with their outputs; ``counts`` are total, executed, cached, remote actions.

    When there are too many outputs to be listed, ``targets`` may be empty.

    ``prefix`` is put before the paths, so that they can be used from where the command was typed.
    """
    if as_json:
        _show_json(targets, counts, seconds, transfers)
        return
    outputs = [output for _, group in targets for output in group]
    if len(outputs) <= _FEW:
        lines = [_line(output, prefix) for output in outputs]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    what = f"{target_count:,} target" + ("" if target_count == 1 else "s")
    did = actions_text(counts, transfers)
    sys.stderr.write(f"built {what} in {seconds:.2f} s ({did})\n")


def actions_text(counts: Counts, transfers: Statistics | None = None) -> str:
    """Return how many actions were executed, cached and remote, and what was transferred."""
    total, executed, cached, remote = counts
    if not executed and not remote:
        did = f"{total:,} actions, nothing to do"
    else:
        did = f"{total:,} actions: {executed:,} executed"
        if transfers is not None and transfers.executed:
            did += f" ({transfers.executed:,} remotely)"
        did += f", {remote:,} remote" if remote else ""
        did += f", {cached - remote:,} cached" if cached - remote or not remote else ""
    if transfers is not None and transfers.downloaded:
        did += f"; {_size(transfers.downloaded_bytes)} downloaded"
    if transfers is not None and transfers.uploaded:
        did += f"; {_size(transfers.uploaded_bytes)} uploaded"
    return did


def _size(size: int) -> str:
    from unibuild.cli.terminal import size_text

    return size_text(size)


def _line(output: Output, prefix: str) -> str:
    path, _, size = output
    amount = f"{size / 1024:.1f} KiB" if size >= 1024 else f"{size} B"  # noqa: PLR2004 - bytes a KiB
    return f"{os.path.join(prefix, path)}  {amount}"


def _show_json(
    targets: Iterable[tuple[str, Sequence[Output]]],
    counts: Counts,
    seconds: float,
    transfers: Statistics | None,
) -> None:
    import json

    total, executed, cached, remote = counts
    result = {
        "targets": [
            {
                "label": label,
                "outputs": [
                    {"path": path, "digest": digest, "size": size} for path, digest, size in outputs
                ],
            }
            for label, outputs in targets
        ],
        "actions": {"total": total, "executed": executed, "cached": cached, "remote": remote},
        "transfers": None if transfers is None else _transfers(transfers),
        "seconds": round(seconds, 3),
    }
    sys.stdout.write(json.dumps(result) + "\n")


def _transfers(statistics: Statistics) -> dict[str, int]:
    names = (
        "downloaded", "downloaded_bytes", "uploaded", "uploaded_bytes", "wire_received", "wire_sent",
        "executed",
    )  # fmt: skip
    return {name: getattr(statistics, name) for name in names}
