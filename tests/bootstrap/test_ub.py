from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.checkout import ROOT, copy_to

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("ub", "check", ".ci", "requirements.lock", "requirements-dev.lock", "unibuild")
SETTING_UP = "unibuild: setting up Python packages in .venv\n"


def run(
    root: Path, *arguments: str, prefix: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, str(root / "ub"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        cwd=root.parent,
    )


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.network
def test_first_run_sets_up_and_later_runs_need_nothing(tmp_path: Path) -> None:
    root = copy_to(tmp_path / "a clone", *PARTS)
    left_over = root / ".venv" / "lib" / "left-over"  # of a setup that was interrupted: no stamp
    left_over.parent.mkdir(parents=True)
    left_over.write_text("")
    command = [str(root / "ub"), "--version"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert {out for out, _ in outputs} == {"unibuild 0.1.0\n"}
    assert sorted(err for _, err in outputs) == ["", SETTING_UP], "one sets up, the other waits"
    assert not left_over.exists()

    # No command but the shell's own can be found, nothing can be written, there is no network.
    quiet = run(root, "--version", PATH=str(tmp_path / "nothing"))
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "unibuild 0.1.0\n", "")
    if os.geteuid() == 0 and shutil.which("unshare"):
        cut_off = run(root, "--version", prefix=("unshare", "--net"))
        assert (cut_off.stdout, cut_off.stderr) == ("unibuild 0.1.0\n", "")

    # A moved checkout keeps working; so does a call through a link.
    moved = root.rename(tmp_path / "moved")
    (tmp_path / "link").symlink_to(moved / "ub")
    linked = subprocess.run([tmp_path / "link", "--version"], capture_output=True, check=True)
    assert (linked.stdout, linked.stderr) == (b"unibuild 0.1.0\n", b"")

    # An outdated setup has the stamp of another lock.
    lock = moved / "requirements.lock"
    lock.write_text("# another lock\n" + lock.read_text())
    outdated = run(moved, "--version", UNIBUILD_PYTHON="no-such-python")
    assert (outdated.returncode, outdated.stderr.splitlines()[0]) == (3, SETTING_UP.strip())


def bare_machine(tmp_path: Path, *, apt: bool = True, sudo: bool = True) -> tuple[Path, str]:
    """Make a checkout, and a PATH with a Python that has no venv, an apt-get and a sudo."""
    root = copy_to(tmp_path / "clone", *PARTS)
    tools = tmp_path / "bin"
    executable(tools / "python3", "echo /usr/bin/python3.99")
    executable(tools / "id", "echo 1000")
    if apt:
        executable(tools / "apt-get", f'echo "apt-get $*" >>{tmp_path}/log\nexit 0')
    if sudo:
        executable(tools / "sudo", f'echo sudo >>{tmp_path}/log\nexec "$@"')
    for name in ("env", "mktemp", "rm", "cat", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    return root, str(tools)


def test_a_machine_without_venv_is_completed_with_apt_and_told_so(tmp_path: Path) -> None:
    root, path = bare_machine(tmp_path)
    done = run(root, "--version", PATH=path)
    assert "unibuild: installing with apt: python3.99-venv\n" in done.stderr
    log = (tmp_path / "log").read_text().splitlines()
    assert log == [
        "sudo",
        "apt-get install --yes --quiet --no-install-recommends python3.99-venv",
    ]
    # That Python does not exist here, so the environment cannot be made: one error, status 3.
    assert done.returncode == 3
    assert "error: could not make" in done.stderr


@pytest.mark.parametrize(
    ("apt", "sudo", "hint"),
    [(True, False, "as root: apt-get install python3.99-venv"), (False, True, "package manager")],
)
def test_what_cannot_be_installed_is_told(
    tmp_path: Path, hint: str, *, apt: bool, sudo: bool
) -> None:
    root, path = bare_machine(tmp_path, apt=apt, sudo=sudo)
    done = run(root, "--version", PATH=path)
    assert done.returncode == 3
    assert "error: this machine lacks: python3.99-venv" in done.stderr
    assert hint in done.stderr


def test_a_failing_apt_shows_its_own_words(tmp_path: Path) -> None:
    root, path = bare_machine(tmp_path)
    executable(tmp_path / "bin" / "apt-get", "echo E: no room on the disk\nexit 100")
    done = run(root, "--version", PATH=path)
    assert done.returncode == 3
    assert "E: no room on the disk" in done.stderr
    assert "error: apt could not install" in done.stderr


def test_no_python_is_told(tmp_path: Path) -> None:
    root, path = bare_machine(tmp_path)
    executable(tmp_path / "bin" / "python3", "exit 1")
    done = run(root, "--version", PATH=path)
    assert done.returncode == 3
    assert "error: no Python 3.11 or later was found" in done.stderr


def test_the_start_costs_no_process(tmp_path: Path) -> None:
    """What ./ub does before it becomes Python: two lines read, one comparison, one exec."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    command = [strace, "-f", "-e", "trace=process", "-o", str(trace), str(ROOT / "ub"), "--version"]
    subprocess.run(command, check=True, capture_output=True)
    lines = trace.read_text().splitlines()
    assert len([line for line in lines if "execve(" in line]) == 2
    assert not [
        line for line in lines if any(call in line for call in ("fork(", "clone(", "clone3("))
    ]
