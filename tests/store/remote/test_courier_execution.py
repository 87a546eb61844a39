"""Actions run on a real engine: inputs go there, outputs come back, and what is lost is named."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import servers

from unibuild.store.digests import Digest
from unibuild.store.merkle import Entry, input_root
from unibuild.store.reapi import decode_action_result, encode_action, encode_command
from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import Blob, Cancel, Execute, Executed, Input, Noted
from unibuild.store.remote.settings import Connection, Remote

from .couriers import FUNCTION, Local, fetch, local

SCRIPT = (
    "cat unibuild-gen/a.txt unibuild-gen/tree/sub/b.txt > unibuild-out/o.txt && "
    "mkdir -p unibuild-out/made/deep && cp unibuild-gen/a.txt unibuild-out/made/deep/x && "
    "cd unibuild-out/made && mkdir c b a && echo -n A | tee c/1 >a/3 && >b/2 && "
    "ln -s deep/x link && echo said"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd"), execution=True) as running:
        yield running


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Local]:
    with local(tmp_path / "here") as opened:
        yield opened


@pytest.fixture
def link(server: servers.Server, here: Local) -> Iterator[Link]:
    connection = Connection(server.url)
    linked = Link.start(Remote(connection, connection), str(here.root), FUNCTION)
    yield linked
    linked.close()


def request(
    here: Local, script: str, token: int = 1, timeout: int = 0, text: bytes = b"A"
) -> Execute:
    of = here.cache.function.of
    tree = here.tree({"sub/b.txt": b"B", "run.sh": b"#!/bin/sh\n"})
    a = here.file(text)
    root, messages = input_root(
        [
            Entry("unibuild-gen/a.txt", a),
            Entry("unibuild-gen/tree", tree.root, tree=True),
            Entry("unibuild-out/.keep", here.file(b"")),
        ],
        here.cache.function,
    )
    outputs = ["unibuild-out/o.txt", "unibuild-out/made"]
    command = encode_command(["/bin/sh", "-c", script], (), outputs)
    action = encode_action(of(command), root, timeout=timeout)
    inputs = (Input(a), Input(tree.root, tree.tree), Input(here.file(b"")))
    return Execute(token, action, command, tuple(messages.values()), inputs, timeout)


def run(link: Link, execute: Execute) -> Executed:
    link.ask(execute)
    reply = link.wait(execute.token)
    assert isinstance(reply, Executed)
    return reply


def test_outputs_are_those_of_the_action(link: Link, here: Local) -> None:
    executed = run(link, request(here, SCRIPT))
    assert executed.result is not None, executed
    result = decode_action_result(executed.result)
    assert (result.exit_code, result.stdout) == (0, b"said\n")
    (file,) = result.files
    assert file.digest == here.cache.function.of(b"AB")
    (made,) = result.directories
    expected = here.tree({"deep/x": b"A", "c/1": b"A", "b/2": b"", "a/3": b"A"}, {"link": "deep/x"})
    assert (made.tree, made.root) == (expected.tree, expected.root)
    blobs = (Blob(file.digest), Blob(made.tree, tree=True, root=made.root))
    assert fetch(link, *blobs) == ()
    assert here.cache.content.read(file.digest) == b"AB"
    assert here.cache.trees.directory(made.tree) is not None
    wrong = Blob(made.tree, tree=True, root=Digest("0" * 64, 3))
    assert fetch(link, wrong, token=9) == (made.tree,)
    assert link.finish(lambda _: None).executed == 1


def test_an_action_may_fail(link: Link, here: Local) -> None:
    executed = run(link, request(here, "echo no >&2; exit 3"))
    assert executed.result is not None, executed
    result = decode_action_result(executed.result)
    assert (result.exit_code, result.stdout) == (3, b"no\n")


def test_inputs_that_nobody_has_are_named(link: Link, here: Local) -> None:
    execute = request(here, SCRIPT, text=b"soon gone")
    gone = execute.inputs[0].digest
    Path(here.cache.content.path(gone)).unlink()
    executed = run(link, execute)
    assert (executed.result, executed.missing) == (None, (gone,))


def test_an_action_that_takes_too_long_is_ended(link: Link, here: Local) -> None:
    executed = run(link, request(here, "sleep 30", timeout=1))
    assert executed.timed_out or executed.result is None


def test_a_cancelled_execution_is_answered_at_once(link: Link, here: Local) -> None:
    for token in (5, 6, 7):  # before there is a connection, and in the very moment of asking
        began = time.monotonic()
        link.ask(request(here, f"sleep 2{token}", token=token))
        link.ask(Cancel(token))
        executed = link.wait(token)
        assert isinstance(executed, Executed)
        assert executed.result is None
        assert time.monotonic() - began < 10
    link.ask(request(here, "sleep 20", token=8))
    link.flush()
    time.sleep(0.5)
    began = time.monotonic()
    link.ask(Cancel(8))
    assert getattr(link.wait(8), "result", b"") is None
    assert time.monotonic() - began < 10
    assert [reply for reply in link.replies() if isinstance(reply, Noted)] == []
