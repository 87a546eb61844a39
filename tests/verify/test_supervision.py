"""The supervisor: what it sees, strace sees too, and what it runs does not notice it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from unibuild.verify import supervision
from unibuild.verify.supervision import Seen, judgement

pytestmark = pytest.mark.skipif(bool(supervision.available()), reason=supervision.available())
PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")
SHIFT = 34_319_231
ENVIRONMENT = {"ODD": "a=b\tc", "EMPTY": "", "LC_ALL": "C"}


def run(
    line: Sequence[str], report: Path | None = None, shift: int = 0, hide: Path | None = None
) -> subprocess.CompletedProcess[str]:
    words = [word.replace("{output}", "it") for word in supervision.command(report, shift, hide)]
    return subprocess.run(
        [*words, *line], env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def watched(tmp_path: Path, script: str, hide: Path | None = None) -> tuple[list[Seen], str]:
    report = tmp_path / "report"
    report.unlink(missing_ok=True)
    done = run([*PYTHON, script], report, hide=hide)
    assert done.returncode == 0, done.stderr
    return supervision.read(report)["it"], done.stdout


def whats(seen: list[Seen], kind: str) -> set[str]:
    return {what for of_kind, what, _, _ in seen if of_kind == kind}


def test_it_ends_as_the_program_ends() -> None:
    assert run(["/bin/sh", "-c", "exit 7"]).returncode == 7
    assert run(["/bin/true"]).returncode == 0
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGUSR1):
        assert run(["/bin/sh", "-c", f"kill -{int(number)} $$"]).returncode == -number
    missing = run(["/no/such/program"])
    assert (missing.returncode, missing.stderr) == (
        127,
        "/no/such/program: No such file or directory\n",
    )


def test_environment_output_and_descriptors_are_the_programs_own(tmp_path: Path) -> None:
    script = (
        "import os,sys; data=open('/proc/self/environ','rb').read(); "
        "print(data, sorted(os.listdir('/proc/self/fd')), file=sys.stderr); print('out')"
    )
    plain = subprocess.run(
        [*PYTHON, script], env=ENVIRONMENT, capture_output=True, text=True, check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    traced = run([*PYTHON, script], tmp_path / "report", SHIFT)
    assert (traced.stdout, traced.stderr) == (plain.stdout, plain.stderr)


def test_the_date_is_moved_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    script = f"""
import ctypes, os, time
libc = ctypes.CDLL(None)
pair = (ctypes.c_long * 2)()
print(int(time.time()), int(time.clock_gettime(5)), libc.time(None), end=" ")
libc.gettimeofday(pair, None); print(pair[0], end=" ")
print(int(time.monotonic()), int(os.stat({str(tmp_path / "file")!r}).st_mtime))
"""
    now, up = int(time.time()), int(time.monotonic())
    for report in (None, tmp_path / "report"):
        *dates, since, written = map(int, run([*PYTHON, script], report, SHIFT).stdout.split())
        assert all(0 <= date - now - SHIFT < 60 for date in dates), dates
        assert 0 <= since - up < 60
        assert abs(written - now) < 60


def test_a_wait_for_a_date_takes_as_long_as_it_should() -> None:
    script = """
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
for wait in ("sem", "nanosleep"):
    until = time.time() + 0.3
    pair = (ctypes.c_long * 2)(int(until), int(until % 1 * 1e9))
    began = time.monotonic()
    if wait == "sem":
        semaphore = ctypes.create_string_buffer(64)
        libc.sem_init(semaphore, 0, 0)
        libc.sem_timedwait(semaphore, pair)
    else:
        libc.clock_nanosleep(0, 1, pair, None)
    print(time.monotonic() - began, pair[0] == int(until))
"""
    for shift in (SHIFT, -SHIFT):
        done = run([*PYTHON, script], None, shift)
        for line in done.stdout.splitlines():
            seconds, kept = line.split()
            assert 0.2 < float(seconds) < 5
            assert kept == "True"
        assert len(done.stdout.splitlines()) == 2, done.stderr


FILES = """
import os, subprocess, threading
os.chdir("folder")
open("file").close()                                 # of the working directory
os.close(os.open("../link", os.O_RDONLY))            # through a link
here = os.open("below", os.O_RDONLY)
os.close(os.open("deep", os.O_RDONLY, dir_fd=here))  # of a directory's descriptor
def thread():
    open("by-thread").close()
one = threading.Thread(target=thread); one.start(); one.join()
subprocess.run(["/bin/sh", "-c", "cd below; cat deep ../file > ../made"], check=True)
for name in ("absent", "/etc/absent", "below/absent"):
    try: open(name)
    except OSError: pass
open("/etc/passwd").close()
open("/proc/self/root/etc/group").close()
open("/proc/version").close()
"""


def lay_out(folder: Path) -> None:
    (folder / "folder/below").mkdir(parents=True)
    for name in ("file", "below/deep", "by-thread", "target"):
        (folder / "folder" / name).write_text("x")
    (folder / "link").symlink_to("folder/target")


def test_strace_sees_the_same_files_opened(tmp_path: Path) -> None:
    lay_out(tmp_path / "ours")
    lay_out(tmp_path / "theirs")
    report = tmp_path / "report"
    words = supervision.command(report)
    line = ["/usr/bin/python3", "-I", "-S", "-c", FILES]
    subprocess.run([*words, *line], cwd=tmp_path / "ours", env=ENVIRONMENT, check=True, timeout=60)
    (seen,) = supervision.read(report).values()
    subprocess.run(
        ["strace", "-f", "-y", "-qq", "-o", tmp_path / "trace", "-e", "trace=open,openat,openat2",
         *line],
        cwd=tmp_path / "theirs", env=ENVIRONMENT, check=True, timeout=60,
    )  # fmt: skip
    returned = re.findall(
        r"= \d+<([^>]+)>(?:\(deleted\))?$", (tmp_path / "trace").read_text(), re.MULTILINE
    )
    base = str(tmp_path / "theirs")
    judged = {path.replace(base, "/build") for path in returned}
    ours = whats(seen, "open") | whats(seen, "write")
    ours |= {"/build/folder/made"}  # new, so its own affair
    plain = {path for path in judged if not path.startswith("/proc/")}
    assert {path for path in ours if not path.startswith("/proc/")} == plain
    assert len(plain) > 10
    assert "/proc/version" in ours
    assert "/etc/group" in ours
    assert not any("absent" in path for path in ours)


def test_what_runs_is_seen_with_its_script_and_loader(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    report = tmp_path / "report"
    assert run(["/bin/sh", "-c", f"{script}; exit $?"], report).returncode == 0
    ran = whats(supervision.read(report)["it"], "execute")
    shell = os.path.realpath("/bin/sh")
    assert {str(script), shell} <= ran
    assert any("ld-linux" in path for path in ran)


@pytest.mark.parametrize(
    ("script", "kind", "what"),
    [
        ("import time; time.time()", "clock", "date"),
        ("import time; time.monotonic()", "clock", "uptime"),
        ("import time; time.process_time()", "clock", "processor time"),
        ("import os; os.getrandom(4)", "random", "getrandom"),
        ("import os; os.uname()", "host", "uname"),
        ("import os; os.sched_getaffinity(0)", "host", "processors"),
        ("import ctypes; ctypes.CDLL(None).sysinfo(bytes(200))", "host", "sysinfo"),
        (
            "import ctypes; ctypes.CDLL(None).syscall(309, None, None, None)",
            "host",
            "processor in use",
        ),
        ("import ctypes; ctypes.CDLL(None).syscall(425, 0, None)", "unseen", "io_uring"),
        # glibc has it from memory that the kernel writes (rseq), or from the vDSO, where it can.
        ("import ctypes; ctypes.CDLL(None).sched_getcpu()", "host", "processor in use"),
        (
            "import ctypes; c = ctypes.CDLL(None); c.inotify_add_watch(c.inotify_init(), b'/opt', 1)",
            "look",
            "/opt",
        ),
        ("import socket; socket.socket()", "network", "socket AF_INET"),
        ("import socket; socket.socket(socket.AF_UNIX)", "network", "socket AF_UNIX"),
        (
            "import socket; socket.socket(type=2).connect(('127.0.0.1', 9))",
            "network",
            "connect 127.0.0.1:9",
        ),
        (
            "import socket; socket.socket(10, 2).connect(('::1', 9))",
            "network",
            "connect [0000:0000:0000:0000:0000:0000:0000:0001]:9",
        ),
    ],
)
def test_each_call_of_interest_is_seen(tmp_path: Path, script: str, kind: str, what: str) -> None:
    # The interpreter reads clocks and draws a seed by itself: only the number may grow.
    before, _ = watched(tmp_path, "pass")
    after, _ = watched(tmp_path, script)

    def count(seen: list[Seen]) -> int:
        return sum(one[3] for one in seen if one[:2] == (kind, what))

    assert count(after) > count(before)


def test_a_program_in_memory_is_what_the_action_put_there(tmp_path: Path) -> None:
    script = (
        "import os; file = os.memfd_create('own'); os.write(file, open('/bin/true', 'rb').read()); "
        "os.execve(file, ['true'], {})"
    )
    seen, _ = watched(tmp_path, script)
    assert not [what for what in whats(seen, "execute") if "memfd" in what]
    assert "/usr/bin/true" in whats(seen, "open")


def test_a_path_below_a_root_of_its_own_is_found_there(tmp_path: Path) -> None:
    script = (
        "import ctypes, os, struct; folder = os.open('/usr/bin', os.O_PATH); "
        "how = struct.pack('<QQQ', 0, 0, 0x10); "
        "ctypes.CDLL(None).syscall(437, folder, b'/env', how, 24)"
    )
    seen, _ = watched(tmp_path, script)
    assert "/usr/bin/env" in whats(seen, "open")


def test_a_pair_of_sockets_of_its_own_is_no_network(tmp_path: Path) -> None:
    seen, _ = watched(tmp_path, "import socket; socket.socketpair()")
    assert whats(seen, "network") == set()


def test_calls_of_another_architecture_do_not_go_unseen(tmp_path: Path) -> None:
    # mov eax, 13 (time of i386); xor ebx, ebx; int 0x80; ret
    script = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex("b80d00000031dbcd80c3"))
ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
    report = tmp_path / "report"
    run([*PYTHON, script], report)  # a kernel without 32-bit support ends it by a signal
    assert "system calls of another architecture" in whats(supervision.read(report)["it"], "unseen")


def test_other_facts_of_the_host_are_told(tmp_path: Path) -> None:
    script = """
import ctypes, os
told = ctypes.create_string_buffer(200)
ctypes.CDLL(None).sysinfo(told)
print(os.uname().release, len(os.sched_getaffinity(0)), int.from_bytes(told[32:40], "little"))
"""
    hide = judgement.hide_host(tmp_path / "host")
    plain = watched(tmp_path, script)[1].split()
    other = watched(tmp_path, script, hide)[1].split()
    assert all(one != two for one, two in zip(plain, other, strict=True))


def test_signals_are_passed_on_and_a_stop_is_no_end(tmp_path: Path) -> None:
    script = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("asked", flush=True), sys.exit(3)))
print(os.getpid(), flush=True)
while True: signal.pause()
"""
    line = [*supervision.command(tmp_path / "report"), *PYTHON, script]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        inner = int(process.stdout.readline())
        os.kill(inner, signal.SIGSTOP)
        _await(lambda: _state(inner) in "tT")
        time.sleep(0.1)
        assert process.poll() is None
        os.kill(inner, signal.SIGCONT)
        _await(lambda: _state(inner) == "S")
        os.kill(process.pid, signal.SIGTERM)
        assert process.stdout.readline() == "asked\n"
        assert process.wait(20) == 3


def test_with_the_supervisor_everything_it_runs_ends(tmp_path: Path) -> None:
    script = "import os,time; p=os.fork(); print(os.getpid(), flush=True); time.sleep(300)"
    line = [*supervision.command(tmp_path / "report"), *PYTHON, script]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        inner = [int(process.stdout.readline()) for _ in range(2)]
        process.kill()
        process.wait(20)
        for pid in inner:
            _await(lambda pid=pid: _state(pid) in {"", "Z", "X"})  # type: ignore[misc]


def test_many_processes_and_threads_at_once(tmp_path: Path) -> None:
    script = """
import os, subprocess, threading
def work():
    for _ in range(5): assert subprocess.run(["/bin/true"]).returncode == 0
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
for _ in range(30):
    pid = os.fork()
    if not pid: os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
"""
    seen, _ = watched(tmp_path, script)
    (count,) = [one[3] for one in seen if one[:2] == ("execute", os.path.realpath("/bin/true"))]
    assert count == 40


def test_a_program_of_many_arguments_and_variables_has_no_fast_clock(tmp_path: Path) -> None:
    report = tmp_path / "report"
    environment = {f"V{number}": "x" * (number % 97) for number in range(3000)}
    line = [*supervision.command(report), *PYTHON, "import time; time.time()", *(["y"] * 5000)]
    subprocess.run(line, env=environment, check=True, timeout=60)
    (seen,) = supervision.read(report).values()
    assert "date" in whats(seen, "clock")


def test_reports_of_supervisors_at_once_stay_whole(tmp_path: Path) -> None:
    report = tmp_path / "report"
    script = (
        f"for n in range(300): open('{tmp_path}/' + str(n) + 'é\\U0001f600\\\\\"', 'w').close()"
    )
    script += f"\nfor n in range(300): open('{tmp_path}/' + str(n) + 'é\\U0001f600\\\\\"').close()"
    running = []
    for number in range(4):
        words = [w.replace("{output}", str(number)) for w in supervision.command(report)]
        running.append(subprocess.Popen([*words, sys.executable, "-X", "utf8", "-c", script]))
    assert [process.wait(60) for process in running] == [0] * 4
    found = supervision.read(report)
    assert sorted(found) == ["0", "1", "2", "3"]
    with report.open("a") as file:
        file.write('{"name": "cut')
    assert supervision.read(report) == found


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def _await(condition: object) -> None:
    assert callable(condition)
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_where_tracing_is_forbidden_it_says_so(tmp_path: Path) -> None:
    words = supervision.command(tmp_path / "report")
    inner = [*words, *words, "/bin/true"]  # whoever is traced can trace, but not be traced twice
    done = subprocess.run(inner, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 127
    assert done.stderr.startswith(supervision.FAILURE_MARK)
    assert "Operation not permitted" in done.stderr


def test_a_fault_of_the_supervisor_is_no_fault_of_the_program() -> None:
    words = [*supervision.command(None)[:-1], "--shift", "soon", "--", "/bin/true"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 127
    assert done.stderr.startswith(f"{supervision.FAILURE_MARK}ValueError: ")
