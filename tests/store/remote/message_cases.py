"""Messages of the remote protocols in the plain words of their .proto files.

``CASES`` maps a name to (module, message, fields); ``regenerate_messages_golden.py`` has Google's
library encode them. Nested messages are dicts, repeated fields lists, bytes are written as such.
"""

from __future__ import annotations

from typing import Any

HASH_A = "a" * 64
HASH_B = "0123456789abcdef" * 4
A = {"hash": HASH_A, "size_bytes": 300}
B = {"hash": HASH_B, "size_bytes": 2**40}
MISSING = b"\n\x18\n\x07MISSING\x12\rblobs/aaaa/12"

EXECUTION = "build.bazel.remote.execution.v2.remote_execution"
ASSET = "build.bazel.remote.asset.v1.remote_asset"
BYTESTREAM = "google.bytestream.bytestream"
OPERATIONS = "google.longrunning.operations"
STATUS = "google.rpc.status"
DETAILS = "google.rpc.error_details"

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "status": (
        STATUS,
        "Status",
        {
            "code": 9,
            "message": "missing inputs",
            "details": [
                {
                    "type_url": "type.googleapis.com/google.rpc.PreconditionFailure",
                    "value": MISSING,
                },
                {"type_url": "type.googleapis.com/other", "value": b""},
            ],
        },
    ),
    "negative status": (STATUS, "Status", {"code": -1}),
    "precondition failure": (
        DETAILS,
        "PreconditionFailure",
        {
            "violations": [
                {"type": "MISSING", "subject": f"blobs/{HASH_A}/12"},
                {"type": "OTHER", "subject": "x", "description": "why"},
            ]
        },
    ),
    "find missing": (
        EXECUTION,
        "FindMissingBlobsRequest",
        {"instance_name": "main", "blob_digests": [A, B], "digest_function": 9},
    ),
    "missing": (EXECUTION, "FindMissingBlobsResponse", {"missing_blob_digests": [B, A]}),
    "batch update": (
        EXECUTION,
        "BatchUpdateBlobsRequest",
        {
            "instance_name": "main",
            "requests": [
                {"digest": A, "data": b"x" * 300},
                {"digest": B, "data": b"\x28\xb5\x2f\xfd", "compressor": 1},
            ],
            "digest_function": 1,
        },
    ),
    "updated": (
        EXECUTION,
        "BatchUpdateBlobsResponse",
        {"responses": [{"digest": A, "status": {}}, {"digest": B, "status": {"code": 8}}]},
    ),
    "batch read": (
        EXECUTION,
        "BatchReadBlobsRequest",
        {
            "instance_name": "main",
            "digests": [A, B],
            "acceptable_compressors": [1, 0],
            "digest_function": 9,
        },
    ),
    "batch reads": (
        EXECUTION,
        "BatchReadBlobsResponse",
        {
            "responses": [
                {"digest": A, "data": b"abc", "status": {}},
                {"digest": B, "status": {"code": 5, "message": "gone"}},
                {"digest": A, "data": b"z", "status": {}, "compressor": 1},
            ]
        },
    ),
    "read": (
        BYTESTREAM,
        "ReadRequest",
        {"resource_name": f"main/blobs/{HASH_A}/300", "read_offset": 7, "read_limit": 9},
    ),
    "chunk": (BYTESTREAM, "ReadResponse", {"data": b"c" * 200}),
    "first write": (
        BYTESTREAM,
        "WriteRequest",
        {"resource_name": f"uploads/u/blobs/{HASH_A}/300", "data": b"d" * 200},
    ),
    "last write": (
        BYTESTREAM,
        "WriteRequest",
        {"write_offset": 2**33, "finish_write": True, "data": b"e"},
    ),
    "committed": (BYTESTREAM, "WriteResponse", {"committed_size": 300}),
    "committed compressed": (BYTESTREAM, "WriteResponse", {"committed_size": -1}),
    "query": (BYTESTREAM, "QueryWriteStatusRequest", {"resource_name": "uploads/u"}),
    "capabilities request": (EXECUTION, "GetCapabilitiesRequest", {"instance_name": "main"}),
    "capabilities": (
        EXECUTION,
        "ServerCapabilities",
        {
            "cache_capabilities": {
                "digest_functions": [1, 9],
                "action_cache_update_capabilities": {"update_enabled": True},
                "max_batch_total_size_bytes": 4193280,
                "supported_compressors": [1],
                "supported_batch_update_compressors": [1, 2],
                "max_cas_blob_size_bytes": 2**40,
            },
            "execution_capabilities": {
                "digest_function": 1,
                "exec_enabled": True,
                "digest_functions": [1, 9],
            },
            "low_api_version": {"major": 2},
            "high_api_version": {"major": 2, "minor": 12},
        },
    ),
    "request metadata": (
        EXECUTION,
        "RequestMetadata",
        {
            "tool_details": {"tool_name": "unibuild", "tool_version": "1.0"},
            "tool_invocation_id": "i",
        },
    ),
    "get result": (
        EXECUTION,
        "GetActionResultRequest",
        {
            "instance_name": "main",
            "action_digest": A,
            "inline_stdout": True,
            "inline_stderr": True,
            "inline_output_files": ["a", "b"],
            "digest_function": 9,
        },
    ),
    "update result": (
        EXECUTION,
        "UpdateActionResultRequest",
        {
            "instance_name": "main",
            "action_digest": A,
            "action_result": {"stdout_raw": b"warning"},
            "digest_function": 1,
        },
    ),
    "served result": (
        EXECUTION,
        "ActionResult",
        {
            "output_files": [
                {"path": "a", "digest": A, "is_executable": True, "contents": b"inline"},
                {"path": "b", "digest": B},
            ],
            "output_directories": [
                {"path": "d", "tree_digest": A, "root_directory_digest": B},
            ],
            "exit_code": 3,
            "stdout_raw": b"out",
            "stdout_digest": A,
            "stderr_raw": b"err",
            "stderr_digest": B,
            "execution_metadata": {
                "worker": "w1",
                "queued_timestamp": {"seconds": 1763794800, "nanos": 5},
                "auxiliary_metadata": [{"type_url": "type.googleapis.com/x", "value": b"\x01"}],
            },
        },
    ),
    "result with links": (
        EXECUTION,
        "ActionResult",
        {"output_symlinks": [{"path": "l", "target": "/etc/passwd"}]},
    ),
    "signed result": (
        EXECUTION,
        "ActionResult",
        {
            "output_files": [{"path": "a", "digest": A}],
            "execution_metadata": {
                "auxiliary_metadata": [{"type_url": "type.googleapis.com/x", "value": b"\x01\x02"}]
            },
        },
    ),
    "execute": (
        EXECUTION,
        "ExecuteRequest",
        {
            "instance_name": "main",
            "skip_cache_lookup": True,
            "action_digest": A,
            "execution_policy": {"priority": -5},
            "digest_function": 1,
            "inline_stdout": True,
            "inline_stderr": True,
            "inline_output_files": ["o"],
        },
    ),
    "operation name": (EXECUTION, "WaitExecutionRequest", {"name": "operations/1"}),
    "cancelled operation": (OPERATIONS, "CancelOperationRequest", {"name": "operations/1"}),
    "operation": (
        OPERATIONS,
        "Operation",
        {
            "name": "operations/1",
            "metadata": {"type_url": "type.googleapis.com/m", "value": b"\x08\x03"},
            "done": True,
            "response": {"type_url": "type.googleapis.com/r", "value": b"\x10\x01"},
        },
    ),
    "failed operation": (
        OPERATIONS,
        "Operation",
        {"name": "o", "done": True, "error": {"code": 14, "message": "no worker"}},
    ),
    "execute metadata": (EXECUTION, "ExecuteOperationMetadata", {"stage": 3, "action_digest": A}),
    "execute response": (
        EXECUTION,
        "ExecuteResponse",
        {
            "result": {"exit_code": 1},
            "cached_result": True,
            "status": {"code": 4, "message": "time"},
            "message": "look here",
        },
    ),
    "fetch blob": (
        ASSET,
        "FetchBlobRequest",
        {
            "instance_name": "main",
            "timeout": {"seconds": 30},
            "uris": ["pkg:generic/x@1", "https://example.test/x"],
            "qualifiers": [{"name": "checksum.sri", "value": "sha256-AAAA"}],
            "digest_function": 1,
        },
    ),
    "fetched blob": (
        ASSET,
        "FetchBlobResponse",
        {
            "status": {"code": 5},
            "uri": "pkg:generic/x@1",
            "qualifiers": [{"name": "a", "value": "b"}],
            "blob_digest": A,
            "digest_function": 1,
        },
    ),
    "push blob": (
        ASSET,
        "PushBlobRequest",
        {
            "instance_name": "main",
            "uris": ["pkg:generic/x@1"],
            "qualifiers": [{"name": "checksum.sri", "value": "sha256-AAAA"}],
            "blob_digest": A,
            "digest_function": 1,
        },
    ),
}
