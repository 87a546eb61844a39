"""What an engine may answer, and casd never does: a proxy answers in its stead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from store.remote.engines import (
    INPUT,
    SHA256,
    done,
    execute,
    fresh,
    request,
)
from support.fault_proxy import Calls, Fault

from unibuild.store.digests import Digest
from unibuild.store.protobuf import blob, message
from unibuild.store.reapi import (
    ActionResult,
    OutputFile,
    encode_action_result,
    encode_digest,
)
from unibuild.store.remote.execution import (
    EVERYTHING,
    lost_inputs,
    output_paths,
)
from unibuild.store.remote.messages import (
    PRECONDITION_FAILURE,
    Packed,
    Status,
    Violation,
    encode_violations,
)
from unibuild.store.remote.messages_execution import (
    EXECUTE_RESPONSE,
    ExecuteResponse,
    Operation,
    decode_execute,
    encode_operation,
)


@pytest.mark.parametrize("code", [14, 10, 8, 13])
def test_an_action_whose_worker_was_lost_runs_again(proxy: Calls, code: int) -> None:
    lost = ExecuteResponse(status=Status(code, "the worker is gone"))
    proxy.faults["Execute"] = Fault(answer=lambda _: [done(lost)], times=1)
    outcome = execute(proxy.url, request(fresh("echo done")))
    assert outcome.result.stdout == b"done\n"
    assert proxy.counts["Execute"] == 2


def test_workers_that_are_lost_for_ever_are_given_up(proxy: Calls) -> None:
    lost = ExecuteResponse(status=Status(14, "the worker is gone"))
    proxy.faults["Execute"] = Fault(answer=lambda _: [done(lost)])
    outcome = execute(proxy.url, request(fresh("echo done")))
    assert outcome.executed.why == "UNAVAILABLE the worker is gone"
    assert proxy.counts["Execute"] == 3


def test_a_refusal_is_final(proxy: Calls) -> None:
    refused = ExecuteResponse(status=Status(3, "no such platform"))
    proxy.faults["Execute"] = Fault(answer=lambda _: [done(refused)])
    outcome = execute(proxy.url, request("echo done"))
    assert outcome.executed.why == "INVALID_ARGUMENT no such platform"
    assert proxy.counts["Execute"] == 1


@pytest.mark.parametrize(
    "remembered",
    [ActionResult(exit_code=1), ActionResult(stdout=b"no output")],
    ids=["failed", "lacks an output"],
)
def test_a_poor_result_that_the_engine_remembers_is_not_taken(
    proxy: Calls, remembered: ActionResult
) -> None:
    seen = []

    def answer(requests: Sequence[bytes]) -> list[bytes]:
        seen.append(decode_execute(requests[0]))
        result = remembered
        if seen[-1].skip_cache_lookup:
            result = ActionResult((OutputFile("out", SHA256.of(b"")),), (), 0, b"new")
        return [done(ExecuteResponse(encode_action_result(result), not seen[-1].skip_cache_lookup))]

    proxy.faults["Execute"] = Fault(answer=answer)
    outcome = execute(proxy.url, request("true", "out"), priority=-3)
    assert outcome.result.stdout == b"new"
    assert [one.skip_cache_lookup for one in seen] == [False, True]
    assert {(one.priority, one.inline_files) for one in seen} == {(-3, ("out",))}


def test_an_action_can_be_asked_for_again(proxy: Calls) -> None:
    seen = []

    def remember(encoded: bytes) -> bytes:
        seen.append(decode_execute(encoded).skip_cache_lookup)
        return encoded

    proxy.faults["Execute"] = Fault(rewrite_request=remember)
    execute(proxy.url, request("echo done")._replace(again=True))
    assert seen == [True]


def inline(contents: bytes) -> Callable[[bytes], bytes]:
    """Return a change of the last reply: the output comes along, with these contents."""
    output = message(1, b"out") + message(2, encode_digest(SHA256.of(INPUT))) + message(5, contents)
    response = ExecuteResponse(message(2, output))
    return lambda reply: done(response) if len(reply) > 100 else reply


def test_outputs_that_come_along_are_kept(proxy: Calls) -> None:
    proxy.faults["Execute"] = Fault(rewrite=inline(INPUT))
    outcome = execute(proxy.url, request("cat input >out", "out"))
    assert outcome.kept == [INPUT]
    assert outcome.result.files == (OutputFile("out", SHA256.of(INPUT)),)


def test_outputs_that_come_along_are_hashed_first(proxy: Calls) -> None:
    proxy.faults["Execute"] = Fault(rewrite=inline(b"the output\n"))
    outcome = execute(proxy.url, request("cat input >out", "out"))
    assert outcome.kept == []
    assert outcome.read == {SHA256.of(INPUT): INPUT}


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xff",
        encode_operation(Operation("x", None, True)),
        encode_operation(Operation("x", None, True, None, Packed(EXECUTE_RESPONSE, b"\xff"))),
        done(ExecuteResponse()),
        done(ExecuteResponse(b"\x0a")),
        done(ExecuteResponse(message(2, message(1, b"../out")))),
        done(ExecuteResponse(blob(2, blob(1, b"out") + blob(2, blob(1, b"../../x"))))),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_result(proxy: Calls, answer: bytes) -> None:
    proxy.faults["Execute"] = Fault(answer=lambda _: [answer])
    outcome = execute(proxy.url, request("true", "out"))
    assert outcome.executed.result is None
    assert outcome.executed.why


def test_the_subjects_of_missing_inputs() -> None:
    digest = SHA256.of(INPUT)

    def lost(*subjects: str, kind: str = "MISSING") -> frozenset[Digest]:
        failure = encode_violations([Violation(kind, subject) for subject in subjects])
        return lost_inputs(Status(9, "", (Packed(PRECONDITION_FAILURE, failure),)))

    assert lost(f"blobs/{digest.hash}/{digest.size}") == {digest}
    assert lost(f"blobs/blake3/{digest.hash}/{digest.size}") == {digest}
    assert lost("blobs/nonsense/1") == EVERYTHING
    assert lost(f"blobs/{digest.hash}/x") == EVERYTHING
    assert lost("") == EVERYTHING
    assert lost(f"blobs/{digest.hash}/1", kind="OTHER") == EVERYTHING
    assert lost_inputs(Status(9)) == EVERYTHING


def test_output_paths_are_those_of_the_command() -> None:
    assert output_paths(request("true", "b", "a/c").command) == ("a/c", "b")
