"""V4: what is said of rebuilds in other surroundings, whether all is the same or not."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from support.command import unibuild
from verify.leaks import (
    Make,
    by_genrule,
    by_rule,
    check_named,
    rows,
    skip_lacking,
    with_vary,
)
from verify.rebuilds import GOOD_ACTIONS

from unibuild.model.errors import HostError
from unibuild.verify import twice, varied
from unibuild.verify.variations import catalogue


def test_two_variations_that_are_needed_together_are_both_named(small: Make) -> None:
    command = "if [ $$(nproc) = 1 ] && uname -r | grep -q ^2.6; then echo both; fi > $@"
    outcome = varied.run(by_genrule(small, command).bench("//:leak"))
    difference = outcome.facts["difference"]
    assert isinstance(difference, dict)
    assert sorted(difference["variations"]) == ["kernel", "num_cpus"]
    assert "with kernel and num_cpus varied, " in outcome.errors[0].cause


def test_an_action_that_fails_in_other_surroundings_is_named(small: Make) -> None:
    command = "[ $$(nproc) != 1 ] && echo many > $@"
    outcome = varied.run(by_genrule(small, command).bench("//:leak"))
    assert outcome.status == "failed"
    assert outcome.errors[0].cause == (
        "with num_cpus varied, Genrule of //:leak fails in the rebuild"
    )


def test_a_rule_that_breaks_in_other_surroundings_is_named(small: Make) -> None:
    outcome = varied.run(by_rule(small, "os.listdir(os.environ['HOME']) and 1").bench("//:leak"))
    assert outcome.status == "failed"
    assert outcome.errors[0].cause == "with home varied, the target cannot be built"
    assert rows(outcome)["home"]["status"] == "failed"


def test_what_differs_by_itself_is_laid_to_no_variation(small: Make) -> None:
    outcome = varied.run(by_genrule(small, "head -c 8 /dev/urandom > $@").bench("//:leak"))
    assert outcome.status == "failed"
    difference = outcome.facts["difference"]
    assert isinstance(difference, dict)
    assert (difference["verdict"], difference["variations"]) == ("each-time", [])
    assert "failed" not in {row["status"] for row in rows(outcome).values()}
    assert "without any variation too" in outcome.errors[0].detail[0]


def test_sources_that_change_meanwhile_are_no_variations_doing(small: Make) -> None:
    workspace = by_genrule(small, "cat $< > $@")
    bench = workspace.bench("//:leak")
    twice.reference(bench)  # as another check would have asked for it before
    workspace.write("words", "other words\n")
    outcome = varied.run(with_vary(bench, "timezone"))
    assert outcome.status == "not-done"
    assert outcome.errors[0].id == "sources-change"


def test_what_the_cache_made_up_is_laid_to_no_variation(small: Make) -> None:
    workspace = by_genrule(small, "cat $< > $@")
    workspace.build("//:leak")
    workspace.plant_result("//:leak", b"planted\n")
    (workspace.root / "unibuild-out" / "leak.txt").unlink()
    (workspace.root / ".unibuild").rename(workspace.root / "aside")
    outcome = varied.run(workspace.bench("//:leak"))
    assert outcome.status == "failed"
    difference = outcome.facts["difference"]
    assert isinstance(difference, dict)
    assert (difference["verdict"], difference["variations"]) == ("elsewhere", [])


BESIDE = """\
[genrule.other]
outs = ["other"]
cmd = "d=/tmp/beside-$$PPID; mkdir $$d; sleep 2; rmdir $$d; touch $@"

[genrule.leak]
outs = ["leak.txt"]
cmd = "sleep 1; if [ -d /tmp/beside-$$PPID ]; then echo together; else echo alone; fi > $@"

[genrule.both]
srcs = [":other", ":leak"]
outs = ["both"]
cmd = "cat $(SRCS) > $@"
"""
AFTER = "".join(
    f"""\
[genrule.{name}]
outs = ["{name}"]
cmd = "echo {name} >> /tmp/order-$$PPID; cat /tmp/order-$$PPID > $@"

"""
    for name in ("leak1", "leak2", "leak3", "leak4")
)
ORDERED = f"""\
{AFTER}
[genrule.both]
srcs = [":leak1", ":leak2", ":leak3", ":leak4"]
outs = ["both"]
cmd = "rm /tmp/order-$$PPID; cat $(SRCS) > $@"
"""


def test_what_follows_the_number_of_jobs_is_named(small: Make) -> None:
    bench = small(BESIDE, sandbox="none").bench("//:both")
    check_named(varied.run(with_vary(bench, "jobs", "home")), "jobs", "Genrule")


def test_what_follows_the_order_of_actions_is_named(small: Make) -> None:
    workspace = small(ORDERED, sandbox="none")
    one = ("build", "//:both", "--jobs=1", "--sandbox=none", "--remote=off")
    assert unibuild(*one, cwd=workspace.root).returncode == 0
    bench = replace(workspace.bench("//:both"), jobs=1)
    outcome = varied.run(with_vary(bench, "order", "home"))
    assert outcome.status == "failed"
    assert rows(outcome)["order"]["status"] == "failed"
    assert rows(outcome)["home"]["status"] == "not-done"
    assert outcome.errors[0].label.startswith("//:leak")


def test_what_is_reproducible_passes_and_says_what_was_varied(small: Make, tmp_path: Path) -> None:
    bench = small().bench()
    outcome = varied.run(bench)
    assert outcome.status == "passed", outcome.errors
    assert outcome.facts["rebuilds"] == len(catalogue.TURNS)
    assert outcome.facts["actions"] == GOOD_ACTIONS * len(catalogue.TURNS)
    found = rows(outcome)
    assert list(found) == [each.name for each in catalogue.ALL]
    for name, row in found.items():
        assert set(row) == {"status", "control", "experiment", "reason"}
        if row["status"] == "not-done":
            assert any(name in note and row["reason"] in note for note in outcome.notes)
            assert row["reason"]
        else:
            assert row["status"] == "passed"
            assert row["reason"] == ""
    assert not bench.kept.exists()
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert not list(Path("/dev/shm").glob(f"unibuild-verify-{os.getpid()}-*"))  # noqa: S108


def test_only_what_was_asked_for_is_varied(small: Make) -> None:
    bench = by_genrule(small, "uname -r > $@").bench("//:leak")
    outcome = varied.run(with_vary(bench, "timezone", "umask"))
    assert outcome.status == "passed"
    assert list(rows(outcome)) == ["timezone", "umask"]
    assert outcome.facts["rebuilds"] == 2
    again = varied.run(replace(with_vary(bench, "kernel"), scratch=bench.scratch / "again"))
    assert again.facts["rebuilds"] == 1
    check_named(again, "kernel", "Genrule")


def without_effect(folder: Path, name: str) -> None:
    """Make a program that takes ``name``'s options and starts the command as it is."""
    folder.mkdir()
    program = folder / name
    program.write_text(
        '#!/bin/sh\nshift\nwhile case $1 in --*) true;; *) false;; esac; do shift; done\nexec "$@"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("names", [(), ("kernel",)])
def test_a_variation_without_effect_is_not_passed(
    names: tuple[str, ...], small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_effect(tmp_path / "programs", "setarch")
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:{os.environ['PATH']}")
    outcome = varied.run(with_vary(small().bench(), *names))
    row = rows(outcome)["kernel"]
    assert row["status"] == "not-done"
    assert row["reason"].startswith("it had no effect: the rebuild saw ")
    if not names:
        assert outcome.status == "passed"
        assert rows(outcome)["aslr"]["status"] == "not-done"
        assert any(note.startswith("kernel not varied: it had no effect") for note in outcome.notes)
        return
    assert outcome.status == "not-done"
    (error,) = outcome.errors
    assert isinstance(error, HostError)


def test_what_cannot_be_done_is_an_error_only_when_asked_for(
    small: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = catalogue.BY_NAME["time"]
    monkeypatch.setattr(type(clock), "lacking", lambda *_: "the moon is full")
    bench = small().bench()
    outcome = varied.run(with_vary(bench, "time", "umask"))
    assert outcome.status == "not-done"
    (error,) = outcome.errors
    assert isinstance(error, HostError)
    assert error.id == "variation-not-possible"
    assert error.cause == "time cannot be varied here: the moon is full"
    outcome = varied.run(bench)
    assert outcome.status == "passed"
    assert rows(outcome)["time"]["status"] == "not-done"
    assert "time not varied: the moon is full" in outcome.notes


def test_a_variation_that_breaks_the_machinery_is_left_out_and_the_rest_done(
    small: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "programs" / "taskset"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no processors today >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    bench = small().bench()
    outcome = varied.run(with_vary(bench, "all"))
    skip_lacking(bench, "num_cpus")
    assert outcome.status == "passed", outcome.errors
    left = {name for name, row in rows(outcome).items() if row["status"] == "not-done"}
    assert left == {"num_cpus", *catalogue.choose(bench).lacking}
    assert "num_cpus not varied: a rebuild ended with exit status 3" in "\n".join(outcome.notes)
    bench = replace(bench, scratch=bench.scratch / "again", memory={})
    outcome = varied.run(with_vary(bench, "num_cpus", "home"))
    assert outcome.status == "not-done"
    assert outcome.errors[0].cause == "nothing can be rebuilt with num_cpus varied"
    assert "no processors today" in outcome.errors[0].detail


def test_all_rebuilds_end_with_the_first_action_that_differs(small: Make) -> None:
    text = """\
[genrule.leak]
outs = ["leak.txt"]
cmd = "nproc > $@"

[genrule.long]
srcs = [":leak"]
outs = ["long"]
cmd = "sleep 6; cat $< > $@"
"""
    bench = small(text).bench("//:long")
    outcome = varied.run(with_vary(bench, "num_cpus", "timezone"))
    check_named(outcome, "num_cpus", "Genrule")
    assert rows(outcome)["timezone"] == {
        **rows(outcome)["timezone"],
        "status": "not-done",
        "reason": "its rebuild was ended when another action differed",
    }
    seconds = outcome.facts["seconds"]
    assert isinstance(seconds, float)
    assert seconds < 6  # at a quiet hour a fifth of it
