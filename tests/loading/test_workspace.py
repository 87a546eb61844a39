from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mistakes import mistakes_of

from unibuild.loading.package import load_package
from unibuild.loading.workspace import builtin_repository, find_workspace, read_workspace
from unibuild.model.errors import ErrorGroup, UserError
from unibuild.model.labels import Label

Tree = Callable[[Mapping[str, str | bytes]], Path]


def test_the_nearest_workspace_above_is_found(tree: Tree) -> None:
    root = tree({"WORKSPACE.toml": 'name = "a"\n', "x/y/z": "", "x/in/WORKSPACE.toml": 'name="b"'})
    assert find_workspace(root / "x" / "y") == root
    assert find_workspace(root / "x" / "in") == root / "x" / "in"


def test_no_workspace_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        find_workspace(tmp_path)
    assert caught.value.id == "no-workspace"


def test_all_settings_are_read(tree: Tree) -> None:
    root = tree(
        {
            "WORKSPACE.toml": """\
name = "team"
default_platform = "@unibuild//kernel/platform:qemu-q35"
digest = "sha256"
[cache]
path = "cache"
[mirrors]
debian = ["http://127.0.0.1/debian"]
"""
        }
    )
    workspace = read_workspace(root)
    assert workspace.name == "team"
    assert workspace.digest_function == "sha256"
    assert workspace.cache_path == root / "cache"
    assert workspace.mirrors == {"debian": ("http://127.0.0.1/debian",)}
    assert workspace.repositories == {"": root, "unibuild": builtin_repository()}
    assert workspace.lock_paths == (
        root / "unibuild.lock",
        builtin_repository() / "unibuild.lock",
    )
    platform = workspace.label("@workspace//:default_platform", "unibuild", "kernel/x")
    assert platform == Label("unibuild", "kernel/platform", "qemu-q35")


def test_the_own_name_means_the_main_repository(tree: Tree) -> None:
    workspace = read_workspace(tree({"WORKSPACE.toml": 'name = "team"\n'}))
    assert workspace.label("@team//services:dns") == Label("", "services", "dns")
    assert workspace.label("//x", "unibuild") == Label("unibuild", "x", "x")


def test_the_standard_repository_is_the_main_one_when_it_is_opened() -> None:
    workspace = read_workspace(builtin_repository())
    assert list(workspace.repositories) == [""]
    assert workspace.label("@unibuild//rules:x") == Label("", "rules", "x")


def test_another_standard_repository_can_be_named(tree: Tree) -> None:
    root = tree(
        {
            "team/WORKSPACE.toml": 'name = "team"\nstandard_repository = "../standard"\n',
            "standard/WORKSPACE.toml": 'name = "unibuild"\n',
        }
    )
    assert read_workspace(root / "team").repositories["unibuild"] == root / "standard"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ["missing-attribute"]),
        ('name = "a b"\n', ["bad-value"]),
        ('name = "unibuild"\n', ["bad-value"]),
        ('name = "workspace"\n', ["bad-value"]),
        ('name = "a"\nstandard_repository = "nowhere"\n', ["missing-file"]),
        ('name = "a"\ndefault_platform = "x"\n', ["bad-label"]),
        ('name = "a"\ndefault_platform = "@x//y"\n', ["unknown-repository"]),
        ('name = 1\nrule = ["x"]\ndigest = "md5"\n', ["wrong-type", "unknown-attribute", "bad-value"]),
        ('name = "a"\n[cache]\npaht = "x"\n', ["unknown-attribute"]),
        ('name = "a"\n[mirrors]\npypi = "x"\n', ["wrong-type"]),
    ],
)  # fmt: skip
def test_mistakes_are_found_all_at_once(tree: Tree, text: str, ids: list[str]) -> None:
    with pytest.raises((UserError, ErrorGroup)) as caught:
        read_workspace(tree({"WORKSPACE.toml": text}))
    errors = caught.value.errors if isinstance(caught.value, ErrorGroup) else (caught.value,)
    assert [error.id for error in errors] == ids
    assert all(error.place is not None for error in errors)


def test_a_package_holds_its_targets_in_order(tree: Tree) -> None:
    root = tree(
        {
            "WORKSPACE.toml": 'name = "w"\n',
            "p/BUILD.toml": '[package]\nvisibility = ["//visibility:public"]\n'
            "[b.second]\n[a.first]\nx = 1\n[b.third]\n",
        }
    )
    package = load_package(read_workspace(root), "", "p")
    assert package.errors == []
    assert package.visibility == ("//visibility:public",)
    assert [(name, table.rule) for name, table in package.targets.items()] == [
        ("second", "b"),
        ("third", "b"),
        ("first", "a"),
    ]


TOML_VALUES = st.recursive(
    st.sampled_from(["1", "true", '"x"', "2020-01-01", "0.5", '""', '"//visibility:public"']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
        inner.map(lambda item: "{" + f"k = {item}" + "}"),
    ),
    max_leaves=4,
)
LINES = st.one_of(
    st.sampled_from(["[package]", "[a]", "[a.b]", "[a.b.c]", '["".""]', "[[a]]", "[genrule.x]"]),
    st.builds(
        "{} = {}".format,
        st.sampled_from(["visibility", "name", "rules", "srcs", "a.b", '""', "cache", "mirrors"]),
        TOML_VALUES,
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.lists(LINES, max_size=6).map("\n".join))
def test_no_text_breaks_the_loaders(tmp_path: Path, text: str) -> None:
    (tmp_path / "WORKSPACE.toml").write_text(text)
    mistakes_of(lambda: read_workspace(tmp_path))
    (tmp_path / "WORKSPACE.toml").write_text('name = "w"\n')
    (tmp_path / "BUILD.toml").write_text(text)
    workspace = read_workspace(tmp_path)
    mistakes = mistakes_of(lambda: load_package(workspace, "", ""))
    assert {error.id for error in mistakes} <= {"bad-toml", "duplicate-name"}
    if not mistakes:
        package = load_package(workspace, "", "")
        assert all(error.place is not None for error in package.errors)
