"""The last action of a step, wherever it ran: what ``explain`` compares with on another machine.

A step is what stays the same while its action changes: a label and its first output, as a hash. The
histories of many steps share one record, so that a build adds a few results to the cache, not
one an action. A record is a blob of fixed-size entries, oldest first: the step, its last Action with its
pack, and the one before that. It is found as the output of a result whose Action is a real one of its
own that only names the record. A *pack* is a ``Tree`` message whose children are the distinct
Directory messages of many actions: one blob, where each message as a blob of its own would be most of
what a build uploads. Servers that look into what they store find nothing odd; eviction and signatures
work as for all results.

Rules of use: history is a help for people, and only that. Two clients that write a record at once lose
one's entries; a blob that is gone means that nothing is known.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

from unibuild.store.digests import HASH_LENGTH, Digest
from unibuild.store.protobuf import MalformedMessageError, fields
from unibuild.store.reapi import (
    ActionResult,
    OutputFile,
    decode_digest,
    decode_directory,
    decode_tree,
    encode_action,
    encode_command,
    encode_tree,
)
from unibuild.store.remote.requests import History

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unibuild.store.digests import DigestFunction
    from unibuild.store.remote.services import BlobService, ResultService

MAXIMUM_ENTRIES = 8192
"""Of one record; the oldest go first."""

MAXIMUM_DIRECTORIES = 4096
"""That are read of one action; the rest counts as unchanged subtrees would: by digest."""

_SHARD_DIGITS = 1  # leading hexadecimal digits of a step's hash that name its record
_OUTPUT = "history"
_HEADER = b"unibuild history v2\n"
_ENTRY = struct.Struct(">32s" + 2 * "32sQ32sQ")
_NONE = (bytes(32), 0, bytes(32), 0)
_LARGEST_PACK = 64 << 20
_NOTHING = History(0, None)

Past = tuple[bytes, int, bytes, int]  # hash and size of an Action and of its pack
Entries = dict[bytes, tuple[Past, Past]]  # the last and the one before, by step


def pack(directories: Iterable[bytes]) -> bytes:
    """Return encoded Directory messages, each once, as one blob."""
    return encode_tree(b"", list(dict.fromkeys(directories)))


class Histories:
    """Histories in one cache."""

    def __init__(
        self, results: ResultService, blobs: BlobService, function: DigestFunction
    ) -> None:
        """Keep records as ``results`` whose ``blobs`` are of ``function``."""
        self._results = results
        self._blobs = blobs
        self._function = function
        self._noted: dict[str, dict[bytes, Past]] = {}

    def note(self, step: str, action: Digest, packed: Digest | None = None) -> None:
        """Remember the last action of a step, until ``store``.

        ``packed`` is the pack with the action's Directory messages; else they are blobs.
        """
        entries = self._noted.setdefault(step[:_SHARD_DIGITS], {})
        entries.pop(bytes.fromhex(step), None)
        name, size = packed or ("0" * HASH_LENGTH, 0)
        entries[bytes.fromhex(step)] = (
            bytes.fromhex(action[0]), action[1], bytes.fromhex(name), size,
        )  # fmt: skip

    async def store(self) -> None:
        """Add what was noted to the records; raises ``RemoteCallError``."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        blobs: dict[Digest, bytes] = {}
        results: dict[Digest, ActionResult] = {}
        records = await asyncio.gather(*map(self._record, noted))
        for (shard, entries), (record, _) in zip(noted.items(), records, strict=True):
            for step, past in entries.items():
                last, before = record.pop(step, (_NONE, _NONE))
                record[step] = (past, before if last[:2] == past[:2] else last)
            data = _encode(record)
            messages = self._messages(shard)
            blobs |= {self._function.of(message): message for message in (*messages, data)}
            made = OutputFile(_OUTPUT, self._function.of(data))
            results[self._function.of(messages[0])] = ActionResult((made,))
        missing = await self._blobs.find_missing(blobs)
        await self._blobs.write({digest: blobs[digest] for digest in missing})
        await asyncio.gather(*(self._results.put(*item) for item in results.items()))

    async def find(self, step: str, trees: Iterable[str] = (), other_than: str = "") -> History:
        """Return the last action of a step, with token 0; what is below ``trees`` is not read.

        When that is the one with the hash ``other_than``, the one before it, if there is one.
        """
        record, signer = await self._record(step[:_SHARD_DIGITS])
        last, before = record.get(bytes.fromhex(step), (_NONE, _NONE))
        if last[0].hex() == other_than and before != _NONE:
            last = before
        if last == _NONE:
            return _NOTHING
        action = Digest(last[0].hex(), last[1])
        data = (await self._blobs.read([action])).get(action)
        if data is None:
            return _NOTHING
        try:
            parts = dict(fields(data))
            command, root = (decode_digest(_bytes(parts.get(number))) for number in (1, 2))
            commands = await self._blobs.read([command])
            known = await self._unpacked(Digest(last[2].hex(), last[3]))
            directories = await self._directories(root, frozenset(trees), known)
        except MalformedMessageError:
            return _NOTHING
        if command not in commands:
            return _NOTHING
        return History(0, data, commands[command], directories, signer)

    async def _record(self, shard: str) -> tuple[Entries, str]:
        """Return the entries of a record, oldest first, and who signed it."""
        found = await self._results.get(self._function.of(self._messages(shard)[0]))
        if found is None or len(found[0].files) != 1:
            return {}, ""
        digest = found[0].files[0].digest
        if digest.size > len(_HEADER) + MAXIMUM_ENTRIES * _ENTRY.size:
            return {}, ""
        blobs = await self._blobs.read([digest])
        return _decode(blobs.get(digest, b"")), found[1]

    def _messages(self, shard: str) -> tuple[bytes, bytes, bytes]:
        """Return the Action that names a record, its Command and its empty input root."""
        command = encode_command(("@unibuild/history", shard), (), (_OUTPUT,))
        action = encode_action(self._function.of(command), self._function.of(b""))
        return action, command, b""

    async def _unpacked(self, packed: Digest) -> dict[Digest, bytes]:
        """Return the messages of a pack by their digests."""
        if not 0 < packed.size <= _LARGEST_PACK:
            return {}
        blobs = await self._blobs.read([packed])
        _, messages = decode_tree(blobs.get(packed, b""))
        return {self._function.of(message): message for message in messages}

    async def _directories(
        self, root: Digest, trees: frozenset[str], known: Mapping[Digest, bytes]
    ) -> tuple[bytes, ...]:
        """Return the Directory messages below ``root``, level by level, as far as they are there."""
        found: dict[Digest, bytes] = {}
        level: Mapping[Digest, str] = {root: ""}
        while level and len(found) < MAXIMUM_DIRECTORIES:
            messages = {digest: known[digest] for digest in level if digest in known}
            left = [digest for digest in level if digest not in known]
            if left:
                messages |= await self._blobs.read(left)
            found |= messages
            below: dict[Digest, str] = {}
            for digest, message in messages.items():
                for node in decode_directory(message).directories:
                    path = f"{level[digest]}/{node.name}".lstrip("/")
                    if path not in trees and node.digest not in found:
                        below[node.digest] = path
            level = below
        return tuple(found.values())


def _encode(record: Entries) -> bytes:
    newest = list(record.items())[-MAXIMUM_ENTRIES:]
    return _HEADER + b"".join([_ENTRY.pack(step, *last, *old) for step, (last, old) in newest])


def _decode(data: bytes) -> Entries:
    body = data.removeprefix(_HEADER)
    if not data.startswith(_HEADER) or len(body) % _ENTRY.size:
        return {}
    unpacked = _ENTRY.iter_unpack(body)
    return {entry[0]: (entry[1:5], entry[5:]) for entry in unpacked}


def _bytes(value: int | bytes | None) -> bytes:
    if not isinstance(value, bytes):
        raise MalformedMessageError("an Action lacks a digest")
    return value
