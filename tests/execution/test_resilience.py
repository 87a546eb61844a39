"""Corrupt caches, missing blobs, kills, interrupts, builds at the same time, edits in between."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from execution.project import Project, made, source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unibuild.execution.observer import ActionEvent
from unibuild.store import gc
from unibuild.store.layout import FIXED_TIME_NS, Layout, Session


def diamond(project: Project) -> Project:
    project.write("text", "text\n")
    project.shell("a", "cat text > unibuild-out/a", (source("text"),))
    project.shell(
        "l", "cat unibuild-gen/a > unibuild-out/l; echo l >> unibuild-out/l", (made("a"),)
    )
    project.shell("t", "mkdir unibuild-out/t; cp unibuild-gen/a unibuild-out/t/r", (made("a"),),
                  (made("t", tree=True),))  # fmt: skip
    project.shell(
        "end", "cat unibuild-gen/l unibuild-gen/t/r > unibuild-out/end",
        (made("l"), made("t", tree=True)),
    )  # fmt: skip
    return project


END = "text\nl\ntext\n"


def stored_files(project: Project) -> list[Path]:
    base = project.cache / "blake3"
    return sorted(p for p in base.rglob("*") if p.is_file() and not p.is_symlink())


def flip(path: Path, position: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    if data:
        data[position % len(data)] ^= 0x10
    path.write_bytes(data)
    path.chmod(mode)
    os.utime(path, ns=(FIXED_TIME_NS, FIXED_TIME_NS))


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(position=st.integers(0, 10**6), keep_graph=st.booleans(), edit=st.booleans())
def test_flipped_bytes_in_every_stored_file_never_reach_an_output(
    project: Project, position: int, keep_graph: bool, edit: bool
) -> None:
    if not project.actions:
        diamond(project)
    project.write("text", "text\n")
    project.build()
    for path in stored_files(project):
        flip(path, position)
    shutil.rmtree(project.root / "unibuild-out")
    if not keep_graph:
        shutil.rmtree(project.root / ".unibuild")
    if edit:
        project.write("text", "edited\n")
    report = project.build()
    assert report.failures == ()
    expected = END.replace("text", "edited") if edit else END
    assert project.read("end") == expected
    assert (project.root / "unibuild-out/t/r").read_text(encoding="utf-8") == expected[
        :-1
    ].rpartition("\n")[2] + "\n"
    assert any("corrupt" in note for note in project.recorder.notes)
    assert all("corrupt" in note for note in project.recorder.notes)
    shutil.rmtree(project.root / "unibuild-out")
    assert project.ran() == []
    assert project.recorder.notes == []


def test_a_blob_changed_in_place_does_not_stay_in_an_output(project: Project) -> None:
    diamond(project).build()
    project.build()
    assert project.is_null()
    for path in stored_files(project):
        if path.parent.parent.name == "blobs":
            path.chmod(0o644)
            path.write_bytes(path.read_bytes().upper())
    project.build()  # for an ordinary user outputs are links to these very files
    assert project.read("end") == END
    if os.geteuid() == 0:
        assert project.is_null()


def test_a_cache_on_another_file_system(busybox: Path, tmp_path: Path) -> None:
    shared = Path("/dev/shm")  # noqa: S108 - a memory file system
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system to write to")
    with tempfile.TemporaryDirectory(dir=shared) as place:
        project = diamond(Project(tmp_path / "workspace", Path(place), busybox))
        project.build()
        assert project.read("end") == END
        shutil.rmtree(project.root / "unibuild-out")
        assert project.ran() == []
        assert project.read("end") == END


def test_outputs_may_live_behind_a_link(project: Project, tmp_path: Path) -> None:
    (tmp_path / "roomy").mkdir()
    (project.root / "unibuild-out").symlink_to(tmp_path / "roomy")
    diamond(project).build()
    assert (tmp_path / "roomy/end").read_text(encoding="utf-8") == END
    assert (project.root / "unibuild-out").is_symlink()
    (project.root / "unibuild-out/end").unlink()
    assert project.ran() == []
    assert project.read("end") == END


def test_an_emptied_store_is_filled_again(project: Project) -> None:
    diamond(project).build()
    for kind in ("blobs", "trees"):
        shutil.rmtree(project.cache / "blake3" / kind)
        (project.cache / "blake3" / kind).mkdir()
    shutil.rmtree(project.root / "unibuild-out")
    project.build()
    assert project.read("end") == END
    assert project.recorder.notes == []


def test_inputs_lost_before_an_edit_are_made_again(project: Project) -> None:
    diamond(project).build()
    project.write("more", "more\n")
    project.shell(
        "late", "cat more unibuild-gen/l > unibuild-out/late", (source("more"), made("l"))
    )
    project.write("BUILD.toml", "# more")
    for path in stored_files(project):
        if path.parent.parent.name == "blobs":
            path.unlink()
    project.build()
    assert project.read("late") == "more\ntext\nl\n"


def test_inputs_lost_while_the_build_runs_are_made_again(project: Project) -> None:
    diamond(project)
    end = project.actions.pop()
    project.shell("m", "cp unibuild-gen/t/r unibuild-out/m", (made("t", tree=True),))
    project.actions.append(dataclasses.replace(end, inputs=(*end.inputs, made("m"))))

    def lose(event: ActionEvent) -> None:
        if event.label == "//:m":
            for path in stored_files(project):
                if path.parent.parent.name == "blobs":
                    path.unlink()

    project.recorder.on_start = lose
    report = project.build(jobs=1)
    assert report.failures == ()
    assert project.read("end") == END
    assert project.recorder.ran.count("//:l") == 2


def test_a_source_edited_during_the_build_is_built_as_it_is(project: Project) -> None:
    diamond(project)
    project.write("other", "1\n")
    project.shell("o", "cat other unibuild-gen/a > unibuild-out/o", (source("other"), made("a")))

    def edit(event: ActionEvent) -> None:
        if event.label == "//:a" and "2" not in (project.root / "other").read_text():
            project.write("other", "2\n")

    project.recorder.on_start = edit
    project.build(jobs=1)
    assert project.read("o") == "2\ntext\n"
    project.build()
    assert project.read("o") == "2\ntext\n"


def test_an_input_edited_while_its_action_runs_does_not_poison_the_cache(project: Project) -> None:
    project.write("text", "before\n")
    project.shell("x", "sleep 0.3; cat text > unibuild-out/x", (source("text"),))
    project.recorder.on_start = lambda _: project.write("text", "after\n") and None
    project.build()
    assert project.read("x") == "before\n"  # what was declared when it began, and its digest
    project.recorder.on_start = None
    assert project.ran() == ["//:x"]
    assert project.read("x") == "after\n"
    project.write("text", "before\n")
    assert project.ran() == []
    assert project.read("x") == "before\n"


def test_collection_during_a_build_takes_nothing_of_it(project: Project) -> None:
    diamond(project)
    project.recorder.on_start = lambda _: gc.collect(str(project.cache), max_size=0) and None
    project.build()
    assert sorted(project.recorder.ran) == ["//:a", "//:end", "//:l", "//:t"]
    assert project.read("end") == END


DRIVER = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
from execution.project import Project, made, source
project = Project.__new__(Project)
Path.mkdir, mkdir = (lambda self, *a, **k: mkdir(self, parents=True, exist_ok=True)), Path.mkdir
project.__init__(Path({workspace!r}), Path({cache!r}), Path({busybox!r}))
for number in range(40):
    below = (made(f"n{{number - 3}}"),) if number >= 3 else (source("text"),)
    project.shell(f"n{{number}}", f"cat {{below[0].input_path}} > unibuild-out/n{{number}}; echo {{number}} >> unibuild-out/n{{number}}", below)
{instead}
report = project.build_now({options})
print(report.executed, report.failures)
sys.exit(1 if report.failures else 0)
"""


def start(
    project: Project, workspace: Path, options: str = "", instead: str = ""
) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    script = DRIVER.format(
        root=str(root), tests=str(root / "tests"), workspace=str(workspace),
        cache=str(project.cache), busybox=str(project.busybox), options=options, instead=instead,
    )  # fmt: skip
    workspace.mkdir(exist_ok=True)
    if not (workspace / "text").exists():
        (workspace / "text").write_text("text\n", encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def expected(number: int) -> str:
    return (expected(number - 3) if number >= 3 else "text\n") + f"{number}\n"


def right(workspace: Path) -> bool:
    return all(
        (workspace / f"unibuild-out/n{number}").read_text(encoding="utf-8") == expected(number)
        for number in range(40)
    )


def test_builds_of_two_workspaces_at_once_share_a_cache(project: Project, tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    builds = [start(project, place) for place in places]
    for build in builds:
        output, _ = build.communicate(timeout=120)
        assert build.returncode == 0, output
    assert all(map(right, places))
    assert gc.verify(str(project.cache)) == ()


def test_builds_of_one_workspace_wait_for_each_other(project: Project, tmp_path: Path) -> None:
    builds = [start(project, tmp_path / "same") for _ in range(3)]
    executed = 0
    for build in builds:
        output, _ = build.communicate(timeout=120)
        assert build.returncode == 0, output
        executed += int(output.split()[0])
    assert executed == 40
    assert right(tmp_path / "same")


def test_kill_at_any_instant_loses_nothing(project: Project, tmp_path: Path) -> None:
    workspace = tmp_path / "killed"
    for milliseconds in (150, 220, 260, 300, 340, 380, 420, 500, 600):
        build = start(project, workspace)
        time.sleep(milliseconds / 1000)
        build.kill()
        build.communicate(timeout=60)
        for path in (workspace / "unibuild-out").glob("n*"):
            assert path.read_text(encoding="utf-8") == expected(int(path.name[1:]))
    assert gc.verify(str(project.cache)) == ()
    time.sleep(2.1)  # so long a session without a lease may be one that is just being opened
    build = start(project, workspace)
    output, _ = build.communicate(timeout=120)
    assert build.returncode == 0, output
    assert "corrupt" not in output
    assert right(workspace)
    assert os.listdir(Layout(str(project.cache), "blake3").sessions) == []


SLEEPER = """
project.actions.clear()
project.shell("s", "sleep {seconds} & sleep {seconds}", (source("text"),))
"""


def sleepers(seconds: int) -> list[int]:
    mark = f"sleep\0{seconds}\0".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if line.startswith(mark):
                found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def start_sleeper(
    project: Project, workspace: Path, seconds: int, sandbox: str
) -> subprocess.Popen[str]:
    return start(project, workspace, f'sandbox="{sandbox}"', SLEEPER.format(seconds=seconds))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("sandbox", ["required", "none"])
def test_an_interrupted_build_leaves_no_process_behind(
    project: Project, tmp_path: Path, number: int, sandbox: str
) -> None:
    if number == signal.SIGKILL and sandbox == "none":
        pytest.skip("only a sandbox ends grandchildren of a killed build")
    seconds = os.getpid() * 10 + number
    build = start_sleeper(project, tmp_path / "slept", seconds, sandbox)
    assert wait_until(lambda: len(sleepers(seconds)) == 2), build.communicate(timeout=1)
    build.send_signal(number)
    output, _ = build.communicate(timeout=60)
    assert build.returncode != 0
    assert wait_until(lambda: sleepers(seconds) == [])
    if number != signal.SIGKILL:
        assert "KeyboardInterrupt" in output
        assert os.listdir(Layout(str(project.cache), "blake3").sessions) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_ended_while_a_sandbox_is_set_up_leaves_nothing_for_long(
    project: Project, tmp_path: Path, number: int
) -> None:
    seconds = os.getpid() * 10 + 5 + number
    sessions = Path(Layout(str(project.cache), "blake3").sessions)
    for attempt in range(8):
        build = start_sleeper(project, tmp_path / "slept", seconds, "required")
        assert wait_until(lambda: any(sessions.glob("*/1/in/unibuild-out")))
        time.sleep(attempt * 0.0007)
        build.send_signal(number)
        build.communicate(timeout=60)
    with Session(Layout(str(project.cache), "blake3")):
        assert wait_until(lambda: sleepers(seconds) == [])


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_killed_build_left_half_placed_is_replaced(project: Project, folder: bool) -> None:
    diamond(project)
    aside = project.root / ".unibuild/aside"
    if folder:
        project.write(".unibuild/aside/below/file", "half")
    else:
        project.write(".unibuild/aside", "half")
    project.build()
    assert project.read("end") == END
    assert not aside.exists() or os.geteuid() != 0
