"""Images of Linux programs: built by the whole way, asked, and booted under emulation."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from support.command import unibuild
from support.images import answer

from unibuild.elf.linux_calls import NAMES

pytestmark = [pytest.mark.network, pytest.mark.boot]

SHOW, CRASH, MISSING = (f"//programs:{name}_linux_image" for name in ("show", "crash", "missing"))


def test_parameters_reach_the_program_and_its_ports_are_told(workspace: Path) -> None:
    result = unibuild("run", SHOW, "--accel", "tcg", cwd=workspace)
    assert result.stdout.splitlines() == [
        "argument 0 is [/bin/show_linux]",
        "argument 1 is [--name]",
        "argument 2 is [two words]",
        "argument 3 is [back\\slash]",
        "PLACE is [here]",
        "file holds [good day]",
    ], result.stderr
    assert result.returncode == 4
    assert "the image listens on 80/tcp and 53/udp; to reach it: -p 8080:80" in result.stderr


def test_arguments_of_the_command_line_replace_those_of_the_image(workspace: Path) -> None:
    arguments = ("--strict-syscalls", "--accel", "tcg", "--", "one", "two words")
    result = unibuild("run", SHOW, *arguments, cwd=workspace)
    assert result.stdout.splitlines()[:3] == [
        "argument 0 is [/bin/show_linux]",
        "argument 1 is [one]",
        "argument 2 is [two words]",
    ], result.stderr
    assert result.returncode == 3


def test_a_call_leads_from_its_function_to_its_component(workspace: Path) -> None:
    told = answer(workspace, "why", SHOW, "writev")
    assert told["provided"] is True
    assert told["because"] == "__stdio_write of show_linux calls writev"
    answered = told["answered_by"]
    assert isinstance(answered, list)
    assert answered[0] == {
        "symbol": "ub_linux_writev",
        "object": "writev.o",
        "component": "@unibuild//kernel/linux/file:file",
    }
    plain = unibuild("why", SHOW, "writev", cwd=workspace).stdout
    assert "ub_linux_writev" in plain
    assert "__stdio_write" in plain
    plain = unibuild("why", SHOW, "kernel/linux/file", cwd=workspace).stdout
    assert "ANSWERS THE CALL" in plain


def test_only_what_the_program_can_call_is_in_the_image(workspace: Path) -> None:
    told = answer(workspace, "explain", SHOW)
    components = told["components"]
    assert isinstance(components, list)
    labels = {one["label"] for one in components}
    assert "@unibuild//kernel/linux/loader:loader" in labels
    assert not any("socket" in label or "lwip" in label for label in labels)
    program = told["program"]
    assert isinstance(program, dict)
    assert "writev" in program["calls"]
    assert "socket" not in program["calls"]
    assert program["missing"] == []


def test_a_linked_program_has_nothing_of_the_kind(workspace: Path) -> None:
    told = answer(workspace, "explain", "//programs:image")
    assert told["program"] is None
    components = told["components"]
    assert isinstance(components, list)
    assert not any("kernel/linux" in one["label"] for one in components)
    result = unibuild("run", "//programs:image", "--strict-syscalls", cwd=workspace)
    assert result.returncode == 2
    assert "error[no-linux-program]" in result.stderr


def test_a_crash_names_the_functions_of_the_program(workspace: Path) -> None:
    result = unibuild("run", CRASH, "--accel", "tcg", cwd=workspace)
    assert result.returncode == 139, result.stderr
    assert "SIGSEGV" in result.stderr
    lines = result.stderr[result.stderr.index("fault: ") :].splitlines()
    names = [line.split()[1].partition("+")[0] for line in lines[1:] if line.startswith("    at ")]
    assert names[0] == "inner", result.stderr


def test_a_missing_call_is_told_before_and_while_it_runs(workspace: Path) -> None:
    built = unibuild("build", MISSING, cwd=workspace)
    assert built.returncode == 0, built.stderr
    told = unibuild("explain", MISSING, cwd=workspace).stdout
    assert "answers ENOSYS: swapoff of missing_linux calls swapoff" in told
    assert "answers ENOSYS: `system_calls` names acct" in told
    assert "weaker than by default: allow_exec_mappings" in told
    assert "can call fork" in told
    result = unibuild("run", MISSING, "--accel", "tcg", cwd=workspace)
    assert result.stdout.splitlines() == [
        f"swapoff: {errno.ENOSYS}",
        f"fork: {errno.ENOSYS}",
    ], result.stderr
    assert result.returncode == 3
    assert "missing system call: swapoff (168), from swapoff+" in result.stderr
    assert "starting other programs is not supported" in result.stderr


def test_strict_calls_end_the_program_at_the_first(workspace: Path) -> None:
    result = unibuild("run", MISSING, "--strict-syscalls", "--accel", "tcg", cwd=workspace)
    assert result.stdout == ""
    assert result.returncode == 159, result.stderr
    assert "swapoff" in result.stderr


TRACED = """
accept accept4 access arch_prctl bind brk capget chdir chown clock_getres clock_nanosleep clone clone3
close connect epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 exit exit_group
faccessat2 fchdir fcntl fdatasync flock fstat fsync ftruncate futex getcwd getdents64 getegid geteuid
getgid getpeername getpid getppid getrandom getrlimit getrusage getsockname getsockopt gettid getuid ioctl
listen lseek madvise mkdir mmap mprotect munmap nanosleep newfstatat open openat pipe2 poll prctl pread64
prlimit64 pwrite64 read readlink recvfrom recvmsg rename rseq rt_sigaction rt_sigprocmask rt_sigreturn
rt_sigsuspend sched_getaffinity sched_yield sendfile sendmsg sendto set_robust_list set_tid_address setgid
setgroups setitimer setsockopt setuid shutdown sigaltstack socket socketpair statx sysinfo tgkill umask
uname unlink wait4 write writev
"""
"""What Go, nginx, redis, Python, Node and Java were seen to call, but for execve and pkey_alloc."""


def test_every_call_together_is_an_image(workspace: Path) -> None:
    """All components for Linux programs link with each other, and answer what programs are known to ask."""
    folder = workspace / "every"
    folder.mkdir()
    names = sorted(NAMES.values())
    (folder / "BUILD.toml").write_text(
        '[linux_binary.every]\nbinary = "//programs:show_executable"\n'
        f"system_calls = {json.dumps(names)}\n"
        '[unikernel_image.image]\napp = ":every"\n'
    )
    told = answer(workspace, "explain", "//every:image")
    program = told["program"]
    assert isinstance(program, dict)
    missing = {one["name"] for one in program["missing"]}
    assert missing & set(TRACED.split()) == set()
    assert {"fork", "vfork", "execve"} <= missing
    result = unibuild("run", "//every:image", "--accel", "tcg", cwd=workspace)
    assert result.returncode == 1, result.stderr
    assert result.stdout.startswith("argument 0 is [/bin/every]\n")


def test_a_missing_interpreter_is_found_before_the_build(workspace: Path) -> None:
    result = unibuild("build", "//programs:dynamic_linux_image", cwd=workspace)
    assert result.returncode == 2, result.stderr
    error = result.stderr[result.stderr.index("error[") :]
    assert error.startswith("error[missing-interpreter]: dynamic_linux is started by /lib/ld-none")
    assert "--> programs/BUILD.toml" in error
    assert "`ld-nine.so.1`" in error
    assert "Traceback" not in error
