"""The Execution client against buildbox-casd's workers, with a proxy between for what casd never does."""

from __future__ import annotations

import asyncio
import threading
import time

from store.remote.engines import (
    INPUT,
    SHA256,
    Supply,
    done,
    execute,
    fresh,
    request,
)
from support import servers
from support.apart import apart
from support.fault_proxy import Calls, Fault

from unibuild.store.reapi import (
    Directory,
    FileNode,
    OutputFile,
    encode_directory,
)
from unibuild.store.remote.capabilities import negotiate
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.content import RemoteContent
from unibuild.store.remote.execution import (
    EVERYTHING,
    RemoteExecution,
)
from unibuild.store.remote.messages import (
    PRECONDITION_FAILURE,
    Packed,
    Status,
    Violation,
    encode_violations,
)
from unibuild.store.remote.messages_execution import (
    ExecuteResponse,
)
from unibuild.store.remote.requests import Executed
from unibuild.store.remote.settings import Connection


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
