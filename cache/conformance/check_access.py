"""Who may write: nobody without credentials, and not those who may only read."""

from __future__ import annotations

from dataclasses import replace

from unibuild.store.reapi import ActionResult, OutputFile
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.messages_content import Update
from unibuild.store.remote.services import RemoteCallError

from .registry import area
from .subject import CALL_SECONDS, Subject, refusal, said
from .verdicts import Finding, differs, fails, not_offered, passes

AREA = area("access")
REFUSALS = {"PERMISSION_DENIED", "UNAUTHENTICATED", "UNAVAILABLE", "ABORTED"}
"""UNAVAILABLE is how a handshake ends without the certificate that the server asks for, ABORTED how a
stream does whose credential helper was asked again."""


@AREA.check("whoever has no credentials cannot write")
async def anonymous(subject: Subject) -> Finding:
    """The same server, called without token, headers and certificate."""
    connection = replace(
        subject.channel.connection,
        headers=(),
        token_variable="",
        credential_helper="",
        certificate="",
        key="",
    )
    if connection == subject.channel.connection:
        return differs(
            "no credentials are configured, and it can be written to",
            "`require_signed` tells results of known people from others'",
        )
    other = replace_channel(subject, Channel(connection))
    try:
        return await _refused(other, "anybody who reaches the server may write")
    finally:
        await other.channel.close()


@AREA.check("with credentials that may only read, nothing can be written", writes=False)
async def read_only(subject: Subject) -> Finding:
    """Tried when the credentials given are such ones."""
    if subject.may_write:
        return not_offered("these credentials may write; run it with a developer's as well")
    return await _refused(subject, "blobs are refused, but not everything is")


async def _refused(subject: Subject, otherwise: str) -> Finding:
    """Try each way of writing."""
    digest, data = subject.blob(200)
    action = subject.blob(150)[0]
    result = ActionResult((OutputFile("out/file", digest),))
    errors = []
    for attempt in (
        _batch(subject, Update(digest, data)),
        subject.write(digest, data),
        subject.put(action, result),
    ):
        error = await refusal(attempt)
        if error is None:
            return fails(otherwise, "`require_signed` tells results of known people from others'")
        errors.append(error)
    unexpected = [error for error in errors if error.code not in REFUSALS]
    if unexpected:
        return differs(f"refused, as {said(unexpected[0])}", "does not try again in this build")
    return passes(said(errors[0]))


async def _batch(subject: Subject, update: Update) -> None:
    """Write a blob; a refusal may be its own status or that of the call."""
    status = (await subject.update([update]))[update.digest]
    if status.code:
        raise RemoteCallError(status.name, "BatchUpdateBlobs", status.message)


def replace_channel(subject: Subject, channel: Channel) -> Subject:
    """Return the same subject, seen through another connection."""
    channel.stall = max(channel.stall, CALL_SECONDS)
    return replace(subject, channel=channel)
