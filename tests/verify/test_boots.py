"""V18: images that boot as they should, and each way in which one does not."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.command import ROOT, unibuild

from unibuild.machine import monitor
from unibuild.model.errors import DifferenceError, HostError, UserError
from unibuild.verify import boots
from unibuild.verify.outcome import Outcome, Quiet
from unibuild.verify.workbench import Bench, ImageFiles, Options

pytestmark = [pytest.mark.network, pytest.mark.boot]

WORKSPACE = ROOT / "tests" / "image" / "workspace"


def _guests() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "guests", ROOT / "tests" / "machine" / "guests.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


guests = _guests()


def bench_of(manifest: Path) -> Bench:
    """A workbench for the image beside ``manifest``."""
    stem = manifest.name.removesuffix(".manifest.json")
    return Bench(
        label="//the:image",
        image=ImageFiles(
            image=manifest.with_name(f"{stem}.elf"),
            symbols=manifest.with_name(f"{stem}.symbols"),
            manifest=manifest,
        ),
        cache_root=manifest.parent,
        jobs=1,
        sandbox="required",
        scratch=manifest.parent,
        kept=manifest.parent,
        rebuild_command=(),
        options=Options(),
        progress=Quiet(),
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the images of the small programs."""
    workspace = shutil.copytree(WORKSPACE, tmp_path_factory.mktemp("boots") / "workspace")
    names = ["crash_image", "image", "image_q35", "echo_image"]
    result = unibuild("build", *(f"//programs:{name}" for name in names), cwd=workspace)
    assert result.returncode == 0, result.stderr
    return workspace / "unibuild-out" / "programs"


@pytest.fixture
def image(built: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies an image to a folder of the test's own; returns its manifest."""

    def copy(name: str) -> Path:
        for suffix in (".elf", ".symbols", ".manifest.json"):
            shutil.copy(built / (name + suffix), tmp_path)
            (tmp_path / (name + suffix)).chmod(0o644)
        return tmp_path / f"{name}.manifest.json"

    return copy


def guest(folder: Path, content: bytes) -> Path:
    """A guest by hand, with a manifest that gives the identity which its file has."""
    content += bytes(32)
    manifest = guests.place(folder, content)
    data = json.loads(manifest.read_text())
    data["identity"] = {
        "digest": "sha256:" + hashlib.sha256(content).hexdigest(),
        "offset": len(content) - 32,
    }
    manifest.write_text(json.dumps(data))
    return manifest


def identity_line(label: str, digest: str) -> bytes:
    return f"\x1e[unibuild] identity {label} sha256:{digest}\n".encode()


def failed(outcome: Outcome) -> Any:
    """The one error of a failed check; its id is the check's."""
    assert outcome.status == "failed"
    (error,) = outcome.errors
    assert error.id == "boot-refused"
    return error


def first_boot(outcome: Outcome) -> dict[str, Any]:
    boots_seen = outcome.facts["boots"]
    assert isinstance(boots_seen, list)
    found: dict[str, Any] = boots_seen[0]
    return found


def test_a_server_boots_says_who_it_is_and_keeps_running(image: Callable[[str], Path]) -> None:
    manifest = image("echo_image")
    outcome = boots.run(bench_of(manifest), grace_seconds=0.5)
    assert outcome.status == "passed", outcome
    assert outcome.errors == ()
    claimed = json.loads(manifest.read_text())["identity"]
    content = bytearray(manifest.with_name("echo_image.elf").read_bytes())
    at = claimed["offset"]
    assert "sha256:" + content[at : at + 32].hex() == claimed["digest"]
    content[at : at + 32] = bytes(32)
    assert "sha256:" + hashlib.sha256(content).hexdigest() == claimed["digest"]
    seen = first_boot(outcome)
    assert seen["identity"] == outcome.facts["identity"] == claimed["digest"]
    assert seen["status"] is None
    assert seen["output"] == ["listening"]


def test_a_program_that_ends_with_another_status_is_not_as_declared(
    image: Callable[[str], Path],
) -> None:
    outcome = boots.run(bench_of(image("image")))
    error = failed(outcome)
    assert "ended with status 4 after its start" in error.cause
    assert "console: file holds [good day]" in error.detail
    assert first_boot(outcome)["status"] == 4


def test_the_other_platform(image: Callable[[str], Path]) -> None:
    outcome = boots.run(bench_of(image("image_q35")))
    assert "ended with status 1 after its start" in failed(outcome).cause
    assert first_boot(outcome)["identity"] == outcome.facts["identity"]
    assert str(first_boot(outcome)["platform"]).endswith(":qemu-q35")


def test_a_crash_is_told_with_its_backtrace(image: Callable[[str], Path]) -> None:
    error = failed(boots.run(bench_of(image("crash_image"))))
    assert isinstance(error, UserError)
    assert "broke after its start: page fault" in error.cause
    assert any("inner+0x" in line for line in error.detail)


@pytest.mark.parametrize("where", ["first", "identity", "last"])
def test_one_changed_byte_is_a_difference(image: Callable[[str], Path], where: str) -> None:
    manifest = image("echo_image")
    file = manifest.with_name("echo_image.elf")
    content = bytearray(file.read_bytes())
    offset = json.loads(manifest.read_text())["identity"]["offset"]
    at = {"first": 20, "identity": offset + 5, "last": len(content) - 1}[where]
    content[at] ^= 1
    file.write_bytes(content)
    outcome = boots.run(bench_of(manifest), grace_seconds=0.2)
    error = failed(outcome)
    assert isinstance(error, DifferenceError)
    # Its own digest is no part of what it is taken over, so that one is seen when it boots.
    words = "says that it is another image" if where == "identity" else "not the image of its manif"
    assert words in error.cause


def test_an_image_under_another_label_is_a_difference(image: Callable[[str], Path]) -> None:
    manifest = image("echo_image")
    data = json.loads(manifest.read_text())
    data["label"] = "//other:image"
    manifest.write_text(json.dumps(data))
    error = failed(boots.run(bench_of(manifest), grace_seconds=0.2))
    assert isinstance(error, DifferenceError)
    assert error.detail[0].startswith("expected  //other:image ")
    assert error.detail[1].startswith("said      //programs:echo_image ")


def test_an_image_without_identity_is_refused(image: Callable[[str], Path]) -> None:
    manifest = image("echo_image")
    data = json.loads(manifest.read_text())
    data["identity"] = None
    manifest.write_text(json.dumps(data))
    assert "holds no identity" in failed(boots.run(bench_of(manifest))).cause


def test_an_offset_outside_the_file_is_refused(image: Callable[[str], Path]) -> None:
    manifest = image("echo_image")
    data = json.loads(manifest.read_text())
    data["identity"]["offset"] = 1 << 40
    manifest.write_text(json.dumps(data))
    assert "no 32 bytes" in failed(boots.run(bench_of(manifest))).cause


def test_another_identity_is_a_difference(tmp_path: Path) -> None:
    said = guests.hangs(identity_line("//guest:guest", "ab" * 32))
    error = failed(boots.run(bench_of(guest(tmp_path, said)), grace_seconds=0.2))
    assert isinstance(error, DifferenceError)
    assert error.detail[1] == "said      //guest:guest sha256:" + "ab" * 32


def test_a_hang_before_the_program(tmp_path: Path) -> None:
    manifest = guest(tmp_path, guests.hangs(b"one moment\n"))
    outcome = boots.run(bench_of(manifest), start_seconds=2)
    assert "had not said which image it is after 2 s" in failed(outcome).cause
    assert failed(outcome).detail == ("console: one moment",)


def test_a_fault_before_the_program(tmp_path: Path) -> None:
    manifest = guest(tmp_path, guests.says(b"\x1e[unibuild] fault panic: no memory\n"))
    error = failed(boots.run(bench_of(manifest)))
    assert "broke before it said which image it is: panic: no memory" in error.cause


def test_a_refusal_before_the_program(tmp_path: Path) -> None:
    manifest = guest(tmp_path, guests.says(b"no entropy\n\x1e[unibuild] exit 78\n"))
    error = failed(boots.run(bench_of(manifest)))
    assert "ended with status 78 before it said which image it is" in error.cause
    assert "console: no entropy" in error.detail


def test_an_end_without_a_word(tmp_path: Path) -> None:
    manifest = guest(tmp_path, guests.says(b"\x1e[unibuild] exit 0\n"))
    assert "ended without saying which image" in failed(boots.run(bench_of(manifest))).cause


def test_a_reset_without_a_word(tmp_path: Path) -> None:
    manifest = guest(tmp_path, guests.says(b"x"))
    error = failed(boots.run(bench_of(manifest)))
    assert "broke before it said which image it is: the machine stopped" in error.cause


def test_an_image_that_does_not_fit_in_its_memory(image: Callable[[str], Path]) -> None:
    manifest = image("echo_image")
    data = json.loads(manifest.read_text())
    data["memory"] = "1M"
    manifest.write_text(json.dumps(data))
    error = failed(boots.run(bench_of(manifest)))
    assert "does not boot on @unibuild//kernel/platform:qemu-microvm" in error.cause
    assert "needs more than 1M" in error.cause


def test_no_monitor_is_not_done(
    image: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNIBUILD_QEMU", "/nowhere/qemu")
    monitor.program.cache_clear()
    try:
        outcome = boots.run(bench_of(image("echo_image")))
    finally:
        monkeypatch.undo()
        monitor.program.cache_clear()
    assert outcome.status == "not-done"
    (error,) = outcome.errors
    assert isinstance(error, HostError)
    assert error.id == "no-monitor"


def test_a_target_that_is_no_image_is_a_mistake(tmp_path: Path) -> None:
    nothing = dataclasses.replace(bench_of(tmp_path / "x.manifest.json"), image=None)
    with pytest.raises(UserError, match="no image") as caught:
        boots.run(nothing)
    assert caught.value.id == "not-an-image"
