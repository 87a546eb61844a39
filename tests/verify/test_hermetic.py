"""V2: what an action looks at and did not declare is named with the action."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import ROOT, unibuild
from verify.rebuilds import GOOD, GOOD_ACTIONS, Small

from unibuild.model.errors import DifferenceError, UnibuildError, UserError
from unibuild.verify import hermetic, supervision, twice
from unibuild.verify.outcome import Outcome

Make = Callable[..., Small]
RULES = '''\
"""A rule that copies a header and says in a depfile what it has read."""

from pydantic import Field

from unibuild.analysis.api import (
    Attributes, DefaultInfo, OneLabel, Provider, RuleContext, Sources, ToolchainInfo, rule,
)


class CopyAttributes(Attributes):
    hdrs: Sources = Field(description="Headers that may be read.")
    script: str = Field(description="What to do; $out and $depfile are to be written.")
    shell: OneLabel = Field("@unibuild//toolchains/busybox", description="The shell.")


@rule("reads", CopyAttributes, provides=(DefaultInfo,), doc="Reads headers.")
def reads(ctx: RuleContext[CopyAttributes]) -> list[Provider]:
    output = ctx.declare_file(ctx.label.name)
    depfile = ctx.declare_file(ctx.label.name + ".d")
    shell = ctx.dependency("shell", ToolchainInfo)
    files = ctx.files("hdrs")
    script = f'set -e; PATH="$PWD/{shell.search_path}"; out=$1; depfile=$2; {ctx.attributes.script}'
    ctx.action(
        "Reads",
        [*shell.tools["sh"], "-c", script, "reads", output, depfile],
        inputs=[*files, shell.tree],
        outputs=[output],
        prunable=files,
        depfile=depfile,
    )
    return [DefaultInfo((output,))]
'''


def upper(command: str) -> str:
    return GOOD.replace("tr a-z A-Z < $< > $@", command)


def failed(outcome: Outcome, kind: type[UnibuildError]) -> UnibuildError:
    assert outcome.status == "failed", outcome
    error = outcome.errors[0]
    assert type(error) is kind
    assert (error.id, error.label) == ("not-hermetic", "//:upper")
    return error


def test_actions_that_keep_to_their_inputs_pass(small: Make) -> None:
    bench = small().bench()
    outcome = hermetic.run(bench)
    assert outcome.status == "passed", outcome
    assert outcome.facts["builtin"] == 1
    assert outcome.facts["traced"] == GOOD_ACTIONS - 1
    assert outcome.facts["sandboxed"] is True
    assert "1 built-in action not traced, being unibuild's own code" in outcome.notes
    assert not bench.kept.exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("date > $@", "reads the clock (date)"),
        ("cat $< > $@; date +%Y >> $@", "reads the clock (date)"),
        ("cat /proc/version > $@", "reads /proc/version of the host"),
        ("md5sum < /proc/cpuinfo > $@", "reads /proc/cpuinfo of the host"),
        ("uname -r > $@", "asks for the kernel's name and version"),
        ("nproc > $@", "asks for the number of processors"),
        ("head -c 8 /dev/urandom > $@", "reads /dev/urandom"),
    ],
)
def test_what_comes_of_the_moment_chance_or_host_is_named(
    small: Make, command: str, words: str
) -> None:
    bench = small(upper(command)).bench()
    outcome = hermetic.run(bench)
    error = failed(outcome, DifferenceError)
    assert error.cause.startswith(
        "Genrule of //:upper makes something else at another time and host"
    )
    assert words in "\n".join([error.cause, *error.detail])
    assert any(line.startswith("kept: ") for line in error.detail)
    findings = outcome.facts["findings"]
    assert isinstance(findings, list)
    assert any(f["failed"] and f["words"] == words and f["output"] == "upper" for f in findings)
    # Those behind it were given other inputs, and are not blamed.
    assert [e.label for e in outcome.errors] == ["//:upper"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("date > /dev/null; cp $< $@", "reads the clock (date)"),
        ("cat /proc/version > /dev/null; cp $< $@", "reads /proc/version of the host"),
        ("nproc > /dev/null; cp $< $@", "asks for the number of processors"),
        ("head -c 8 /dev/urandom > /dev/null; cp $< $@", "reads /dev/urandom"),
    ],
)
def test_what_has_no_effect_is_a_note(small: Make, command: str, words: str) -> None:
    outcome = hermetic.run(small(upper(command)).bench())
    assert outcome.status == "passed", outcome
    assert any(f"{words}, without effect on the outputs" in note for note in outcome.notes), (
        outcome.notes
    )


def test_what_the_rebuild_could_not_vary_is_not_called_harmless(small: Make) -> None:
    command = "cat /proc/sys/kernel/ostype > $@"
    outcome = hermetic.run(small(upper(command)).bench())
    assert outcome.status == "passed"
    assert (
        "1 action: reads /proc/sys/kernel/ostype of the host, "
        "the same in both builds, so its effect is not known"
    ) in outcome.notes


def test_the_network_is_named_although_nobody_answers(small: Make) -> None:
    command = "nc -w 1 127.0.0.1 9 < /dev/null 2> /dev/null || cp $< $@"
    outcome = hermetic.run(small(upper(command)).bench())
    error = failed(outcome, UserError)
    assert error.cause == "Genrule of //:upper connects to 127.0.0.1:9"
    assert "it also opens a socket (AF_INET)" in error.detail


def test_without_a_sandbox_a_file_that_was_not_declared_is_named(small: Make) -> None:
    workspace = small(sandbox="none")
    forgotten = workspace.root / "forgotten"
    forgotten.write_text("there\n")
    workspace.write("BUILD.toml", upper(f"cat $< {forgotten} > $@"))
    outcome = hermetic.run(workspace.bench())
    error = failed(outcome, UserError)
    assert error.cause == f"Genrule of //:upper reads {forgotten}, which it does not declare"
    assert [one.label for one in outcome.errors] == ["//:upper"]  # the others read nothing else


def test_without_a_sandbox_a_temporary_file_is_its_makers(small: Make, tmp_path: Path) -> None:
    made = tmp_path / "made"
    command = f"mkdir {made}.d; cp $< {made}.d/x; cat {made}.d/x > {made}; cat {made} > $@; rm -r {made} {made}.d"
    outcome = hermetic.run(small(upper(command), sandbox="none").bench())
    assert outcome.status == "passed", outcome.errors
    assert "actions ran without a sandbox, so files of the host could be seen" in outcome.notes


@pytest.mark.parametrize(
    ("script", "left_out"),
    [
        ("cat a.h b.h > $out; echo x: a.h b.h > $depfile", ""),
        ("cat a.h > $out; echo x: a.h > $depfile", ""),
        ("cat a.h b.h > $out; echo x: a.h > $depfile", "b.h"),
        ("cat a.h > $out; : < sub/c.h; echo x: $PWD/a.h > $depfile", "sub/c.h"),
    ],
)
def test_a_header_that_the_depfile_leaves_out_is_named(
    small: Make, script: str, left_out: str
) -> None:
    workspace = small()
    (workspace.root / "sub").mkdir()
    for name in ("a.h", "b.h", "sub/c.h"):
        workspace.write(name, f"{name}\n")
    (workspace.root / "rules").mkdir()
    workspace.write("rules/own.py", RULES)
    workspace.write("WORKSPACE.toml", 'name = "own"\nrules = ["rules/own.py"]\n')
    workspace.write(
        "BUILD.toml", f'[reads.upper]\nhdrs = ["a.h", "b.h", "sub/c.h"]\nscript = "{script}"\n'
    )
    outcome = hermetic.run(workspace.bench("//:upper"))
    if not left_out:
        assert outcome.status == "passed", outcome
        return
    error = failed(outcome, UserError)
    assert error.cause == (
        f"Reads of //:upper reads {left_out}, "
        "which its depfile leaves out: a change of it would go unnoticed"
    )


def test_an_action_that_fails_only_then_is_no_pass(small: Make) -> None:
    command = "test $$(date +%Y) = $$(cat $<) && cp $< $@"
    workspace = small(upper(command))
    workspace.write("words", time.strftime("%Y\n", time.gmtime()))
    outcome = hermetic.run(workspace.bench())
    assert outcome.status == "failed"
    assert outcome.errors[0].id == "not-hermetic"
    assert outcome.errors[-1].id == "action-failed"
    assert outcome.errors[-1].label == "//:upper"


def test_sources_that_change_meanwhile_leave_it_undone(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    twice.reference(bench)
    workspace.write("words", "other words\n")
    outcome = hermetic.run(bench)
    assert outcome.status == "not-done"
    assert outcome.errors[0].id == "sources-change"


def test_where_nothing_can_be_traced_the_check_is_not_done(
    small: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "available", lambda: "no ptrace here")
    outcome = hermetic.run(small().bench())
    assert outcome.status == "not-done"
    assert (outcome.errors[0].id, outcome.errors[0].cause) == ("not-supervised", "no ptrace here")


def test_a_supervisor_that_says_nothing_is_not_believed(
    small: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = supervision.command(None)
    monkeypatch.setattr(supervision, "command", lambda *_: silent)
    monkeypatch.setattr(supervision, "available", lambda: "")
    outcome = hermetic.run(small().bench())
    assert outcome.status == "not-done"
    assert outcome.errors[0].id == "not-supervised"


def test_a_supervisor_that_breaks_down_is_no_fault_of_the_action(
    small: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (*supervision.command(None)[:-1], "--shift", "soon", "--")
    monkeypatch.setattr(supervision, "command", lambda *_: broken)
    monkeypatch.setattr(supervision, "available", lambda: "")
    outcome = hermetic.run(small().bench())
    assert outcome.status == "not-done"
    assert outcome.errors[0].id == "not-supervised"
    assert outcome.errors[0].cause.startswith("ValueError: ")


@pytest.mark.network
def test_hello_of_the_examples_is_hermetic() -> None:
    done = unibuild("verify", "--only=hermetic", "//hello:image", cwd=ROOT / "examples")
    assert done.returncode == 0, done.stdout + done.stderr
