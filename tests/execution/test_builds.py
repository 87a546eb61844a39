"""What runs and what does not, and that the outputs are right either way."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from execution.project import SHELL, Project, literal, made, source

from unibuild.execution import kept_graph, session
from unibuild.execution.session import build, build_kept
from unibuild.model.actions import ActionGraph
from unibuild.model.errors import UserError


def chain(project: Project) -> Project:
    """Three actions in a row; the first drops comment lines."""
    project.write("a/text", "one\n# comment\n")
    project.shell("a/clean", "grep -v '^#' a/text > unibuild-out/a/clean", (source("a/text"),))
    project.shell(
        "b/upper", "tr a-z A-Z < unibuild-gen/a/clean > unibuild-out/b/upper", (made("a/clean"),)
    )
    project.shell(
        "b/twice", "cat unibuild-gen/b/upper unibuild-gen/b/upper > unibuild-out/b/twice",
        (made("b/upper"),),
    )  # fmt: skip
    return project


ALL = ["//a:clean", "//b:upper", "//b:twice"]


def test_the_first_build_runs_everything_in_order(project: Project) -> None:
    report = chain(project).build()
    assert project.recorder.ran == ALL
    assert (report.total, report.executed, report.cached) == (3, 3, 0)
    assert project.read("b/twice") == "ONE\nONE\n"
    assert [target.label for target in report.targets] == ALL
    output = report.targets[2].outputs[0]
    assert (output.path, output.size) == ("unibuild-out/b/twice", 8)


def test_a_large_graph_is_built_from_what_was_kept_of_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "LARGE", 1)
    report = chain(project).build()
    assert project.recorder.ran == ALL
    assert project.read("b/twice") == "ONE\nONE\n"
    assert [target.label for target in report.targets] == ALL
    assert project.build().executed == 0
    assert project.analyses == 1


def test_the_second_build_has_nothing_to_do(project: Project) -> None:
    chain(project).build()
    report = project.build()
    assert (report.total, report.executed, report.cached) == (3, 0, 3)
    assert project.is_null()
    assert project.analyses == 1


def test_the_null_report_names_the_outputs(project: Project) -> None:
    report = chain(project).build()
    project.build()
    null = kept_graph.try_null_build(str(project.root), project.request().key)
    assert null is not None
    assert null.total == 3
    assert [(label, rule, outputs) for label, rule, outputs, _ in null.targets()] == [
        (t.label, t.rule, tuple(map(tuple, t.outputs))) for t in report.targets
    ]


def test_touching_a_source_runs_nothing(project: Project) -> None:
    chain(project).build()
    os.utime(project.root / "a/text")
    assert not project.is_null()
    assert project.ran() == []
    assert project.is_null()


def test_an_edit_without_effect_stops_early(project: Project) -> None:
    chain(project).build()
    project.write("a/text", "one\n# another comment\n")
    assert project.ran() == ["//a:clean"]
    assert project.recorder.totals == [3, 1]


def test_an_edit_runs_what_it_changes_and_reverting_it_runs_nothing(project: Project) -> None:
    chain(project).build()
    project.write("a/text", "two\n")
    assert project.ran() == ALL
    assert project.read("b/twice") == "TWO\nTWO\n"
    project.write("a/text", "one\n# comment\n")
    assert project.ran() == []
    assert project.recorder.cached == ALL
    assert project.read("b/twice") == "ONE\nONE\n"


def test_an_edit_in_the_same_instant_as_the_build_is_seen(project: Project) -> None:
    chain(project)
    for number in range(5):
        project.write("a/text", f"line {number}\n")
        project.build_now()
        assert project.read("a/clean") == f"line {number}\n"


def test_a_replaced_source_of_the_same_size_and_time_is_seen(project: Project) -> None:
    chain(project).build()
    place = project.root / "a/text"
    before = place.stat()
    project.write("new", "two\n# comment\n")
    os.utime(project.root / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    os.rename(project.root / "new", place)
    assert project.ran() == ALL


def test_the_mode_of_a_source_is_an_input(project: Project) -> None:
    project.write("tool", "#!/nothing\n").chmod(0o644)
    project.shell(
        "seen",
        "test -x tool && echo yes > unibuild-out/seen || echo no > unibuild-out/seen",
        (source("tool"),),
    )
    project.build()
    assert project.read("seen") == "no\n"
    (project.root / "tool").chmod(0o755)
    assert project.ran() == ["//:seen"]
    assert project.read("seen") == "yes\n"
    (project.root / "tool").chmod(0o711)  # only the owner's bit counts
    assert project.ran() == []


def test_a_changed_watched_file_has_the_graph_analysed_again(project: Project) -> None:
    chain(project).build()
    project.write("BUILD.toml", "# edited\n")
    assert project.ran() == []
    assert project.analyses == 2
    os.utime(project.root / "BUILD.toml")
    project.build()
    assert project.analyses == 2


def test_a_new_file_in_a_watched_directory_has_the_graph_analysed_again(project: Project) -> None:
    chain(project).build()
    project.write("a/new", "")
    project.build()
    assert project.analyses == 2
    project.write("a/.temporary", "").unlink()
    project.build()
    assert project.analyses == 2


def test_a_watched_file_may_be_absent(project: Project) -> None:
    (chain(project).root / "BUILD.toml").unlink()
    project.build()
    project.build()
    assert project.is_null()
    project.write("BUILD.toml", "")
    assert not project.is_null()


@pytest.mark.parametrize("change", ["BUILD.toml", "a/new"])
def test_what_changes_during_the_analysis_is_looked_at_again(project: Project, change: str) -> None:
    graph = chain(project).graph()

    def analyse() -> ActionGraph:
        project.write(change, "# written while the analysis ran")
        return graph

    build(dataclasses.replace(project.request(), analyse=analyse), project.recorder)
    before = project.analyses
    project.build()
    assert project.analyses == before + 1


def test_build_kept_declines_when_the_graph_is_stale(project: Project) -> None:
    assert build_kept(chain(project).request(), project.recorder) is None
    project.build()
    project.write("a/text", "two\n")
    report = build_kept(project.request(), project.recorder)
    assert report is not None
    assert report.executed == 3
    project.write("BUILD.toml", "# edited\n")
    assert build_kept(project.request(), project.recorder) is None
    key = project.request().key
    project.build()
    assert kept_graph.settings(str(project.root), key) == (str(project.cache), "blake3", None)


def test_deleted_and_modified_outputs_are_restored(project: Project) -> None:
    chain(project).build()
    place = project.root / "unibuild-out"
    (place / "a/clean").unlink()
    (place / "b/twice").unlink()
    (place / "b/twice").write_text("my own\n", encoding="utf-8")
    (place / "b/upper").unlink()
    (place / "b/upper").mkdir()
    assert not project.is_null()
    assert project.ran() == []
    assert [project.read(name) for name in ("a/clean", "b/upper", "b/twice")] == [
        "one\n",
        "ONE\n",
        "ONE\nONE\n",
    ]
    assert project.is_null()


def test_all_outputs_deleted_are_restored_from_the_cache(project: Project) -> None:
    import shutil

    chain(project).build()
    for names in (["unibuild-out"], ["unibuild-out", ".unibuild"]):
        for name in names:
            shutil.rmtree(project.root / name)
        assert project.ran() == []
        assert project.read("b/twice") == "ONE\nONE\n"


def test_outputs_cannot_be_written_into_the_store(project: Project) -> None:
    chain(project).build()
    place = project.root / "unibuild-out/b/twice"
    assert stat.S_IMODE(place.stat().st_mode) == 0o444
    if os.geteuid() == 0:  # modes do not bind root, so the file must be another one
        assert place.stat().st_nlink == 1
        place.write_text("bad\n", encoding="utf-8")
        assert project.ran() == []
        assert project.read("b/twice") == "ONE\nONE\n"
        assert project.recorder.notes == []
    else:
        assert place.stat().st_nlink > 1
        with pytest.raises(PermissionError):
            place.write_text("bad\n", encoding="utf-8")


def test_literals_and_trees_are_inputs_and_outputs(project: Project) -> None:
    project.shell(
        "tree",
        "mkdir -p unibuild-out/tree/sub; sh unibuild-gen/make.sh > unibuild-out/tree/sub/file; "
        "ln -s sub/file unibuild-out/tree/link",
        (literal("make.sh", b"echo made"),),
        (made("tree", tree=True),),
    )
    project.shell(
        "list", "cd unibuild-gen; find . | sort > ../unibuild-out/list; cat tree/link >> ../unibuild-out/list",
        (made("tree", tree=True),),
    )  # fmt: skip
    project.build()
    assert project.read(
        "list"
    ) == "./tree\n./tree/link\n./tree/sub\n./tree/sub/file\nmade\n".replace(
        "./tree\n", ".\n./tree\n", 1
    )
    assert project.read("tree/link") == "made\n"
    (project.root / "unibuild-out/tree/sub/file").unlink()
    assert not project.is_null()
    assert project.ran() == []
    assert project.read("tree/sub/file") == "made\n"


def test_an_executable_output_stays_executable(project: Project) -> None:
    program = "bin/busybox"
    project.shell(program, f"cp {SHELL} unibuild-out/{program}; chmod 755 unibuild-out/{program}")
    command = f"unibuild-gen/{program} echo works > unibuild-out/used"
    project.shell("used", command, (made(program),))
    project.build()
    assert project.read("used") == "works\n"
    assert os.access(project.root / "unibuild-out" / program, os.X_OK)


def test_packages_are_inputs(project: Project, tmp_path: Path) -> None:
    from unibuild.model.artifacts import Artifact, Origin

    (tmp_path / "package").write_text("from afar", encoding="utf-8")
    project.packages["pkg:deb/x@1"] = tmp_path / "package"
    package = Artifact(Origin.PACKAGE, "x", purl="pkg:deb/x@1")
    project.shell("copy", "cat unibuild-gen/x > unibuild-out/copy", (package,))
    project.function("joined", "join", (package,), "end")
    project.build()
    assert project.read("copy") == "from afar"
    assert project.read("joined") == "from afarend"


def test_two_workspaces_share_results(project: Project, another: Callable[[str], Project]) -> None:
    chain(project).build()
    other = chain(another("elsewhere/with/a/longer/name".replace("/", "-")))
    assert other.ran() == []
    assert other.read("b/twice") == "ONE\nONE\n"


def test_a_copy_of_a_workspace_builds_from_its_own_sources(
    project: Project, another: Callable[[str], Project], tmp_path: Path
) -> None:
    chain(project).build()
    copy = chain(another("copy"))
    shutil.rmtree(copy.root)
    shutil.copytree(project.root, copy.root, symlinks=True)
    copy.write("a/text", "of the copy\n")
    copy.build()
    assert copy.recorder.notes == []
    assert copy.read("b/upper") == "OF THE COPY\n"
    assert copy.analyses == 1
    copy.root.rename(tmp_path / "moved")
    copy.root = tmp_path / "moved"
    copy.write("a/text", "moved\n")
    copy.build()
    assert copy.read("b/upper") == "MOVED\n"


def test_sha256_workspaces_work_and_are_apart(project: Project) -> None:
    chain(project).build()
    report = project.build(digest_function="sha256")
    assert report.executed == 3
    import hashlib

    assert report.targets[2].outputs[0].digest == hashlib.sha256(b"ONE\nONE\n").hexdigest()


def test_a_missing_source_is_the_users_mistake(project: Project) -> None:
    project.shell("x", "cat gone > unibuild-out/x", (source("gone"),))
    with pytest.raises(UserError) as caught:
        project.build()
    assert (caught.value.id, caught.value.place and caught.value.place.file) == (
        "missing-file",
        "gone",
    )


@pytest.mark.parametrize("name", ["check", "graph", "state"])
@pytest.mark.parametrize("damage", ["missing", "empty", "flipped", "cut"])
def test_a_damaged_kept_graph_is_made_again_in_silence(
    project: Project, name: str, damage: str
) -> None:
    chain(project).build()
    place = project.root / ".unibuild" / kept_graph.file_name(name, project.request().key)
    data = bytearray(place.read_bytes())
    if damage == "missing":
        place.unlink()
    elif damage == "flipped":
        data[len(data) // 2] ^= 4
        place.write_bytes(data)
    else:
        place.write_bytes(data[: len(data) // 2 if damage == "cut" else 0])
    assert project.ran() == []
    assert project.recorder.notes == []
    assert project.analyses == 2
    assert project.is_null()


def test_another_cache_makes_the_kept_graph_stale(project: Project, tmp_path: Path) -> None:
    chain(project).build()
    project.cache = tmp_path / "other cache"
    assert project.ran() == ALL


def test_only_action_runs_one_action_even_if_cached(project: Project) -> None:
    chain(project).build()
    project.build()
    assert project.is_null()
    report = project.build(only_action="b/upper")
    assert project.recorder.ran == ["//b:upper"]
    assert report.total == 2
    assert project.is_null()


def test_host_values_are_filled_in_and_part_of_the_key(project: Project) -> None:
    project.shell(
        "x", "echo $MONITOR > unibuild-out/x", environment=(("MONITOR", "@host/monitor"),)
    )
    project.build(host={"monitor": "qemu 7"})
    assert project.read("x") == "qemu 7\n"
    project.write("BUILD.toml", "# again")
    project.build(host={"monitor": "qemu 8"})
    assert project.read("x") == "qemu 8\n"
