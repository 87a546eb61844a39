"""Each variation by itself: it has the effect that it says, and without it that effect is missed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from verify.rebuilds import Small

from unibuild.model.errors import HostError, UserError
from unibuild.verify import surroundings
from unibuild.verify.rebuild import RebuildRequest
from unibuild.verify.variations import catalogue
from unibuild.verify.variations.catalogue import ALL, BY_NAME, TURNS
from unibuild.verify.variations.draft import Draft
from unibuild.verify.variations.folders import remove
from unibuild.verify.variations.variation import Variation
from unibuild.verify.workbench import Options, Workbench

ASKED = ("jobs", "order", "staging")
"""Variations of what the rebuild is asked, not of its surroundings."""
OBSERVE = """
import sys
from pathlib import Path
from unibuild.verify import surroundings
from unibuild.verify.rebuild import RebuildRequest
surroundings.write(RebuildRequest.read(Path(sys.argv[1])))
"""


@pytest.fixture
def bench(small: Callable[..., Small]) -> Workbench:
    return small().bench()


def seen_under(
    variations: Iterable[Variation], site: Path, turn: int, *, git: str = ""
) -> tuple[Draft, dict[str, object]]:
    """Start a process as drafted, and return what it saw."""
    draft = Draft(site, site, turn, 2, git=git)
    for variation in variations:
        variation.apply(draft)
    try:
        workspace, cache = draft.store / draft.workspace, draft.store / draft.cache
        for folder in (site, workspace, cache, *(draft.store / name for name in draft.folders)):
            folder.mkdir(parents=True, exist_ok=True)
        if draft.git:
            (workspace / ".git").mkdir()
        log = site.with_name("log")
        asked = site.with_name("request.json")
        RebuildRequest(draft.workspace_path, "//:x", draft.cache_path, log).write(asked)
        done = subprocess.run(
            [*draft.prefix(), sys.executable, "-c", OBSERVE, str(asked)], env=draft.environment,
            cwd=site.parent, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        seen = surroundings.read(log)
        assert seen is not None
        return draft, seen
    finally:
        if draft.store != site:
            remove(draft.store)


CASES = [
    pytest.param(variation, turn, id=f"{variation.name}-{turn}")
    for variation in ALL
    for turn in sorted(variation.turns)
    if variation.name not in ASKED
]


@pytest.mark.parametrize(("variation", "turn"), CASES)
def test_a_variation_has_its_effect_and_is_missed_without_it(
    variation: Variation, turn: int, bench: Workbench, tmp_path: Path
) -> None:
    why = variation.lacking(bench)
    if why:
        pytest.skip(why)
    draft, seen = seen_under([variation], tmp_path / "varied" / "site", turn)
    assert variation.ineffective(draft, seen) == ""
    if variation.name == "terminal" and turn:
        return  # a file to print to is what a rebuild has anyway
    git = "" if turn else "sources"
    _, plain = seen_under([], tmp_path / "plain" / "site", turn, git=git)
    assert variation.ineffective(draft, plain) != ""


@pytest.mark.parametrize("turn", TURNS)
def test_all_of_an_experiment_have_their_effect_together(
    turn: int, bench: Workbench, tmp_path: Path
) -> None:
    variations = [
        each for each in ALL if turn in each.turns and not each.lacking(bench)
    ]  # fmt: skip
    draft, seen = seen_under(variations, tmp_path / "varied" / "site", turn)
    assert {each.name: each.ineffective(draft, seen) for each in variations} == {
        each.name: "" for each in variations
    }
    left = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert str(tmp_path) not in left


@pytest.mark.parametrize("variation", ALL, ids=lambda each: each.name)
def test_a_variation_says_what_it_changes(variation: Variation, bench: Workbench) -> None:
    assert variation.varies
    assert variation.turns <= set(TURNS)
    assert variation.turns
    control = variation.control(bench)
    for turn in variation.turns:
        assert variation.experiment(bench, turn) not in {"", control}


def test_what_is_asked_of_a_rebuild_changes() -> None:
    site = Path("/nonexistent/site")
    for turn in TURNS:
        plain, draft = (Draft(site, site, turn, 2) for _ in range(2))
        for name in ASKED:
            BY_NAME[name].apply(draft)
        assert draft.jobs != plain.jobs
        assert draft.order_seed != plain.order_seed
        assert draft.staging != plain.staging


def test_the_first_fourteen_are_those_of_reprotest() -> None:
    assert [each.name for each in ALL[:14]] == [
        "environment", "build_path", "kernel", "aslr", "num_cpus", "time", "user_group",
        "fileordering", "domain_host", "home", "locales", "exec_path", "timezone", "umask",
    ]  # fmt: skip
    assert len(BY_NAME) == len(ALL)


def test_what_excludes_one_another_is_never_in_one_experiment() -> None:
    for one, other in (("filesystem", "fileordering"),):
        assert not BY_NAME[one].turns & BY_NAME[other].turns


def vary(bench: Workbench, *names: str) -> Workbench:
    from dataclasses import replace

    return replace(bench, options=Options(vary=names), memory={})


def test_an_unknown_variation_is_the_users_mistake_with_the_nearest_name(bench: Workbench) -> None:
    with pytest.raises(UserError) as raised:
        catalogue.choose(vary(bench, "umask", "time-zone"))
    assert raised.value.id == "unknown-variation"
    assert raised.value.hint == "did you mean `timezone`?"
    with pytest.raises(UserError) as raised:
        catalogue.choose(vary(bench, "moon"))
    assert "umask" in raised.value.hint


def test_all_and_nothing_choose_the_same(bench: Workbench) -> None:
    everything = catalogue.choose(vary(bench, "all"))
    assert (
        everything == catalogue.choose(vary(bench)) == catalogue.choose(vary(bench, "all", "home"))
    )
    assert len(everything.variations) + len(everything.lacking) == len(ALL)


@pytest.fixture
def without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes programs look as if they were not installed."""

    def hide(name: str) -> None:
        folder = tmp_path / "programs"
        folder.mkdir()
        for place in reversed(os.environ["PATH"].split(":")):
            for program in Path(place).glob("*") if Path(place).is_dir() else ():
                link = folder / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)
        (folder / name).unlink()
        monkeypatch.setenv("PATH", str(folder))

    return hide


@pytest.mark.parametrize(
    ("program", "variations"),
    [
        ("disorderfs", {"fileordering"}),
        ("setarch", {"kernel", "aslr"}),
        ("taskset", {"num_cpus"}),
        ("git", {"git"}),
        ("unshare", {"user_group", "fileordering", "domain_host", "filesystem"}),
    ],
)
def test_what_the_machine_lacks_is_said_or_refused_when_asked_for(
    program: str, variations: set[str], bench: Workbench, without: Callable[[str], None]
) -> None:
    before = set(catalogue.choose(vary(bench)).lacking)
    without(program)
    choice = catalogue.choose(vary(bench))
    assert set(choice.lacking) == before | variations
    for name in variations - before:
        assert choice.lacking[name] == f"{program} is not installed"
        with pytest.raises(HostError) as raised:
            catalogue.choose(vary(bench, "umask", name))
        assert raised.value.id == "variation-not-possible"
        assert f"{name} cannot be varied here: {program} is not installed" in raised.value.cause
