"""What the file of an image tells without running it (C3, C5, C24, C25)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.command import ROOT, unibuild

from unibuild.image.root_archive import list_root_archive

pytestmark = [pytest.mark.network, pytest.mark.boot]

EXECUTABLE, WRITABLE = 1, 2
LOWEST = 64 << 10
UNWANTED = re.compile(
    r"gdb|debug_?stub|telnet|backdoor|(?:^|_)(?:ash|bash|shell|interpreter|eval)(?:_|$)"
)
NAMES = ("network", "files")


@pytest.fixture(scope="module")
def images() -> dict[str, Path]:
    done = unibuild("build", *(f"//tests/probes:{name}" for name in NAMES), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return {name: ROOT / "unibuild-out/tests/probes" / f"{name}.elf" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_segments(images: dict[str, Path], name: str) -> None:
    with images[name].open("rb") as file:
        segments = [one.header for one in ELFFile(file).iter_segments()]
    loaded = [one for one in segments if one.p_type == "PT_LOAD"]
    rights = [one.p_flags for one in loaded]
    assert rights
    assert not [one for one in rights if one & EXECUTABLE and one & WRITABLE]
    assert sum(bool(one & EXECUTABLE) for one in rights) == 1
    assert min(one.p_vaddr for one in loaded) >= LOWEST
    assert not [one for one in segments if one.p_type in {"PT_INTERP", "PT_DYNAMIC"}]
    assert not [
        one for one in segments if one.p_type == "PT_GNU_STACK" and one.p_flags & EXECUTABLE
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_shell_and_no_debugger(images: dict[str, Path], name: str) -> None:
    symbols = images[name].with_suffix(".symbols").read_text("utf-8").split()
    assert "main" in symbols
    assert [symbol for symbol in symbols if UNWANTED.search(symbol)] == []
    content = images[name].read_bytes()
    assert not [
        word for word in (b"/bin/sh", b"#!/", b"busybox", b"PRIVATE KEY") if word in content
    ]


def test_the_root_holds_what_was_declared(images: dict[str, Path]) -> None:
    content = images["files"].read_bytes()
    header = re.search(rb"070701[0-9A-F]{104}", content)
    assert header is not None
    start = header.start()
    end = content.index(b"TRAILER!!!", start) + len(b"TRAILER!!!\0")
    end += -(end - start) % 4
    found = [path for path, _ in list_root_archive(content[start:end]) if path != "/TRAILER!!!"]
    assert sorted(found) == ["/etc/greeting", "/etc/many/a", "/etc/many/b", "/etc/many/inner/c"]


@pytest.mark.parametrize("name", NAMES)
def test_the_manifest_names_every_component(images: dict[str, Path], name: str) -> None:
    manifest = json.loads(images[name].with_suffix(".manifest.json").read_text("utf-8"))
    labels = {component["label"] for component in manifest["components"]}
    assert "//kernel/random:random" in labels
    assert ("//kernel/socket:socket" in labels) == (name == "network")
