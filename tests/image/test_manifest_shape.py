from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from unibuild.image.manifest_shape import check
from unibuild.model.errors import UserError

GOLDEN = json.loads(
    (Path(__file__).with_name("assembler") / "1" / "image.manifest.json").read_text()
)


def test_a_whole_manifest_passes() -> None:
    check(GOLDEN, "golden")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("ranges", 3, 1), "4", "`ranges[3][1]` is no size"),
        (("ranges", 0), [0, 1], "`ranges[0]` is no list of 4"),
        (("ranges",), {}, "`ranges` is no list"),
        (("image", "digest"), "sha256:xy", "`image.digest` is no digest"),
        (("image", "size"), True, "`image.size` is no size"),
        (("image",), None, "`image` is no table"),
        (("components", 0, "license"), None, "`components[0].license` is no text"),
        (("left_out", 0, "objects", "unused.o"), "x", "`left_out[0].objects.unused.o` is no list"),
        (("left_out", 0, "objects"), [], "`left_out[0].objects` is no table"),
        (("identity",), 3, "`identity` is no table"),
    ],
)
def test_what_does_not_fit_is_named(path: tuple[Any, ...], value: object, words: str) -> None:
    manifest = copy.deepcopy(GOLDEN)
    inner = manifest
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(UserError) as caught:
        check(manifest, "image.manifest.json")
    assert caught.value.id == "bad-manifest"
    assert caught.value.cause == f"image.manifest.json is not a whole manifest: {words}"


@pytest.mark.parametrize("key", sorted(set(GOLDEN) & {"ranges", "tools", "label", "image"}))
def test_what_is_missing_is_named(key: str) -> None:
    manifest = {name: value for name, value in GOLDEN.items() if name != key}
    with pytest.raises(UserError, match=f"it has no `{key}`"):
        check(manifest, "golden")


def test_an_image_without_identity_is_whole() -> None:
    check(GOLDEN | {"identity": None}, "golden")
