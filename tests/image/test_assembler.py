"""One link, the same bytes for ever: a change of the assembler's bytes needs a new number."""

from __future__ import annotations

import filecmp
import json
from pathlib import Path

import pytest

from unibuild.elf.layout import ElfFile
from unibuild.execution.request import BuiltinCall
from unibuild.image import call_table, pack, root_archive
from unibuild.image.builtins import (
    ASSEMBLER,
    IMAGE_PACK_VERSION,
    PROGRAM_ARCHIVE_VERSION,
    ROOT_ARCHIVE_VERSION,
)
from unibuild.image.parameters import assembly, program_assembly
from unibuild.image.ranges import header_size
from unibuild.model.errors import ActionError

FOLDER = Path(__file__).with_name("assembler")
LINK = FOLDER / "link"
FILES = ("parameters.s", "root.cpio", "image.elf", "image.symbols", "image.manifest.json")
PROGRAM_FILES = ("program.s", "program.cpio", "program.calls.s")
"""What an image with a Linux program has besides, or instead."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembler")
    call = BuiltinCall(
        (ROOT_ARCHIVE_VERSION, "file", "/etc/zone", "zone", "directory", "/var"),
        {"zone": LINK / "zone"},
        {"root.cpio": folder / "root.cpio"},
        folder / "log",
    )
    root_archive.build(call)
    call = BuiltinCall(
        (
            *(ROOT_ARCHIVE_VERSION, f"programs-{PROGRAM_ARCHIVE_VERSION}"),
            *("file", "/bin/main", "main.o", "file", "/etc/zone", "zone"),
        ),
        {"zone": LINK / "zone", "main.o": LINK / "main.o"},
        {"root.cpio": folder / "program.cpio"},
        folder / "log",
    )
    root_archive.build(call)
    (folder / "program.s").write_text(program_assembly("/bin/main", allow_exec_mappings=True))
    (folder / "program.calls.s").write_text(call_table.assembly({"read", "exit_group"}))
    linked = ("linked.elf", "link.map", "link.why")
    objects = ("main.o", "note.o", "parameters.o", "libsample.a")
    inputs = {name: LINK / name for name in ("specification.json", *linked, *objects)}
    call = BuiltinCall(
        (IMAGE_PACK_VERSION, "specification.json", *linked, "root.cpio", *objects),
        inputs | {"root.cpio": folder / "root.cpio"},
        {name: folder / name for name in FILES if name.startswith("image.")},
        folder / "log",
        {"UNIBUILD_SANDBOX": "bubblewrap"},
    )
    pack.build(call)
    spec = json.loads((LINK / "specification.json").read_text())
    parameters = assembly(
        spec["label"], spec["arguments"], spec["environment"], spec["network"], "root.cpio"
    )
    (folder / "parameters.s").write_text(parameters)
    return folder


@pytest.mark.parametrize("name", FILES + PROGRAM_FILES)
def test_this_number_has_these_bytes(made: Path, name: str) -> None:
    expected = FOLDER / str(ASSEMBLER) / name
    assert expected.exists(), f"assembler {ASSEMBLER} has no golden bytes yet: see {made / name}"
    assert filecmp.cmp(made / name, expected, shallow=False), (
        f"assembler {ASSEMBLER} makes another {name} now: see {made / name} and {FOLDER}/README.md"
    )


def test_the_newest_number_is_the_one_in_use() -> None:
    numbers = [int(entry.name) for entry in FOLDER.iterdir() if entry.name.isdigit()]
    assert max(numbers) == ASSEMBLER


def test_code_that_the_linker_compiled_is_refused() -> None:
    """Link-time optimisation: the map names an object of the linker's making, ours seem left out."""
    objects = ("main.o", "note.o", "parameters.o", "libsample.a")
    arguments = ["0", "specification.json", "linked.elf", "link.map", "link.why", "-", *objects]

    def read(path: str) -> bytes:
        content = (LINK / path).read_bytes()
        return (
            content.replace(b"libsample.a(add.o)", b"linked.elf.lto.o")
            if path == "link.map"
            else content
        )

    with pytest.raises(ActionError, match=r"code itself \(linked\.elf\.lto\.o") as caught:
        pack.assemble(arguments, read, "bubblewrap")
    assert caught.value.id == "code-of-the-linker"


def test_the_golden_manifest_says_what_the_link_was(made: Path) -> None:
    manifest = json.loads((made / "image.manifest.json").read_text())
    image = (made / "image.elf").read_bytes()
    assert manifest["assembler"] == ASSEMBLER
    end = 0
    for offset, size, _owner, _object in manifest["ranges"]:
        assert offset == end
        assert size > 0
        end = offset + size
    assert end == len(image)
    headers = header_size(ElfFile.parse(image))
    assert manifest["ranges"][0] == [0, headers, "image:headers", ""]
    owned = {owner: b"" for _, _, owner, _ in manifest["ranges"]}
    for offset, size, owner, _ in manifest["ranges"]:
        owned[owner] += image[offset : offset + size]
    # The linker merged the strings; the program brought one of them first, the library the other.
    assert b"shared\0" in owned["//sample:sample"]
    assert b"own\0" in owned["//sample:library"]
    assert owned["image:layout"] == (0x91).to_bytes(8, "little")
    assert set(owned["image:filling"]) <= {0, 0xCC}
    assert [(one["label"], one["objects"]) for one in manifest["left_out"]] == [
        ("//sample:library", {"unused.o": ["unused_data", "unused_function"]})
    ]
    objects = {one["name"]: one for part in manifest["components"] for one in part["objects"]}
    assert objects["add.o"]["dropped"] == ["subtract"]
    assert manifest["platform"]["devices"] == ["first-device"]
