from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unibuild.image import manifest as manifests
from unibuild.image.questions import explain, size, why
from unibuild.model.errors import HostError, UserError

STEP = {
    "from": "@unibuild//toolchains/musl:musl",
    "from_object": "open.o",
    "symbol": "ub_sys_openat",
    "to": "@unibuild//kernel/file:file",
    "to_object": "openat.o",
}
BOOT = {"from": "//p:p", "from_object": "", "symbol": "ub_entry", "to": "//kernel/arch/x86_64:x86_64",
        "to_object": "entry.o"}  # fmt: skip


def component(label: str, kind: str, in_file: int, reason: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "label": label,
        "kind": kind,
        "description": "",
        "file_bytes": in_file,
        "zeroed_bytes": 8,
        "archives": [],
        "objects": [{"name": "a.o", "bytes": in_file}],
        "reason": reason,
    }


MANIFEST: dict[str, Any] = {
    "format": manifests.FORMAT,
    "label": "//app:image",
    "app": "//app:app",
    "sandbox": "bubblewrap",
    "image": {"file": "image.elf", "digest": "sha256:0", "size": 400},
    "platform": {"label": "//p:p", "devices": []},
    "files": [],
    "sections": [],
    "unclaimed": {"file_bytes": 10, "zeroed_bytes": 0},
    "components": [
        component("@unibuild//kernel/file:file", "kernel", 200, [STEP]),
        component("//kernel/arch/x86_64:x86_64", "kernel", 100, [BOOT]),
        component("//app:app", "program", 50, []),
        component("@unibuild//kernel/stub:bpf", "stub", 40, [STEP]),
        component("//other/file:lib", "library", 5, []),
    ],
}


def test_explain_says_why_each_is_in() -> None:
    told = explain(MANIFEST)
    assert [one["because"] for one in told["components"]] == [
        "open.o of @unibuild//toolchains/musl:musl needs `ub_sys_openat`",
        "the boot of //p:p needs `ub_entry`",
        "the program itself",
        "open.o of @unibuild//toolchains/musl:musl needs `ub_sys_openat`",
        "linked as an object of its own",
    ]
    assert told["stubs"] == ["@unibuild//kernel/stub:bpf"]


@pytest.mark.parametrize(
    "text",
    ["@unibuild//kernel/file:file", "@unibuild//kernel/file", "//kernel/file", "kernel/file"],
)
def test_a_component_by_its_label_or_its_end(text: str) -> None:
    assert why(MANIFEST, text)["steps"] == [STEP]


def test_the_folder_alone_is_enough() -> None:
    assert why(MANIFEST, "arch/x86_64")["component"] == "//kernel/arch/x86_64:x86_64"


def test_a_text_for_two_components_is_ambiguous() -> None:
    with pytest.raises(UserError) as caught:
        why(MANIFEST, "file")
    assert caught.value.id == "ambiguous-component"


def test_a_component_that_is_not_in_the_image() -> None:
    with pytest.raises(UserError) as caught:
        why(MANIFEST, "kernel/fil")
    assert caught.value.id == "not-in-image"
    assert "kernel/file" in caught.value.hint
    with pytest.raises(UserError) as caught:
        why(MANIFEST, "wxyz")
    assert "unibuild explain //app:image" in caught.value.hint


def test_size_sums_the_components() -> None:
    assert size(MANIFEST)["memory"] == 395 + 5 * 8


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 99}', "\ufeff{}"])
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.manifest.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        manifests.read(path)
    assert caught.value.id == "bad-manifest"


def test_a_missing_manifest_and_a_good_one(tmp_path: Path) -> None:
    with pytest.raises(HostError):
        manifests.read(tmp_path / "none")
    path = tmp_path / "x.manifest.json"
    path.write_text(manifests.render(MANIFEST))
    assert manifests.read(path) == json.loads(json.dumps(MANIFEST))
