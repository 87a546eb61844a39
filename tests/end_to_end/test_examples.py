"""The examples as a user builds and runs them: what runs again after an edit, and what does not."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.booted import booted
from support.command import ROOT, unibuild

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the examples that tests may edit."""
    folder = tmp_path_factory.mktemp("workspace") / "examples"
    ignored = shutil.ignore_patterns("unibuild-out", ".unibuild")
    shutil.copytree(ROOT / "examples", folder, ignore=ignored)
    return folder


@dataclass(frozen=True)
class Built:
    total: int
    executed: int
    digests: dict[str, str]


def build(examples: Path, *patterns: str) -> Built:
    result = unibuild("build", "--json", *patterns, cwd=examples)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    actions = report["actions"]
    assert actions["total"] == actions["executed"] + actions["cached"]
    digests = {o["path"]: o["digest"] for t in report["targets"] for o in t["outputs"]}
    for path in digests:
        assert (examples / path).exists()
    return Built(actions["total"], actions["executed"], digests)


DNS = "//services/dns:image"


def test_second_build_runs_nothing(examples: Path) -> None:
    first = build(examples, DNS)
    again = build(examples, DNS)
    assert again.executed == 0
    assert again.digests == first.digests


def test_touching_a_file_runs_nothing(examples: Path) -> None:
    build(examples, DNS)
    os.utime(examples / "services/dns/answer.c")
    assert build(examples, DNS).executed == 0


def test_edit_compiles_one_file_and_links(examples: Path) -> None:
    before = build(examples, DNS)
    source = examples / "services/dns/report.c"
    text = source.read_text()
    try:
        marker = (
            f"int ub_test_marker(void);\nint ub_test_marker(void) {{ return {os.getpid()}; }}\n"
        )
        source.write_text(text + marker)
        edited = build(examples, DNS)
    finally:
        source.write_text(text)
    assert 1 <= edited.executed <= 3, "compile, and at most link and pack"
    reverted = build(examples, DNS)
    assert reverted.executed == 0
    assert reverted.digests == before.digests


def test_a_comment_stops_at_the_object(examples: Path) -> None:
    build(examples, DNS)
    source = examples / "services/dns/report.c"
    text = source.read_text()
    try:
        source.write_text(text + f"/* {os.getpid()} */\n")
        edited = build(examples, DNS)
    finally:
        source.write_text(text)
    assert edited.executed == 1, "the object is the same, so nothing is linked"


def test_header_recompiles_only_who_includes_it(examples: Path) -> None:
    build(examples, DNS)
    header = examples / "services/dns/tcp.h"
    includers = sum(
        '#include "tcp.h"' in path.read_text() for path in (examples / "services/dns").glob("*.c")
    )
    text = header.read_text()
    try:
        header.write_text(text + f"/* {os.getpid()} */\n")
        edited = build(examples, DNS)
    finally:
        header.write_text(text)
    assert edited.executed == includers


def test_zone_only_packs_again(examples: Path) -> None:
    before = build(examples, DNS)
    zone = examples / "services/dns/example.test.zone"
    text = zone.read_text()
    try:
        zone.write_text(text + f'pid{os.getpid()} IN TXT "edited"\n')
        edited = build(examples, DNS)
    finally:
        zone.write_text(text)
    assert edited.digests != before.digests
    assert edited.executed <= 5, "root archive, parameters, link, pack"


def test_deleted_and_damaged_outputs_come_back(examples: Path) -> None:
    before = build(examples, DNS)
    image = next(examples / path for path in before.digests if path.endswith(".elf"))
    content = image.read_bytes()
    image.unlink()
    assert build(examples, DNS).executed == 0
    assert image.read_bytes() == content
    image.unlink()
    image.write_bytes(b"damaged")
    assert build(examples, DNS).digests == before.digests
    assert image.read_bytes() == content


@pytest.mark.boot
def test_hello_runs_and_returns_its_status(examples: Path) -> None:
    result = unibuild("run", "//hello:image", cwd=examples)
    assert result.returncode == 0, result.stderr
    assert "Hello, world" in result.stdout


@pytest.mark.boot
def test_arguments_and_status_of_a_new_program(tmp_path: Path) -> None:
    made = unibuild("new", "greeter", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    label = made.stdout.strip()
    first = unibuild("run", label, cwd=tmp_path)
    assert (first.returncode, first.stdout) == (0, "Hello from greeter\n"), first.stderr
    (tmp_path / "greeter/main.c").write_text(
        "#include <stdio.h>\n"
        "int main(int argc, char **argv)\n"
        "{\n"
        "    for (int i = 1; i < argc; i++) {\n"
        '        printf("Hello from greeter, %s!\\n", argv[i]);\n'
        "    }\n"
        "    return argc - 1;\n"
        "}\n"
    )
    result = unibuild("run", label, "--", "Ada", "Grace", cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stdout == "Hello from greeter, Ada!\nHello from greeter, Grace!\n"
    tested = unibuild("test", "//...", cwd=tmp_path)
    assert tested.returncode == 1, "the test of the first program no longer holds"
    assert "FAILED" in tested.stdout


@pytest.mark.boot
def test_interrupt_stops_the_machine_and_leaves_no_process(examples: Path) -> None:
    build(examples, DNS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with booted(DNS, f"-p{port}:53/udp", cwd=examples) as machine:
        assert machine.stdout is not None
        assert b"ready" in machine.stdout.readline()
        children = _descendants(machine.pid)
        assert children
    assert machine.returncode == 130
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


@pytest.mark.boot
def test_taken_port_says_who_holds_it(examples: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = unibuild("run", DNS, f"-p{port}:53/tcp", cwd=examples)
    assert result.returncode == 3
    assert str(os.getpid()) in result.stderr
    assert str(port) in result.stderr


def _descendants(parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]


def test_a_build_without_sandbox_shows_in_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "WORKSPACE.toml").write_text('name = "weak"\n')
    (tmp_path / "BUILD.toml").write_text(
        '[cc_binary.p]\nsrcs = ["p.c"]\n[unikernel_image.image]\napp = ":p"\n'
    )
    (tmp_path / "p.c").write_text("int main(void) { return 0; }\n")
    manifest = tmp_path / "unibuild-out/image.manifest.json"
    for option, expected in (("required", "bubblewrap"), ("none", "none")):
        result = unibuild("build", "//:image", f"--sandbox={option}", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert json.loads(manifest.read_text())["sandbox"] == expected
