"""The process of a rebuild: what it is asked, what it says, how it ends; and the checkout it works in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.command import ROOT
from verify.rebuilds import GOOD, GOOD_ACTIONS, Small

from unibuild.execution import execution_log
from unibuild.loading.workspace import read_workspace
from unibuild.model.errors import ActionError, ErrorGroup, HostError, UserError
from unibuild.verify import ordinary
from unibuild.verify.checkout import copy_workspace
from unibuild.verify.comparison import compare
from unibuild.verify.rebuild import RebuildRequest
from unibuild.verify.rebuilding import Rebuild
from unibuild.verify.workbench import Workbench

Make = Callable[..., Small]
SLOW = '[genrule.joined]\nouts = ["joined"]\ncmd = "sleep 100; echo > $@"\n'


def request_of(bench: Workbench, **more: object) -> RebuildRequest:
    folder = bench.scratch / "rebuild"
    if not (folder / "workspace").exists():
        copy_workspace(bench, folder / "workspace")
    plain = RebuildRequest(
        folder / "workspace", bench.label, folder / "cache", folder / "log", bench.cache_root
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def rebuilt(bench: Workbench, **more: object) -> execution_log.ExecutionLog:
    request = request_of(bench, **more)
    with Rebuild.start(bench.rebuild_command, request, bench.scratch / "process") as rebuild:
        return rebuild.finish()


def waits(small: Make) -> tuple[Small, RebuildRequest]:
    """Return a request for an action that takes longer than anybody waits."""
    workspace = small(SLOW)
    cache = workspace.scratch.parent / "empty"
    workspace.scratch.mkdir()
    return workspace, RebuildRequest(
        workspace.root, "//:joined", cache, workspace.scratch / "log", workspace.cache
    )


def sleepers(mark: Path) -> list[str]:
    """Return the command lines of what runs on behalf of the cache ``mark``."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if str(mark).encode() in line:
                found.append(f"{process.name} {line.decode(errors='replace')}")
    return found


def until(condition: Callable[[], bool], folder: Path) -> None:
    """Wait for what must come to pass; if not, tell what the rebuild in ``folder`` said."""
    deadline = time.monotonic() + 60
    while not condition():
        said = [path.read_text() for path in folder.glob("p*/printed")]
        assert time.monotonic() < deadline, (said, sleepers(folder))
        time.sleep(0.02)


def test_a_request_is_the_same_after_the_file(tmp_path: Path) -> None:
    request = RebuildRequest(
        tmp_path, "//a:b", tmp_path / "c", tmp_path / "d", tmp_path / "e", 3, "none", 7, "copy",
        ("x", "{output}"), "a/b",
    )  # fmt: skip
    for one in (request, replace(request, packages=None, order_seed=None)):
        one.write(tmp_path / "request")
        assert RebuildRequest.read(tmp_path / "request") == one


def test_the_ordinary_log_is_what_a_build_would_write(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    written = execution_log.read(Path(f"{workspace.scratch}.log"))
    assert compare(written, ordinary.log(bench)).differences == ()
    assert len(written.actions) == GOOD_ACTIONS


def test_a_target_built_as_part_of_a_pattern_is_found_all_the_same(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    for kept in (workspace.root / ".unibuild").glob("check-*"):
        kept.unlink()
    assert len(ordinary.log(bench).actions) == GOOD_ACTIONS


def test_a_source_that_changed_since_the_build_is_seen(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    first = ordinary.log(bench)
    workspace.write("words", "other words\n")
    bench = replace(bench, memory={})
    assert compare(first, ordinary.log(bench)).differences != ()


@pytest.mark.parametrize(
    "more", [{"order_seed": 4}, {"staging": "copy"}, {"jobs": 4}], ids=lambda more: next(iter(more))
)
def test_order_staging_and_jobs_change_no_digest(small: Make, more: dict[str, object]) -> None:
    bench = small().bench()
    found = compare(ordinary.log(bench), rebuilt(bench, **more))
    assert found.differences == ()
    assert found.compared == GOOD_ACTIONS


def test_one_action_is_rebuilt_alone(small: Make) -> None:
    bench = small().bench()
    rebuilt(bench)
    log = rebuilt(bench, only_action="lines")
    assert {a.label: a.executed for a in log.actions.values() if a.label != "//:lines"} != {}
    assert not any(a.executed for a in log.actions.values() if a.label != "//:lines")
    lines = log.making("lines")
    assert lines is not None
    assert lines.executed


def test_what_an_action_says_reaches_whoever_asked(small: Make) -> None:
    bench = small().bench()
    request = request_of(bench)
    text = GOOD.replace("cat $< $< > $@", "echo no more; exit 3")
    (request.workspace / "BUILD.toml").write_text(text, encoding="utf-8")
    with (
        Rebuild.start(bench.rebuild_command, request, bench.scratch / "process") as rebuild,
        pytest.raises(ActionError) as raised,
    ):
        rebuild.finish()
    assert raised.value.id == "action-failed"
    assert raised.value.label == "//:lines"
    assert "no more" in raised.value.detail
    assert "--only-action=lines" in raised.value.hint


def test_mistakes_keep_their_place_in_words(small: Make) -> None:
    bench = small().bench()
    request = request_of(bench)
    (request.workspace / "BUILD.toml").write_text("[genrule.joined]\nouts = 3\n", encoding="utf-8")
    with (
        Rebuild.start(bench.rebuild_command, request, bench.scratch / "process") as rebuild,
        pytest.raises((UserError, ErrorGroup)) as raised,
    ):
        rebuild.finish()
    first = raised.value.errors[0] if isinstance(raised.value, ErrorGroup) else raised.value
    assert "BUILD.toml:" in first.cause


def test_a_process_that_says_nothing_is_a_fault_of_the_host(small: Make) -> None:
    bench = small().bench()
    command = (sys.executable, "-c", "print('what it printed'); raise SystemExit(9)")
    with (
        Rebuild.start(command, request_of(bench), bench.scratch / "process") as rebuild,
        pytest.raises(HostError) as raised,
    ):
        rebuild.finish()
    assert raised.value.id == "rebuild-ended"
    assert raised.value.detail == ("what it printed",)


def test_a_prefix_that_is_not_there_is_a_fault_of_the_host(small: Make) -> None:
    bench = small().bench()
    with pytest.raises(HostError) as raised:
        Rebuild.start(
            bench.rebuild_command, request_of(bench), bench.scratch / "p", prefix=("/no/program",)
        )
    assert raised.value.id == "rebuild-not-started"


def test_stopping_a_rebuild_ends_its_actions_and_leaves_no_scratch(small: Make) -> None:
    _, request = waits(small)
    folder = request.log.parent / "process"
    with Rebuild.start((sys.executable, "-m", "unibuild.cli.rebuild"), request, folder) as rebuild:
        until(lambda: sleepers(request.cache) != [], request.log.parent)
    assert not rebuild.running
    until(lambda: sleepers(request.cache) == [], request.log.parent)
    assert list((request.cache / "sessions").iterdir()) == []


def test_a_rebuild_ends_with_the_process_that_asked(small: Make) -> None:
    _, request = waits(small)
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from unibuild.verify.rebuild import RebuildRequest\n"
        "from unibuild.verify.rebuilding import Rebuild\n"
        "Rebuild.start((sys.executable, '-m', 'unibuild.cli.rebuild'),"
        " RebuildRequest.read(Path(sys.argv[1])), Path(sys.argv[2]))\n"
        "time.sleep(100)\n"
    )
    asked = request.log.parent / "asked"
    request.write(asked)
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(asked), str(request.log.parent / "process")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        until(lambda: sleepers(request.cache) != [], request.log.parent)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until(lambda: sleepers(request.cache) == [], request.log.parent)


def test_a_checkout_has_what_the_graph_reads_and_nothing_else(small: Make) -> None:
    workspace = small()
    workspace.write("notes of somebody", "private\n")
    workspace.write("script", "#!/bin/sh\n")
    bench = workspace.bench()
    copy_workspace(bench, bench.scratch / "copy")
    found = sorted(path.name for path in (bench.scratch / "copy").rglob("*"))
    assert found == ["BUILD.toml", "WORKSPACE.toml", "words"]


def test_the_standard_repository_is_named_where_the_copy_would_not_find_it(small: Make) -> None:
    workspace = small()
    workspace.write(
        "WORKSPACE.toml",
        f'name = "small"\nstandard_repository = "{os.path.relpath(ROOT, workspace.root)}"\n',
    )
    bench = workspace.bench()
    copy_workspace(bench, bench.scratch / "deeper" / "copy")
    copied = read_workspace(bench.scratch / "deeper" / "copy")
    assert copied.repositories["unibuild"] == ROOT
    assert copied.name == "small"
