"""Why actions ran, told of real builds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from execution.project import Project, made, source
from execution.team import Machine
from support import servers

from unibuild.execution import last_build, rebuilt
from unibuild.execution.descriptions import Difference
from unibuild.execution.rebuilt import Ran, Rebuilt
from unibuild.model.actions import DEFAULT_ENVIRONMENT
from unibuild.store.digests import DigestFunction

BLAKE3 = DigestFunction("blake3")
END = "//:end"


def digest(text: str) -> str:
    return BLAKE3.hash(text.encode())


@pytest.fixture
def chain(project: Project) -> Project:
    """A source, an action that reads it without its comments, and an end that reads that."""
    declare(project)
    return project


def declare(project: Project) -> None:
    project.write("text", "text\n# one\n")
    project.shell("middle", "grep -v '#' text >unibuild-out/middle", (source("text"),))
    project.shell("end", "cat unibuild-gen/middle >unibuild-out/end", (made("middle"),))


def explained(project: Project, label: str = END) -> Rebuilt:
    remote = project.team.get("remote")
    function = project.team.get("digest_function", "blake3")
    answer = rebuilt.explain(str(project.root), label, str(project.cache), function, remote)
    assert answer is not None
    return answer


def reasons(project: Project, label: str = END) -> dict[str, Ran]:
    return {ran.output: ran for ran in explained(project, label).actions}


def change(project: Project, number: int, **fields: object) -> None:
    """Change an action, and BUILD.toml with it, so that the graph is analysed again."""
    project.actions[number] = replace(project.actions[number], **fields)  # type: ignore[arg-type]
    project.write("BUILD.toml", f"# {project.analyses}\n")


def test_what_was_never_built_is_new(chain: Project) -> None:
    assert chain.ran() == ["//:middle", "//:end"]
    answer = explained(chain)
    assert answer.ran == 2
    assert [(ran.label, ran.mnemonic, ran.output, ran.why) for ran in answer.actions] == [
        ("//:middle", "Shell", "unibuild-out/middle", rebuilt.NEW),
        ("//:end", "Shell", "unibuild-out/end", rebuilt.NEW),
    ]
    assert [ran.against for ran in answer.actions] == ["", ""]


def test_an_edited_source_is_named_with_both_digests(chain: Project) -> None:
    chain.ran()
    chain.write("text", "other\n# one\n")
    chain.ran()
    assert reasons(chain) == {
        "unibuild-out/middle": Ran(
            "//:middle", "Shell", "unibuild-out/middle", rebuilt.CHANGED, "here", "",
            (Difference("input text", digest("text\n# one\n"), digest("other\n# one\n")),),
        ),
        "unibuild-out/end": Ran(
            "//:end", "Shell", "unibuild-out/end", rebuilt.CHANGED, "here", "",
            (Difference("input unibuild-gen/middle", digest("text\n"), digest("other\n")),),
        ),
    }  # fmt: skip


def test_only_what_ran_is_explained(chain: Project) -> None:
    chain.ran()
    chain.write("text", "text\n# two\n")
    assert chain.ran() == ["//:middle"]
    assert list(reasons(chain)) == ["unibuild-out/middle"]
    assert list(reasons(chain, "//:middle")) == ["unibuild-out/middle"]


def test_a_build_in_which_nothing_ran_says_so(chain: Project) -> None:
    chain.ran()
    chain.write("text", "other\n")
    chain.ran()
    chain.write("text", "text\n# one\n")
    assert chain.ran() == []
    assert explained(chain).actions == ()


def test_a_null_build_leaves_the_explanation(chain: Project) -> None:
    chain.ran()
    chain.write("text", "other\n")
    chain.ran()
    before = reasons(chain)
    assert chain.is_null()
    assert reasons(chain) == before


def test_a_changed_argument_is_numbered(chain: Project) -> None:
    chain.ran()
    old = chain.actions[0].arguments
    new = (*old[:4], "grep -v -- '#' text >unibuild-out/middle")
    change(chain, 0, arguments=new)
    assert chain.ran() == ["//:middle"]
    differences = reasons(chain)["unibuild-out/middle"].differences
    assert differences == (Difference("argument 4", old[4], new[4]),)


def test_arguments_that_came_and_went_do_not_shift_the_others(chain: Project) -> None:
    chain.ran()
    shell, sh, e, c, command = chain.actions[0].arguments
    change(chain, 0, arguments=(shell, sh, "-u", c, command))
    chain.ran()
    assert reasons(chain)["unibuild-out/middle"].differences == (Difference("argument 2", e, "-u"),)
    change(chain, 0, arguments=(shell, sh, "-e", "-u", c, command))
    chain.ran()
    assert reasons(chain)["unibuild-out/middle"].differences == (Difference("argument 2", "", e),)
    change(chain, 0, arguments=(shell, sh, "-u", c, command))
    change(chain, 0, arguments=(shell, sh, c, command))
    chain.ran()
    assert reasons(chain)["unibuild-out/middle"].differences == (
        Difference("argument 2", "-e", ""),
        Difference("argument 3", "-u", ""),
    )


def test_environment_and_timeout_are_named(chain: Project) -> None:
    chain.ran()
    environment = (("LC_ALL", "C"), *DEFAULT_ENVIRONMENT[1:], ("WORD", "x"))
    change(chain, 1, environment=environment, timeout=77)
    chain.ran()
    assert reasons(chain)["unibuild-out/end"].differences == (
        Difference("environment LC_ALL", "C.UTF-8", "C"),
        Difference("environment WORD", "", "x"),
        Difference("timeout", "600", "77"),
    )


def test_inputs_that_came_and_went_are_named(chain: Project) -> None:
    chain.write("more", "more\n")
    chain.ran()
    change(chain, 0, inputs=(*chain.actions[0].inputs, source("more")))
    chain.ran()
    assert reasons(chain)["unibuild-out/middle"].differences == (
        Difference("input more", "", digest("more\n")),
    )
    change(chain, 0, inputs=chain.actions[0].inputs[:-1], timeout=5)
    chain.ran()
    assert reasons(chain)["unibuild-out/middle"].differences == (
        Difference("input more", digest("more\n"), ""),
        Difference("timeout", "600", "5"),
    )


def test_a_new_mode_is_a_change_too(chain: Project) -> None:
    chain.ran()
    chain.write("text", "text\n# one\n").chmod(0o755)
    chain.ran()
    assert reasons(chain)["unibuild-out/middle"].differences == (
        Difference("input text", "not executable", "executable"),
    )


def test_an_input_that_was_not_read_is_no_reason(project: Project) -> None:
    for name in ("main", "read", "unread"):
        project.write(name, f"{name} 1\n")
    project.shell(
        "end",
        "cat main read >unibuild-out/end; echo 'end: main read' >unibuild-out/end.d",
        (source("main"),),
        (made("end"), made("end.d")),
        depfile=made("end.d"),
        prunable=(source("read"), source("unread")),
    )
    project.ran()
    project.write("unread", "unread 2\n")
    assert project.ran() == []
    for name in ("read", "unread"):
        project.write(name, f"{name} 3\n")
    project.ran()
    (end,) = reasons(project).values()
    assert end.differences == (Difference("input read", digest("read 1\n"), digest("read 3\n")),)


def test_a_changed_toolchain_is_called_one(project: Project) -> None:
    project.write("version", "1\n")
    project.shell(
        "toolchains/sh",
        "mkdir -p unibuild-out/toolchains/sh/bin; cp version unibuild-out/toolchains/sh/bin/",
        (source("version"),),
        (made("toolchains/sh", tree=True),),
    )
    project.shell(
        "data",
        "mkdir -p unibuild-out/data/x; cp version unibuild-out/data/x/",
        (source("version"),),
        (made("data", tree=True),),
    )
    trees = (made("toolchains/sh", tree=True), made("data", tree=True))
    command = "cat unibuild-gen/toolchains/sh/bin/version unibuild-gen/data/x/version"
    project.shell("end", f"{command} >unibuild-out/end", trees)
    project.ran()
    project.write("version", "2\n")
    project.ran()
    differences = reasons(project)["unibuild-out/end"].differences
    assert [difference.field for difference in differences] == [
        "directory unibuild-gen/data",
        "toolchain unibuild-gen/toolchains/sh",
    ]
    assert all(len(d.old) == len(d.new) == 64 and d.old != d.new for d in differences)


def test_a_lost_output_is_called_lost(chain: Project) -> None:
    chain.ran()
    shutil.rmtree(chain.cache)
    shutil.rmtree(chain.root / "unibuild-out")
    assert chain.ran() == ["//:middle", "//:end"]
    assert {ran.why for ran in explained(chain).actions} == {rebuilt.GONE}


def test_what_was_not_made_the_last_time_says_so_and_what_changed_since(chain: Project) -> None:
    chain.ran()
    wrong, right = "exit 1", "cp text unibuild-out/middle"
    change(chain, 0, arguments=(*chain.actions[0].arguments[:4], wrong))
    assert chain.build().failures
    change(chain, 0, arguments=(*chain.actions[0].arguments[:4], right))
    chain.ran()
    middle, end = reasons(chain).values()
    assert (middle.why, middle.differences) == (
        rebuilt.UNMADE,
        (Difference("argument 4", wrong, right),),
    )
    assert (end.why, end.differences) == (rebuilt.UNMADE, ())


def test_an_action_that_follows_a_failure_was_not_made(project: Project) -> None:
    flag = project.root.parent / "flag"
    project.write("text", "text\n")
    project.shell("middle", f"test -e {flag}; cp text unibuild-out/middle", (source("text"),))
    project.shell("end", "cat unibuild-gen/middle >unibuild-out/end", (made("middle"),))
    assert project.build(sandbox="none").failures
    flag.touch()
    assert project.build(sandbox="none").failures == ()
    assert {ran.why for ran in explained(project).actions} == {rebuilt.UNMADE}


def test_what_was_asked_for_by_name_says_so(chain: Project) -> None:
    chain.ran()
    chain.build(only_action="end")
    answer = explained(chain)
    assert answer.actions == (Ran("//:end", "Shell", "unibuild-out/end", rebuilt.ASKED),)


def test_a_label_that_no_build_concerned_is_unknown(chain: Project) -> None:
    assert rebuilt.explain(str(chain.root), END, str(chain.cache), "blake3") is None
    chain.ran()
    assert rebuilt.explain(str(chain.root), "//:other", str(chain.cache), "blake3") is None


def test_another_request_of_the_same_workspace_knows_the_last_result(chain: Project) -> None:
    chain.ran()
    chain.write("text", "other\n# one\n")
    chain.team["key"] = "another request"
    chain.ran()
    assert reasons(chain)["unibuild-out/middle"].differences == (
        Difference("input text", digest("text\n# one\n"), digest("other\n# one\n")),
    )


def test_a_killed_build_does_not_lose_the_last_result(chain: Project) -> None:
    chain.ran()
    key = chain.request().key
    change(chain, 0, timeout=77)
    # As far as a build comes that is killed after its analysis.
    last_build.set_graph_aside(str(chain.root), key)
    for path in (chain.root / ".unibuild").glob("check-*"):
        path.unlink()
    chain.ran()
    assert reasons(chain)["unibuild-out/middle"].differences == (
        Difference("timeout", "600", "77"),
    )


@pytest.mark.parametrize("kind", ["ran", "before", "beforegraph", "state", "graph"])
def test_damaged_files_make_no_trouble(chain: Project, kind: str) -> None:
    chain.ran()
    change(chain, 0, timeout=77)
    chain.ran()
    (path,) = (chain.root / ".unibuild").glob(f"{kind}-*")
    path.write_bytes(path.read_bytes()[:-9])
    answer = rebuilt.explain(str(chain.root), END, str(chain.cache), "blake3")
    if kind in {"before", "beforegraph"}:
        assert answer is not None
        assert [ran.why for ran in answer.actions] == [rebuilt.NEW]
    else:
        assert answer is None


@pytest.fixture
def team(tmp_path: Path, busybox: Path) -> Callable[[str, str], Machine]:
    def make(name: str, url: str) -> Machine:
        return Machine(tmp_path / name, busybox, url, declare)

    return make


def test_another_machine_compares_with_what_the_team_built_last(
    tmp_path: Path, team: Callable[[str, str], Machine]
) -> None:
    with servers.casd(tmp_path / "casd") as server:
        one, two = team("one", server.url), team("two", server.url)
        one.good()
        two.write("text", "other\n# one\n")
        two.good()
        middle = reasons(two)["unibuild-out/middle"]
        assert (middle.why, middle.against) == (rebuilt.CHANGED, "remote")
        function = DigestFunction("sha256")
        old, new = (function.hash(text) for text in (b"text\n# one\n", b"other\n# one\n"))
        assert middle.differences == (Difference("input text", old, new),)
        end = reasons(two)["unibuild-out/end"]
        assert [difference.field for difference in end.differences] == ["input unibuild-gen/middle"]


def test_what_ran_on_remote_workers_is_compared_with_too(
    tmp_path: Path, team: Callable[[str, str], Machine]
) -> None:
    with servers.casd(tmp_path / "casd", execution=True) as server:
        one, two = team("one", server.url), team("two", server.url)
        one.set(where="remote")
        one.good()
        assert sorted(one.recorder.remote) == ["//:end", "//:middle"]
        two.write("text", "other\n# one\n")
        two.good()
        middle = reasons(two)["unibuild-out/middle"]
        assert (middle.why, middle.against) == (rebuilt.CHANGED, "remote")
        assert [difference.field for difference in middle.differences] == ["input text"]


def test_a_result_that_the_team_lost_is_called_so(
    tmp_path: Path, team: Callable[[str, str], Machine]
) -> None:
    with servers.casd(tmp_path / "casd") as server:
        one, two = team("one", server.url), team("two", server.url)
        one.good()
        two.set(upload=False)
        two.team["remote"] = None
        two.good()
        two.set(upload=False)
        ran = reasons(two)["unibuild-out/middle"]
        assert (ran.why, ran.against, ran.differences) == (rebuilt.UNCACHED, "remote", ())


def test_a_team_that_cannot_be_asked_is_noted(team: Callable[[str, str], Machine]) -> None:
    two = team("two", "grpc://127.0.0.1:9")
    two.good()
    answer = explained(two)
    assert {ran.why for ran in answer.actions} == {rebuilt.NEW}
    assert len(answer.notes) == 1
