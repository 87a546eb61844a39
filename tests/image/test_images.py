"""Images of small programs: built by the whole way, asked, and booted under emulation."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.command import ROOT, unibuild
from support.images import answer

pytestmark = [pytest.mark.network, pytest.mark.boot]


def test_parameters_reach_the_program(workspace: Path) -> None:
    result = unibuild("run", "//programs:image", "--accel", "tcg", cwd=workspace)
    assert result.stdout.splitlines() == [
        "argument 0 is [show]",
        "argument 1 is [--name]",
        "argument 2 is [two words]",
        "argument 3 is [back\\slash]",
        "PLACE is [here]",
        "file holds [good day]",
    ], result.stderr
    assert result.returncode == 4


def test_arguments_of_run_replace_those_of_the_image(workspace: Path) -> None:
    result = unibuild(
        "run", "//programs:image", "--accel", "tcg", "--", "a b", "c'd", '"', "\\", cwd=workspace
    )
    assert result.stdout.splitlines()[1:5] == [
        "argument 1 is [a b]",
        "argument 2 is [c'd]",
        'argument 3 is ["]',
        "argument 4 is [\\]",
    ]
    assert result.returncode == 5


def test_the_same_program_on_another_platform(workspace: Path) -> None:
    result = unibuild("run", "//programs:image_q35", "--accel", "tcg", cwd=workspace)
    assert result.stdout.splitlines() == [
        "argument 0 is [show]",
        "PLACE is [unset]",
        "file holds [no file]",
    ], result.stderr
    assert result.returncode == 1


def test_a_crash_names_its_functions(workspace: Path) -> None:
    result = unibuild("run", "//programs:crash_image", "--accel", "tcg", cwd=workspace)
    assert result.returncode == 134
    assert result.stdout.strip() == ""
    lines = result.stderr[result.stderr.index("fault: ") :].splitlines()
    names = [line.split()[1].partition("+")[0] for line in lines[1:]]
    assert names[:3] == ["inner", "outer", "main"], result.stderr


def test_a_missing_system_call_is_one_clear_error(workspace: Path) -> None:
    result = unibuild("build", "//programs:memfd_image", cwd=workspace)
    assert result.returncode == 1
    assert result.stderr.count("error[") == 1
    assert "error[missing-entry-points]" in result.stderr
    assert "//programs:memfd_image needs a system call that none of its components" in result.stderr
    assert "wanted by `memfd_create` in memfd_create." in result.stderr
    assert "which memfd.c.o of //programs:memfd needs for `memfd_create`" in result.stderr
    assert 'components = ["@unibuild//kernel/stub:memfd_create"]' in result.stderr


def test_an_explicit_stub_answers_and_shows(workspace: Path) -> None:
    result = unibuild("run", "//programs:memfd_stub_image", "--accel", "tcg", cwd=workspace)
    assert (result.returncode, result.stdout) == (0, "-1 ENOSYS\n"), result.stderr
    told = answer(workspace, "explain", "//programs:memfd_stub_image")
    assert told["stubs"] == ["@unibuild//kernel/stub:memfd_create"]
    chain = answer(workspace, "why", "//programs:memfd_stub_image", "memfd_create")
    steps = chain["steps"]
    assert isinstance(steps, list)
    assert [step["symbol"] for step in steps] == ["memfd_create", "ub_sys_memfd_create"]
    assert steps[0]["from"] == "//programs:memfd"


def test_the_manifest_adds_up(workspace: Path) -> None:
    assert unibuild("build", "//programs:image", cwd=workspace).returncode == 0
    folder = workspace / "unibuild-out" / "programs"
    manifest = json.loads((folder / "image.manifest.json").read_text())
    image = (folder / "image.elf").read_bytes()
    assert manifest["image"]["size"] == len(image)
    components = manifest["components"]
    total = sum(one["file_bytes"] for one in components) + manifest["unclaimed"]["file_bytes"]
    assert total == pytest.approx(len(image), abs=1024)
    assert manifest["files"] == [
        {
            "path": "/etc/greeting",
            "size": 8,
            "digest": "sha256:" + hashlib.sha256(b"good day").hexdigest(),
        }
    ]
    assert manifest["arguments"] == ["show", "--name", "two words", "back\\slash"]
    assert {one["kind"] for one in components} >= {"program", "image", "libc", "kernel"}
    reached = {one["label"] for one in components}
    assert "@unibuild//kernel/filesystem:filesystem" in reached
    assert "@unibuild//kernel/socket:socket" not in reached
    assert manifest["platform"]["devices"] == []
    assert b"GCC" not in image
    assert b".symtab" not in image


def test_an_image_knows_its_label_and_its_digest(workspace: Path) -> None:
    result = unibuild("run", "//programs:identity_image", "--accel", "tcg", cwd=workspace)
    folder = workspace / "unibuild-out" / "programs"
    found = json.loads((folder / "identity_image.manifest.json").read_text())["identity"]
    image = (folder / "identity_image.elf").read_bytes()
    start, end = found["offset"], found["offset"] + 32
    rest = hashlib.sha256(image[:start] + bytes(32) + image[end:]).digest()
    assert image[start:end] == rest
    assert found["digest"] == f"sha256:{rest.hex()}"
    assert f"//programs:identity_image {found['digest']}" in result.stdout, result.stderr


def test_boot_tests_pass_fail_and_are_kept(workspace: Path) -> None:
    passing = [
        "//programs:shows",
        "//programs:other_arguments",
        "//programs:breaks",
        "//programs:draws",
    ]
    first = answer(workspace, "test", *passing)
    verdicts = first["tests"]
    assert isinstance(verdicts, list)
    assert {one["label"]: one["passed"] for one in verdicts} == dict.fromkeys(passing, True)
    second = answer(workspace, "test", *passing)["tests"]
    assert isinstance(second, list)
    assert all(one["cached"] for one in second)


def test_a_boot_test_that_fails_shows_console_and_expectation(workspace: Path) -> None:
    result = unibuild("test", "//programs:wrong", cwd=workspace)
    assert result.returncode == 1
    assert "argument 1 is [--name]" in result.stderr
    assert "not as expected: exit status 4, expected 3" in result.stderr
    assert "not as expected: the console shows nothing like `never said`" in result.stderr


def test_the_workspace_names_the_default_platform(workspace: Path, tmp_path: Path) -> None:
    platform = "@unibuild//kernel/platform:qemu-q35"
    (tmp_path / "WORKSPACE.toml").write_text(f'name = "other"\ndefault_platform = "{platform}"\n')
    (tmp_path / "show.c").write_text((workspace / "programs" / "show.c").read_text())
    (tmp_path / "BUILD.toml").write_text(
        '[cc_binary.show]\nsrcs = ["show.c"]\n[unikernel_image.image]\napp = ":show"\n'
    )
    assert answer(tmp_path, "explain", "//:image")["platform"] == platform


def test_a_probe_talks_to_the_guest(workspace: Path) -> None:
    result = unibuild("test", "//programs:echoes", cwd=workspace)
    assert result.returncode == 0, result.stderr
    log = (workspace / "unibuild-out/programs/echoes.log").read_text()
    assert log == "--- boot 1: console\nlistening\n--- probe\nanswer b'hello good day'\n"


def test_a_probe_that_fails_and_a_server_that_ends(workspace: Path) -> None:
    result = unibuild(
        "test", "--keep-going", "//programs:probe_fails", "//programs:quits", cwd=workspace
    )
    assert result.returncode == 1
    assert "the probe programs/probe.py ended with status 1" in result.stderr
    assert "answer b'other good day'" in result.stderr
    assert "exit status 9, expected the program to keep running" in result.stderr


@pytest.mark.parametrize("image", ["echo_image", "echo_static_image"])
def test_ports_lead_to_the_guest_and_ctrl_c_ends_it(workspace: Path, image: str) -> None:
    with running(workspace, f"//programs:{image}", "-p", "0:7/udp") as (process, number):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", number))
            assert echoed(client, b"ping")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_a_program_that_never_ends_is_stopped(workspace: Path) -> None:
    result = unibuild("test", "//programs:takes_too_long", cwd=workspace)
    assert result.returncode == 1
    assert "the program had not ended after 1 s" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_test_leaves_no_monitor(
    workspace: Path, tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "unibuild", "test", "//programs:hangs"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command,
        cwd=workspace,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert wait_for(lambda: bool(monitors(tmp_path)))
        process.send_signal(number)
        process.wait(20)
    assert wait_for(lambda: not monitors(tmp_path))


def monitors(folder: Path) -> list[int]:
    """Return the processes that boot an image below ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and f"\0{folder}/".encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def wait_for(condition: Callable[[], bool]) -> bool:
    """Wait until ``condition`` holds, at most a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_taken_port_names_the_process(workspace: Path) -> None:
    with running(workspace, "//programs:echo_image", "-p", "0:7/udp") as (_, number):
        second = unibuild("run", "//programs:echo_image", "-p", f"{number}:7/udp", cwd=workspace)
        assert second.returncode == 3
        assert "error[port-taken]" in second.stderr
        assert "(qemu-system-x86" in second.stderr


def echoed(client: socket.socket, word: bytes) -> bool:
    """Send ``word`` until it comes back, for ten seconds: datagrams may be lost."""
    client.settimeout(0.5)
    for _ in range(20):
        try:
            client.send(word)
            return client.recv(64) == word
        except TimeoutError:
            continue
    return False


@contextmanager
def running(workspace: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run an image until the block ends; give the process and the forwarded port of the host."""
    command = [sys.executable, "-m", "unibuild", "run", "--accel", "tcg", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    with subprocess.Popen(
        command,
        cwd=workspace,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = ""
            while not line.startswith("port "):
                line = process.stderr.readline()
                assert line
            number = int(line.partition(" leads")[0].rpartition(":")[2])
            assert process.stdout.readline() == "listening\n"
            yield process, number
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("attribute", "cause"),
    [
        ('files = { "etc/x" = "greeting" }', "`etc/x` is no absolute path in the image"),
        ('dirs = ["/a/../b"]', "`/a/../b` is no absolute path in the image"),
        ('network = { address = "10.0.2.15/24", gateway = "10.1.0.1" }', "outside the network"),
        ('network = "static"', "network"),
        ('memory = "8 MB"', "memory"),
    ],
)
def test_bad_attributes_are_placed(tmp_path: Path, attribute: str, cause: str) -> None:
    (tmp_path / "WORKSPACE.toml").write_text('name = "bad"\n')
    (tmp_path / "greeting").write_text("x")
    (tmp_path / "a.c").write_text("int main(void) { return 0; }\n")
    text = f'[cc_binary.a]\nsrcs = ["a.c"]\n[unikernel_image.image]\napp = ":a"\n{attribute}\n'
    (tmp_path / "BUILD.toml").write_text(text)
    result = unibuild("build", "//:image", cwd=tmp_path)
    assert result.returncode == 2
    assert cause in result.stderr
    assert "BUILD.toml:5:" in result.stderr
    assert "Traceback" not in result.stderr
