from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.loading.directories import Directories
from unibuild.loading.package import Package, load_package
from unibuild.loading.sources import check_path_text, compile_glob, resolve_sources
from unibuild.loading.workspace import read_workspace
from unibuild.model.errors import UserError
from unibuild.model.labels import Label

Tree = Callable[[Mapping[str, str | bytes]], Path]
FILES = {
    "WORKSPACE.toml": 'name = "w"\n',
    "p/BUILD.toml": "",
    "p/b.c": "",
    "p/a.c": "",
    "p/a.h": "",
    "p/.hidden.c": "",
    "p/deep/c.c": "",
    "p/deep/deeper/d.c": "",
    "p/deep/.git/e.c": "",
    "p/other/BUILD.toml": "",
    "p/other/f.c": "",
    "p/nested/WORKSPACE.toml": 'name = "n"\n',
    "p/nested/g.c": "",
}


@pytest.fixture
def package(tree: Tree) -> Package:
    return load_package(read_workspace(tree(FILES)), "", "p")


def found(package: Package, *entries: str) -> list[Label | str]:
    names, faults = resolve_sources(package, entries, Directories())
    assert faults == []
    return names


def fault(package: Package, *entries: str) -> UserError:
    _, faults = resolve_sources(package, entries, Directories())
    assert len(faults) == 1
    return faults[0].error


def test_globs_are_sorted_and_stay_in_the_package(package: Package) -> None:
    assert found(package, "*.c") == ["a.c", "b.c"]
    assert found(package, "**/*.c") == ["a.c", "b.c", "deep/c.c", "deep/deeper/d.c"]
    assert found(package, "**") == ["a.c", "a.h", "b.c", "deep/c.c", "deep/deeper/d.c"]
    assert found(package, "deep/*.c") == ["deep/c.c"]
    assert found(package, "deep/**") == ["deep/c.c", "deep/deeper/d.c"]
    assert found(package, "d*/**/*.c") == ["deep/c.c", "deep/deeper/d.c"]
    assert found(package, "*/*.c") == ["deep/c.c"]


def test_a_name_that_is_no_text_is_refused_where_a_glob_finds_it(package: Package) -> None:
    (Path(package.directory) / os.fsdecode(b"caf\xe9.c")).write_text("")
    refused = fault(package, "*.c")
    assert refused.id == "bad-path"
    assert r"caf\udce9.c" in refused.cause
    assert found(package, "*.c", "!caf*") == ["a.c", "b.c"]


def test_exclusions_take_from_globs_wherever_they_stand(package: Package) -> None:
    assert found(package, "**/*.c", "!deep/**") == ["a.c", "b.c"]
    assert found(package, "!b.c", "*.c") == ["a.c"]
    assert found(package, "*.c", "!b.c", "b.c") == ["a.c", "b.c"]


def test_the_order_of_the_list_is_kept_and_nothing_comes_twice(package: Package) -> None:
    assert found(package, "b.c", "*.c", ":x", "//q:y", "a.h", ":x") == [
        "b.c",
        "a.c",
        Label("", "p", "x"),
        Label("", "q", "y"),
        "a.h",
    ]


def test_a_hidden_file_must_be_named(package: Package) -> None:
    assert found(package, ".hidden.c") == [".hidden.c"]
    assert found(package, ".*.c") == [".hidden.c"]


@pytest.mark.parametrize(
    ("entry", "id_"),
    [
        ("x.c", "missing-file"),
        ("deep/x.c", "missing-file"),
        ("nowhere/x.c", "missing-file"),
        ("*.rs", "empty-glob"),
        ("nowhere/*.c", "missing-file"),
        ("deep", "not-a-file"),
        ("other/f.c", "outside-package"),
        ("other/*.c", "outside-package"),
        ("nested/g.c", "outside-package"),
        ("../p/a.c", "parent-path"),
        ("deep/../a.c", "parent-path"),
        ("/etc/passwd", "absolute-path"),
        ("./a.c", "bad-path"),
        ("deep//c.c", "bad-path"),
        ("deep/", "bad-path"),
        ("", "bad-path"),
        ("a\tb", "bad-path"),
        ("!", "bad-path"),
        ("//", "bad-label"),
    ],
)
def test_a_wrong_name_says_what_is_wrong(package: Package, entry: str, id_: str) -> None:
    assert fault(package, entry).id == id_


def test_an_absolute_name_of_the_package_is_corrected(package: Package) -> None:
    assert fault(package, f"{package.directory}/deep/c.c").hint == "write `deep/c.c`"


def test_links_may_lead_about_in_the_workspace_only(package: Package) -> None:
    folder = Path(package.directory)
    (folder / "link.c").symlink_to("deep/c.c")
    (folder / "away.c").symlink_to("/etc/hostname")
    (folder / "nothing.c").symlink_to("missing")
    (folder / "loop.c").symlink_to("loop.c")
    assert found(package, "link.c") == ["link.c"]
    assert fault(package, "away.c").id == "outside-package"
    assert fault(package, "nothing.c").id == "not-a-file"
    assert fault(package, "loop.c").id == "symlink-loop"


def test_linked_folders_are_followed_until_they_loop(package: Package) -> None:
    folder = Path(package.directory)
    (folder / "linked").symlink_to("deep")
    assert found(package, "linked/**") == ["linked/c.c", "linked/deeper/d.c"]
    (folder / "deep" / "up").symlink_to("..")
    assert fault(package, "**/*.c").id == "symlink-loop"


def test_sockets_and_pipes_are_no_files(package: Package) -> None:
    os.mkfifo(f"{package.directory}/pipe.c")
    assert fault(package, "pipe.c").id == "not-a-file"
    assert found(package, "*.c") == ["a.c", "b.c"]


def test_what_a_glob_depends_on_is_watched(package: Package) -> None:
    directories = Directories()
    resolve_sources(package, ["**/*.c"], directories)
    home = package.directory
    below = ("deep", "deep/deeper", "nested", "other")
    assert sorted(directories.watched) == [home, *(f"{home}/{name}" for name in below)]
    directories = Directories()
    resolve_sources(package, ["a.c", "deep/c.c"], directories)
    assert list(directories.watched) == [f"{home}/deep"]


@given(st.text(alphabet="ab.*/", max_size=12), st.text(alphabet="ab./", max_size=12))
def test_a_glob_without_a_star_matches_itself_alone(glob: str, path: str) -> None:
    matched = compile_glob(glob).match(path) is not None
    if "*" not in glob:
        assert matched == (glob == path)


@given(st.text(max_size=30))
def test_no_name_breaks_the_check(text: str) -> None:
    try:
        check_path_text(text)
    except UserError:
        return
    assert not text.startswith("/")
    assert ".." not in text.split("/")
    assert text.isprintable()
