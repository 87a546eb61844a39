"""Images with Linux programs, and folders as directories of an image: what the rules declare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from unibuild.model.actions import Action, ActionGraph
from unibuild.model.errors import UserError

Make = Callable[[Mapping[str, str | bytes]], Any]
IMAGE = """\
[linux_binary.server]
binary = "server"
[unikernel_image.image]
app = ":server"
dirs = { "/static" = "static" }
ports = [8080]
"""
EXECUTABLE = '[cc_binary.b]\nsrcs = ["main.c"]\n[linux_executable.e]\nprogram = ":b"\n'


def action(graph: ActionGraph, mnemonic: str) -> Action:
    (found,) = (one for one in graph.actions if one.mnemonic == mnemonic and "//p" in one.label)
    return found


def files(build: str) -> dict[str, str | bytes]:
    return {
        "p/BUILD.toml": build,
        "p/server": b"",
        "p/main.c": b"",
        "p/static/index.html": "x",
        "p/static/sub/.hidden": "x",
        "p/other/index.html": "y",
        "p/nested/BUILD.toml": "",
        "p/hollow/deep/BUILD.toml": "",
    }


def test_the_program_and_the_folder_are_in_the_root(sample: Make) -> None:
    graph = sample(files(IMAGE)).analyse("//p:image")
    words = action(graph, "RootArchive").arguments
    named = [words[at + 1] for at, word in enumerate(words) if word == "file"]
    assert named == ["/bin/server", "/static/index.html", "/static/sub/.hidden"]
    assert any(word.startswith("programs-") for word in words)
    link = action(graph, "ImageLink").arguments
    assert any("kernel/linux/loader/libloader.a" in word for word in link)
    assert any("musl/libstring" in word for word in link)
    assert not any("libmusl" in word for word in link)


def test_other_images_are_offered_nothing_for_linux_programs(sample: Make) -> None:
    build = '[cc_binary.b]\nsrcs = ["b.c"]\n[unikernel_image.image]\napp = ":b"\n'
    build += 'files = { "/x" = "b.c" }\n'
    graph = sample({"p/BUILD.toml": build, "p/b.c": ""}).analyse("//p:image")
    link = action(graph, "ImageLink").arguments
    assert not any("kernel/linux" in word or "kernel/user" in word for word in link)
    assert not any("programs-" in word for word in action(graph, "RootArchive").arguments)
    assert not any(one.mnemonic == "SystemCalls" for one in graph.actions)


def test_several_folders_and_labels_in_one_place(sample: Make) -> None:
    build = IMAGE.replace('"static" }', '["static", "other", ":made"] }')
    build += '[genrule.made]\nouts = ["made/"]\ncmd = ""\n'
    words = action(sample(files(build)).analyse("//p:image"), "RootArchive").arguments
    named = [words[at + 1 : at + 3] for at, word in enumerate(words) if word == "file"]
    assert named == [
        ("/bin/server", "unibuild-gen/p/server.program/server"),
        ("/static", "unibuild-gen/p/made"),
        ("/static/index.html", "p/static/index.html"),
        ("/static/index.html", "p/other/index.html"),
        ("/static/sub/.hidden", "p/static/sub/.hidden"),
    ]


def test_files_that_are_no_libraries_do_not_reach_the_scan(sample: Make) -> None:
    graph = sample(files(IMAGE)).analyse("//p:image")
    read = [artifact.path for artifact in action(graph, "SystemCalls").inputs]
    assert read == ["p/server.program/server", "p/image.link/libraries"]


@pytest.mark.parametrize(
    ("build", "identifier", "hint"),
    [
        ('[linux_binary.s]\nbinary = "server"\npath = "x"\n', "bad-attribute", "take `path` away"),
        ('[linux_binary.s]\nbinary = "server"\nsystem_calls = ["opnat"]\n', "bad-attribute", "`openat`"),
        ('[genrule.g]\nouts = ["d/"]\ncmd = ""\n[linux_binary.s]\nbinary = ":g"\n', "bad-attribute", "path ="),
        ('[linux_binary.s]\nbinary = "servr"\n', "missing-file", "`server`"),
        (IMAGE.replace('"static" }', '"statics" }'), "missing-file", "`static`"),
        (IMAGE.replace('"static" }', '"server" }'), "not-a-folder", ""),
        (IMAGE.replace('"static" }', '"nested" }'), "outside-package", "filegroup"),
        (IMAGE.replace('"static" }', '"hollow" }'), "empty-folder", 'dirs = ["/path"]'),
        (IMAGE.replace('"static" }', '"../p" }'), "parent-path", ""),
        (IMAGE.replace('"static" }', '["static", "statics"] }'), "missing-file", "`static`"),
        (IMAGE.replace('"static" }', '":nothing" }'), "unknown-target", ""),
        (IMAGE.replace('"/static"', '"static"'), "bad-attribute", "after a leading `/`"),
        (IMAGE + 'files = { "/bin/server" = "other/index.html" }\n', "bad-attribute", "another path"),
        (
            EXECUTABLE + '[unikernel_image.image]\napp = ":e"\n',
            "wrong-target",
            '[linux_binary.NAME] with binary = ":e"',
        ),
        (IMAGE.replace("8080", "80800"), "bad-attribute", "`8080`"),
        (IMAGE.replace("8080", '"dns"'), "bad-attribute", "`8080`"),
    ],
)  # fmt: skip
def test_mistakes(sample: Make, build: str, identifier: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        sample(files(build)).analyse("//p:all")
    error = caught.value
    assert (error.id, error.place is not None) == (identifier, True), error
    assert hint in error.hint
