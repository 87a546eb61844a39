"""The Execution client against buildbox-casd's workers, with a proxy between for what casd never does."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import fault_proxy, servers
from support.apart import apart
from support.fault_proxy import Calls, Fault

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.merkle import Entry
from unibuild.store.protobuf import blob, message
from unibuild.store.reapi import (
    ActionResult,
    Directory,
    FileNode,
    OutputFile,
    decode_action_result,
    encode_action,
    encode_action_result,
    encode_command,
    encode_digest,
    encode_directory,
)
from unibuild.store.remote.capabilities import negotiate
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.content import RemoteContent
from unibuild.store.remote.execution import (
    EVERYTHING,
    RemoteExecution,
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
    encode_execute_response,
    encode_operation,
)
from unibuild.store.remote.requests import Execute, Executed
from unibuild.store.remote.settings import Connection

SHA256 = DigestFunction("sha256")
INPUT = b"the input\n"
ENVIRONMENT = (("PATH", "/usr/bin:/bin"),)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    if not servers.have_bubblewrap():
        pytest.skip("bubblewrap is not installed, which casd's workers need")
    with servers.casd(tmp_path_factory.mktemp("casd"), execution=True) as server:
        yield server


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[servers.Server]:
    """An engine that may be killed; the mounts that its workers leave behind then are removed."""
    if not servers.have_bubblewrap():
        pytest.skip("bubblewrap is not installed, which casd's workers need")
    with servers.casd(tmp_path / "casd", execution=True) as server:
        yield server
    for line in Path("/proc/self/mounts").read_text().splitlines():
        place = line.split()[1]
        if place.startswith(f"{tmp_path}/"):
            command = ["umount", "--lazy"] if os.geteuid() == 0 else ["fusermount3", "-u", "-z"]
            subprocess.run([*command, place], check=True)


@pytest.fixture
def proxy(engine: servers.Server) -> Iterator[Calls]:
    with fault_proxy.calls(engine.url) as calls:
        yield calls


@dataclass
class Supply:
    """Uploads what a request needs from memory; ``forgets`` are not sent unless they are asked for."""

    content: RemoteContent
    blobs: dict[Digest, bytes]
    forgets: set[Digest] = field(default_factory=set)
    asked: list[frozenset[Digest]] = field(default_factory=list)

    async def supply(
        self, request: Execute, lost: frozenset[Digest] = frozenset()
    ) -> tuple[Digest, ...]:
        self.asked.append(lost)
        if lost:
            self.forgets = set()
        messages = (request.action, request.command, *request.directories)
        wanted = {SHA256.of(data): data for data in messages} | self.blobs
        missing = await self.content.find_missing({*wanted, *(item[0] for item in request.inputs)})
        await self.content.write(
            {d: wanted[d] for d in missing if d in wanted and d not in self.forgets}
        )
        return tuple(missing - set(wanted))


def request(
    script: str,
    *outputs: str,
    timeout: int = 60,
    inputs: dict[str, bytes] | None = None,
    token: int = 7,
) -> Execute:
    """Return an action whose shell comes from the workers' own mounts."""
    inputs = {"input": INPUT} if inputs is None else inputs
    root = encode_directory(
        Directory(tuple(FileNode(name, SHA256.of(data)) for name, data in inputs.items()))
    )
    command = encode_command(("/bin/sh", "-c", script), ENVIRONMENT, outputs)
    action = encode_action(SHA256.of(command), SHA256.of(root), (), timeout)
    needed = tuple(Entry(name, SHA256.of(data)).digest for name, data in inputs.items())
    from unibuild.store.remote.requests import Input

    return Execute(token, action, command, (root,), tuple(Input(d) for d in needed), timeout)


@dataclass
class Outcome:
    """What came of an execution, and what was seen of it."""

    executed: Executed
    asked: list[frozenset[Digest]]
    kept: list[bytes]
    seconds: float
    read: dict[Digest, bytes]

    @property
    def result(self) -> ActionResult:
        assert self.executed.result is not None, self.executed.why
        return decode_action_result(self.executed.result)


def execute(
    url: str,
    wanted: Execute,
    *,
    forgets: Sequence[bytes] = (),
    meanwhile: Callable[[RemoteExecution], object] | None = None,
    after: float = 0.5,
    blobs: Sequence[bytes] = (INPUT,),
    **options: Any,
) -> Outcome:
    """Run ``wanted`` on the engine, in a process of its own."""

    async def work() -> Outcome:
        channel = Channel(Connection(url, timeout=10, setting="execution.remote"))
        capabilities = await negotiate(channel, "sha256", execution=True)
        content = RemoteContent(channel, capabilities, SHA256, note=lambda _: None)
        supply = Supply(content, {SHA256.of(b): b for b in blobs}, {SHA256.of(b) for b in forgets})
        kept: list[bytes] = []
        remote = RemoteExecution(
            channel, SHA256, content, supply,
            **{"jobs": 4, "priority": 0, "keep": kept.append, **options},
        )  # fmt: skip
        began = time.monotonic()
        if meanwhile is not None:
            asyncio.get_running_loop().call_later(after, meanwhile, remote)
        executed = await remote.execute(wanted)
        seconds = time.monotonic() - began
        read: dict[Digest, bytes] = {}
        if executed.result is not None:
            result = decode_action_result(executed.result)
            read = dict(await content.read([item.digest for item in result.files]))
        await channel.close()
        return Outcome(executed, supply.asked, kept, seconds, read)

    return apart(work)


def done(response: ExecuteResponse, name: str = "operation") -> bytes:
    packed = Packed(EXECUTE_RESPONSE, encode_execute_response(response))
    return encode_operation(Operation(name, None, True, None, packed))


def fresh(script: str) -> str:
    """Return a script that no engine has run before."""
    return f": {time.monotonic_ns()}; {script}"


def test_an_action_runs_with_its_inputs_and_leaves_its_outputs(engine: servers.Server) -> None:
    script = "cat input >out/copy; chmod +x out/copy; mkdir out/tree; echo 1 >out/tree/one; pwd"
    outcome = execute(engine.url, request(fresh(f"mkdir -p out; {script}"), "out/copy", "out/tree"))
    (copy,), (tree,) = outcome.result.files, outcome.result.directories
    assert copy == OutputFile("out/copy", SHA256.of(INPUT), True)
    assert outcome.read == {copy.digest: INPUT}
    one = encode_directory(Directory((FileNode("one", SHA256.of(b"1\n")),)))
    assert (tree.path, tree.root) == ("out/tree", SHA256.of(one))
    assert outcome.result.stdout == b"/\n"
    assert outcome.asked == [frozenset()]


def test_a_failure_is_a_result_too(engine: servers.Server) -> None:
    outcome = execute(engine.url, request(fresh("echo out; echo error >&2; exit 3"), "out"))
    assert outcome.result.exit_code == 3
    assert outcome.result.stdout == b"out\nerror\n"


def test_an_action_that_takes_too_long_is_ended(engine: servers.Server) -> None:
    outcome = execute(engine.url, request(fresh("echo begun; sleep 30"), timeout=1))
    assert outcome.executed.timed_out
    assert outcome.seconds < 10


def test_a_stream_that_breaks_is_taken_up_again(proxy: Calls) -> None:
    proxy.faults["Execute"] = Fault(status="UNAVAILABLE", after_replies=1)
    outcome = execute(proxy.url, request(fresh("sleep 1; echo done")))
    assert outcome.result.stdout == b"done\n"
    assert (proxy.counts["Execute"], proxy.counts["WaitExecution"]) == (1, 1)


def test_streams_that_break_again_and_again_are_given_up(proxy: Calls) -> None:
    for method in ("Execute", "WaitExecution"):
        proxy.faults[method] = Fault(status="UNAVAILABLE", after_replies=1)
        proxy.faults[method].status = "UNAVAILABLE"
    proxy.faults["WaitExecution"].after_replies = None
    outcome = execute(proxy.url, request(fresh("sleep 2")))
    assert outcome.executed.result is None
    assert "UNAVAILABLE" in outcome.executed.why


def test_an_operation_that_nobody_knows_any_more_is_begun_again(proxy: Calls) -> None:
    proxy.faults["Execute"] = Fault(status="UNAVAILABLE", after_replies=1, times=1)
    proxy.faults["WaitExecution"] = Fault(status="NOT_FOUND", times=1)
    outcome = execute(proxy.url, request(fresh("echo done")))
    assert outcome.result.stdout == b"done\n"
    assert proxy.counts["Execute"] == 2
    assert outcome.asked == [frozenset(), EVERYTHING]


def test_an_engine_that_is_killed_and_comes_back_runs_it_again(mortal: servers.Server) -> None:
    over = threading.Event()

    def crash() -> None:
        mortal.kill()
        mortal.start()
        over.wait()  # the server ends with the thread that started it

    timer = threading.Timer(1.0, crash)
    timer.start()
    outcome = execute(mortal.url, request(fresh("sleep 2; echo done")))
    over.set()
    timer.join()
    assert outcome.result.stdout == b"done\n"


def test_an_engine_that_stays_away_is_told(mortal: servers.Server) -> None:
    timer = threading.Timer(1.0, mortal.kill)
    timer.start()
    outcome = execute(mortal.url, request(fresh("sleep 20")))
    timer.join()
    assert outcome.executed.result is None
    assert "UNAVAILABLE" in outcome.executed.why
    assert outcome.seconds < 20


def test_an_input_that_casd_lost_is_sent_again(engine: servers.Server) -> None:
    data = b"input %d" % time.monotonic_ns()
    outcome = execute(
        engine.url,
        request("cat input", inputs={"input": data}),
        forgets=[data],
        blobs=[data],
    )
    assert outcome.result.stdout == data
    assert outcome.asked == [frozenset(), EVERYTHING]


def test_an_input_that_an_engine_names_as_missing_is_sent_again(proxy: Calls) -> None:
    digest = SHA256.of(INPUT)
    failure = encode_violations([Violation("MISSING", f"blobs/{digest.hash}/{digest.size}")])
    status = Status(9, "missing", (Packed(PRECONDITION_FAILURE, failure),))
    proxy.faults["Execute"] = Fault(
        answer=lambda _: [done(ExecuteResponse(status=status))], times=1
    )
    outcome = execute(proxy.url, request(fresh("cat input")))
    assert outcome.result.stdout == INPUT
    assert outcome.asked == [frozenset(), frozenset({digest})]


def test_an_engine_that_loses_inputs_for_ever_is_given_up(proxy: Calls) -> None:
    proxy.faults["Execute"] = Fault(status="FAILED_PRECONDITION", detail="no input")
    outcome = execute(proxy.url, request(fresh("cat input")))
    assert outcome.executed.why == "FAILED_PRECONDITION no input"
    assert outcome.asked == [frozenset(), EVERYTHING]


def test_an_input_that_nobody_has_is_named(engine: servers.Server) -> None:
    gone = b"gone %d" % time.monotonic_ns()
    outcome = execute(engine.url, request("cat input", inputs={"input": gone}))
    assert outcome.executed.result is None
    assert outcome.executed.missing == (SHA256.of(gone),)


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


def test_a_cancelled_action_is_given_up_on_the_engine_too(proxy: Calls) -> None:
    outcome = execute(
        proxy.url, request(fresh("sleep 30")), meanwhile=lambda remote: remote.cancel(7)
    )
    assert outcome.executed == Executed(7, None, "it was cancelled")
    assert outcome.seconds < 5
    assert proxy.counts["CancelOperation"] == 1


def test_a_long_silence_is_looked_into_and_borne(proxy: Calls) -> None:
    outcome = execute(proxy.url, request(fresh("sleep 3; echo done")), listening=0.8)
    assert outcome.result.stdout == b"done\n"
    assert proxy.counts["Execute"] == 1
    assert proxy.counts["WaitExecution"] >= 2
    assert proxy.counts["GetCapabilities"] >= 3


def test_an_engine_that_hangs_is_given_up(proxy: Calls) -> None:
    def hang(_: object) -> None:
        proxy.faults["*"] = Fault(hang=True)

    proxy.faults["Execute"] = Fault(meanwhile=lambda: hang(None), hang=True)
    outcome = execute(proxy.url, request(fresh("true")), listening=0.5)
    assert outcome.executed.result is None
    assert "DEADLINE_EXCEEDED" in outcome.executed.why
    assert outcome.seconds < 30


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


def test_actions_beyond_the_jobs_wait_here(engine: servers.Server) -> None:
    async def work() -> list[float]:
        channel = Channel(Connection(engine.url))
        capabilities = await negotiate(channel, "sha256", execution=True)
        content = RemoteContent(channel, capabilities, SHA256, note=lambda _: None)
        supply = Supply(content, {SHA256.of(INPUT): INPUT})
        remote = RemoteExecution(
            channel, SHA256, content, supply, jobs=1, priority=0, keep=lambda _: None
        )
        began = time.monotonic()
        ends = []

        async def one(token: int) -> None:
            executed = await remote.execute(request(fresh("sleep 1"), token=token))
            assert executed.result is not None
            ends.append(time.monotonic() - began)

        await asyncio.gather(one(1), one(2))
        await channel.close()
        return ends

    first, second = apart(work)
    assert second - first > 0.9


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
