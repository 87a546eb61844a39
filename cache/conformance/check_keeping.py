"""How long things stay; as far as a few seconds can tell."""

from __future__ import annotations

from unibuild.store.remote.services import RemoteCallError

from .registry import area
from .subject import Subject
from .verdicts import Finding, fails, passes

AREA = area("keeping")
FILLER = 8
MIB = 1 << 20


@AREA.check("what was stored first is still there after everything else")
async def first_blob(subject: Subject) -> Finding:
    """Some 50 MB later; a server with a smaller quota than a build is worse than none."""
    try:
        for _ in range(FILLER):
            digest, data = subject.blob(MIB)
            await subject.write(digest, data)
    except RemoteCallError as error:
        return fails(f"it does not take 8 MiB more: {error.code}", "stops uploading in this build")
    if await subject.missing(subject.kept):
        return fails("it is gone: the quota is very small", "runs again whose outputs are gone")
    return passes()
