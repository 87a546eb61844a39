"""V13 on purpose broken: each untruth of a manifest about its image is found and named."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unibuild.external.lock import Lock, LockedFile
from unibuild.image import identity
from unibuild.model.errors import DifferenceError, UserError
from unibuild.verify.materials import bill as bills
from unibuild.verify.materials import coverage, documents

GOLDEN = Path(__file__).parents[1] / "image" / "assembler" / "1"
LIBRARY, COMPILER = "pkg:deb/debian/library@1?arch=source", "pkg:pypi/compiler@1"
LOCK = Lock(
    {
        LIBRARY: (
            LockedFile("library_1.orig.tar.gz", 5, "a" * 64, "b" * 64),
            LockedFile("library_1.dsc", 6, "c" * 64, "d" * 64),
        ),
        COMPILER: (LockedFile("compiler-1-py3-none-any.whl", 7, "e" * 64, "f" * 64),),
    }
)
Change = Callable[[dict[str, Any], bytearray], None]


@pytest.fixture
def image() -> bytes:
    return (GOLDEN / "image.elf").read_bytes()


@pytest.fixture
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "image.manifest.json").read_text())
    for one in (*found["components"], *found["left_out"]):
        one["license"] = one["license"] or "MIT"
        for origin in one["materials"]:
            origin["license"] = origin["license"] or "MIT"
    return found


def causes(manifest: dict[str, Any], image: bytes, lock: Lock = LOCK) -> list[str]:
    found = list(coverage.problems(manifest, image, lock))
    assert {one.id for one in found} <= {"materials-incomplete"}
    return [one.cause for one in found]


def owned(manifest: dict[str, Any], owner: str) -> tuple[int, int]:
    return next((one[0], one[1]) for one in manifest["ranges"] if one[2] == owner)


def reseal(manifest: dict[str, Any], image: bytearray) -> bytes:
    """Make digest and identity those of the changed file, as a careful forger would."""
    offset = manifest["identity"]["offset"]
    sealed = identity.seal(bytes(image), offset)
    manifest["identity"]["digest"] = f"sha256:{sealed[offset : offset + 32].hex()}"
    manifest["image"] |= {
        "digest": f"sha256:{hashlib.sha256(sealed).hexdigest()}",
        "size": len(sealed),
    }
    own = next(one for one in manifest["components"] if one["kind"] == "image")
    content = b"".join(
        sealed[at : at + size] for at, size, owner, _ in manifest["ranges"] if owner == own["label"]
    )
    own["digest"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return sealed


def test_a_true_manifest_has_no_problem(manifest: dict[str, Any], image: bytes) -> None:
    assert causes(manifest, image) == []


def test_a_manifest_of_another_image_is_found(manifest: dict[str, Any], image: bytes) -> None:
    changed = image[:-1] + b"\x7f"
    assert causes(manifest, changed)[0] == (
        "image.elf is not the image that its manifest describes"
    )
    with pytest.raises(UserError) as caught:
        bills.compose(manifest, changed, LOCK)
    assert caught.value.id == "manifest-of-another-image"


def test_a_wrong_identity_is_found(manifest: dict[str, Any], image: bytes) -> None:
    changed = bytearray(image)
    changed[manifest["identity"]["offset"]] ^= 1
    manifest["image"]["digest"] = f"sha256:{hashlib.sha256(changed).hexdigest()}"
    assert causes(manifest, bytes(changed)) == ["the identity in image.elf is not that of the file"]
    manifest["identity"]["offset"] = len(image)
    assert "no 32 bytes" in causes(manifest, bytes(changed))[0]


def test_a_byte_patched_into_a_gap_is_found(manifest: dict[str, Any], image: bytes) -> None:
    changed = bytearray(image)
    at, _ = owned(manifest, "image:filling")
    changed[at + 1] = 0x90
    assert causes(manifest, reseal(manifest, changed)) == [
        f"byte {at + 1:#x} is filling and has the value 0x90"
    ]


def test_a_trap_byte_is_filling_in_code_only(manifest: dict[str, Any], image: bytes) -> None:
    changed = bytearray(image)
    at = [one[0] for one in manifest["ranges"] if one[2] == "image:filling"][-1]
    changed[at] = 0xCC
    assert causes(manifest, reseal(manifest, changed)) == [
        f"byte {at:#x} is filling and has the value 0xcc"
    ]


def test_a_byte_patched_into_a_component_is_found(manifest: dict[str, Any], image: bytes) -> None:
    changed = bytearray(image)
    changed[owned(manifest, "//sample:library")[0]] ^= 1
    assert causes(manifest, reseal(manifest, changed)) == [
        "the bytes of //sample:library are not those of its digest"
    ]


def hole(manifest: dict[str, Any]) -> None:
    del manifest["ranges"][3]


def overlap(manifest: dict[str, Any]) -> None:
    manifest["ranges"][3][0] -= 1


def short(manifest: dict[str, Any]) -> None:
    manifest["ranges"].pop()


def stranger(manifest: dict[str, Any]) -> None:
    manifest["ranges"][3][2] = "//nobody:nobody"


def headers(manifest: dict[str, Any]) -> None:
    manifest["ranges"][0][1] += 9
    manifest["ranges"][1][0] += 9
    manifest["ranges"][1][1] -= 9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (hole, "belong to nobody"),
        (overlap, "are claimed twice"),
        (short, "the ranges end at"),
        (stranger, "belong to //nobody:nobody, which is no component"),
        (headers, "and the headers end at 0x120"),
    ],
)
def test_untrue_ranges_are_found(
    manifest: dict[str, Any],
    image: bytes,
    change: Callable[[dict[str, Any]], None],
    words: str,
) -> None:
    change(manifest)
    found = list(coverage.problems(manifest, image, LOCK))
    assert words in found[0].cause
    assert isinstance(found[0], DifferenceError)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("license", "", "has no licence"),
        ("license", "MIT AND", "`MIT AND` is no licence expression"),
        ("purl", "", "has no package URL"),
        ("purl", "musl 1.2.3", "which is no package URL"),
    ],
)
def test_what_is_not_declared_is_found(
    manifest: dict[str, Any], image: bytes, field: str, value: str, words: str
) -> None:
    for one in (manifest["components"][1], manifest["tools"][0]):
        changed = copy.deepcopy(manifest)
        target = changed["tools"][0] if one is manifest["tools"][0] else changed["components"][1]
        target[field] = value
        found = list(coverage.problems(changed, image, LOCK))
        assert [words in error.cause for error in found] == [True]
        assert isinstance(found[0], UserError)
        assert found[0].hint


def test_the_images_own_part_is_declared_even_without_bytes_of_its_own(
    manifest: dict[str, Any],
) -> None:
    own = next(one for one in manifest["components"] if one["kind"] == "image")
    manifest["components"].remove(own)
    assert [one["purl"] for one in coverage._owners(manifest)].count("") == 1
    manifest["left_out"].append({**own, "objects": {"parameters.o": []}})
    assert own["purl"] in [one["purl"] for one in coverage._owners(manifest)]


def test_a_package_that_is_not_locked_is_found(manifest: dict[str, Any], image: bytes) -> None:
    assert causes(manifest, image, Lock({COMPILER: LOCK.packages[COMPILER]})) == [
        f"{LIBRARY} has no digest: {LIBRARY} is not in unibuild.lock"
    ]


def test_documents_that_contradict_the_bill_are_found(
    manifest: dict[str, Any], image: bytes, tmp_path: Path
) -> None:
    lock = tmp_path / "unibuild.lock"
    from unibuild.external import lock as locks

    locks.write(lock, LOCK)
    sources = [tmp_path / "image.manifest.json", tmp_path / "image.elf", lock]
    sources[0].write_text(json.dumps(manifest))
    sources[1].write_bytes(image)
    bill = bills.compose(manifest, image, LOCK)
    written = documents.write(bill, tmp_path / "first")
    assert list(documents.problems(bill, written, sources, tmp_path / "second")) == []
    for path in written.values():
        path.write_text(path.read_text().replace(bill.parts[1].hashes.sha256, "0" * 64))
    found = [one.cause for one in documents.problems(bill, written, sources, tmp_path / "second")]
    assert [cause.partition(" document ")[2] for cause in found] == [
        "is not the same when it is written once more",
        f"misstates {bill.parts[1].label}",
    ] * 2
