"""The two services that a courier needs of a cache, whatever is behind them.

``content``/``results`` speak the Remote Execution API, ``bucket`` reads folders behind a URL. All
methods are coroutines of the courier's event loop and may be called any number of times at once.
Faults of the other side are ``RemoteCallError``s; a missing blob or result is an ordinary answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unibuild.store.digests import Digest
    from unibuild.store.reapi import ActionResult


class RemoteCallError(Exception):
    """A call failed; ``code`` is gRPC's status name, ``detail`` is free of secrets."""

    def __init__(self, code: str, method: str, detail: str = "") -> None:
        """Name the status, the method (``FindMissingBlobs``) and what the server said."""
        super().__init__(f"{method}: {code} {detail}".rstrip())
        self.code = code
        self.method = method
        self.detail = detail


class BlobService(Protocol):
    """Blobs by digest."""

    async def find_missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Return those of ``digests`` that are not there; batches of any size are split."""

    async def read(self, digests: Iterable[Digest]) -> Mapping[Digest, bytes]:
        """Return verified bytes; what is missing or wrong is left out. For small blobs."""

    async def read_to(self, digest: Digest, path: str) -> bool:
        """Write the verified bytes to the new file ``path``; False: missing or wrong, no file."""

    async def write(self, blobs: Mapping[Digest, bytes]) -> None:
        """Store blobs held in memory, batched. Raises ``RemoteCallError`` unless all are stored."""

    async def write_file(self, digest: Digest, path: str) -> None:
        """Store the bytes of a file, streamed; a broken upload begins again."""


class ResultService(Protocol):
    """Results by the digest of their Action."""

    async def get(self, action: Digest) -> tuple[ActionResult, str] | None:
        """Return the result and who signed it ("" for nobody), or nothing.

        Nothing also when it is malformed, failed, or not signed by one of the keys demanded.
        """

    async def put(self, action: Digest, result: ActionResult, *, own: bool = True) -> None:
        """Store a result whose blobs are all stored, signed by us when it is our ``own``."""
