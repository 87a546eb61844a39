"""A small client of its own for looking behind the real one's back: what does the server hold?

It shares no code with ``unibuild.store.remote``, so a mistake there cannot hide itself here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc

from unibuild.store.digests import Digest
from unibuild.store.protobuf import blob, fields, message
from unibuild.store.reapi import (
    ActionResult,
    decode_action_result,
    decode_digest,
    decode_directory,
    decode_tree,
    encode_digest,
)

REAPI = "/build.bazel.remote.execution.v2."


def digest_of(data: bytes) -> Digest:
    """Return the SHA-256 digest of ``data``."""
    return Digest(hashlib.sha256(data).hexdigest(), len(data))


class Raw:
    """Calls of one server, one message in, one message out."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def call(self, method: str, request: bytes, *, wait: bool = True) -> bytes:
        """Return the reply; ``method`` is ``Service/Method``."""
        reply: bytes = self._channel.unary_unary(REAPI + method)(
            request, timeout=20, wait_for_ready=wait
        )
        return reply

    def store(self, *blobs: bytes) -> list[Digest]:
        """Store blobs and return their digests."""
        requests = (message(1, encode_digest(digest_of(data))) + blob(2, data) for data in blobs)
        request = b"".join(message(2, one) for one in requests)
        self.call("ContentAddressableStorage/BatchUpdateBlobs", request)
        return [digest_of(b) for b in blobs]

    def missing(self, digests: Iterable[Digest]) -> set[Digest]:
        """Return those that the server lacks."""
        request = b"".join(message(2, encode_digest(digest)) for digest in digests)
        reply = self.call("ContentAddressableStorage/FindMissingBlobs", request)
        return {decode_digest(v) for f, v in fields(reply) if f == 2 and isinstance(v, bytes)}

    def read(self, digest: Digest) -> bytes | None:
        """Return a small blob as the server gives it, unchecked."""
        request = message(2, encode_digest(digest))
        reply = self.call("ContentAddressableStorage/BatchReadBlobs", request)
        for field, value in fields(reply):
            if field == 1 and isinstance(value, bytes):
                parts = dict(fields(value))
                if dict(fields(_bytes(parts.get(3)))).get(1, 0) == 0:
                    return _bytes(parts.get(2))
        return None

    def result(self, action: Digest) -> bytes | None:
        """Return the encoded result of an action, or nothing."""
        try:
            return self.call("ActionCache/GetActionResult", message(2, encode_digest(action)))
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise

    def put_result(self, action: Digest, result: bytes) -> None:
        """Store an encoded result, whatever is in it."""
        self.call(
            "ActionCache/UpdateActionResult",
            message(2, encode_digest(action)) + message(3, result),
        )

    def blobs_of(self, result: ActionResult) -> set[Digest]:
        """Return all that a result names, directly or through its trees."""
        found = {item.digest for item in result.files}
        for directory in result.directories:
            found.add(directory.tree)
            tree = self.read(directory.tree)
            if tree is not None:
                root, children = decode_tree(tree)
                for encoded in (root, *children):
                    found.update(node.digest for node in decode_directory(encoded).files)
        return found

    def half_stored(self, actions: Iterable[Digest]) -> dict[str, set[Digest]]:
        """Return, of ``actions`` that have a result, what that result lacks."""
        found = {}
        for action in actions:
            encoded = self.result(action)
            if encoded is not None:
                lacking = self.missing(self.blobs_of(decode_action_result(encoded)))
                if lacking:
                    found[action.hash] = lacking
        return found


def _bytes(value: int | bytes | None) -> bytes:
    return value if isinstance(value, bytes) else b""


@contextmanager
def raw(url: str) -> Iterator[Raw]:
    """Speak to the server at ``url`` while the block runs."""
    parts = urlsplit(url)
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"{parts.hostname}:{parts.port}", options=limits) as channel:
        yield Raw(channel)
