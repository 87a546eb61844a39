"""What programs do under strace, the scan has to have found before: no call may be missing.

Real programs, built or fetched by unibuild itself, do real work here. How many names the scan finds
above those that were traced is reported in docs/linux-programs.md, and bounded here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, unibuild

from unibuild.elf.libraries import libraries
from unibuild.elf.system_calls import Scan, scan

EXAMPLES = ROOT / "examples"
BY_KERNEL = {"execve", "restart_syscall"}
"""What starts the program, and what the kernel itself makes of an interrupted call."""
_CALL = re.compile(r"^(?:\d+ +)?(?:<\.\.\. )?([a-z]\w*)(?:\(| resumed)", re.MULTILINE)

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")


def _built(workspace: Path, *labels: str) -> list[Path]:
    result = unibuild("build", *labels, cwd=workspace)
    assert result.returncode == 0, result.stderr
    return [workspace / "unibuild-out" / one.lstrip("/").replace(":", "/") for one in labels]


def _traced(trace: Path, program: str = "") -> set[str]:
    """Return the names in a trace; with ``program``, those since it was started."""
    text = trace.read_text(errors="replace")
    text = text[text.index(f'execve("{program}') :] if program else text
    return set(_CALL.findall(text)) - BY_KERNEL


def _run(command: list[str | Path], trace: Path) -> set[str]:
    subprocess.run(
        ["strace", "-f", "-qq", "-o", trace, *command],
        cwd=trace.parent,
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=100,
    )
    return _traced(trace)


def _nothing_is_missing(found: Scan, traced: set[str], at_most: int) -> None:
    assert traced, "the trace is empty"
    assert traced - found.calls.keys() == set()
    assert len(found.calls) <= at_most


STATIC = {  # a program of tests/linux → the most names that may be found
    "loader:hello": 14,
    "loader:auxiliary": 20,
    "loader:processor_time": 30,
    "files:bad": 75,
    "files:races": 50,
    "memory:heap": 30,
    "memory:mappings": 25,
    "net:epoll": 35,
    "net:pairs": 50,
    "threads:pthreads": 35,
    "threads:signals": 50,
    "threads:restart": 50,
    "go:runtime": 80,
}


@pytest.mark.parametrize("name", STATIC)
def test_static_programs(name: str, tmp_path: Path) -> None:
    (program,) = _built(ROOT, f"//tests/linux/{name}")
    found = scan(program, {})
    _nothing_is_missing(found, _run([program], tmp_path / "trace"), STATIC[name])
    assert found.undecided == ()


def test_a_web_server_in_go(tmp_path: Path) -> None:
    (program,) = _built(EXAMPLES, "//services/web:server-program")
    root = tmp_path / "root"
    (root / "static/folder").mkdir(parents=True)
    (root / "static/index.html").write_text("index")
    (root / "static/page.html").write_text("page" * 5000)
    shutil.copy2(program, root / "server")
    workload = Path(__file__).with_name("web_workload.py")
    trace = tmp_path / "trace"
    apart = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("there are no namespaces to run the server in")
    command = [*apart, sys.executable, workload, trace, root, "/server"]
    subprocess.run(command, check=True, timeout=120)
    found = scan(program, {})
    _nothing_is_missing(found, _traced(trace, "/server"), 75)
    assert found.undecided == ()
    assert [one for one in found.warnings if "exec" in one] == []
    assert "syscall.read" in {one.function for one in found.calls["read"].reasons}
    assert "runtime.futex" in {one.function for one in found.calls["futex"].reasons}


def test_lua_with_its_interpreter_and_libraries(tmp_path: Path) -> None:
    names = ("lua", "libc", "readline", "tinfo")
    lua, *folders = _built(EXAMPLES, *(f"//linux/lua:{name}" for name in names))
    program = lua / "usr/bin/lua5.4"
    files = {
        f"/{place.relative_to(folder)}": place
        for folder in folders
        for place in sorted(folder.rglob("*"))
        if place.is_file()
    }
    loaded = libraries(program, files)
    found = scan(program, loaded)
    (tmp_path / "script.lua").write_text(
        "local f = io.open('written', 'w'); f:write('text'); f:close()\n"
        "print(io.open('written'):read('a'), os.time(), os.clock(), os.getenv('HOME'))\n"
        "os.rename('written', 'moved'); os.remove('moved'); print(#string.rep('x', 1000000))\n"
    )
    search = ":".join(str(folder / "lib/x86_64-linux-gnu") for folder in folders)
    command = [files[found.interpreter], "--library-path", search, program, "script.lua"]
    _nothing_is_missing(found, _run(command, tmp_path / "trace"), 100)
    assert (found.kind, found.undecided) == ("dynamic", ())


@pytest.mark.parametrize("linked", ["-static", "-static-pie", "-no-pie", "-pie"])
def test_programs_of_the_host_in_c(linked: str, tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if not compiler:
        pytest.skip("there is no compiler on the host")
    source = tmp_path / "threads.c"
    source.write_text(
        "#include <pthread.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <time.h>\n"
        "static void *run(void *given) { return malloc(1 << 20) ? given : NULL; }\n"
        "int main(void) {\n  pthread_t one; void *back; struct timespec now;\n"
        "  pthread_create(&one, NULL, run, &one); pthread_join(one, &back);\n"
        '  clock_gettime(CLOCK_MONOTONIC, &now); printf("%d\\n", back == &one);\n  return 0;\n}\n'
    )
    program = tmp_path / "threads"
    built = subprocess.run(
        [compiler, "-O2", "-pthread", linked, "-o", program, source],
        capture_output=True,
        check=False,
    )
    if built.returncode:
        pytest.skip("the compiler of the host cannot link so")
    files = {
        str(place): place
        for folder in ("/lib64", "/lib/x86_64-linux-gnu")
        for place in Path(folder).glob("*.so.*")
        if place.name.startswith(("libc.", "ld-"))
    }
    try:
        found = scan(program, libraries(program, files))
    finally:
        traced = _run([program], tmp_path / "trace")
    _nothing_is_missing(found, traced, 70)
    assert found.undecided == ()


def test_a_threaded_program_of_the_host_in_rust(tmp_path: Path) -> None:
    compiler = shutil.which("rustc")
    if not compiler:
        pytest.skip("there is no Rust compiler on the host")
    source = tmp_path / "echo.rs"
    source.write_text(
        "use std::io::{Read, Write};\nuse std::net::{TcpListener, TcpStream};\n"
        "fn main() {\n"
        '  let listener = TcpListener::bind("127.0.0.1:0").unwrap();\n'
        "  let address = listener.local_addr().unwrap();\n"
        "  let server = std::thread::spawn(move || {\n"
        "    let (mut peer, _) = listener.accept().unwrap(); let mut text = [0; 2];\n"
        "    peer.read_exact(&mut text).unwrap(); peer.write_all(&text).unwrap(); });\n"
        "  let mut peer = TcpStream::connect(address).unwrap(); let mut text = [0; 2];\n"
        '  peer.write_all(b"hi").unwrap(); peer.read_exact(&mut text).unwrap();\n'
        "  server.join().unwrap();\n"
        "  let seen: std::collections::HashSet<u8> = text.iter().copied().collect();\n"
        '  println!("{} {:?}", seen.len(), std::fs::read("/etc/passwd").map(|all| all.len()));\n}\n'
    )
    program = tmp_path / "echo"
    command = [compiler, "-O", "-C", "target-feature=+crt-static", "-o", program, source]
    if subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("the compiler of the host cannot link so")
    found = scan(program, {})
    _nothing_is_missing(found, _run([program], tmp_path / "trace"), 85)
    assert found.undecided == ()
