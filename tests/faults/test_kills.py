"""``kill -9`` and Ctrl-C at random moments: the next build is right, nothing is half-written."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from faults.conftest import Join
from faults.raw import raw
from faults.teamwork import Client, complete_results_only, left_behind, processes_with, scratch_left
from support import servers
from support.fault_proxy import Calls, Fault, calls

from unibuild.store import gc

ROUNDS = 100
SLOWER = 0.02
"""Seconds that each upload is held, so that more kills hit one."""

BUILD = """\
[genrule.large]
srcs = ["text.txt"]
outs = ["large.bin"]
cmd = "awk '{for (i = 0; i < 80000; i++) print}' $< > $@"

[genrule.folder]
srcs = ["text.txt"]
outs = ["folder/"]
cmd = "mkdir -p $@/below; cp $< $@/below/a; cp $< $@/b; chmod 755 $@/b"

[genrule.end]
srcs = ["//:folder", "//:large"]
outs = ["end.txt"]
cmd = "cat unibuild-gen/folder/b > $@; sha256sum < $(location //:large) >> $@"

[filegroup.whole]
srcs = ["//:end", "//:folder", "//:large"]
"""


@dataclass
class Team:
    """A client that uploads through a proxy that looks at each result."""

    client: Client
    proxy: Calls
    server: servers.Server
    incomplete: list[str] = field(default_factory=list)
    rounds: int = 0

    def edit(self) -> str:
        """Give everything something to do; return the new text."""
        self.rounds += 1
        text = f"round {self.rounds}\n"
        self.client.edit(text)
        return text

    def check(self, text: str, *, thorough: bool = True) -> None:
        """Build, and look at everything that a kill may have spoilt."""
        assert wait_until(lambda: processes_with(str(self.client.cache)) == [])
        done = self.client.build()
        assert done.code == 0, done.err
        assert done.warnings == [], done.err
        self.look(text, thorough=thorough)

    def look(self, text: str, *, thorough: bool = True) -> None:
        """Check outputs, caches and processes after a build."""
        out = self.client.root / "unibuild-out"
        assert (out / "end.txt").read_text(encoding="ascii").startswith(text)
        assert (out / "large.bin").read_bytes() == text.encode() * 80_000
        assert (out / "folder/below/a").read_text(encoding="ascii") == text
        assert self.incomplete == []
        assert scratch_left(self.client) == []
        if thorough:
            assert left_behind(self.client) == []


@pytest.fixture(scope="module")
def team(join: Join, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with (
        servers.casd(tmp_path_factory.mktemp("casd")) as server,
        calls(server.url) as proxy,
        raw(server.url) as direct,
    ):
        client = join()
        client.write({"BUILD.toml": BUILD})
        client.configure(proxy.url, upload=True)
        team = Team(client, proxy, server)
        look = complete_results_only(direct, team.incomplete)
        proxy.faults = {
            "UpdateActionResult": Fault(rewrite_request=look, delay=SLOWER),
            "BatchUpdateBlobs": Fault(delay=SLOWER),
            "Write": Fault(delay=SLOWER),
        }
        team.check(team.edit())
        yield team


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def courier_of(build: int) -> int:
    """Return the courier of a build: the child that stays its fork, or 0."""
    found = forks_of(build)
    if found:
        time.sleep(0.015)  # by then the start of a sandbox is no fork of the build any more
        found &= forks_of(build)
    return next(iter(found), 0)


def forks_of(build: int) -> set[int]:
    """Return the children of a build that have its own command line."""
    found = set()
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{build}/cmdline").read_bytes()
        children = Path(f"/proc/{build}/task/{build}/children").read_text(encoding="ascii")
        for child in map(int, children.split()):
            with contextlib.suppress(OSError):
                if command and Path(f"/proc/{child}/cmdline").read_bytes() == command:
                    found.add(child)
    return found


def when_it_uploads(team: Team, build: subprocess.Popen[str], since: int) -> bool:
    """Wait until a build has begun to upload."""
    return wait_until(
        lambda: team.proxy.counts["FindMissingBlobs"] > since or build.poll() is not None
    )


def test_kills_at_random_moments(team: Team) -> None:
    seed = random.SystemRandom().randrange(10**9)
    chance = random.Random(seed)
    began = time.monotonic()
    team.check(team.edit())
    usual = time.monotonic() - began
    hit = 0
    for number in range(ROUNDS):
        text = team.edit()
        since = team.proxy.counts["FindMissingBlobs"]
        build = team.client.start()
        if number % 2:
            when_it_uploads(team, build, since)
            time.sleep(chance.random() * 0.15)
        else:
            time.sleep(chance.random() * usual)
        courier = courier_of(build.pid) if number % 4 == 3 else 0
        if courier:
            os.kill(courier, signal.SIGKILL)
            time.sleep(chance.random() * 0.02)
        hit += build.poll() is None
        build.kill()
        build.communicate(timeout=30)
        try:
            team.check(text, thorough=number % 10 == 9)
        except AssertionError as error:
            error.add_note(f"round {number} with seed {seed}")
            raise
    assert hit > ROUNDS // 2, "most kills must come before the build's end"


def test_kills_of_the_courier_alone(team: Team) -> None:
    for number in range(8):
        text = team.edit()
        since = team.proxy.counts["FindMissingBlobs"]
        build = team.client.start()
        if number % 2:
            when_it_uploads(team, build, since)
        assert wait_until(
            lambda build=build: bool(courier_of(build.pid)) or build.poll() is not None
        )  # type: ignore[misc]
        time.sleep(number * 0.01)
        courier = courier_of(build.pid)
        if courier:
            os.kill(courier, signal.SIGKILL)
        _, errors = build.communicate(timeout=30)
        assert build.returncode == 0, errors
        assert "Traceback" not in errors
        warnings = [line for line in errors.splitlines() if line.startswith("warning")]
        assert len(warnings) <= 1, errors
        team.look(text)
        team.check(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_during_the_upload(team: Team, number: int) -> None:
    for wait in (0, 0.03, 0.1):
        text = team.edit()
        since = team.proxy.counts["FindMissingBlobs"]
        build = team.client.start()
        when_it_uploads(team, build, since)
        time.sleep(wait)
        began = time.monotonic()
        try:
            os.killpg(build.pid, number)  # as the terminal does it, to all processes of the group
        except ProcessLookupError:
            build.communicate(timeout=30)
            continue
        _, errors = build.communicate(timeout=30)
        assert time.monotonic() - began < 5
        assert "Traceback" not in errors
        assert wait_until(lambda: processes_with(str(team.client.cache)) == [])
        assert gc.verify(str(team.client.cache)) == ()
        team.check(text)


def test_another_machine_takes_what_survived(team: Team, join: Join) -> None:
    text = team.edit()
    team.check(text)
    other = join(text)
    other.write({"BUILD.toml": BUILD})
    other.configure(team.server.url)
    done = other.build()
    assert done.code == 0, done.err
    assert done.warnings == []
    assert ": 0 executed" in done.err
    assert other.outputs() == team.client.outputs()
