"""Parts of ``remote.py`` that run whole builds."""

from __future__ import annotations

import contextlib
import socket
import statistics
from typing import TYPE_CHECKING, Any

import meter
import workspaces
from remote_bench import BAZEL_REFUSES, Bench, MissingError, Row, cost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.servers import Server

EVERYTHING = "//..."
LAST_LAYER = "//layer9/..."
EXECUTION_SIZE, UNREACHABLE_SIZE = 100, 200
WARM = (
    ("all outputs", EVERYTHING, "all"),
    ("no outputs", EVERYTHING, "minimal"),
    ("last layer", LAST_LAYER, "toplevel"),
)


def _executed(report: dict[str, Any], wanted: int, what: str) -> None:
    """End when a build did not do what is being measured."""
    if report["actions"]["executed"] != wanted:
        raise SystemExit(f"{what}: {report['actions']}, but {wanted} were to be executed")


def upload(bench: Bench) -> list[Row]:
    """Compare first builds with and without upload, each time to a new server."""
    workspace = bench.synthetic(bench.size)
    rows = []
    for name in ("casd", "bazel-remote"):
        plain, uploading = [], []
        for _ in range(bench.runs if name == "casd" else max(1, bench.runs - 1)):
            workspace.forget(fetched=True)
            plain.append(workspace.build("--remote=off", EVERYTHING)[0])
            workspace.forget(fetched=True)
            with bench.server(name) as server:
                options = (f"--remote-cache={server.url}", "--upload")
                used, report = workspace.build(*options, EVERYTHING, servers=[server.pid])
            uploading.append(used)
            if report["transfers"]["uploaded"] < bench.size:
                raise SystemExit(f"upload to {name}: {report['transfers']}")
        rows.append(_ratio(f"unibuild, {name}", plain, uploading, "<= 1.10"))
    if bench.with_bazel:
        rows.append(_bazel_upload(bench))
    return rows


def _ratio(what: str, plain: list[meter.Usage], more: list[meter.Usage], reach: str = "") -> Row:
    ratios = [b.seconds / a.seconds for a, b in zip(plain, more, strict=True)]
    measures = cost("without", meter.median(plain), server=False)
    measures |= cost("with", meter.median(more)) | {"ratio": statistics.median(ratios)}
    return Row(what, measures, reach)


def _bazel_upload(bench: Bench) -> Row:
    """One pair only, since it takes a minute; it leaves the shared server filled for ``warm``."""
    bazel = bench.bazel()
    server = bench.shared("bazel-remote")
    bazel.forget()
    plain = bazel.build(EVERYTHING)
    bazel.forget()
    uploading = _fill_bazel(bench, server)
    return _ratio("Bazel, bazel-remote (1 run)", [plain], [uploading])


def _fill_bazel(bench: Bench, server: Server) -> meter.Usage:
    bench.filled.add(("bazel", server.name))
    return bench.bazel().build(EVERYTHING, f"--remote_cache={server.url}", servers=[server.pid])


def warm(bench: Bench) -> list[Row]:
    """Build from a remote cache that has everything."""
    rows = []
    for name in bench.server_names:
        try:
            rows += _warm(bench, bench.shared(name))
        except MissingError as missing:
            rows.append(Row(f"{name}: {missing}", {}))
    return rows


def _warm(bench: Bench, server: Server) -> list[Row]:
    workspace = bench.synthetic(bench.size)
    options = (f"--remote-cache={server.url}",)
    pids = [server.pid]
    workspace.forget(fetched=True)
    workspace.build(*options, "--upload", EVERYTHING)
    beside = bench.with_bazel and server.name not in BAZEL_REFUSES
    if beside and ("bazel", server.name) not in bench.filled:
        bench.bazel().forget()
        _fill_bazel(bench, server)
    seen: dict[tuple[str, str], list[meter.Usage]] = {}
    for run in range(bench.runs):
        for what, pattern, download in WARM:
            workspace.forget(fetched=False)
            used, report = workspace.build(
                *options, f"--download={download}", pattern, servers=pids
            )
            _executed(report, 0, f"warm, {server.name}, {what}")
            seen.setdefault((what, "unibuild"), []).append(used)
            if beside:
                fresh = not run and download == "all"
                for kind, used in _bazel_warm(bench, server, pattern, download, fresh=fresh):
                    seen.setdefault((what, kind), []).append(used)
    return [
        Row(
            f"{server.name}, {what}",
            {
                column: value
                for (other, kind), runs in seen.items()
                if other == what
                for column, value in cost(kind, meter.median(runs)).items()
            },
            "ahead of the best",
        )
        for what, _, _ in WARM
    ]


def _bazel_warm(
    bench: Bench, server: Server, pattern: str, download: str, *, fresh: bool
) -> Iterator[tuple[str, meter.Usage]]:
    bazel = bench.bazel()
    options = [f"--remote_cache={server.url}"]
    options += [] if download == "all" else [f"--remote_download_{download}"]
    if fresh:
        bazel.forget()
        yield "Bazel", bazel.build(pattern, *options, servers=[server.pid])
    bazel.clean()
    yield "its daemon", bazel.build(pattern, *options, servers=[server.pid])


def image(bench: Bench) -> list[Row]:
    """Bring the DNS image from a warm cache."""
    workspace = workspaces.dns_workspace(bench.folder(), bench.jobs)
    full = bench.folder()
    rows = []
    for name in ("casd", "bazel-remote"):
        try:
            server = bench.shared(name)
        except MissingError as missing:
            rows.append(Row(f"{name}: {missing}", {}))
            continue
        options = (f"--remote-cache={server.url}", "--download=toplevel", workspaces.DNS_IMAGE)
        _fill(workspace, server, full)
        runs = []
        for _ in range(bench.runs + 2):
            workspace.forget(fetched=False)
            used, report = workspace.build(*options, servers=[server.pid])
            _executed(report, 0, f"image, {name}")
            runs.append(used)
        workspace.forget(fetched=False)
        with meter.relayed(server.url) as (url, relay):
            _, report = workspace.build(f"--remote-cache={url}", *options[1:])
        size = sum(output["size"] for output in report["targets"][0]["outputs"])
        measures = cost("", meter.median(runs)) | {
            "image B": size,
            "content B": report["transfers"]["downloaded_bytes"],
            "received B": relay.received,
            "sent B": relay.sent,
            "actions": report["actions"]["total"],
        }
        rows.append(Row(name, measures, "<= 1.5 s, <= image and metadata"))
    return rows


def _fill(workspace: workspaces.Workspace, server: Server, full: Path) -> None:
    """Fill a server: the first by building everything, the next by a push from ``full``."""
    workspace.forget(fetched=True)
    to = f"--remote-cache={server.url}"
    if full.exists():
        workspace.keep(full)
        workspace.command("cache", "push", to, workspaces.DNS_IMAGE)
    else:
        workspace.build(to, "--upload", workspaces.DNS_IMAGE)
        workspace.cache.rename(full)


def memory(bench: Bench) -> list[Row]:
    """Upload and download a large graph, watching the client's memory."""
    workspace = bench.synthetic(bench.memory_size)
    rows = []
    with bench.server("casd") as server:
        options = (f"--remote-cache={server.url}", "--download=all", EVERYTHING)
        for what, fetched, more in (("upload", True, ("--upload",)), ("warm", False, ())):
            workspace.forget(fetched=fetched)
            used, report = workspace.build(*more, *options, servers=[server.pid], memory=True)
            if what == "warm":
                _executed(report, 0, "memory")
            measures = {
                **cost("", used),
                "RSS MiB": used.rss_mib,
                "PSS MiB": used.pss_mib,
                "own RSS MiB": used.own_mib,
            }
            rows.append(Row(f"{bench.memory_size:,} actions, {what}", measures, "PSS <= 150 MiB"))
    workspace.forget(fetched=False)
    return rows


def execution(bench: Bench) -> list[Row]:
    """Run actions on casd's workers, and here."""
    workspace = bench.synthetic(EXECUTION_SIZE)
    rows = []
    for what, more in (("casd's workers", ("--remote-exec",)), ("here", ())):
        runs = []
        for _ in range(bench.runs):
            workspace.forget(fetched=True)
            with bench.server("casd", execution=True, jobs=bench.jobs) as server:
                options = (f"--remote-cache={server.url}", *more, EVERYTHING)
                used, report = workspace.build(*options, servers=[server.pid])
            if more and not report["transfers"]["executed"]:
                raise SystemExit(f"execution: {report}")
            runs.append(used)
        used = meter.median(runs)
        rate = {"actions/s": EXECUTION_SIZE / used.seconds}
        rows.append(Row(f"{EXECUTION_SIZE} actions, {what}", cost("", used) | rate))
    return rows


def idle(bench: Bench) -> list[Row]:
    """Compare builds that need no server, or almost none, with and without one."""
    workspace = bench.synthetic(bench.size)
    with bench.server("casd") as server:
        on = (f"--remote-cache={server.url}",)
        workspace.forget(fetched=True)
        workspace.build(*on, EVERYTHING)
        rows = []
        for what in ("null", "leaf"):
            with_server: list[meter.Usage] = []
            without: list[meter.Usage] = []
            for _ in range(3 * bench.runs):
                for runs, options in ((with_server, on), (without, ("--remote=off",))):
                    if what == "leaf":
                        workspace.edit_leaf()
                    runs.append(workspace.build(*options, EVERYTHING)[0])
            rows.append(_ratio(f"{what} build of {bench.size:,}", without, with_server))
    return rows


@contextlib.contextmanager
def _deaf() -> Iterator[str]:
    """Give the URL of a listener that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"grpc://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def _refusing() -> Iterator[str]:
    """Give the URL of a port where nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"grpc://127.0.0.1:{holder.getsockname()[1]}"


def unreachable(bench: Bench) -> list[Row]:
    """Compare builds with a server that cannot be used with builds without one."""
    workspace = bench.synthetic(UNREACHABLE_SIZE)
    workspace.forget(fetched=True)
    workspace.build("--remote=off", EVERYTHING)
    rows = []
    for fault, place in (("refuses", _refusing), ("never answers", _deaf)):
        for what, option in (("cold", ""), ("leaf", ""), ("leaf", "--upload")):
            plain: list[meter.Usage] = []
            more: list[meter.Usage] = []
            for _ in range(1 if option else bench.runs):
                for runs in (plain, more):
                    if what == "cold":
                        workspace.forget(fetched=True)
                    else:
                        workspace.edit_leaf()
                    with place() as url:
                        server = "--remote=off" if runs is plain else f"--remote-cache={url}"
                        options = [server, *filter(None, [option])]
                        runs.append(workspace.build(*options, EVERYTHING)[0])
            row = _ratio(f"server {fault}, {what} build {option}", plain, more)
            added = row.measures["with s"] - row.measures["without s"]
            rows.append(row._replace(measures={**row.measures, "added s": added}))
    return rows
