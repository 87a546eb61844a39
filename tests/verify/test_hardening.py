"""V17: images that keep the rules of hardening, and for each rule one that breaks it."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import ROOT
from verify.evidence import (
    Gather,
    bench_of,
    booted_as,
    breaks,
    find,
    linked_as,
    with_header,
    without,
)

from unibuild.model.errors import HostError, UserError
from unibuild.verify import hardening_check
from unibuild.verify.hardening.commands import Compiled
from unibuild.verify.hardening.evidence import Evidence, read_elf
from unibuild.verify.hardening.rule import rules

pytestmark = pytest.mark.network

PLAIN = '#include <stdio.h>\nint main(void) { return puts("plain") < 0; }\n'
HEAP = """\
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words)
{
    char *text = malloc((size_t)count + 5);
    snprintf(text, 4, "%s", words[0]);
    puts(text);
    free(text);
    return 0;
}
"""
SOCKET = """\
#include <sys/socket.h>
int main(void) { return listen(socket(AF_INET, SOCK_STREAM, 0), 1); }
"""
INTERPRETER = """\
int luaL_newstate(void);
int gdbstub_start(void);
int luaL_newstate(void) { return 1; }
int gdbstub_start(void) { return 2; }
int main(int count, char **words) { return words[count - 1][0] ? luaL_newstate() : gdbstub_start(); }
"""
BUILD = """\
[cc_binary.plain]
srcs = ["plain.c"]
[unikernel_image.image]
app = ":plain"
[cc_binary.heap]
srcs = ["heap.c"]
[unikernel_image.heap_image]
app = ":heap"
[cc_binary.socket]
srcs = ["socket.c"]
[unikernel_image.socket_image]
app = ":socket"

[linux_executable.static]
program = ":plain"
[linux_binary.static_linux]
binary = ":static"
[unikernel_image.linux_image]
app = ":static_linux"
[linux_executable.pie]
program = ":plain"
link_flags = ["-pie", "--no-dynamic-linker"]
[linux_binary.pie_linux]
binary = ":pie"
[unikernel_image.pie_image]
app = ":pie_linux"
allow_exec_mappings = true

[cc_binary.bare]
srcs = ["plain.c"]
cflags = [
    "-fno-stack-protector", "-fno-stack-clash-protection", "-ftrivial-auto-var-init=uninitialized",
    "-Wno-format-security",
]
[unikernel_image.bare_image]
app = ":bare"

[cc_binary.interpreter]
srcs = ["interpreter.c"]
cflags = ["-O0"]
[unikernel_image.loaded_image]
app = ":interpreter"
args = ["--token", "t0k3n", "--password=x", "--secret=", "--quiet"]
env = { DB_PASSWORD = "hunter2", HOME = "/", API_KEY = "" }
[unikernel_image.loaded_image.files]
"/bin/busybox" = "plain.c"
"/usr/sbin/telnetd" = "plain.c"
"/etc/passwd" = "passwd"
"/etc/key.pem" = "key.pem"
"/etc/notes" = "notes"
"""
SECRETS = """\
see ftp://user:password@example.test/ and ftp://%s:%s@%s/, then
ftp://deploy:tr0ub4dor@example.test/repository and AKIAIOSFODNN7EXAMPLE
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hardening") / "workspace"
    root.mkdir()
    for name, text in {
        "WORKSPACE.toml": 'name = "hardening"\n',
        "BUILD.toml": BUILD,
        "plain.c": PLAIN,
        "heap.c": HEAP,
        "socket.c": SOCKET,
        "interpreter.c": INTERPRETER,
        "passwd": "root:x:0:0\nguest::1:1\nadmin:$6$salt$hash:2:2\nlocked:!:3:3\n# none:of:them\n",
        "key.pem": "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n",
        "notes": SECRETS,
    }.items():
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def gather(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Evidence]:
    """Builds an image and reads what the rules look at, once each."""
    known: dict[str, Evidence] = {}

    def make(name: str) -> Evidence:
        if name not in known:
            bench = bench_of(workspace, name, tmp_path_factory.mktemp("scratch"))
            assert bench.image is not None
            known[name] = hardening_check.gather(bench, bench.image)
        return known[name]

    return make


PT_LOAD, PT_GNU_STACK = 1, 0x6474E551


@pytest.mark.parametrize("profile", ["base", "hardened"])
def test_images_of_linux_programs_keep_the_rules(gather: Gather, profile: Any) -> None:
    outcome = hardening_check.judge(gather("linux_image"), profile)
    assert outcome.status == "passed", [str(error) for error in outcome.errors]


@pytest.mark.parametrize("profile", ["base", "hardened"])
@pytest.mark.parametrize("name", ["image", "heap_image", "socket_image"])
def test_images_keep_the_rules(gather: Gather, name: str, profile: Any) -> None:
    outcome = hardening_check.judge(gather(name), profile)
    assert outcome.status == "passed", [str(error) for error in outcome.errors]
    assert outcome.errors == ()
    found = {one["id"]: one for one in outcome.facts["rules"]}  # type: ignore[attr-defined]
    assert found["C9"]["result"] == ("passed" if name == "heap_image" else "not-applicable")
    assert found["C16"]["result"] == ("passed" if name == "socket_image" else "not-applicable")
    others = [one for one in found.values() if one["id"] not in ("C9", "C16", "C31", "C32")]
    assert all(one["result"] != "not-applicable" for one in others)


def test_the_check_as_the_verb_runs_it(workspace: Path, tmp_path: Path) -> None:
    outcome = hardening_check.run(bench_of(workspace, "image", tmp_path))
    assert outcome.status == "passed"
    assert outcome.facts["profile"] == "base"
    strict = hardening_check.run(bench_of(workspace, "image", tmp_path, "strict"))
    assert strict.status == "failed"
    (note,) = outcome.notes
    assert strict.errors
    assert all(f"({error.cause.split()[2].rstrip(',')})" in note for error in strict.errors)


def test_a_profile_that_does_not_exist(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        hardening_check.run(bench_of(workspace, "image", tmp_path, "harder"))
    assert caught.value.id == "bad-hardening-profile"
    assert "base, hardened, strict" in caught.value.hint


def test_a_linked_file_that_is_not_here_is_not_done(workspace: Path, tmp_path: Path) -> None:
    bench = bench_of(workspace, "image", tmp_path)
    # The kept graph is that of the user's cache, so a cache that lost the blob is a copy of nothing.
    assert bench.image is not None
    from unibuild.verify import ordinary

    ordinary.kept(bench)
    empty = tmp_path / "empty"
    outcome = hardening_check.run(dataclasses.replace(bench, cache_root=empty))
    assert outcome.status == "not-done"
    (error,) = outcome.errors
    assert isinstance(error, HostError)
    assert error.id == "linked-file-missing"


def test_c1_linked_for_one_address_or_text_relocations(gather: Gather) -> None:
    image = gather("image")
    fixed = bytearray(image.boot.data)
    struct.pack_into("<H", fixed, 16, 2)  # ET_EXEC
    breaks(booted_as(image, bytes(fixed)), "C1", "linked for one address", "boot file: ET_EXEC")
    breaks(without(image, "ub_image_slide"), "C1", "nothing in the image moves it")
    text = image.linked.loads[0].address + 16
    moved = (*image.linked.relocations, (text, 8))
    breaks(linked_as(image, relocations=moved), "C1", "changes text", f"8 at {text:#x}")
    resolved = (*image.linked.relocations, (image.linked.loads[-1].address, 37))
    breaks(linked_as(image, relocations=resolved), "C1", "37 at")


def test_c3_a_segment_both_writable_and_executable(gather: Gather) -> None:
    image = gather("image")
    writable = with_header(image.boot.data, PT_LOAD, flags=7)
    breaks(booted_as(image, writable), "C3", "boot file: PT_LOAD rwx 0x")


def test_c3_an_executable_stack(gather: Gather) -> None:
    image = gather("image")
    data = with_header(image.linked.data, PT_GNU_STACK, flags=7)
    evidence = dataclasses.replace(image, linked=read_elf(data))
    breaks(evidence, "C3", "PT_GNU_STACK rwx", "stacks may be executed")
    kept = tuple(one for one in image.linked.segments if one.type != "PT_GNU_STACK")
    breaks(linked_as(image, segments=kept), "C3", "no PT_GNU_STACK")


def test_c3_a_page_that_two_segments_share(gather: Gather) -> None:
    image = gather("image")
    text = image.boot.loads[0]
    data = image.boot.loads[-1]
    grown = with_header(image.boot.data, PT_LOAD, size=data.address + 8 - text.address)
    breaks(booted_as(image, grown), "C3", "one page holds the end of")


def test_c4_constants_in_a_writable_segment(gather: Gather) -> None:
    image = gather("image")
    moved = [
        dataclasses.replace(one, address=image.boot.loads[-1].address)
        if one.name == ".rodata" else one
        for one in image.linked.sections
    ]  # fmt: skip
    breaks(linked_as(image, sections=tuple(moved)), "C4", ".rodata in PT_LOAD rw-")
    nowhere = [
        dataclasses.replace(one, address=0) if one.name == ".rodata" else one
        for one in image.linked.sections
    ]
    breaks(linked_as(image, sections=tuple(nowhere)), "C4", ".rodata in no segment")
    lazy = dataclasses.replace(image.linked.sections[0], name=".plt", size=16)
    breaks(linked_as(image, sections=(*image.linked.sections, lazy)), "C4", "when first called")


def test_c5_loaded_at_zero(gather: Gather) -> None:
    image = gather("image")
    for field in ("address", "physical"):
        data = with_header(image.boot.data, PT_LOAD, **{field: 0})
        breaks(booted_as(image, data), "C5", "begins at 0x0")


def test_c6_c8_c10_c11_objects_without_the_flags(gather: Gather) -> None:
    bare = gather("bare_image")
    place = "bare.objects/plain.c.o of //:bare: "
    breaks(bare, "C6", place + "-fno-stack-protector")
    breaks(bare, "C8", place + "-fno-stack-clash-protection")
    breaks(bare, "C10", place + "-ftrivial-auto-var-init=uninitialized")
    breaks(bare, "C11", place + "-Wno-format-security")
    outcome = hardening_check.judge(bare, "base")
    assert [error.cause.split(",")[0] for error in outcome.errors] == ["//:bare_image breaks C6"]


def test_c6_no_alarm(gather: Gather) -> None:
    breaks(without(gather("image"), "__stack_chk_fail"), "C6", "__stack_chk_fail")


def test_c7_a_stack_without_guard(gather: Gather) -> None:
    image = gather("image")
    breaks(without(image, "ub_stack_guard_nmi"), "C7", "ub_nmi_stack_top: no guard page below")
    breaks(without(image, "ub_stack_guards_end"), "C7", "no table of guard pages")
    end = image.linked.symbols["ub_stack_guards_end"]
    shorter = {**image.linked.symbols, end.name: dataclasses.replace(end, address=end.address - 4)}
    breaks(linked_as(image, symbols=shorter), "C7", "is not in the table")


def test_c9_another_allocator(gather: Gather) -> None:
    breaks(without(gather("heap_image"), "__malloc_alloc_meta"), "C9", "__malloc_alloc_meta")


def test_c12_c27_are_not_kept_and_said_so(gather: Gather) -> None:
    breaks(gather("image"), "C12", "landing pads")
    breaks(gather("image"), "C27", "command line")


def test_c14_no_source_of_entropy(gather: Gather) -> None:
    drivers = ("ub_processor_entropy", "ub_virtio_rng_read")
    assert find(without(gather("image"), drivers[0]), "C14").result == "passed"
    breaks(without(gather("image"), *drivers), "C14", *drivers)


def test_c15_c16_no_generator_and_default_sequence_numbers(gather: Gather) -> None:
    breaks(without(gather("image"), "ub_chacha20_block"), "C15", "ub_chacha20_block")
    hook = "ub_lwip_initial_sequence_number"
    breaks(without(gather("socket_image"), hook), "C16", hook)


def test_c24_c25_c26_what_should_not_be_in_an_image(gather: Gather) -> None:
    loaded = gather("loaded_image")
    breaks(
        loaded, "C24",
        "symbol gdbstub_start", "file /usr/sbin/telnetd",
        "file /etc/passwd: user guest can log in", "file /etc/passwd: user admin can log in",
    )  # fmt: skip
    breaks(loaded, "C25", "symbol luaL_newstate", "file /bin/busybox")
    breaks(
        loaded, "C26",
        "a private key (PEM) in /etc/key.pem", "a password in a URL in /etc/notes",
        "a cloud access key in /etc/notes", "environment variable DB_PASSWORD",
        "argument --token", "argument --password",
    )  # fmt: skip
    logins = [line for line in find(loaded, "C24").evidence if "log in" in line]
    assert len(logins) == 2
    secrets = find(loaded, "C26").evidence
    assert len(secrets) == 6
    shown = " ".join(secrets)
    assert not any(one in shown for one in ("hunter2", "t0k3n", "tr0ub4dor", "MC4CAQ", "AKIA"))


@pytest.mark.parametrize(
    "secret",
    [
        bytes.fromhex("302e020100300506032b657004220420") + bytes(32),
        b"ghp_" + b"a1" * 18,
        b"-----BEGIN OPENSSH PRIVATE KEY-----",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----",
        b"PuTTY-User-Key-File-3: ssh-ed25519",
    ],
)
def test_c26_secrets_anywhere_in_the_file(gather: Gather, secret: bytes) -> None:
    image = gather("image")
    breaks(booted_as(image, image.boot.data + b"\0" + secret), "C26", "in the boot file at 0x")


def test_c29_an_object_from_nowhere(gather: Gather) -> None:
    image = gather("image")
    stranger = Compiled("//:plain", "vendor.o", "unknown", None)
    evidence = dataclasses.replace(image, compiled=(*image.compiled, stranger))
    breaks(evidence, "C29", "vendor.o of //:plain")
    breaks(evidence, "C6", "vendor.o of //:plain: no such flag")
    breaks(dataclasses.replace(image, compiled=()), "C29", "no compile command")


def test_c30_a_canary_that_is_fixed(gather: Gather) -> None:
    image = gather("image")
    canary = image.linked.symbols["__stack_chk_guard"]
    constant = next(one for one in image.linked.sections if one.name == ".rodata")
    fixed = {
        **image.linked.symbols,
        canary.name: dataclasses.replace(canary, address=constant.address + 64),
    }
    breaks(linked_as(image, symbols=fixed), "C30", "has a value in the linked file")
    breaks(without(image, "__stack_chk_guard"), "C30", "no `__stack_chk_guard`")


def test_c31_and_c32_programs_made_for_linux(gather: Gather) -> None:
    found = {
        name: tuple(find(gather(name), one).result for one in ("C31", "C32"))
        for name in ("image", "linux_image", "pie_image")
    }
    assert found == {
        "image": ("not-applicable", "not-applicable"),
        "linux_image": ("passed", "failed"),
        "pie_image": ("failed", "passed"),
    }
    breaks(
        without(gather("linux_image"), "ub_image_allow_exec_mappings"), "C31", "what it may allow"
    )


def test_a_boot_file_that_is_none(workspace: Path, tmp_path: Path) -> None:
    bench = bench_of(workspace, "image", tmp_path)
    assert bench.image is not None
    broken = tmp_path / "image.elf"
    broken.write_bytes(bench.image.image.read_bytes()[:40])
    files = dataclasses.replace(bench.image, image=broken)
    outcome = hardening_check.run(dataclasses.replace(bench, image=files))
    assert outcome.status == "failed"
    assert outcome.errors[0].id == "hardening-missing"
    assert outcome.errors[0].cause.startswith("image.elf: not a readable ELF file")


def test_the_page_lists_every_rule() -> None:
    rows = [
        tuple(cell.strip() for cell in line.split("|")[1:4])
        for line in (ROOT / "docs" / "hardening.md").read_text("utf-8").splitlines()
        if line.startswith("| C")
    ]
    assert rows == [(one.id, one.property, one.profile) for one in rules()]
