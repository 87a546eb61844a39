"""Runs the checks one after another, each within a bounded time, and reports as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from unibuild.store.digests import DigestFunction
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.services import RemoteCallError
from unibuild.store.remote.settings import SCHEMES, Connection, Remote

from . import (
    check_access,
    check_assets,
    check_bucket,
    check_compression,
    check_content,
    check_execution,
    check_keeping,
    check_results,
    check_server,
    check_streams,
)
from .registry import Area, Entry
from .subject import CALL_SECONDS, Subject, said
from .verdicts import Finding, Verdict, fails, not_offered

AREAS: tuple[Area[Subject], ...] = tuple(
    module.AREA
    for module in (
        check_server,
        check_content,
        check_streams,
        check_compression,
        check_results,
        check_access,
        check_assets,
        check_keeping,
    )
)
CHECK_SECONDS = 90
SUITE_SECONDS = 600
SETTLING_SECONDS = 0.3
"""obstore's threads let go of Python's objects a moment after they answered; a Python that ends in that
moment is aborted."""

Report = Callable[[Verdict], None]


class Examined(Protocol):
    """What is examined; ``may_write`` is found out on the way."""

    may_write: bool


S = TypeVar("S", bound=Examined)


def run(remote: Remote, function_name: str, report: Report) -> list[Verdict]:
    """Examine the server of ``remote.cache``, and that of ``remote.execution`` where it is another.

    ``report`` is given each verdict as soon as it is known. Mistakes in the settings (a URL, a
    certificate) are raised as ``UserError``.
    """
    return asyncio.run(_run(remote, function_name, report))


async def _run(remote: Remote, function_name: str, report: Report) -> list[Verdict]:
    connection = remote.cache or remote.execution
    if connection is None:
        return []
    verdicts: list[Verdict] = []
    end = time.monotonic() + SUITE_SECONDS
    if connection.is_bucket and connection.scheme in SCHEMES:
        bucket = check_bucket.bucket(connection, DigestFunction(function_name))
        areas = (check_bucket.SERVER, check_bucket.AREA)
        await _examine(bucket, areas, verdicts, report, end)
        await asyncio.sleep(SETTLING_SECONDS)
        return verdicts
    subject = _subject(remote, connection, function_name)
    try:
        await _examine(subject, AREAS, verdicts, report, end)
        if not _usable(verdicts):
            return verdicts
        if remote.execution is None or remote.execution.url == connection.url:
            await _examine(subject, (check_execution.AREA,), verdicts, report, end)
        else:
            engine = _subject(remote, remote.execution, function_name)
            try:
                both = (check_execution.ENGINE, check_execution.AREA)
                await _examine(engine, both, verdicts, report, end)
            finally:
                await engine.channel.close()
    finally:
        await subject.channel.close()
    return verdicts


def _subject(remote: Remote, connection: Connection, function_name: str) -> Subject:
    channel = Channel(connection)
    channel.stall = max(channel.stall, CALL_SECONDS)  # a slow answer is one of the findings
    return Subject(channel, DigestFunction(function_name), remote)


async def _examine(
    subject: S,
    areas: tuple[Area[S], ...],
    verdicts: list[Verdict],
    report: Report,
    end: float,
) -> None:
    closed = ""
    for entry in _entries(areas):
        area = entry.name.partition(".")[0]
        if area == closed or (entry.writes and not subject.may_write):
            continue
        if not _usable(verdicts):
            return
        begin = time.monotonic()
        finding = await _outcome(entry, subject, end)
        seconds = time.monotonic() - begin
        verdict = Verdict(
            entry.name,
            entry.title,
            finding.outcome,
            finding.detail,
            finding.consequence,
            round(seconds, 3),
        )
        verdicts.append(verdict)
        closed = area if finding.whole_area else closed
        report(verdict)


def _entries(areas: tuple[Area[S], ...]) -> Iterator[Entry[S]]:
    for area in areas:
        yield from area.entries


def _usable(verdicts: list[Verdict]) -> bool:
    """Whether there is anything to examine: a server that answers, with our digest function."""
    needed = {"server.answers", "server.digest-function", "engine.answers"}
    return not any(one.outcome == "fails" and one.name in needed for one in verdicts)


async def _outcome(entry: Entry[S], subject: S, end: float) -> Finding:
    """Make one check; whatever goes wrong with it is its finding."""
    if time.monotonic() > end:
        return not_offered(f"the {SUITE_SECONDS} s for all checks are over")
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await entry.run(subject)
    except TimeoutError:
        return fails(f"no end within {CHECK_SECONDS} s")
    except RemoteCallError as error:
        return fails(f"{error.method}: {said(error)}")
    except MalformedMessageError as error:
        return fails(f"an answer is no such message: {error}")
