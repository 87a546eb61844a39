"""A Go program with a module of others: named by go.sum, pinned by the lock, checked by Go."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.command import unibuild

pytestmark = pytest.mark.network

UUID = "pkg:golang/github.com/google/uuid@v1.6.0"
FILES = {
    "WORKSPACE.toml": 'name = "mine"\n',
    "BUILD.toml": '[go_binary.identify]\nsrcs = ["go.mod", "*.go"]\ngo_sum = "go.sum"\n',
    "go.mod": (
        "module example.test/identify\n\ngo 1.26\n\nrequire github.com/google/uuid v1.6.0\n"
    ),
    "go.sum": (
        "github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n"
        "github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n"
    ),
    "main.go": (
        'package main\n\nimport (\n\t"fmt"\n\n\t"github.com/google/uuid"\n)\n\n'
        'func main() { fmt.Println(uuid.MustParse("URN:UUID:6BA7B810-9DAD-11D1-80B4-00C04FD430C8")) }\n'
    ),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def test_a_module_is_pinned_compiled_and_checked(workspace: Path) -> None:
    unpinned = unibuild("build", "//:identify", cwd=workspace)
    assert "error[not-locked]" in unpinned.stderr
    assert 'go_sum = "go.sum"' in unpinned.stderr

    locked = unibuild("lock", cwd=workspace)
    assert (locked.returncode, locked.stdout) == (0, f"added {UUID}\n"), locked.stderr
    built = unibuild("build", "--json", "//:identify", cwd=workspace)
    assert built.returncode == 0, built.stderr
    program = workspace / "unibuild-out/identify"
    ran = subprocess.run([program], capture_output=True, text=True, check=True)
    assert ran.stdout == "6ba7b810-9dad-11d1-80b4-00c04fd430c8\n"

    # An edit compiles what was edited: the imports, and what they stand for, are found again.
    main = workspace / "main.go"
    main.write_text(main.read_text().replace("URN:UUID:", ""))
    edited = json.loads(unibuild("build", "--json", "//:identify", cwd=workspace).stdout)
    assert edited["actions"]["executed"] == 2

    sums = workspace / "go.sum"
    sums.write_text(sums.read_text().replace("h1:NIvaJ", "h1:NIvaK"))
    forged = unibuild("build", "//:identify", cwd=workspace)
    assert forged.returncode != 0
    assert "checksum mismatch" in forged.stderr
