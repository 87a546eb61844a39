"""The reference server with faults on purpose: faulty_server.py FAULT HOST:PORT FOLDER

Each fault is a class below; the suite has to find it out.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from cache.conformance.reference_server import Services, serve, status
from cache.conformance.reference_storage import Storage, Writer
from unibuild.store.digests import DigestFunction
from unibuild.store.remote import messages_content as content
from unibuild.store.remote import messages_results as results
from unibuild.store.remote import messages_server as server
from unibuild.store.remote.messages import ZSTD, Status


class Changes(Services):
    """One byte of whatever is served is another one."""

    def batch_read(self, request: bytes) -> bytes:
        reads = content.decode_batch_reads(super().batch_read(request))
        return content.encode_batch_reads(
            read._replace(data=read.data[:-1] + b"?") if read.data else read for read in reads
        )

    def read(self, request: bytes) -> Iterator[bytes]:
        for part in super().read(request):
            yield part[:-1] + b"?"


class Credulous(Services):
    """Keeps whatever it is sent under the name that comes with it, whole or not."""

    def __init__(self, storage: Storage, **options: bool) -> None:
        super().__init__(storage, **options)
        Writer.add = take  # type: ignore[method-assign]
        Writer.finish = keep  # type: ignore[method-assign]

    def write(self, requests: Iterator[bytes]) -> bytes:
        first = content.decode_write(next(requests))
        resource = self._resource(first.resource)
        with self._storage.writer(resource.function, resource.digest) as writer:
            writer.add(first.data)
            for request in requests:
                writer.add(content.decode_write(request).data)
            writer.finish()
        return content.encode_committed(resource.digest.size)


def take(writer: Writer, data: bytes) -> None:
    """Take bytes, however many."""
    writer._file.write(data)


def keep(writer: Writer) -> None:
    """Give what was received its name, unseen."""
    writer._file.flush()
    writer._target.parent.mkdir(parents=True, exist_ok=True)
    writer._aside.replace(writer._target)


class Forgetful(Services):
    """Says that nothing is missing, and has lost the blobs of results."""

    def find_missing(self, request: bytes) -> bytes:
        content.decode_find_missing(request)
        return b""

    def _is_complete(self, function: str, encoded: bytes) -> bool:
        return bool(function or encoded)


class Quotaless(Services):
    """Has only blobs of 200 bytes."""

    def find_missing(self, request: bytes) -> bytes:
        asked = content.decode_find_missing(request).digests
        return content.encode_missing(digest for digest in asked if digest.size != 200)


class Rewriting(Services):
    """Writes results anew with what it understands of them, and keeps the first."""

    def update_result(self, request: bytes) -> bytes:
        asked = results.decode_update_result(request)
        if self._storage.read_result(self._function("", asked.function), asked.action) is None:
            plain = results.encode_result(results.decode_result(asked.result).result)
            super().update_result(results.encode_update_result(asked._replace(result=plain)))
        return asked.result


class Boastful(Services):
    """Announces zstd and batches of any size; takes neither."""

    def capabilities(self, request: bytes) -> bytes:
        told = server.decode_capabilities(super().capabilities(request))
        return server.encode_capabilities(told._replace(batch_limit=0, compressors=(ZSTD,)))

    def batch_update(self, request: bytes) -> bytes:
        if len(request) < 2 << 20:
            return super().batch_update(request)
        asked = content.decode_batch_update(request)
        refused: Status = status("RESOURCE_EXHAUSTED", "too much")
        return content.encode_updated((update.digest, refused) for update in asked.updates)


class Garbled(Services):
    """Answers lookups of results with what is no message."""

    def get_result(self, request: bytes) -> bytes:
        super().get_result(request)
        return b"\xff\xff\xff"


class Foreign(Services):
    """Another service altogether: an empty answer to everything."""

    def capabilities(self, request: bytes) -> bytes:
        return request[:0]


FAULTS = {
    fault.__name__.lower(): fault
    for fault in (
        Changes, Credulous, Forgetful, Quotaless, Rewriting, Boastful, Garbled, Foreign
    )
}  # fmt: skip

if __name__ == "__main__":
    _, name, address, folder = sys.argv
    storage = Storage(Path(folder), {"sha256": DigestFunction("sha256")})
    running = serve(address, FAULTS[name](storage, zstd=name == "credulous"))
    threading.Event().wait()
