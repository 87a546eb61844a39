"""What the server says of itself, before anything else."""

from __future__ import annotations

import os

from unibuild.store.remote import messages_server as server
from unibuild.store.remote.messages import DIGEST_FUNCTIONS

from .registry import area
from .subject import Subject, refusal, said
from .verdicts import Finding, differs, fails, not_offered, passes

AREA = area("server")
UPDATE_REFUSALS = {"PERMISSION_DENIED", "UNAUTHENTICATED", "UNIMPLEMENTED", "FAILED_PRECONDITION"}
UNLIMITED = 1 << 60
NAMES = {number: name for name, number in DIGEST_FUNCTIONS.items()}


@AREA.check("it answers, in a version of the protocol that unibuild speaks", writes=False)
async def answers(subject: Subject) -> Finding:
    """Everything else needs this."""
    request = server.encode_capabilities_request(subject.instance)
    try:
        found = server.decode_capabilities(await subject.call(server.GET_CAPABILITIES, request))
    except ValueError:
        return fails("what it answers is no ServerCapabilities: it does not speak this protocol")
    subject.capabilities = found
    low, high = (".".join(map(str, version)) for version in (found.low, found.high))
    if not found.cache:
        return fails(f"versions {low} to {high}, but it announces no cache: is the instance right?")
    if found.low[0] > 2 or found.high[0] < 2:  # noqa: PLR2004 -- the major version
        return fails(f"it speaks {low} to {high}, not 2")
    return passes(f"versions {low} to {high}")


@AREA.check("it has the workspace's digest function", writes=False)
async def digest_function(subject: Subject) -> Finding:
    """Without it nothing can be named."""
    names = [NAMES.get(number, str(number)) for number in subject.capabilities.functions]
    wanted = subject.function.name
    if wanted in names:
        return passes(f"it has {', '.join(names)}")
    usable = [name for name in names if name in {"blake3", "sha256"}]
    switch = f'write digest = "{usable[0]}" in WORKSPACE.toml' if usable else "take another server"
    return fails(f"{wanted} is wanted; it has {', '.join(names) or 'none'}: {switch}")


@AREA.check("an instance that does not exist is refused", writes=False)
async def unknown_instance(subject: Subject) -> Finding:
    """A mistake in the setting should be seen."""
    name = f"no-such-instance-{os.urandom(4).hex()}"
    error = await refusal(
        subject.call(server.GET_CAPABILITIES, server.encode_capabilities_request(name))
    )
    if error is None:
        return differs("the name is ignored", "a mistake in `instance` goes unnoticed, harmlessly")
    if error.code in {"INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED"}:
        return passes(said(error))
    return differs(said(error), "gives the server's own words")


@AREA.check("limits and compressors are announced", writes=False)
async def limits(subject: Subject) -> Finding:
    """The figures by which a client cuts its batches."""
    announced = subject.capabilities
    compressors = "zstd" if 1 in announced.compressors else "no zstd"
    text = f"batches of {announced.batch_limit or 'any'} bytes, {compressors}"
    if 0 < announced.blob_limit < UNLIMITED:
        text += f", blobs of at most {announced.blob_limit} bytes"
    if announced.batch_limit > 4 << 20 or not announced.batch_limit:
        return differs(text, f"sends at most {subject.batch_limit} bytes in a batch all the same")
    return passes(text)


@AREA.check("it says who may write results", writes=False)
async def update_announced(subject: Subject) -> Finding:
    """``action_cache_update_capabilities``; whether it is true, the other checks tell."""
    if subject.capabilities.update:
        return passes("results may be written, it says")
    return differs("it says that results may not be written", "warns when upload is asked for")


@AREA.check("this client may write", writes=False)
async def writable(subject: Subject) -> Finding:
    """Decides which of the further checks can be made."""
    digest, data = subject.blob(100)
    error = await refusal(subject.store((digest, data)))
    if error is None:
        subject.kept.append(digest)
        return passes()
    if error.code in UPDATE_REFUSALS:
        subject.may_write = False
        return not_offered(f"{said(error)}; checks that have to write are left out")
    return fails(f"a blob of 100 bytes was refused: {said(error)}")
