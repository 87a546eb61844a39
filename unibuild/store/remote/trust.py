"""Whether a result that a server gave may be used: the same judgement whatever it came through.

A result is foreign bytes. It is used only when it is well formed; when its paths stay where outputs
may be and its digests are digests; when it succeeded; and when one of the keys demanded signed it. What
a server may leave out or move elsewhere (standard output as a blob, a directory's root digest) is
brought back first, so that the signature is over what will be used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from unibuild.store.digests import HASH_LENGTH
from unibuild.store.merkle import tree_message
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import encode_action_result
from unibuild.store.remote.messages import decode_packed, encode_packed, signed
from unibuild.store.remote.messages_results import decode_result, encode_result
from unibuild.store.remote.signatures import signed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from unibuild.store.digests import Digest, DigestFunction
    from unibuild.store.reapi import ActionResult, OutputDirectory
    from unibuild.store.remote.messages_results import ServedResult
    from unibuild.store.remote.services import BlobService
    from unibuild.store.remote.signatures import Signer

LARGEST_OUTPUT = 16 << 20
"""Bytes of standard output or error that are taken from a blob."""

_HASH = re.compile(rf"[0-9a-f]{{{HASH_LENGTH}}}")
_SIZE_END = 1 << 63
_FORBIDDEN = frozenset({"", ".", ".."})


async def accept(
    encoded: bytes,
    action: Digest,
    function: DigestFunction,
    demanded: Collection[str],
    blobs: BlobService,
    *,
    any_exit: bool = False,
    keep: Callable[[bytes], object] | None = None,
) -> tuple[ActionResult, str] | None:
    """Return the result and who of the ``demanded`` signed it ("" when nobody has to), or nothing.

    ``any_exit``: a failed action is a result too, as that of an execution is. A worker that leaves the
    root of a directory out may also list its children in an order of its own; the result then names
    the ``Tree`` that a local action would have made, and ``keep`` is given that message.
    """
    try:
        served = decode_result(encoded)
        if not is_usable(served) or (served.result.exit_code and not any_exit):
            return None
        result = await _completed(served, function, blobs, keep)
    except MalformedMessageError:
        return None
    if result is None or not demanded:
        return None if result is None else (result, "")
    signer = signed_by(
        function.name,
        action,
        encode_action_result(result),
        map(encode_packed, served.auxiliary),
        demanded,
    )
    return (result, signer) if signer else None


def seal(function: str, action: Digest, result: ActionResult, signer: Signer | None) -> bytes:
    """Return the encoded result, signed when there is a ``signer``."""
    if signer is None:
        return encode_result(result)
    carried = signer.sign(function, action, encode_action_result(result))
    return encode_result(result, (decode_packed(carried),))


def is_digest(digest: Digest) -> bool:
    """Whether ``digest`` can name a blob: nothing else may come near a path in the store."""
    return _HASH.fullmatch(digest.hash) is not None and 0 <= digest.size < _SIZE_END


def is_usable(served: ServedResult) -> bool:
    """Whether paths and digests are such as an action's declaration can have."""
    result = served.result
    if served.links:
        return False
    digests = [item.digest for item in result.files] + [item.tree for item in result.directories]
    digests += [item.root for item in result.directories if item.root.hash]
    digests += [digest for digest in (served.stdout, served.stderr) if digest]
    paths = [item.path for item in result.files] + [item.path for item in result.directories]
    return (
        all(map(is_digest, digests)) and len(set(paths)) == len(paths) and all(map(_is_path, paths))
    )


def _is_path(path: str) -> bool:
    return "\0" not in path and _FORBIDDEN.isdisjoint(path.split("/"))


async def _completed(
    served: ServedResult,
    function: DigestFunction,
    blobs: BlobService,
    keep: Callable[[bytes], object] | None,
) -> ActionResult | None:
    """Return the result with standard streams in one and every root digest; None if that fails."""
    result = served.result
    standard = await _standard_streams(served, blobs)
    if standard is None:
        return None
    if not all(item.root.hash for item in result.directories):
        trees = await blobs.read({item.tree for item in result.directories if not item.root.hash})
        directories = []
        for item in result.directories:
            if not item.root.hash:
                if item.tree not in trees:
                    return None
                item = _with_root(item, trees[item.tree], function, keep)  # noqa: PLW2901
            directories.append(item)
        result = result._replace(directories=tuple(directories))
    return result._replace(stdout=standard, exit_code=signed(result.exit_code))


def _with_root(
    item: OutputDirectory,
    message: bytes,
    function: DigestFunction,
    keep: Callable[[bytes], object] | None,
) -> OutputDirectory:
    from unibuild.store.remote.tree_messages import outline

    described = outline(message, function)
    if keep is not None:
        canonical = tree_message(described.root, described.messages)
        if canonical != message:
            keep(canonical)
            message = canonical
    return item._replace(tree=function.of(message), root=described.root)


async def _standard_streams(served: ServedResult, blobs: BlobService) -> bytes | None:
    """Return standard output followed by standard error, of which a local action has one stream."""
    raw = (served.result.stdout, served.stderr_raw)
    named = (served.stdout, served.stderr)
    wanted = {
        digest for text, digest in zip(raw, named, strict=True) if not text and digest is not None
    }
    wanted = {digest for digest in wanted if digest.size}
    if not wanted:
        return raw[0] + raw[1]
    if any(digest.size > LARGEST_OUTPUT for digest in wanted):
        return None
    found = await blobs.read(wanted)
    if len(found) < len(wanted):
        return None
    parts = [
        text or found.get(digest, b"") if digest else text
        for text, digest in zip(raw, named, strict=True)
    ]
    return b"".join(parts)
