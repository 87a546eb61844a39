from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store.remote.message_cases import CASES, HASH_A, HASH_B, MISSING

from unibuild.store import reapi
from unibuild.store.digests import Digest
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.remote import (
    messages,
    messages_assets,
    messages_content,
    messages_execution,
    messages_results,
    messages_server,
)
from unibuild.store.remote.messages import Packed, Status, Violation

GOLDEN: dict[str, str] = json.loads(
    Path(__file__).with_name("messages_golden.json").read_text(encoding="utf-8")
)
A = Digest(HASH_A, 300)
B = Digest(HASH_B, 2**40)
X = Packed("type.googleapis.com/x", b"\x01")

content, results, server = messages_content, messages_results, messages_server
execution, assets = messages_execution, messages_assets

# Name of a case: what it means, its encoder and its decoder (None: that way is not needed).
Codec = tuple[Any, Callable[[Any], bytes] | None, Callable[[bytes], Any] | None]
CODECS: dict[str, Codec] = {
    "status": (
        Status(
            9,
            "missing inputs",
            (
                Packed(messages.PRECONDITION_FAILURE, MISSING),
                Packed("type.googleapis.com/other", b""),
            ),
        ),
        messages.encode_status,
        messages.decode_status,
    ),
    "negative status": (Status(-1), messages.encode_status, messages.decode_status),
    "precondition failure": (
        (Violation("MISSING", f"blobs/{HASH_A}/12"), Violation("OTHER", "x", "why")),
        messages.encode_violations,
        messages.decode_violations,
    ),
    "find missing": (
        content.FindMissingRequest("main", (A, B), 9),
        content.encode_find_missing,
        content.decode_find_missing,
    ),
    "missing": ([B, A], content.encode_missing, content.decode_missing),
    "batch update": (
        content.BatchUpdateRequest(
            "main", (content.Update(A, b"x" * 300), content.Update(B, b"\x28\xb5\x2f\xfd", 1)), 1
        ),
        content.encode_batch_update,
        content.decode_batch_update,
    ),
    "updated": ([(A, Status()), (B, Status(8))], content.encode_updated, content.decode_updated),
    "batch read": (
        content.BatchReadRequest("main", (A, B), (1, 0), 9),
        content.encode_batch_read,
        content.decode_batch_read,
    ),
    "batch reads": (
        [
            content.BatchRead(A, b"abc"),
            content.BatchRead(B, b"", Status(5, "gone")),
            content.BatchRead(A, b"z", Status(), 1),
        ],
        content.encode_batch_reads,
        content.decode_batch_reads,
    ),
    "read": (
        content.ReadRequest(f"main/blobs/{HASH_A}/300", 7, 9),
        content.encode_read,
        content.decode_read,
    ),
    "chunk": (b"c" * 200, content.encode_chunk, content.decode_chunk),
    "first write": (
        content.WriteRequest(f"uploads/u/blobs/{HASH_A}/300", 0, False, b"d" * 200),
        content.encode_write,
        content.decode_write,
    ),
    "last write": (
        content.WriteRequest("", 2**33, True, b"e"),
        content.encode_write,
        content.decode_write,
    ),
    "committed": (300, content.encode_committed, content.decode_committed),
    "committed compressed": (-1, content.encode_committed, content.decode_committed),
    "query": ("uploads/u", content.encode_query, content.decode_query),
    "capabilities request": (
        "main",
        server.encode_capabilities_request,
        server.decode_capabilities_request,
    ),
    "capabilities": (
        server.ServerCapabilities(
            low=(2, 0),
            high=(2, 12),
            functions=(1, 9),
            update=True,
            batch_limit=4193280,
            compressors=(1,),
            update_compressors=(1, 2),
            blob_limit=2**40,
            cache=True,
            execution=True,
            executor_functions=(1, 9),
        ),
        server.encode_capabilities,
        server.decode_capabilities,
    ),
    "request metadata": (
        ("unibuild", "1.0", "i"),
        lambda said: server.encode_request_metadata(*said),
        None,
    ),
    "get result": (
        results.GetResultRequest("main", A, True, True, ("a", "b"), 9),
        results.encode_get_result,
        results.decode_get_result,
    ),
    "update result": (
        results.UpdateResultRequest(
            "main", A, reapi.encode_action_result(reapi.ActionResult(stdout=b"warning")), 1
        ),
        results.encode_update_result,
        results.decode_update_result,
    ),
    "served result": (
        results.ServedResult(
            reapi.ActionResult(
                (reapi.OutputFile("a", A, True), reapi.OutputFile("b", B)),
                (reapi.OutputDirectory("d", A, B),),
                3,
                b"out",
            ),
            stdout=A,
            stderr_raw=b"err",
            stderr=B,
            contents=(("a", b"inline"),),
            worker="w1",
            auxiliary=(X,),
        ),
        None,
        results.decode_result,
    ),
    "result with links": (
        results.ServedResult(reapi.ActionResult(), links=True),
        None,
        results.decode_result,
    ),
    "signed result": (
        reapi.ActionResult((reapi.OutputFile("a", A),)),
        lambda result: results.encode_result(result, (X._replace(value=b"\x01\x02"),)),
        lambda data: results.decode_result(data).result,
    ),
    "execute": (
        execution.ExecuteRequest("main", A, True, -5, 1, True, True, ("o",)),
        execution.encode_execute,
        execution.decode_execute,
    ),
    "operation name": (
        "operations/1",
        execution.encode_operation_name,
        execution.decode_operation_name,
    ),
    "cancelled operation": (
        "operations/1",
        execution.encode_operation_name,
        execution.decode_operation_name,
    ),
    "operation": (
        execution.Operation(
            "operations/1",
            Packed("type.googleapis.com/m", b"\x08\x03"),
            done=True,
            response=Packed("type.googleapis.com/r", b"\x10\x01"),
        ),
        execution.encode_operation,
        execution.decode_operation,
    ),
    "failed operation": (
        execution.Operation("o", done=True, error=Status(14, "no worker")),
        execution.encode_operation,
        execution.decode_operation,
    ),
    "execute metadata": (
        execution.ExecuteMetadata(execution.EXECUTING, A),
        execution.encode_execute_metadata,
        execution.decode_execute_metadata,
    ),
    "execute response": (
        execution.ExecuteResponse(
            reapi.encode_action_result(reapi.ActionResult(exit_code=1)),
            True,
            Status(4, "time"),
            "look here",
        ),
        execution.encode_execute_response,
        execution.decode_execute_response,
    ),
    "fetch blob": (
        assets.FetchBlobRequest(
            "main",
            ("pkg:generic/x@1", "https://example.test/x"),
            (("checksum.sri", "sha256-AAAA"),),
            30,
            1,
        ),
        assets.encode_fetch_blob,
        assets.decode_fetch_blob,
    ),
    "fetched blob": (
        assets.FetchBlobResponse(Status(5), "pkg:generic/x@1", (("a", "b"),), A, 1),
        assets.encode_fetched_blob,
        assets.decode_fetched_blob,
    ),
    "push blob": (
        assets.PushBlobRequest(
            "main", ("pkg:generic/x@1",), (("checksum.sri", "sha256-AAAA"),), A, 1
        ),
        assets.encode_push_blob,
        assets.decode_push_blob,
    ),
}
DECODERS = {decode for _, _, decode in CODECS.values() if decode is not None}


def test_every_case_has_golden_bytes_and_a_codec() -> None:
    assert set(CASES) == set(GOLDEN) == set(CODECS)


@pytest.mark.parametrize("name", [name for name, codec in CODECS.items() if codec[1]])
def test_bytes_are_those_of_the_protobuf_library(name: str) -> None:
    meant, encode, _ = CODECS[name]
    assert encode is not None
    assert encode(meant).hex() == GOLDEN[name]


@pytest.mark.parametrize("name", [name for name, codec in CODECS.items() if codec[2]])
def test_messages_of_the_protobuf_library_are_read(name: str) -> None:
    meant, _, decode = CODECS[name]
    assert decode is not None
    assert decode(bytes.fromhex(GOLDEN[name])) == meant


def test_repeated_numbers_are_read_packed_or_one_by_one() -> None:
    assert content.decode_batch_read(b"\x18\x01\x18\x00").compressors == (1, 0)
    assert content.decode_batch_read(b"\x1a\x02\x01\x00").compressors == (1, 0)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    for decode in DECODERS:
        try:
            decode(data)
        except MalformedMessageError:
            continue


@pytest.mark.parametrize("name", GOLDEN)
def test_half_a_message_is_malformed_or_shorter(name: str) -> None:
    whole, decode = bytes.fromhex(GOLDEN[name]), CODECS[name][2]
    for end in range(len(whole) if decode else 0):
        try:
            assert decode is not None
            decode(whole[:end])
        except MalformedMessageError:
            continue


def test_an_unknown_status_code_has_a_name() -> None:
    assert Status(5).name == "NOT_FOUND"
    assert Status(99).name == Status(-1).name == "UNKNOWN"
