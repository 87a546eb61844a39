"""A small cache server of the Remote Execution API, for what packaged servers lack: BLAKE3 and zstd.

    python -m cache.conformance.reference_server --listen=127.0.0.1:8980 --digest=blake3 --zstd FOLDER

It exists so that the suite and unibuild's own tests have the other side of these two; it knows no
users, no quota and no TLS, and a team should run one of the servers in ``cache/README.md`` instead.
Services: Capabilities, ContentAddressableStorage, ByteStream, ActionCache.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import grpc
import zstandard

from unibuild.store.digests import HASH_LENGTH, Digest, DigestFunction
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_directory, decode_tree
from unibuild.store.remote import messages as shared
from unibuild.store.remote import messages_content as content
from unibuild.store.remote import messages_results as results
from unibuild.store.remote import messages_server as server

from .reference_storage import Storage, WrongContentError

MESSAGE_LIMIT = 4 << 20
BATCH_LIMIT = MESSAGE_LIMIT - (64 << 10)
CHUNK = 1 << 20
THREADS = 16
STOP_SECONDS = 2

_BLOB = re.compile(
    r"(?:(?P<instance>.*?)/)??(?:uploads/(?P<upload>[^/]+)/)?"
    r"(?:blobs|compressed-blobs/(?P<compressor>[a-z]+))/"
    r"(?:(?P<function>[a-z0-9]+)/)??(?P<hash>[0-9a-f]+)/(?P<size>[0-9]+)(?:/.*)?"
)


class RefusedError(Exception):
    """A request that ends with a status."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        """Give code and words of the status."""
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource name of ByteStream, taken apart."""

    function: str
    digest: Digest
    compressed: bool


class Services:
    """All services over one storage; each method takes and returns encoded messages."""

    def __init__(self, storage: Storage, *, instance: str = "", zstd: bool = False) -> None:
        """Serve ``instance`` alone."""
        self._storage = storage
        self._instance = instance
        self._zstd = zstd

    def capabilities(self, request: bytes) -> bytes:
        """GetCapabilities."""
        self._check_instance(server.decode_capabilities_request(request))
        compressors = (shared.ZSTD,) if self._zstd else ()
        return server.encode_capabilities(
            server.ServerCapabilities(
                low=(2, 0),
                high=(2, 3),
                functions=tuple(shared.DIGEST_FUNCTIONS[name] for name in self._storage.functions),
                update=True,
                batch_limit=BATCH_LIMIT,
                compressors=compressors,
                update_compressors=compressors,
                cache=True,
            )
        )

    def find_missing(self, request: bytes) -> bytes:
        """FindMissingBlobs."""
        asked = content.decode_find_missing(request)
        function = self._function(asked.instance, asked.function)
        return content.encode_missing(
            digest
            for digest in dict.fromkeys(asked.digests)
            if not self._storage.has(function, checked(digest))
        )

    def batch_update(self, request: bytes) -> bytes:
        """BatchUpdateBlobs: each blob has a status of its own."""
        asked = content.decode_batch_update(request)
        function = self._function(asked.instance, asked.function)
        return content.encode_updated(
            (update.digest, self._update(function, update)) for update in asked.updates
        )

    def _update(self, function: str, update: content.Update) -> shared.Status:
        try:
            with self._storage.writer(function, checked(update.digest)) as writer:
                for part in self._decoded(iter([update.data]), update.compressor):
                    writer.add(part)
                writer.finish()
        except (WrongContentError, zstandard.ZstdError, RefusedError) as error:
            return status("INVALID_ARGUMENT", str(error))
        return shared.Status()

    def batch_read(self, request: bytes) -> bytes:
        """BatchReadBlobs."""
        asked = content.decode_batch_read(request)
        function = self._function(asked.instance, asked.function)
        if sum(digest.size for digest in asked.digests) > BATCH_LIMIT:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"more than {BATCH_LIMIT} bytes")
        compress = self._zstd and shared.ZSTD in asked.compressors
        return content.encode_batch_reads(
            self._read_one(function, checked(digest), compress) for digest in asked.digests
        )

    def _read_one(self, function: str, digest: Digest, compress: bool) -> content.BatchRead:
        data = self._storage.read(function, digest)
        if data is None:
            return content.BatchRead(digest, status=status("NOT_FOUND", "no such blob"))
        if not compress:
            return content.BatchRead(digest, data)
        return content.BatchRead(digest, zstandard.compress(data, 1), compressor=shared.ZSTD)

    def get_result(self, request: bytes) -> bytes:
        """GetActionResult; one whose outputs are not all there is not found."""
        asked = results.decode_get_result(request)
        function = self._function(asked.instance, asked.function)
        found = self._storage.read_result(function, checked(asked.action))
        if found is None or not self._is_complete(function, found):
            raise RefusedError(grpc.StatusCode.NOT_FOUND, "no such result")
        return found

    def update_result(self, request: bytes) -> bytes:
        """UpdateActionResult."""
        asked = results.decode_update_result(request)
        function = self._function(asked.instance, asked.function)
        results.decode_result(asked.result)
        self._storage.write_result(function, checked(asked.action), asked.result)
        return asked.result

    def _is_complete(self, function: str, encoded: bytes) -> bool:
        served = results.decode_result(encoded)
        blobs = [file.digest for file in served.result.files]
        blobs += [digest for digest in (served.stdout, served.stderr) if digest]
        for output in served.result.directories:
            tree = self._storage.read(function, checked(output.tree))
            if tree is None:
                return False
            root, children = decode_tree(tree)
            for directory in (root, *children):
                blobs += [file.digest for file in decode_directory(directory).files]
        return all(self._storage.has(function, checked(blob)) for blob in blobs)

    def read(self, request: bytes) -> Iterator[bytes]:
        """ByteStream.Read; a compressed blob is one zstd frame from its beginning."""
        asked = content.decode_read(request)
        resource = self._resource(asked.resource)
        digest = resource.digest
        if not self._storage.has(resource.function, digest):
            raise RefusedError(grpc.StatusCode.NOT_FOUND, "no such blob")
        if asked.offset < 0 or asked.limit < 0 or asked.offset > digest.size:
            raise RefusedError(grpc.StatusCode.OUT_OF_RANGE, "no such part of the blob")
        data = (self._storage.read(resource.function, digest) or b"")[asked.offset :]
        if resource.compressed:
            data = zstandard.compress(data, 1)
        elif asked.limit:
            data = data[: asked.limit]
        for start in range(0, len(data), CHUNK):
            yield content.encode_chunk(data[start : start + CHUNK])

    def write(self, requests: Iterator[bytes]) -> bytes:
        """ByteStream.Write; the answer comes at once when the blob is there already."""
        first = content.decode_write(next(requests, b""))
        resource = self._resource(first.resource)
        if self._storage.has(resource.function, resource.digest):
            return content.encode_committed(-1 if resource.compressed else resource.digest.size)
        received = Received(first, requests)
        compressor = shared.ZSTD if resource.compressed else shared.IDENTITY
        with self._storage.writer(resource.function, resource.digest) as writer:
            for part in self._decoded(iter(received), compressor):
                writer.add(part)
            writer.finish()
        return content.encode_committed(received.size)

    def _decoded(self, parts: Iterator[bytes], compressor: int) -> Iterator[bytes]:
        if compressor == shared.IDENTITY:
            yield from parts
        elif compressor == shared.ZSTD and self._zstd:
            decoder = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)
            for part in parts:
                yield decoder.decompress(part)
        else:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"no compressor {compressor}")

    def _check_instance(self, instance: str) -> None:
        if instance != self._instance:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"no instance {instance!r}")

    def _function(self, instance: str, number: int) -> str:
        """Return the name of the function; the default for hashes of this length is SHA-256."""
        self._check_instance(instance)
        for name in self._storage.functions:
            if shared.DIGEST_FUNCTIONS[name] == (number or shared.DIGEST_FUNCTIONS["sha256"]):
                return name
        raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"no digest function {number}")

    def _resource(self, name: str) -> Resource:
        found = _BLOB.fullmatch(name)
        if not found:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"no resource name: {name!r}")
        if found["compressor"] not in ({None, "zstd"} if self._zstd else {None}):
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"no {found['compressor']} here")
        number = shared.DIGEST_FUNCTIONS.get(found["function"] or "sha256", -1)
        return Resource(
            self._function(found["instance"] or "", number),
            checked(Digest(found["hash"], int(found["size"]))),
            found["compressor"] is not None,
        )


class Received:
    """The bytes of a Write in their order; iterating checks offsets and that the end is marked."""

    def __init__(self, first: content.WriteRequest, rest: Iterator[bytes]) -> None:
        """``first`` is the request that named the resource."""
        self._first = first
        self._rest = rest
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield the data of each request."""
        request = self._first
        while True:
            if request.offset != self.size:
                said = f"an upload begins at 0; offset {request.offset} follows {self.size} bytes"
                raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, said)
            self.size += len(request.data)
            yield request.data
            if request.finish:
                return
            following = next(self._rest, None)
            if following is None:
                raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "the upload was not finished")
            request = content.decode_write(following)


def checked(digest: Digest) -> Digest:
    """Return a digest that can be the name of a file."""
    if not re.fullmatch(f"[0-9a-f]{{{HASH_LENGTH}}}", digest.hash) or digest.size < 0:
        raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"no digest: {digest}")
    return digest


def status(name: str, text: str) -> shared.Status:
    """Return a ``Status`` by the name of its code."""
    return shared.Status(shared.CODES.index(name), text)


def refuse(context: grpc.ServicerContext, error: Exception) -> NoReturn:
    """End a call with the status that an error means."""
    if isinstance(error, RefusedError):
        context.abort(error.code, error.text)
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    raise AssertionError


MISTAKES = (RefusedError, WrongContentError, MalformedMessageError, zstandard.ZstdError)


def unary(call: Callable[[bytes], bytes]) -> grpc.RpcMethodHandler[bytes, bytes]:
    """Serve one answer to one request."""

    def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return call(request)
        except MISTAKES as error:
            refuse(context, error)

    return grpc.unary_unary_rpc_method_handler(handle)


def reading(call: Callable[[bytes], Iterator[bytes]]) -> grpc.RpcMethodHandler[bytes, bytes]:
    """Serve a stream of answers."""

    def handle(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        try:
            yield from call(request)
        except MISTAKES as error:
            refuse(context, error)

    return grpc.unary_stream_rpc_method_handler(handle)


def writing(call: Callable[[Iterator[bytes]], bytes]) -> grpc.RpcMethodHandler[bytes, bytes]:
    """Serve one answer to a stream of requests."""

    def handle(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        try:
            return call(requests)
        except MISTAKES as error:
            refuse(context, error)

    return grpc.stream_unary_rpc_method_handler(handle)


def serve(address: str, services: Services) -> grpc.Server:
    """Start a server at HOST:PORT; its threads end with ``stop``."""
    methods = {
        server.GET_CAPABILITIES: unary(services.capabilities),
        content.FIND_MISSING: unary(services.find_missing),
        content.BATCH_UPDATE: unary(services.batch_update),
        content.BATCH_READ: unary(services.batch_read),
        content.READ: reading(services.read),
        content.WRITE: writing(services.write),
        results.GET_RESULT: unary(services.get_result),
        results.UPDATE_RESULT: unary(services.update_result),
    }
    started = grpc.server(
        ThreadPoolExecutor(THREADS),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_LIMIT),
            ("grpc.max_send_message_length", MESSAGE_LIMIT),
            ("grpc.so_reuseport", 0),
        ],
    )
    for path, handler in methods.items():
        _, service, method = path.split("/")
        handlers = grpc.method_handlers_generic_handler(service, {method: handler})
        started.add_generic_rpc_handlers((handlers,))
    started.add_insecure_port(address)
    started.start()
    return started


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="reference_server", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--listen", default="127.0.0.1:8980", metavar="HOST:PORT")
    parser.add_argument("--digest", default="blake3", help="blake3, sha256, or both with a comma")
    parser.add_argument("--instance", default="")
    parser.add_argument("--zstd", action="store_true")
    options = parser.parse_args()
    functions = {name: DigestFunction(name) for name in options.digest.split(",")}
    storage = Storage(options.folder, functions)
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    started = serve(options.listen, Services(storage, instance=options.instance, zstd=options.zstd))
    with contextlib.suppress(KeyboardInterrupt):
        end.wait()
    started.stop(STOP_SECONDS).wait()


if __name__ == "__main__":
    main()
