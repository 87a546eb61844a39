"""Bills of materials: valid by the published schemas, the same every time, and true to the image."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.command import unibuild

from unibuild.external.lock import Lock, LockedFile
from unibuild.verify.materials import bill as bills
from unibuild.verify.materials import cyclonedx, spdx
from unibuild.verify.materials.bill import Bill

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "image" / "assembler" / "1"
LIBRARY = "pkg:deb/debian/library@1?arch=source"
LOCK = Lock({LIBRARY: (LockedFile("library_1.orig.tar.gz", 5, "a" * 64, "b" * 64),)})


@pytest.fixture
def bill() -> Bill:
    manifest = json.loads((GOLDEN / "image.manifest.json").read_text())
    return bills.compose(manifest, (GOLDEN / "image.elf").read_bytes(), LOCK)


def check_cyclonedx(text: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def check_spdx(path: Path) -> None:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    assert validate_full_spdx_document(parse_file(str(path))) == []


def test_the_parts_are_the_image(bill: Bill) -> None:
    assert bill.own.label == "//sample:image"
    ranges = sorted(one for part in bill.parts for one in part.ranges)
    end = 0
    for offset, size in ranges:
        assert offset == end
        end += size
    assert end == bill.size
    # What the assembler and the linker add counts as the image's own.
    assert (0, 288) in bill.own.ranges
    assert [one.purl for one in bill.packages] == [LIBRARY]
    assert [one.purl for one in bill.tools] == ["pkg:pypi/compiler@1"]


def test_cyclonedx_is_valid_and_says_it_all(bill: Bill) -> None:
    text = cyclonedx.render(bill)
    check_cyclonedx(text)
    document = json.loads(text)
    assert "timestamp" not in document["metadata"]
    assert document["serialNumber"] == f"urn:uuid:{bill.serial}"
    image = document["metadata"]["component"]
    assert {one["alg"]: one["content"] for one in image["hashes"]} == {
        "SHA-256": bill.hashes.sha256,
        "SHA-512": bill.hashes.sha512,
    }
    by_ref = {one["bom-ref"]: one for one in document["components"]}
    library = by_ref["part://sample:library"]
    assert library["purl"] == LIBRARY
    assert library["licenses"] == [{"expression": "MIT AND ISC"}]
    assert {
        (one["offset"], one["additionalContext"]) for one in library["evidence"]["occurrences"]
    } == {(400, "4 bytes"), (416, "17 bytes"), (479, "4 bytes")}
    tool = by_ref["tool:pkg:pypi/compiler@1"]
    assert tool["scope"] == "excluded"
    needs = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}
    assert needs["part://sample:library"] == [f"package:{LIBRARY}"]
    assert "tool:pkg:pypi/compiler@1" not in needs["image://sample:image"]
    package = by_ref[f"package:{LIBRARY}"]
    assert package["externalReferences"][0]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


def test_spdx_is_valid_and_says_it_all(bill: Bill, tmp_path: Path) -> None:
    path = tmp_path / "bill.spdx.json"
    path.write_text(spdx.render(bill))
    check_spdx(path)
    document = json.loads(path.read_text())
    assert document["creationInfo"]["created"] == "1980-01-01T00:00:00Z"
    packages = {one["SPDXID"]: one for one in document["packages"]}
    names = {one["name"]: key for key, one in packages.items()}
    related = {
        (one["spdxElementId"], one["relationshipType"], one["relatedSpdxElement"])
        for one in document["relationships"]
    }
    assert ("SPDXRef-image", "CONTAINS", names["//sample:library"]) in related
    assert (names["//sample:library"], "GENERATED_FROM", names["library"]) in related
    assert (names["compiler"], "BUILD_TOOL_OF", "SPDXRef-image") in related
    assert packages[names["//sample:sample"]]["licenseDeclared"] == "NOASSERTION"
    comments = [one["comment"] for one in packages[names["//sample:library"]]["annotations"]]
    assert comments[0] == "bytes of the image (offset+size): 400+4 416+17 479+4"


def test_another_image_has_another_serial_number(bill: Bill) -> None:
    manifest = json.loads((GOLDEN / "image.manifest.json").read_text())
    image = (GOLDEN / "image.elf").read_bytes()
    assert bills.compose(manifest, image, LOCK).serial == bill.serial
    assert bills.compose(manifest, image, Lock()).serial != bill.serial
    manifest["components"][2]["license"] = "ISC"
    assert bills.compose(manifest, image, LOCK).serial != bill.serial


def test_the_time_is_the_callers(bill: Bill) -> None:
    assert json.loads(cyclonedx.render(bill, 1_700_000_000))["metadata"]["timestamp"] == (
        "2023-11-14T22:13:20Z"
    )
    check_cyclonedx(cyclonedx.render(bill, 1_700_000_000))
    created = json.loads(spdx.render(bill, 1_700_000_000))["creationInfo"]["created"]
    assert created == "2023-11-14T22:13:20Z"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sbom") / "workspace"
    return shutil.copytree(ROOT / "image" / "workspace", place)


@pytest.mark.network
def test_the_verb_writes_the_same_valid_documents_anywhere(workspace: Path, tmp_path: Path) -> None:
    texts: dict[str, set[bytes]] = {"cyclonedx": set(), "spdx": set()}
    for form, found in texts.items():
        for number, environment in enumerate(({"PYTHONHASHSEED": "1"}, {"TZ": "Asia/Tokyo"})):
            path = tmp_path / f"{form}.{number}.spdx.json"
            options = ("sbom", "//programs:image", "--format", form, "-o", str(path))
            done = unibuild(*options, cwd=workspace, environment=environment)
            assert done.returncode == 0, done.stderr
            found.add(path.read_bytes())
        assert len(found) == 1
    check_cyclonedx(texts["cyclonedx"].pop().decode())
    check_spdx(tmp_path / "spdx.0.spdx.json")


@pytest.mark.network
def test_a_time_that_is_none_is_an_error(workspace: Path) -> None:
    for text in ("yesterday", "-1", "9" * 20):
        done = unibuild(
            "sbom", "//programs:image", cwd=workspace, environment={"SOURCE_DATE_EPOCH": text}
        )
        assert done.returncode == 2
        assert "error[bad-environment]: SOURCE_DATE_EPOCH is" in done.stderr


@pytest.mark.network
def test_every_part_of_a_real_image_is_declared(workspace: Path) -> None:
    done = unibuild("sbom", "//programs:image", cwd=workspace)
    assert done.returncode == 0, done.stderr
    components = json.loads(done.stdout)["components"]
    parts: list[dict[str, Any]] = [one for one in components if one["bom-ref"].startswith("part:")]
    by_name = {one["name"]: one for one in parts}
    musl = by_name["@unibuild//toolchains/musl:string"]
    assert musl["purl"].startswith("pkg:deb/debian/musl@")
    assert "MIT" in musl["licenses"][0]["expression"]
    assert all("purl" in one and "hashes" in one and "licenses" in one for one in parts)
    assert not [one for one in parts if "zig" in one["purl"] or "busybox" in one["purl"]]
    excluded = {one["name"]: one for one in components if one.get("scope") == "excluded"}
    assert set(excluded) == {"ziglang", "busybox-static"}
    assert excluded["busybox-static"]["licenses"] == [{"expression": "GPL-2.0-only"}]


@pytest.mark.network
def test_a_workspace_without_a_licence_is_told(workspace: Path, tmp_path: Path) -> None:
    place = shutil.copytree(workspace, tmp_path / "unlicensed", ignore=_made)
    (place / "WORKSPACE.toml").write_text('name = "images"\n')
    done = unibuild("sbom", "//programs:image", cwd=place)
    assert done.returncode == 0
    assert "no licence is declared for //programs:image, //programs:show" in done.stderr
    done = unibuild("verify", "//programs:image", "--only", "materials", cwd=place)
    assert done.returncode == 2
    assert "error[materials-incomplete]: //programs:show has no licence" in done.stderr
    assert "hint: write `license` in its [package]" in done.stderr


@pytest.mark.network
def test_verify_materials_of_a_real_image(workspace: Path) -> None:
    done = unibuild("verify", "//programs:image", "--only", "materials", "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    (check,) = json.loads(done.stdout)["checks"]
    assert check["status"] == "passed"
    assert sum(check["facts"]["owned"].values()) == check["facts"]["bytes"]
    assert set(check["facts"]["documents"]) == {"cyclonedx", "spdx"}


def _made(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in {"unibuild-out", ".unibuild"}}
