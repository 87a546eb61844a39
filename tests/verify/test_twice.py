"""V3: a rebuild without a cache, every action compared, the guilty one named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from verify.rebuilds import GOOD, GOOD_ACTIONS, Small, example

from unibuild.model.errors import DifferenceError, HostError
from unibuild.verify import cache_honesty, twice
from unibuild.verify.outcome import Outcome

Make = Callable[..., Small]


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return inode, size and modification of every file below ``folder``."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if path.is_file():
            found[str(path)] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def guilty(outcome: Outcome) -> DifferenceError:
    assert outcome.status == "failed"
    error = outcome.errors[0]
    assert isinstance(error, DifferenceError)
    assert error.id == "rebuild-differs"
    return error


def test_what_is_reproducible_is_the_same_action_by_action(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    before = listing(workspace.cache)
    outcome = twice.run(bench)
    assert outcome.status == "passed", outcome.errors
    assert outcome.facts["actions"] == outcome.facts["total"] == GOOD_ACTIONS
    sizes = sum(
        output.size
        for action in twice.reference(bench).actions.values()
        for output in action.outputs
    )
    assert outcome.facts["bytes"] == sizes > 0
    assert all(action.executed for action in twice.cold(bench).log.actions.values())
    assert listing(workspace.cache) == before
    assert not bench.kept.exists()


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("sleep 1; date -R > $@", "date"),
        ("head -c 16 /dev/urandom > $@", ""),
        ("cat /proc/sys/kernel/random/uuid > $@", "uuid"),
    ],
)
def test_an_action_that_makes_something_else_each_time_is_named(
    small: Make, command: str, cause: str
) -> None:
    text = GOOD.replace("tr a-z A-Z < $< > $@", command)
    bench = small(text).bench()
    outcome = twice.run(bench)
    error = guilty(outcome)
    assert error.cause == (
        "Genrule of //:upper makes another upper from the same 2 inputs, command and environment"
    )
    assert error.label == "//:upper"
    assert "run once more alone, it gives yet another result" in error.detail[0]
    assert cause in error.detail[1].lower()
    expected, found = (bench.kept / "twice" / side / "upper" for side in ("expected", "found"))
    assert expected.read_bytes() != found.read_bytes()
    difference = outcome.facts["difference"]
    assert isinstance(difference, dict)
    assert (difference["settled"], difference["outputs"]) == ("each-time", ["upper"])


def test_the_sandbox_makes_process_ids_the_same_and_without_it_they_are_found(small: Make) -> None:
    text = GOOD.replace("tr a-z A-Z < $< > $@", "echo $$$$ > $@")
    inside = small(text)
    assert twice.run(inside.bench()).status == "passed"
    inside.sandbox = "none"
    assert guilty(twice.run(inside.bench())).label == "//:upper"


def test_a_folder_that_differs_is_kept_whole(small: Make) -> None:
    text = GOOD.replace("wc -c < $< > $@/two", "cat /proc/sys/kernel/random/uuid > $@/two")
    bench = small(text).bench()
    error = guilty(twice.run(bench))
    assert error.label == "//:folder"
    for side in ("expected", "found"):
        assert (bench.kept / "twice" / side / "folder" / "one").read_text() == "SOME WORDS\n"


def test_a_planted_result_is_told_from_an_action_that_varies(small: Make) -> None:
    workspace = small()
    workspace.build()
    workspace.plant_result("//:lines", b"planted\n")
    workspace.build("//:lines")  # takes what the cache says
    bench = workspace.bench("//:lines")
    error = guilty(twice.run(bench))
    assert error.label == "//:lines"
    assert "the cache holds something that the sources do not make" in error.detail[0]
    assert (bench.kept / "twice" / "expected" / "lines").read_bytes() == b"planted\n"


def test_what_an_action_needs_and_the_graph_does_not_know_is_missed(small: Make) -> None:
    workspace = small(sandbox="none")
    workspace.write("forgotten", "there\n")
    workspace.write(
        "BUILD.toml",
        f'[genrule.joined]\nouts = ["joined"]\ncmd = "cat {workspace.root}/forgotten > $@"\n',
    )
    bench = workspace.bench()
    (workspace.root / "forgotten").unlink()
    outcome = twice.run(bench)
    assert (
        guilty(outcome).cause == "the target cannot be rebuilt from its sources without the cache"
    )
    assert outcome.errors[1].id == "action-failed"


def test_without_its_packages_a_rebuild_is_not_done(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    for blob in (workspace.cache / "blake3" / "blobs").glob("37/3784087783fe*"):
        blob.unlink()
    outcome = twice.run(bench)
    assert outcome.status == "not-done"
    assert isinstance(outcome.errors[0], HostError)
    assert outcome.errors[0].id == "package-not-here"


RULES = """\
import time
from pydantic import Field
from unibuild.analysis.api import *


class StampAttributes(Attributes):
    shell: OneLabel = Field("@unibuild//toolchains/busybox", description="The shell.")


@rule("stamp", StampAttributes, provides=(DefaultInfo,), doc="Knows the time of the analysis.")
def stamp(ctx):
    shell, made = ctx.dependency("shell", ToolchainInfo), ctx.declare_file("stamp")
    line = [*ctx.tool("shell", "sh"), "-c", f"echo > {made.output_path}"]
    now = {"NOW": str(time.time_ns())}
    ctx.action("Stamp", line, inputs=[shell.tree], outputs=[made], environment=now)
    return [DefaultInfo((made,))]
"""


def test_a_rule_that_declares_something_else_each_time_is_named(small: Make) -> None:
    workspace = small("[stamp.joined]\n")
    workspace.write("WORKSPACE.toml", 'name = "small"\nrules = ["rules.py"]\n')
    workspace.write("rules.py", RULES)
    error = guilty(twice.run(workspace.bench()))
    assert (
        error.cause
        == "Stamp of //:joined has another command or environment, its inputs being equal"
    )
    assert "order of a set in rule modules" in error.hint


@pytest.mark.network
def test_an_image_of_the_examples_is_the_same(tmp_path: Path) -> None:
    workspace = example("hello", tmp_path / "examples", tmp_path / "scratch")
    outcome = twice.run(workspace.bench("//hello:image"))
    assert outcome.status == "passed", outcome.errors
    assert outcome.facts["actions"] == outcome.facts["total"]


def test_sources_that_change_meanwhile_are_no_difference(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    twice.reference(bench)
    workspace.write("words", "other words\n")
    outcome = twice.run(bench)
    assert outcome.status == "not-done"
    assert outcome.errors[0].id == "sources-change"
    assert cache_honesty.run(bench).errors[0].id == "sources-change"
