"""External files kept for the team: the Remote Asset API, by package URL.

What a registry once gave stays to be had when the registry has lost it. An asset's URI is the text
of the lock (``pkg:deb/debian/lwip@2.1.3?arch=source#FILE``); in a SHA-256 workspace its checksum is
a qualifier too, by which some servers find a blob that nobody pushed.

Rules of use: a server without the service, or one that does not let us push, has no assets, and
nobody is told. An answer only says where to look: it counts when it names the very digest that the
lock demands, and the blob is then read from the same server's storage and hashed like any other.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.remote.messages import DIGEST_FUNCTIONS
from unibuild.store.remote.messages_assets import (
    FETCH_BLOB,
    PUSH_BLOB,
    FetchBlobRequest,
    PushBlobRequest,
    decode_fetched_blob,
    encode_fetch_blob,
    encode_push_blob,
)
from unibuild.store.remote.services import RemoteCallError

if TYPE_CHECKING:
    from unibuild.store.digests import Digest, DigestFunction
    from unibuild.store.remote.channel import Channel
    from unibuild.store.remote.messages_assets import Pairs

_ABSENT = frozenset({"UNIMPLEMENTED", "PERMISSION_DENIED", "UNAUTHENTICATED"})
_NOT_HAD = frozenset({"NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "ABORTED", "UNKNOWN"})


class RemoteAssets:
    """The asset service of one server, which may have none."""

    def __init__(self, channel: Channel, function: DigestFunction) -> None:
        """Ask over ``channel``; digests are of ``function``."""
        self._channel = channel
        self._function = function
        self._number = DIGEST_FUNCTIONS[function.name]
        self._absent: set[str] = set()

    async def fetch(self, purl: str, digest: Digest) -> bool:
        """Tell whether the server now has the asset as the blob ``digest``."""
        request = FetchBlobRequest(
            self._channel.instance, (purl,), self._qualifiers(digest), function=self._number
        )
        answer = await self._call(FETCH_BLOB, encode_fetch_blob(request))
        if answer is None:
            return False
        try:
            response = decode_fetched_blob(answer)
        except MalformedMessageError:
            return False
        return not response.status.code and response.digest == digest

    async def push(self, purl: str, digest: Digest) -> bool:
        """Have the server keep the blob ``digest``, which it has, as the asset."""
        request = PushBlobRequest(
            self._channel.instance, (purl,), self._qualifiers(digest), digest, self._number
        )
        return await self._call(PUSH_BLOB, encode_push_blob(request)) is not None

    def _qualifiers(self, digest: Digest) -> Pairs:
        if self._function.name != "sha256":
            return ()  # Subresource Integrity knows no other function of ours
        checksum = base64.b64encode(bytes.fromhex(digest[0])).decode("ascii")
        return (("checksum.sri", f"sha256-{checksum}"),)

    async def _call(self, method: str, request: bytes) -> bytes | None:
        if method in self._absent:
            return None
        try:
            return await self._channel.unary(method, request, most=2)
        except RemoteCallError as error:
            if error.code in _ABSENT:
                self._absent.add(method)
                return None
            if error.code in _NOT_HAD:
                return None
            raise
