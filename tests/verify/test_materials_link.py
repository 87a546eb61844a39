"""Manifest and statements held against the link itself: a forger would have to change the cache too."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import unibuild

from unibuild.execution.request import TargetReport
from unibuild.loading.workspace import read_workspace
from unibuild.model.errors import DifferenceError, HostError, UserError
from unibuild.verify import absence_check, materials_check
from unibuild.verify.outcome import Quiet
from unibuild.verify.workbench import ImageFiles, Options, Workbench

pytestmark = pytest.mark.network

LABEL = "//programs:image"
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).parents[1] / "image" / "workspace"
    place = tmp_path_factory.mktemp("link") / "workspace"
    shutil.copytree(source, place)
    done = unibuild("build", LABEL, cwd=place)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def bench(workspace: Path, tmp_path: Path) -> Workbench:
    """The bench of a verification whose three files are copies that a test may change."""
    made = workspace / "unibuild-out" / "programs"
    places = [tmp_path / f"image{ending}" for ending in (".elf", ".symbols", ".manifest.json")]
    for place in places:
        shutil.copyfile(made / place.name, place)
    cache = os.environ.get("UNIBUILD_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Workbench(
        label=LABEL,
        image=ImageFiles(*places),
        cache_root=Path(cache) if cache else base / "unibuild",
        jobs=1,
        sandbox="required",
        scratch=tmp_path / "scratch",
        kept=tmp_path / "kept",
        rebuild_command=(sys.executable, "-m", "unibuild.cli.rebuild"),
        options=Options(),
        progress=Quiet(),
        workspace=read_workspace(workspace),
        target=TargetReport(LABEL, "unikernel_image", (), {}),
    )


def change(bench: Workbench, edit: Callable[[Manifest], object]) -> None:
    assert bench.image is not None
    manifest = json.loads(bench.image.manifest.read_text())
    edit(manifest)
    bench.image.manifest.write_text(json.dumps(manifest))


def musl(entries: list[Manifest]) -> Manifest:
    return next(one for one in entries if one["label"] == "@unibuild//toolchains/musl:musl")


def test_the_files_of_a_build_pass(bench: Workbench) -> None:
    outcome = materials_check.run(bench)
    assert outcome.status == "passed"
    assert outcome.notes == ()
    assert outcome.errors == ()


@pytest.mark.parametrize(
    ("edit", "fields"),
    [
        (lambda manifest: musl(manifest["left_out"])["objects"].popitem(), "`left_out`"),
        (lambda manifest: musl(manifest["components"]).update(license="MIT"), "`components`"),
        (
            lambda manifest: musl(manifest["components"]).update(purl="pkg:deb/debian/other@1"),
            "`components`",
        ),
        (lambda manifest: manifest["tools"].pop(), "`tools`"),
    ],
)
def test_a_manifest_that_the_link_does_not_give_is_found(
    bench: Workbench, edit: Callable[[Manifest], object], fields: str
) -> None:
    change(bench, edit)
    outcome = materials_check.run(bench)
    assert outcome.status == "failed"
    assert isinstance(outcome.errors[0], DifferenceError)
    assert outcome.errors[0].id == "materials-incomplete"
    assert outcome.errors[0].cause == (
        "the manifest is not what the link gives: image.manifest.json differs in " + fields
    )


def test_a_changed_boot_file_or_symbol_file_is_found(bench: Workbench) -> None:
    assert bench.image is not None
    bench.image.symbols.write_text(bench.image.symbols.read_text() + "ffffff 1 planted\n")
    assert [one.cause for one in materials_check.run(bench).errors] == [
        "the symbol file is not what the link gives: image.symbols differs"
    ]
    data = bytearray(bench.image.image.read_bytes())
    data[-1] ^= 1
    bench.image.image.write_bytes(data)
    causes = [one.cause for one in materials_check.run(bench).errors]
    assert "image.elf is not the image that its manifest describes" in causes
    assert "the boot file is not what the link gives: image.elf differs" in causes


def test_a_manifest_that_is_none_is_one_error(bench: Workbench) -> None:
    change(bench, lambda manifest: manifest.pop("ranges"))
    with pytest.raises(UserError) as caught:
        materials_check.run(bench)
    assert caught.value.id == "bad-manifest"
    assert bench.image is not None
    bench.image.manifest.write_bytes(bench.image.manifest.read_bytes()[:200])
    with pytest.raises(UserError) as caught:
        materials_check.run(bench)
    assert caught.value.id == "bad-manifest"


def test_without_the_link_it_says_what_it_did_not_do(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise HostError("link-missing", "the linked file is not in the cache")

    monkeypatch.setattr(materials_check.relink, "packed", missing)
    outcome = materials_check.run(bench)
    assert outcome.status == "passed"
    assert outcome.notes == ("not held against the link: the linked file is not in the cache",)


def test_a_forged_manifest_proves_no_absence(bench: Workbench, tmp_path: Path) -> None:
    assert bench.image is not None

    def forge(manifest: Manifest) -> None:
        part = musl(manifest["components"])
        part["objects"] = [one for one in part["objects"] if one["name"] != "vfprintf.o"]
        musl(manifest["left_out"])["objects"]["vfprintf.o"] = ["vfprintf"]

    change(bench, forge)
    digest = json.loads(bench.image.manifest.read_text())["image"]["digest"]
    claim = "pkg:deb/debian/musl#src/stdio/vfprintf.c"
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "statements": [
            {
                "vulnerability": {"name": "EXAMPLE-1"},
                "status": "not_affected",
                "justification": "vulnerable_code_not_present",
                "products": [
                    {
                        "hashes": {"sha-256": digest.removeprefix("sha256:")},
                        "subcomponents": [{"@id": claim}],
                    }
                ],
            }
        ],
    }
    path = tmp_path / "claims.json"
    path.write_text(json.dumps(document))
    asked = dataclasses.replace(bench, options=Options(absent=path))
    outcome = absence_check.run(asked)
    assert outcome.status == "failed"
    assert "vfprintf.o, the object of src/stdio/vfprintf.c, is in the image" in (
        outcome.errors[0].cause
    )


def test_absence_without_a_document_is_not_done(bench: Workbench) -> None:
    outcome = absence_check.run(bench)
    assert outcome.status == "not-done"
    assert isinstance(outcome.errors[0], HostError)
