"""The verb as a user types it: what it prints, writes, returns and leaves behind."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from support.command import ROOT, unibuild
from verify.rebuilds import GOOD, Small

from unibuild.verify.checks import BY_NAME, CHECKS
from unibuild.verify.report_schema import schema

pytestmark = pytest.mark.network

Make = Callable[..., Small]
STALE = f"""\
version = 1

[[package]]
purl = "pkg:pypi/ziglang@0.17.1"

  [[package.file]]
  name = "z.whl"
  size = 1
  sha256 = "{"0" * 64}"
  blake3 = "{"0" * 64}"
"""
"""A lock that pins what no target declares."""
SLOW = GOOD.replace("cat $< $< > $@", "sleep 4; cat $< $< > $@")


def verify(workspace: Small, *options: str) -> subprocess.CompletedProcess[str]:
    return unibuild("verify", "//:joined", *options, cwd=workspace.root)


def started(workspace: Small, *options: str, **more: object) -> subprocess.Popen[bytes]:
    """Start a verification that takes some seconds to rebuild."""
    return subprocess.Popen(
        [sys.executable, "-m", "unibuild", "verify", "//:joined", "--only", "twice", *options],
        cwd=workspace.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        **more,  # type: ignore[call-overload]
    )


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def scratch(workspace: Small) -> list[Path]:
    return list((workspace.root / ".unibuild" / "verify").glob("scratch-*"))


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that name something below ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in command:
                found.append(command)
    return found


def test_a_table_and_one_line(small: Make) -> None:
    done = verify(small(), "--only", "twice,locked")
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["CHECK", "VERDICT", "SECONDS", "BIT", "FOUND"]
    assert [row.split()[:2] for row in rows] == [["locked", "passed"], ["twice", "passed"]]
    assert done.stderr.splitlines()[-1].startswith("verified: //:joined passed all 2 checks in ")
    assert "[1/2] locked: passed" in done.stderr


def test_what_failed_is_shown_as_an_error_and_never_as_verified(small: Make) -> None:
    workspace = small()
    workspace.write("unibuild.lock", STALE)
    done = verify(workspace, "--only", "locked,twice")
    assert done.returncode == 2
    assert [row.split()[:2] for row in done.stdout.splitlines()[1:]] == [
        ["locked", "failed"],
        ["twice", "passed"],
    ]
    assert "error[not-locked-down]: unibuild.lock pins pkg:pypi/ziglang@0.17.1" in done.stderr
    assert "--> unibuild.lock:4:1" in done.stderr
    assert "verified" not in done.stdout + done.stderr
    assert "not proven: //:joined: 1 failed, 1 passed of 2 checks" in done.stderr


def test_json_keeps_its_schema_and_is_all_of_standard_output(small: Make) -> None:
    workspace = small()
    workspace.write("unibuild.lock", STALE)
    done = verify(workspace, "--only", "locked,twice", "--json")
    document = json.loads(done.stdout)
    jsonschema.validate(document, schema())
    assert document["verdict"] == "failed"
    assert document["failed"] == 1
    assert document["subject"] == {"label": "//:joined", "file": "", "digest": ""}
    assert [one["status"] for one in document["checks"]] == ["failed", "passed"]
    assert document["checks"][0]["errors"][0]["place"]["line"] == 4


def test_the_schema_is_printed(small: Make) -> None:
    done = unibuild("schema", "verification", cwd=small().root)
    assert json.loads(done.stdout) == schema()


def test_junit(small: Make) -> None:
    workspace = small()
    workspace.write("unibuild.lock", STALE)
    verify(workspace, "--only", "locked,twice", "--junit", "report.xml")
    suite = ET.fromstring((workspace.root / "report.xml").read_text())  # noqa: S314 - our own file
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    assert suite.attrib["errors"] == "0"
    locked, twice = suite.findall("testcase")
    assert (locked.attrib["classname"], locked.attrib["name"]) == ("//:joined", "locked")
    failure = locked.find("failure")
    assert failure is not None
    assert "error[not-locked-down]" in (failure.text or "")
    assert twice.find("failure") is None


def test_the_exit_status_can_be_the_mask(small: Make) -> None:
    workspace = small()
    assert verify(workspace, "--only", "twice", "--exit-mask").returncode == 0
    workspace.write("unibuild.lock", STALE)
    assert verify(workspace, "--only", "twice,locked", "--exit-mask").returncode == 1


def test_the_mask_is_all_ones_when_nothing_was_checked(small: Make) -> None:
    workspace = small()
    workspace.write("BUILD.toml", GOOD.replace("cat $< $<", "false"))
    done = verify(workspace, "--exit-mask")
    assert done.returncode == 255
    assert done.stdout == ""
    assert "error[" in done.stderr
    assert verify(workspace).returncode == 1


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--only", "twic"], "--only: there is no check 'twic'"),
        (["--skip", "all"], "--skip: there is no check 'all'"),
        (["--only", "signed"], "the check 'signed' needs --signed-by KEY"),
        (["--only", "policy"], "the check 'policy' needs --policy FILE"),
        (["--only", "reference"], "the check 'reference' needs --reference DIGEST|FILE"),
        (["--only", "reproduced"], "the check 'reproduced' needs --reproduced N"),
        (["--only", "absent"], "the check 'absent' needs --absent FILE"),
        (["--only", "artefact"], "the check 'artefact' needs --provenance FILE"),
        (["--threshold", "2"], "--threshold is given, but no check that reads it"),
        (["--vsa", "out.json"], "--vsa is given, but no check that reads it"),
        (["--provenance", "BUILD.toml"], "--provenance is given, but no check that reads it"),
        (["--threshold", "0", "--signed-by", "k"], "a number from 1 is wanted, not '0'"),
        (["--only", "locked", "--skip", "locked"], "no check is left to do"),
        (["--signed-by", "k", "--skip", "signed"], "--signed-by is given, but no check that reads"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(small: Make, options: list[str], cause: str) -> None:
    done = verify(small(), *options)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error[bad-usage]: {cause}")
    assert "\nhint: " in done.stderr
    assert done.stdout == ""


def test_what_is_no_image_is_not_asked_what_only_images_can_answer(small: Make) -> None:
    workspace = small()
    done = verify(workspace, "--skip", "varied,cache")
    assert done.returncode == 0, done.stderr
    assert "warning: //:joined is no image: materials, hardening, boots would say" in done.stderr
    assert [row.split()[0] for row in done.stdout.splitlines()[1:]] == ["locked", "twice"]
    done = verify(workspace, "--only", "boots")
    assert done.returncode == 2
    assert "failed" in done.stdout


def test_a_file_that_is_called_a_manifest_makes_no_image(small: Make) -> None:
    workspace = small('[genrule.x]\nouts = ["x.manifest.json"]\ncmd = "echo {} > $@"\n')
    done = unibuild("verify", "//:x", "--only", "locked", cwd=workspace.root)
    assert done.returncode == 0, done.stderr


def test_a_near_name_is_offered(small: Make) -> None:
    assert "hint: did you mean" in verify(small(), "--only", "hermtic").stderr


@pytest.mark.parametrize("option", ["--provenance", "--policy", "--absent"])
def test_a_file_that_does_not_exist(small: Make, option: str) -> None:
    done = verify(small(), option, "nowhere.json", "--signed-by", "k")
    assert done.returncode == 2
    assert "error[missing-file]: there is no file nowhere.json" in done.stderr


def test_an_image_file_that_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("{}")
    done = unibuild("verify", "none.elf", "--provenance", "p.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "error[missing-file]: there is no file none.elf" in done.stderr


def test_an_image_file_without_anything_to_check_it_by(tmp_path: Path) -> None:
    (tmp_path / "image.elf").write_bytes(b"\x7fELF")
    done = unibuild("verify", "image.elf", cwd=tmp_path)
    assert done.returncode == 2
    assert "error[bad-usage]: no check is left to do" in done.stderr
    done = unibuild("verify", "image.elf", "--only", "twice", cwd=tmp_path)
    assert "error[bad-usage]: the check 'twice' needs a target, not a file" in done.stderr


def test_the_help_lists_every_check(small: Make) -> None:
    done = unibuild("help", "verify", cwd=small().root)
    for check in CHECKS:
        star = "*" if check.default else " "
        assert f"  {check.name.ljust(11)}{star} {check.summary}" in done.stdout


def test_nothing_is_left_behind_unless_asked(small: Make) -> None:
    workspace = small()
    verify(workspace, "--only", "twice")
    assert scratch(workspace) == []
    done = verify(workspace, "--only", "twice", "--keep")
    (folder,) = scratch(workspace)
    assert str(folder) in done.stderr
    assert any(folder.iterdir())
    verify(workspace, "--only", "locked")
    assert scratch(workspace) == []


def test_another_verification_that_runs_is_left_alone(small: Make) -> None:
    workspace = small()
    other = workspace.root / ".unibuild" / "verify" / "scratch-other"
    other.mkdir(parents=True)
    lock = os.open(other, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        assert verify(workspace, "--only", "locked").returncode == 0
        assert other.is_dir()
    finally:
        os.close(lock)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(small: Make, number: signal.Signals) -> None:
    workspace = small(SLOW)
    workspace.build()
    process = started(workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: bool(scratch(workspace)) and len(processes_of(workspace.root)) > 0)
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert b"interrupted" in errors
    assert b"Traceback" not in errors
    assert out == b""
    assert scratch(workspace) == []
    until(lambda: processes_of(workspace.root) == [], 10)


def test_what_a_killed_one_left_is_removed_by_the_next(small: Make) -> None:
    workspace = small(SLOW)
    workspace.build()
    process = started(workspace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: bool(scratch(workspace)))
    process.kill()
    process.wait()
    (left,) = scratch(workspace)
    until(lambda: processes_of(workspace.root) == [])  # what it had started ends with it
    assert verify(workspace, "--only", "locked").returncode == 0
    assert not left.exists()


def test_a_terminal_shows_what_goes_on(small: Make) -> None:
    workspace = small(SLOW)
    workspace.build()
    controller, terminal = pty.openpty()
    process = started(workspace, "--only", "locked,twice", stdout=terminal, stderr=terminal)
    os.close(terminal)
    seen = bytearray()
    while True:
        try:
            data = os.read(controller, 4096)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        seen += data
    assert process.wait() == 0
    text = seen.decode()
    assert "running" in text
    assert "rebuilding without a cache" in text
    ending = text[text.rindex("\x1b[J") :]
    assert ending.count("passed") == 3  # the table's rows and the last line: the block is gone
    assert "verified: //:joined" in ending


def test_a_check_that_meets_a_fault_is_not_done(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A module of this name before the real one on the path: the check as if it were broken.
    workspace = small()
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import sys, types\n"
        f"module = types.ModuleType({BY_NAME['locked'].module!r})\n"
        "module.run = lambda bench: 1 // 0\n"
        f"sys.modules[{BY_NAME['locked'].module!r}] = module\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    done = subprocess.run(
        [sys.executable, "-m", "unibuild", "verify", "//:joined", "--only", "locked", "--json"],
        cwd=workspace.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 70
    document = json.loads(done.stdout)
    assert document["verdict"] == "not-done"
    assert document["not_done"] == 1
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
    assert "verified" not in done.stderr
