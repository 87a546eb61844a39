"""Results on a server of the Remote Execution API: ``RemoteResults`` is a ``ResultService``.

What comes back is judged by ``trust`` before anybody sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.store.remote import trust
from unibuild.store.remote.messages import DIGEST_FUNCTIONS
from unibuild.store.remote.messages_results import (
    GET_RESULT,
    UPDATE_RESULT,
    GetResultRequest,
    UpdateResultRequest,
    encode_get_result,
    encode_update_result,
)
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from unibuild.store.digests import Digest, DigestFunction
    from unibuild.store.reapi import ActionResult
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.services import BlobService
    from unibuild.store.remote.signatures import Signer


class RemoteResults:
    """A ``ResultService`` over one channel."""

    def __init__(
        self,
        channel: Channel,
        function: DigestFunction,
        blobs: BlobService,
        *,
        require_signed: Collection[str] = (),
        signer: Callable[[], Signer] | None = None,
        keep: Callable[[bytes], object] | None = None,
    ) -> None:
        """Use ``signer``, made at the first ``put``; None leaves results unsigned.

        ``keep`` is given ``Tree`` messages that results name and no server has (``trust.accept``).
        """
        self._keep = keep
        self._channel = channel
        self._function = function
        self._number = DIGEST_FUNCTIONS[function.name]
        self._blobs = blobs
        self._demanded = frozenset(require_signed)
        self._make_signer = signer
        self._signer: Signer | None = None

    async def get(self, action: Digest) -> tuple[ActionResult, str] | None:
        """Return the result and which demanded key signed it, or nothing."""
        request = GetResultRequest(
            self._channel.instance,
            action,
            inline_stdout=True,
            inline_stderr=True,
            function=self._number,
        )
        try:
            answer = await self._channel.unary(GET_RESULT, encode_get_result(request))
        except RemoteCallError as error:
            if error.code == "NOT_FOUND":
                return None
            raise
        return await trust.accept(
            answer, action, self._function, self._demanded, self._blobs, keep=self._keep
        )

    async def put(self, action: Digest, result: ActionResult, *, own: bool = True) -> None:
        """Store a result whose blobs are all stored, signed by us when it is our ``own``."""
        if own and self._signer is None and self._make_signer is not None:
            self._signer = self._make_signer()
        encoded = trust.seal(self._function.name, action, result, self._signer if own else None)
        request = UpdateResultRequest(self._channel.instance, action, encoded, self._number)
        await self._channel.unary(UPDATE_RESULT, encode_update_result(request))
