"""A Go program with a module of others: named by go.sum, pinned by the lock, checked by Go."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.command import unibuild

pytestmark = pytest.mark.network

ERRORS = "pkg:golang/github.com/pkg/errors@v0.9.1"
FILES = {
    "WORKSPACE.toml": 'name = "mine"\n',
    "BUILD.toml": '[go_binary.describe]\nsrcs = ["go.mod", "*.go"]\ngo_sum = "go.sum"\n',
    "go.mod": ("module example.test/describe\n\ngo 1.26\n\nrequire github.com/pkg/errors v0.9.1\n"),
    "go.sum": (
        "github.com/pkg/errors v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=\n"
        "github.com/pkg/errors v0.9.1/go.mod h1:bwawxfHBFNV+L2hUp1rHADufV3IMtnDRdf1r5NINEl0=\n"
    ),
    "main.go": (
        'package main\n\nimport (\n\t"fmt"\n\n\t"github.com/pkg/errors"\n)\n\n'
        'func main() { fmt.Println(errors.Wrap(errors.New("cause"), "context")) }\n'
    ),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def test_a_module_is_pinned_compiled_and_checked(workspace: Path) -> None:
    unpinned = unibuild("build", "//:describe", cwd=workspace)
    assert "error[not-locked]" in unpinned.stderr
    assert 'go_sum = "go.sum"' in unpinned.stderr

    locked = unibuild("lock", cwd=workspace)
    assert (locked.returncode, locked.stdout) == (0, f"added {ERRORS}\n"), locked.stderr
    built = unibuild("build", "--json", "//:describe", cwd=workspace)
    assert built.returncode == 0, built.stderr
    program = workspace / "unibuild-out/describe"
    ran = subprocess.run([program], capture_output=True, text=True, check=True)
    assert ran.stdout == "context: cause\n"

    # An edit compiles what was edited: the imports, and what they stand for, are found again.
    main = workspace / "main.go"
    main.write_text(main.read_text().replace("context", "where"))
    edited = json.loads(unibuild("build", "--json", "//:describe", cwd=workspace).stdout)
    assert edited["actions"]["executed"] <= 2
    ran = subprocess.run([program], capture_output=True, text=True, check=True)
    assert ran.stdout == "where: cause\n"

    sums = workspace / "go.sum"
    sums.write_text(sums.read_text().replace("h1:FEBLx", "h1:FEBL0"))
    forged = unibuild("build", "//:describe", cwd=workspace)
    assert forged.returncode != 0
    assert "checksum mismatch" in forged.stderr
