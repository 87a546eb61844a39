from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT, unibuild
from support.tree import write_tree
from support.types import Run


@pytest.fixture
def two(tmp_path: Path) -> Path:
    write_tree(tmp_path / "a", {"note": "made\non 2026-11-22\n", "same": "s"})
    write_tree(tmp_path / "b", {"note": "made\non 2026-11-23\n", "same": "s"})
    return tmp_path


@pytest.mark.usefixtures("two")
def test_equal_is_said_and_is_success(run: Run) -> None:
    result = run("diff", "a/same", "b/same")
    assert (result.returncode, result.stdout, result.stderr) == (0, "equal\n", "")


@pytest.mark.usefixtures("two")
def test_a_difference_is_a_cause_a_tree_and_a_status_of_four(run: Run) -> None:
    result = run("diff", "a", "b")
    assert result.returncode == 4
    assert result.stderr == ""
    assert result.stdout == (
        "first cause: a date: `2026-11-22` expected, `2026-11-23` found, in line 2 in note\n"
        "b\n"
        "└─ note\n"
        "   └─ line 2: a date: `2026-11-22` expected, `2026-11-23` found\n"
    )


@pytest.mark.usefixtures("two")
def test_the_same_as_json(run: Run) -> None:
    result = run("diff", "a", "b", "--json")
    assert result.returncode == 4
    document = json.loads(result.stdout)
    assert document["equal"] is False
    assert document["cause"] == "date"
    assert document["first_cause"].startswith("a date: ")
    assert document["tree"]["children"][0]["children"][0]["name"] == "line 2"
    equal = json.loads(run("diff", "a/same", "b/same", "--json").stdout)
    assert equal == {"equal": True, "cause": "", "first_cause": "", "tree": None}


def test_what_is_left_out_is_said_and_comes_with_all(run: Run, tmp_path: Path) -> None:
    write_tree(tmp_path / "a", {f"f{number:02}": f"left {number}" for number in range(30)})
    write_tree(tmp_path / "b", {f"f{number:02}": f"right {number}" for number in range(30)})
    short = run("diff", "a", "b").stdout
    assert "… 20 more (--all)" in short
    assert "f29" not in short
    assert "f29" in run("diff", "a", "b", "--all").stdout
    flat = run("diff", "a", "b", "--depth", "1").stdout
    assert "… 1 difference below (--depth, --all)" in flat
    assert "right" not in flat.partition("\n")[2]


def test_color_is_for_terminals_only(run: Run, two: Path) -> None:
    import pty

    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "unibuild", "diff", "a", "b"],
        cwd=two,
        env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"},
             "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal,
    )  # fmt: skip
    output, _ = process.communicate()
    os.close(terminal)
    os.close(controller)
    assert process.returncode == 4
    assert "\x1b[1;33mfirst cause:\x1b[0m" in output.decode()
    assert "\x1b[" not in run("diff", "a", "b").stdout


@pytest.mark.parametrize(
    ("name", "content", "code", "error"),
    [
        ("missing", None, 2, "error[no-such-file]: there is no file or folder `missing`"),
        (
            "cut.elf",
            b"\x7fELF\x02\x01\x01" + bytes(30),
            2,
            "error[damaged-output]: cut.elf is no whole ELF",
        ),
        ("cut.a", b"!<arch>\n" + b"x" * 60, 2, "error[damaged-output]: cut.a is no whole archive"),
        ("cut.cpio", b"070701" + b"F" * 200, 2, "error[damaged-output]: cut.cpio is no whole cpio"),
    ],
)
def test_bad_input_is_one_error(
    run: Run, two: Path, name: str, content: bytes | None, code: int, error: str
) -> None:
    if content is not None:
        (two / name).write_bytes(content)
    (two / "other").write_bytes((content or b"") + b"whole")
    result = run("diff", name, "other")
    assert result.returncode == code
    assert result.stderr.startswith(error)
    assert result.stdout == ""
    assert result.stderr.count("error[") == 1
    assert "Traceback" not in result.stderr


def test_a_claim_of_a_huge_size_is_refused_without_the_memory(two: Path) -> None:
    header = bytearray(b"\x7fELF\x02\x01\x01" + bytes(57))
    header[40:48] = (1 << 62).to_bytes(8, "little")  # the section headers' place
    header[58:62] = b"\x40\x00\xff\xff"
    (two / "hostile").write_bytes(bytes(header))
    (two / "other").write_bytes(bytes(header) + b"x")
    limited = ["sh", "-c", 'ulimit -v 1000000; exec "$@"', "sh", sys.executable, "-m", "unibuild"]
    result = subprocess.run(
        [*limited, "diff", "hostile", "other"], cwd=two, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}, timeout=60,
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.startswith("error[damaged-output]: hostile is no whole ELF file")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("depth", ["0", "-1", "deep"])
def test_a_depth_is_a_number_from_one(run: Run, depth: str) -> None:
    result = run("diff", "a", "b", f"--depth={depth}")
    assert result.returncode == 2
    assert result.stderr.startswith("error[bad-usage]: --depth wants a number from 1")


def program(folder: Path, script: str) -> dict[str, str]:
    """Put a program of the name ``diffoscope`` alone on PATH, before the system's."""
    path = write_tree(folder / "bin", {"diffoscope": f"#!/bin/sh\n{script}\n"}) / "diffoscope"
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}


def test_diffoscope_reports_after_us_with_both_paths(two: Path) -> None:
    environment = program(
        two, 'for last; do before=$now; now=$last; done; echo "saw $before $now"; exit 1'
    )
    result = unibuild("diff", "a/note", "b/note", "--diffoscope", cwd=two, environment=environment)
    assert result.returncode == 4
    assert result.stdout.splitlines()[-2:] == ["diffoscope:", "saw a/note b/note"]


def test_diffoscope_that_fails_or_is_not_there_is_an_error_of_the_host(two: Path) -> None:
    environment = program(two, "echo out of order >&2; exit 2")
    result = unibuild("diff", "a", "b", "--diffoscope", cwd=two, environment=environment)
    assert result.returncode == 3
    assert "error[diffoscope-failed]: diffoscope failed\n  out of order\n" in result.stderr
    (two / "bin" / "diffoscope").unlink()
    nowhere = {"PATH": str(two / "bin")}
    result = unibuild("diff", "a", "b", "--diffoscope", cwd=two, environment=nowhere)
    assert result.returncode == 3
    assert result.stderr.startswith("error[no-diffoscope]: diffoscope is not on PATH")
    assert result.stdout == ""
