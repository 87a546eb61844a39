"""V14: a package may be in an image without an object: whoever had its files at hand may have its code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unibuild.execution.plan import GENERATED, PACKAGE, SOURCE, Plan, Record
from unibuild.verify.materials import reach, versions
from unibuild.verify.materials.absence import NOT_AFFECTED, UNKNOWN, Contents, judge
from unibuild.verify.materials.inclusions import Inclusions
from unibuild.verify.materials.vulnerabilities import Affected

GOLDEN = Path(__file__).parents[1] / "image" / "assembler" / "1"
LIBRARY = "pkg:deb/debian/library"


@pytest.fixture
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / "image.manifest.json").read_text())
    return found


@pytest.mark.parametrize(
    ("readers", "sandbox", "there"),
    [
        # A header that was at hand when a part of the image was compiled may have left code there.
        (("//sample:sample",), "bubblewrap", True),
        # Whoever could read it is not in the image; without a sandbox nobody knows who read it.
        (("//other:other",), "bubblewrap", False),
        (("//other:other",), "none", True),
    ],
)
@pytest.mark.parametrize("purl", [LIBRARY, "pkg:deb/debian/compiler"])
def test_a_package_may_be_there_without_an_object(
    manifest: dict[str, Any], purl: str, readers: tuple[str, ...], sandbox: str, there: bool
) -> None:
    manifest["components"] = [
        one for one in manifest["components"] if one["label"] != "//sample:library"
    ]
    manifest["sandbox"] = sandbox
    known = {f"{purl}@1?arch=source": frozenset(readers)}
    image = Contents(manifest, frozenset(), Inclusions({}), known)
    found = judge(Affected(purl), image)
    assert found.status == (UNKNOWN if there else NOT_AFFECTED)
    assert ("whose files were there when it was made" in found.words) is there
    # A version outside the range is no matter; a source has an object, which was left out.
    assert judge(Affected(purl, versions.parse(">=2")), image).status == NOT_AFFECTED
    if purl == LIBRARY:
        assert judge(Affected(purl, (), ("unused.c",)), image).status == NOT_AFFECTED


def test_who_could_read_a_package_is_followed_to_the_image() -> None:
    """A package unpacked, a header made of that, an object compiled with it, and what is linked of that."""
    steps = [
        ("unpack", "", (0,), (1,)),
        ("header", "", (1,), (2,)),
        ("user", "", (2, 3), (4,)),
        ("image", "ImageLink", (4,), (5,)),
        ("tool", "LinuxLink", (4,), (6,)),
        ("other-image", "RootArchive", (6,), (7,)),
    ]
    paths = ["p.deb", "tree", "made.h", "user.c", "user.c.o", "image.elf", "tool", "root.cpio"]
    kinds = [PACKAGE, GENERATED, GENERATED, SOURCE, *[GENERATED] * 4]
    records = [
        Record(name, mnemonic, "", (), (), read, made, "", -1, (), False, 0)
        for name, mnemonic, read, made in steps
    ]
    consumers = [
        tuple(at for at, record in enumerate(records) if a in record.inputs)
        for a in range(len(paths))
    ]
    purl = "pkg:deb/debian/library@1?arch=source"
    plan = Plan(
        paths, kinds, frozenset(), frozenset(), {0: f"{purl}#file.tar.xz"},
        [record.outputs for record in records], consumers, [], records.__getitem__,
    )  # fmt: skip
    assert reach.readers(plan) == {purl: {"unpack", "header", "user", "tool", "other-image"}}
