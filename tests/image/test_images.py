"""Images of small programs: built by the whole way, asked, and booted under emulation."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from support.command import unibuild

pytestmark = [pytest.mark.network, pytest.mark.boot]

SHOW = """\
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
    for (int i = 0; i < count; i++)
        printf("argument %d is [%s]\\n", i, words[i]);
    printf("PLACE is [%s]\\n", getenv("PLACE") ? getenv("PLACE") : "unset");
    FILE *file = fopen("/etc/greeting", "r");
    char line[64] = "no file";
    if (file)
        fgets(line, sizeof line, file);
    printf("file holds [%s]\\n", line);
    return count;
}
"""
CRASH = """\
static void (*volatile call)(int);

__attribute__((noinline)) static void inner(int step)
{
    *(volatile int *)(long)step = 1;
}

__attribute__((noinline)) void outer(int step)
{
    call(step);
    __asm__ volatile("");
}

int main(void)
{
    call = inner;
    outer(16);
    return 0;
}
"""
MEMFD = """\
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
    int made = memfd_create("name", 0);
    printf("%d %s\\n", made, errno == ENOSYS ? "ENOSYS" : "other");
    return 0;
}
"""
RANDOM = """\
#include <stdio.h>
#include <sys/random.h>

int main(void)
{
    unsigned long number = 0;
    getrandom(&number, sizeof number, 0);
    printf("number %016lx\\n", number);
    return 0;
}
"""
BUILD = """\
[cc_binary.show]
srcs = ["show.c"]
[unikernel_image.image]
app = ":show"
args = ["--name", "two words", "back\\\\slash"]
env = { PLACE = "here" }
files = { "/etc/greeting" = "greeting" }
dirs = ["/tmp"]
memory = "4M"
[unikernel_image.image_q35]
app = ":show"
platform = "@unibuild//kernel/platform:qemu-q35"

[cc_binary.crash]
srcs = ["crash.c"]
[unikernel_image.crash_image]
app = ":crash"

[cc_binary.memfd]
srcs = ["memfd.c"]
[unikernel_image.memfd_image]
app = ":memfd"
[unikernel_image.memfd_stub_image]
app = ":memfd"
components = ["@unibuild//kernel/stub:memfd_create"]

[cc_binary.random]
srcs = ["random.c"]
[unikernel_image.random_image]
app = ":random"

[boot_test.shows]
image = ":image"
expect_console = ["^argument 0 is \\\\[show\\\\]$", "file holds \\\\[good day"]
reject_console = ["unset"]
expect_status = 4
[boot_test.other_arguments]
image = ":image"
args = ["one"]
expect_console = ["^argument 1 is \\\\[one\\\\]$"]
expect_status = 2
[boot_test.wrong]
image = ":image"
expect_console = ["never said"]
expect_status = 3
[boot_test.breaks]
image = ":crash_image"
expect_status = 134
expect_console = ["^fault: ", "at inner\\\\+"]
[boot_test.draws]
image = ":random_image"
boots = 3
distinct = ["^number ([0-9a-f]{16})$"]
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    package = root / "programs"
    package.mkdir()
    (root / "WORKSPACE.toml").write_text('name = "images"\n')
    (package / "BUILD.toml").write_text(BUILD)
    (package / "greeting").write_text("good day")
    for name, text in (("show", SHOW), ("crash", CRASH), ("memfd", MEMFD), ("random", RANDOM)):
        (package / f"{name}.c").write_text(text)
    return root


def answer(workspace: Path, *arguments: str) -> dict[str, object]:
    result = unibuild(*arguments, "--json", cwd=workspace)
    assert result.returncode == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


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
