"""Whoever is killed, at whatever moment: every question is answered and nothing is half-written."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import servers

from unibuild.store import gc
from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import Fetch, Fetched, Found, Lookup, Noted, Refused, Statistics
from unibuild.store.remote.settings import Connection, Remote

from .couriers import FUNCTION, Local, Made, fetch, linked, local, look_up, upload

ROUNDS = 15


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Local]:
    with local(tmp_path / "here") as opened:
        yield opened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd")) as running:
        yield running


def many(here: Local, count: int, mark: str = "") -> list[Made]:
    tree = here.tree({f"d/{n}": os.urandom(20_000) for n in range(30)})
    return [
        here.publication(
            f"{mark}{n}",
            {"o": b"%d" % n + os.urandom(700_000 if n % 20 == 0 else 2000)},
            (tree,) if n % 10 == 0 else (),
        )
        for n in range(count)
    ]


def notes(replies: list[object]) -> list[str]:
    return [reply.text for reply in replies if isinstance(reply, Noted)]


def refusals(replies: list[object]) -> list[Refused]:
    return [reply for reply in replies if isinstance(reply, Refused)]


def test_a_server_that_is_not_there_is_decided_on_at_once(here: Local) -> None:
    made = here.publication("x", {"o": b"1"})
    began = time.monotonic()
    with linked("grpc://127.0.0.1:9", here.root, upload=True) as link:
        assert look_up(link, made).result is None
        assert fetch(link, *made.blobs) == ()  # it is here
        link.ask(made.publish)
        statistics = link.finish(lambda _: None)
        (note,) = notes(link.replies())
    assert time.monotonic() - began < 4
    assert statistics.misses == 1
    assert "grpc://127.0.0.1:9 cannot be reached" in note
    assert "[cache.remote]" in note


def test_a_server_that_is_required_and_not_there_is_refused(here: Local) -> None:
    with linked("grpc://127.0.0.1:9", here.root, required=True) as link:
        assert look_up(link, here.publication("x", {"o": b"1"})).result is None
        (refused,) = refusals(link.replies())
    assert (refused.kind, refused.id) == ("HostError", "remote-required")
    assert refused.setting == "cache.remote.url"


def test_a_server_that_says_nothing_holds_nobody(here: Local) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with linked(f"grpc://127.0.0.1:{silent.getsockname()[1]}", here.root) as link:
            assert look_up(link, here.publication("x", {"o": b"1"})).result is None
            assert time.monotonic() - began < 4
            assert len(notes(link.replies())) == 1


def test_a_workspace_whose_digest_function_the_server_lacks_is_refused(
    server: servers.Server, tmp_path: Path
) -> None:
    with local(tmp_path / "blake3", "blake3") as other:
        made = other.publication("x", {"o": b"1"})
        with linked(server.url, other.root, "blake3") as link:
            assert look_up(link, made).result is None
            (refused,) = refusals(link.replies())
    assert (refused.kind, refused.id) == ("UserError", "remote-digest-function")
    assert 'digest = "sha256"' in refused.hint


def test_a_killed_courier_leaves_every_question_answered_and_nothing_half_written(
    server: servers.Server, here: Local, tmp_path: Path
) -> None:
    made = many(here, 60)
    assert upload(server.url, here, *made)[0].published == 60
    chance = random.Random(3)
    for round_number in range(ROUNDS):
        root = tmp_path / f"there{round_number}"
        with linked(server.url, root) as link:
            for token, one in enumerate(made):
                link.ask(Lookup(token, one.action))
                link.ask(Fetch(1000 + token, one.blobs))
            link.flush()
            time.sleep(chance.uniform(0, 0.4))
            if link.pid:
                os.kill(link.pid, signal.SIGKILL)
            answers = []
            for token in range(60):
                answers += [link.wait(token), link.wait(1000 + token)]
            assert all(isinstance(answer, Found | Fetched) for answer in answers)
            link.ask(Lookup(5000, made[0].action))
            assert link.wait(5000) == Found(5000, None)
            link.finish(lambda _: None)
            assert len(notes(link.replies())) == 1
        assert gc.verify(str(root)) == ()
        with local(root) as there:  # what was said to be there is there; the next build goes well
            for one, answer in zip(made, answers[1::2], strict=True):
                assert isinstance(answer, Fetched)
                for item in one.result.files:
                    if item.digest not in answer.missing:
                        assert there.cache.content.file(item.digest) is not None
            with linked(server.url, root) as link:
                assert fetch(link, *[blob for one in made for blob in one.blobs]) == ()
            assert there.notes == []


def test_a_killed_server_is_a_miss_and_one_note(here: Local, tmp_path: Path) -> None:
    chance = random.Random(4)
    with servers.casd(tmp_path / "casd") as server:
        made = many(here, 60)
        assert upload(server.url, here, *made)[0].published == 60
        for round_number in range(4):
            root = tmp_path / f"there{round_number}"
            fresh = many(here, 40, f"r{round_number}-")
            with linked(server.url, root, upload=True, timeout=5) as link:
                for token, one in enumerate(made):
                    link.ask(Lookup(token, one.action))
                    link.ask(Fetch(1000 + token, one.blobs))
                for one in fresh:
                    link.ask(one.publish)
                link.flush()
                time.sleep(chance.uniform(0, 0.3))
                server.kill()
                for token in range(60):
                    link.wait(token)
                    link.wait(1000 + token)
                link.finish(lambda _: None)
                assert len(notes(link.replies())) <= 1
            assert gc.verify(str(root)) == ()
            server.start()
        with linked(server.url, tmp_path / "last", upload=True) as link:
            missing = fetch(link, *[blob for one in made for blob in one.blobs])
            assert missing == ()


BUILD_SIDE = """
import json, sys
from pathlib import Path
from unibuild.store.digests import Digest
from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import Blob, Fetch, Lookup
from unibuild.store.remote.settings import Connection, Remote
url, root, questions = sys.argv[1:]
link = Link.start(Remote(Connection(url)), root, "sha256")
for token, (hash_text, size, tree) in enumerate(json.loads(Path(questions).read_text())):
    link.ask(Fetch(token, (Blob(Digest(hash_text, size), tree=tree),)))
link.flush()
print(link.pid, flush=True)
link.finish(lambda _: None)
link.wait(0)
"""


def test_a_killed_build_takes_its_courier_with_it(
    server: servers.Server, here: Local, tmp_path: Path
) -> None:
    made = many(here, 60)
    assert upload(server.url, here, *made)[0].published == 60
    questions = tmp_path / "questions"
    blobs = [blob for one in made for blob in one.blobs]
    questions.write_text(json.dumps([[*blob.digest, blob.tree] for blob in blobs]))
    chance = random.Random(5)
    for round_number in range(ROUNDS):
        root = tmp_path / f"there{round_number}"
        command = [sys.executable, "-c", BUILD_SIDE, server.url, str(root), str(questions)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as build:
            assert build.stdout is not None
            courier = int(build.stdout.readline())
            time.sleep(chance.uniform(0, 0.4))
            build.kill()
        deadline = time.monotonic() + 5
        while os.path.exists(f"/proc/{courier}") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not os.path.exists(f"/proc/{courier}")
        assert gc.verify(str(root)) == ()
        with local(root) as there:
            assert len(os.listdir(root / "sessions")) == 1  # its own: the dead ones are gone
            assert there.notes == []


def test_statistics_come_now_and_then_and_finish_waits(server: servers.Server, here: Local) -> None:
    told: list[Statistics] = []
    with linked(server.url, here.root, upload=True) as link:
        for one in many(here, 200, "statistics"):
            link.ask(one.publish)
        statistics = link.finish(told.append)
        assert link.replies() == []
    assert statistics.published == 200
    assert statistics.pending == 0
    assert statistics.wire_sent > statistics.uploaded_bytes > 0
    assert all(earlier.uploaded <= later.uploaded for earlier, later in itertools.pairwise(told))


def test_nothing_is_asked_of_a_link_that_is_closed_twice(here: Local) -> None:
    link = Link.start(Remote(Connection("grpc://127.0.0.1:9")), str(here.root), FUNCTION)
    link.close()
    link.close()
    assert link.replies() == []
    assert link.pid == 0
