"""The execution log, and what a build can be told that must change no output."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from execution.project import Project, Recorder, made, source
from support.command import ROOT

from unibuild.execution import execution_log
from unibuild.execution.execution_log import ExecutionLog, LoggedAction, LoggedOutput
from unibuild.execution.request import SandboxMode
from unibuild.execution.session import build
from unibuild.model.errors import UserError

LEAVES = tuple(f"leaf{number}" for number in range(8))


def fan(project: Project) -> Project:
    """Eight actions, each ready at once, and one that reads them all."""
    for name in LEAVES:
        project.shell(name, f"echo {name} > unibuild-out/{name}")
    names = " ".join(f"unibuild-gen/{name}" for name in LEAVES)
    project.shell("all", f"cat {names} > unibuild-out/all", tuple(map(made, LEAVES)))
    return project


def logged(project: Project, **more: object) -> ExecutionLog:
    path = project.root.parent / "log"
    project.recorder = Recorder()
    request = replace(project.request(jobs=1), execution_log=path, **more)  # type: ignore[arg-type]
    assert build(request, project.recorder).failures == ()
    return execution_log.read(path)


def test_a_line_says_what_the_action_read_and_made(project: Project) -> None:
    project.write("a/text", "one\n")
    project.shell("a/copy", "cat a/text > unibuild-out/a/copy", (source("a/text"),))
    project.function("joined", "join", (made("a/copy"),))
    log = logged(project)
    copy, joined = log.actions.values()
    assert (copy.index, copy.label, copy.mnemonic) == (0, "//a:copy", "Shell")
    assert (copy.input_count, copy.executed, copy.builtin, copy.failed) == (2, True, False, False)
    assert copy.seconds > 0
    (output,) = copy.outputs
    value = project.cache / "blake3" / "blobs" / output.digest[:2] / output.digest
    assert value.read_bytes() == b"one\n"
    assert (output.path, output.size, output.tree) == ("a/copy", 4, False)
    assert (project.cache / "blake3" / "actions" / copy.action[:2] / copy.action).exists()
    assert len({copy.action, copy.command, copy.inputs, output.digest}) == 4
    assert joined.builtin
    assert log.making("joined") == joined


def test_cached_actions_are_logged_with_the_same_digests(project: Project) -> None:
    first = logged(fan(project))
    again = logged(project)
    assert project.recorder.ran == []
    assert [action.executed for action in again.actions.values()] == [False] * 9

    def timeless(log: ExecutionLog) -> list[object]:
        return [replace(a, executed=False, seconds=0.0) for a in log.actions.values()]

    assert timeless(again) == timeless(first)
    assert project.is_null()


def test_a_failed_action_is_logged_without_outputs(project: Project) -> None:
    project.shell("good", "echo good > unibuild-out/good")
    project.shell("bad", "exit 3", (made("good"),))
    path = project.root.parent / "log"
    request = replace(project.request(), execution_log=path)
    assert len(build(request, Recorder()).failures) == 1
    good, bad = execution_log.read(path).actions.values()
    assert (good.failed, bad.failed, bad.outputs, bad.executed) == (False, True, (), True)


def test_a_log_is_followed_line_by_line_and_a_line_cut_short_is_left_out(
    project: Project, tmp_path: Path
) -> None:
    whole = logged(fan(project))
    data = (project.root.parent / "log").read_bytes()
    growing = tmp_path / "growing"
    reader = execution_log.Reader(growing)
    assert reader.new() == []
    growing.write_bytes(data[:1000])
    first = reader.new()
    assert 0 < len(first) < len(whole.actions)
    growing.write_bytes(data)
    assert ExecutionLog.of([*first, *reader.new()]) == whole


@pytest.mark.parametrize(
    "text", [b"none\n", b"{}\n", b'{"format":1,"index":0}\n', b'{"format":9}\n']
)
def test_another_file_is_no_log(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "log").write_bytes(text)
    with pytest.raises(UserError) as raised:
        execution_log.read(tmp_path / "log")
    assert raised.value.id == "bad-execution-log"


def test_a_log_that_cannot_be_written_is_told_before_anything_runs(project: Project) -> None:
    request = replace(fan(project).request(), execution_log=project.root / "no" / "log")
    with pytest.raises(UserError) as raised:
        build(request, project.recorder)
    assert raised.value.id == "unwritable"
    assert project.recorder.ran == []


def test_a_seed_draws_another_order_with_the_same_outputs(project: Project, tmp_path: Path) -> None:
    plain = logged(fan(project))
    orders = {tuple(project.recorder.started)}
    for seed in (1, 2):
        shuffled = logged(project, order_seed=seed, cache_root=tmp_path / f"cache-{seed}")
        orders.add(tuple(project.recorder.started))
        assert project.recorder.started[-1] == "//:all"
        assert [a.outputs for a in shuffled.actions.values()] == [
            a.outputs for a in plain.actions.values()
        ]
    assert len(orders) == 3


def test_copies_do_as_well_as_links(project: Project) -> None:
    project.write("text", "one\n")
    project.shell("links", "stat -c %h text > unibuild-out/links", (source("text"),))
    logged(project)
    assert int(project.read("links")) > 1
    logged(project, staging="copy", cache_root=project.root.parent / "another")
    assert project.read("links") == "1\n"


@pytest.mark.parametrize("sandbox", ["required", "none"])
def test_a_supervisor_is_put_before_the_command_and_told_the_output(
    project: Project, tmp_path: Path, sandbox: SandboxMode
) -> None:
    project.shell("a/made", "echo made > unibuild-out/a/made")
    plain = logged(project, sandbox=sandbox)
    seen = tmp_path / "seen"
    program = "import os, sys; open(sys.argv[1], 'w').close(); os.execv(sys.argv[2], sys.argv[2:])"
    watched = logged(
        project,
        supervisor=(sys.executable, "-I", "-S", "-c", program, f"{seen}-{{output}}"),
        cache_root=tmp_path / "another",
        sandbox=sandbox,
    )
    assert (tmp_path / "seen-a%2Fmade").exists()
    assert watched.actions[0].action == plain.actions[0].action
    assert watched.actions[0].outputs == plain.actions[0].outputs


def test_the_reference_names_every_field() -> None:
    page = ROOT.joinpath("docs", "reference", "execution-log.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert named == ["format", *LoggedAction.__slots__, *LoggedOutput.__slots__]
    assert f"| `format` | The number of this shape: {execution_log.FORMAT}. |" in page
