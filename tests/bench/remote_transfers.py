"""Part of ``remote.py`` that carries a toolchain's files between two local caches and a server.

The files are those of the pinned zig wheel that compiling needs: one large binary, many headers. They
go the way of every build: hashed and streamed by the courier, adopted by the cache.
"""

from __future__ import annotations

import resource
import statistics
import time
import zipfile
from typing import TYPE_CHECKING

import meter
import workspaces
from remote_bench import Bench, MissingError, Row

from unibuild.external import lock
from unibuild.external.packages import digest_of
from unibuild.store.cache import Cache
from unibuild.store.digests import DigestFunction
from unibuild.store.layout import Layout
from unibuild.store.reapi import (
    ActionResult,
    OutputFile,
    encode_action,
    encode_action_result,
    encode_command,
)
from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import Blob, Fetch, Fetched, Lookup, Publish
from unibuild.store.remote.settings import Connection, Remote

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import Server

    from unibuild.store.digests import Digest

PARTS = ("ziglang/zig", "ziglang/lib/include/")
BLOB_BYTES = 100 << 20
MEGABYTE = 10**6


def zstd(bench: Bench) -> list[Row]:
    """Push and pull real files, with zstd and without."""
    place = bench.folder()
    bench.shared("bazel-remote")  # raises where there is none
    source = Cache(str(place), "sha256", print)
    rows = []
    try:
        whole = _unpacked(source)
        binary = max(whole, key=lambda digest: digest.size)
        part = source.content.put_bytes((source.content.read(binary) or b"")[:BLOB_BYTES])
        for what, digests in (("100 MiB of its binary", [part]), ("binary and headers", whole)):
            for compress in (True, False):
                runs = [_carry(bench, place, digests, compress=compress) for _ in range(bench.runs)]
                columns = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
                how = "zstd" if compress else "as it is"
                row = f"{what}, {sum(d.size for d in digests) / MEGABYTE:.0f} MB, {how}"
                rows.append(Row(row, columns, ">= 300 MB/s" if compress else ""))
    finally:
        source.close()
    return rows


def _unpacked(cache: Cache) -> list[Digest]:
    """Store the files of the zig wheel that the toolchain has, and return their digests without repetition."""
    packages = lock.read(workspaces.REPOSITORY / "unibuild.lock").packages
    (wheel,) = (files[0] for purl, files in packages.items() if "/ziglang@" in purl)
    layout = Layout(str(workspaces.user_cache()), "blake3")
    try:
        with zipfile.ZipFile(layout.path("blobs", digest_of(wheel, "blake3").hash)) as archive:
            names = [name for name in archive.namelist() if name.startswith(PARTS)]
            return list(
                dict.fromkeys(cache.content.put_bytes(archive.read(name)) for name in names)
            )
    except FileNotFoundError:
        raise MissingError("the zig wheel is not fetched; run ./ub fetch") from None


def _carry(
    bench: Bench, source: Path, digests: list[Digest], *, compress: bool
) -> dict[str, float]:
    """Carry blobs to a new server and into a new cache; return MB/s and processor seconds."""
    with bench.server("bazel-remote") as server:
        up = _timed(server, source, digests, compress=compress, upload=True)
        down = _timed(server, bench.folder(), digests, compress=compress, upload=False)
    size = sum(digest.size for digest in digests) / MEGABYTE
    return {
        "up MB/s": size / up.seconds, "up cpu": up.client, "up server": up.server,
        "down MB/s": size / down.seconds, "down cpu": down.client, "down server": down.server,
    }  # fmt: skip


def _timed(
    server: Server, cache: Path, digests: list[Digest], *, compress: bool, upload: bool
) -> meter.Usage:
    """Measure a courier that is connected already: its start is part of every other measure."""
    connection = Connection(server.url)
    remote = Remote(connection, upload=upload, compress=compress)
    link = Link.start(remote, str(cache), "sha256")
    link.ask(Lookup(1, digests[0]))
    link.flush()
    link.wait(1)
    served, used = meter.cpu_seconds(server.pid), _children_seconds()
    spent = meter.cpu_seconds(link.pid)
    began = time.perf_counter()
    if upload:
        link.ask(_publication(digests))
        finished = link.finish(lambda _: None)
        if not finished.published:
            raise SystemExit(f"upload: {finished}: {link.replies()}")
    else:
        link.ask(Fetch(2, tuple(Blob(digest) for digest in digests)))
        link.flush()
        reply = link.wait(2)
        if not isinstance(reply, Fetched) or reply.missing:
            raise SystemExit(f"download: {reply}: {link.replies()}")
    seconds = time.perf_counter() - began
    served = meter.cpu_seconds(server.pid) - served
    link.close()
    return meter.Usage(seconds, _children_seconds() - used - spent, served)


def _children_seconds() -> float:
    """Return the processor time of ended children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _publication(digests: list[Digest]) -> Publish:
    """Return a made-up result whose outputs are the blobs."""
    paths = [f"unibuild-out/{number}" for number in range(len(digests))]
    function = DigestFunction("sha256")
    command = encode_command(("true",), (), paths)
    action = encode_action(function.of(command), function.of(b""))
    files = tuple(map(OutputFile, paths, digests))
    return Publish(action, command, encode_action_result(ActionResult(files)), directories=(b"",))
