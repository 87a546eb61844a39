"""Remote Asset: external archives by their package URL, for the day when upstream has vanished."""

from __future__ import annotations

import base64
import os

from unibuild.store.remote import messages_assets as assets
from unibuild.store.remote.services import RemoteCallError

from .registry import area
from .subject import Subject, refusal, said
from .verdicts import Finding, differs, fails, not_offered, passes, service_not_offered

AREA = area("asset")
WITHOUT = "fetches external archives from where they are published"


def checksum(subject: Subject, data: bytes) -> tuple[tuple[str, str], ...]:
    """Return the qualifier ``checksum.sri`` (W3C Subresource Integrity), known for SHA-256."""
    if subject.function.name != "sha256":
        return ()
    encoded = base64.b64encode(bytes.fromhex(subject.function.hash(data))).decode()
    return (("checksum.sri", f"sha256-{encoded}"),)


async def fetch(
    subject: Subject, uri: str, qualifiers: tuple[tuple[str, str], ...]
) -> assets.FetchBlobResponse:
    """Return the answer of FetchBlob; a status in it is raised as an error."""
    request = assets.FetchBlobRequest(subject.instance, (uri,), qualifiers, 5, subject.number)
    answer = await subject.call(assets.FETCH_BLOB, assets.encode_fetch_blob(request))
    response = assets.decode_fetched_blob(answer)
    if response.status.code:
        raise RemoteCallError(response.status.name, "FetchBlob", response.status.message)
    return response


@AREA.check("what was pushed under a package URL is found again")
async def push_and_fetch(subject: Subject) -> Finding:
    """PushBlob, then FetchBlob with the same qualifiers."""
    blob = subject.blob(5000)
    await subject.store(blob)
    uri = f"pkg:generic/unibuild-conformance@{os.urandom(8).hex()}"
    qualifiers = checksum(subject, blob[1])
    request = assets.PushBlobRequest(subject.instance, (uri,), qualifiers, blob[0], subject.number)
    pushed = await refusal(subject.call(assets.PUSH_BLOB, assets.encode_push_blob(request)))
    if pushed and pushed.code != "UNIMPLEMENTED":
        return fails(f"PushBlob: {said(pushed)}", WITHOUT)
    try:
        found = await fetch(subject, uri, qualifiers)
    except RemoteCallError as error:
        if pushed and error.code in {"UNIMPLEMENTED", "NOT_FOUND"}:
            return service_not_offered("there is no Remote Asset service")
        return fails(f"FetchBlob: {said(error)}", WITHOUT)
    if found.digest != blob[0]:
        return fails("another digest is given", "checks the digest against the lock")
    if pushed:
        return differs(
            "nothing can be pushed, but blobs are found by checksum", "uploads archives as blobs"
        )
    return passes()


@AREA.check("what nobody pushed is not there", writes=False)
async def unknown(subject: Subject) -> Finding:
    """An answer within seconds."""
    uri = f"pkg:generic/unibuild-conformance@{os.urandom(8).hex()}"
    error = await refusal(fetch(subject, uri, checksum(subject, os.urandom(100))))
    if error is None:
        return fails("something is served", "checks the digest against the lock")
    if error.code == "UNIMPLEMENTED":
        return not_offered("there is no Remote Asset service")
    if error.code == "NOT_FOUND":
        return passes()
    return differs(said(error), WITHOUT)
