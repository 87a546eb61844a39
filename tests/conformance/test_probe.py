from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest
from conformance.recipe import CACHE
from support.command import ROOT, unibuild

SUITE = CACHE / "conformance"
PROBE = runpy.run_path(str(SUITE / "probe.py"))  # by its path: the package would import gRPC here


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Compile probe.c with the pinned toolchain, by the very command lines that probe.py names."""
    folder = tmp_path_factory.mktemp("probe")
    shutil.copy(SUITE / "probe.c", folder)
    (folder / "WORKSPACE.toml").write_text(f'name = "probe"\nstandard_repository = "{ROOT}"\n')
    tool = "external/unibuild/toolchains/zig/ziglang/ziglang/zig"
    steps = (f"unibuild-gen/{tool} {line}" for line in (PROBE["COMPILE"], PROBE["LINK"]))
    command = re.sub(r"(?<=\s)probe(\.[co])?(?=\s|$)", r"$(location probe\1)", " && ".join(steps))
    (folder / "BUILD.toml").write_text(
        f"""[genrule.probe]
srcs = ["probe.c"]
outs = ["probe.o", "probe"]
tools = ["@unibuild//toolchains/zig:ziglang"]
cmd = '''{command}'''
env = {{ ZIG_GLOBAL_CACHE_DIR = "/tmp", ZIG_LOCAL_CACHE_DIR = "/tmp" }}
"""
    )
    done = unibuild("build", "//:probe", cwd=folder)
    assert done.returncode == 0, done.stderr
    return (folder / "unibuild-out" / "probe").read_bytes()


def test_the_program_for_workers_is_what_its_source_compiles_to(compiled: bytes) -> None:
    assert PROBE["program"]() == compiled


def test_the_program_runs_here_as_well(tmp_path: Path) -> None:
    program = tmp_path / "probe"
    program.write_bytes(PROBE["program"]())
    program.chmod(0o755)
    (tmp_path / "out").mkdir()
    (tmp_path / "input").write_bytes(os.urandom(3000))
    for what, status in (("exit", 3), ("nothing", 0), ("file", 0), ("tree", 0), ("look", 4)):
        done = subprocess.run([program, what], cwd=tmp_path, check=False)
        assert done.returncode == status, what
    assert (tmp_path / "out" / "file").read_bytes() == (tmp_path / "input").read_bytes()
    assert (tmp_path / "out" / "tree" / "sub" / "two").read_bytes() == b"two\n"
