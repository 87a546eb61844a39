"""V5: any cache gives the same, and what the user's cache holds is what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from verify.rebuilds import GOOD, GOOD_ACTIONS, Small
from verify.test_twice import listing

from unibuild.execution import depfile
from unibuild.model.errors import DifferenceError, HostError
from unibuild.store.cache import Cache
from unibuild.store.digests import Digest
from unibuild.verify import cache_honesty, twice
from unibuild.verify.outcome import Outcome
from unibuild.verify.workbench import Options

Make = Callable[..., Small]


def named(outcome: Outcome) -> DifferenceError:
    assert outcome.status == "failed"
    error = outcome.errors[0]
    assert isinstance(error, DifferenceError)
    assert error.id == "cache-not-honest"
    return error


def numbers(outcome: Outcome, part: str) -> dict[str, int]:
    found = outcome.facts[part]
    assert isinstance(found, dict)
    return found


def test_cold_warm_and_half_filled_give_the_same(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    before = listing(workspace.cache)
    outcome = cache_honesty.run(bench)
    assert outcome.status == "passed", outcome.errors
    assert numbers(outcome, "cold")["executed"] == GOOD_ACTIONS
    assert numbers(outcome, "warm")["executed"] == 0
    half = numbers(outcome, "half-filled")
    assert half["executed"] > 0
    assert half["cached"] > 0
    assert numbers(outcome, "store")["results"] == GOOD_ACTIONS
    assert listing(workspace.cache) == before
    trees = twice.cold(bench).cache / "blake3" / "trees"
    assert any(trees.glob("*/*/bin/busybox"))


def test_a_planted_result_is_named_although_the_build_never_took_it(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    workspace.plant_result("//:lines", b"planted\n")
    before = listing(workspace.cache)
    assert twice.run(bench).status == "passed"
    error = named(cache_honesty.run(bench))
    assert error.cause == (
        "the cache's result of Genrule of //:lines has another lines than its sources make"
    )
    assert error.label == "//:lines"
    action = workspace.logged("//:lines").action
    assert f"{workspace.cache}/blake3/actions/{action[:2]}/{action}" in error.hint
    assert listing(workspace.cache) == before


def test_a_planted_result_that_the_build_took_is_named_too(small: Make) -> None:
    workspace = small()
    workspace.build()
    workspace.plant_result("//:lines", b"planted\n")
    workspace.build("//:lines")
    error = named(cache_honesty.run(workspace.bench("//:lines")))
    assert error.label == "//:lines"
    assert "stored:  lines" in error.detail[0]


def test_a_result_that_names_an_existing_blob_of_another_action_is_named(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    workspace.plant_result("//:lines", b"SOME WORDS\n")  # what //:upper made
    assert named(cache_honesty.run(bench)).label == "//:lines"


def test_a_flipped_byte_of_a_blob_is_named_and_left_as_it_is(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    blob = workspace.flip("//:upper")
    data = blob.read_bytes()
    error = named(cache_honesty.run(bench))
    assert error.cause == (
        "the stored file of upper, made by Genrule of //:upper, is damaged: "
        "it is not what its digest says"
    )
    assert error.detail == (f"stored:  {blob}",)
    assert blob.read_bytes() == data


def test_a_changed_file_in_an_unpacked_directory_is_found(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    (file,) = (workspace.cache / "blake3" / "trees").glob("*/*/two")
    file.chmod(0o644)
    file.write_text("12\n")
    assert "unpacked directory of folder" in named(cache_honesty.run(bench)).cause


def test_a_damaged_record_is_found(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    action = workspace.logged("//:lines").action
    record = workspace.cache / "blake3" / "actions" / action[:2] / action
    data = bytearray(record.read_bytes())
    data[3] ^= 1
    record.chmod(0o644)
    record.write_bytes(data)
    assert (
        "stored result of Genrule of //:lines is damaged" in named(cache_honesty.run(bench)).cause
    )


def test_all_looks_at_what_the_target_does_not_use(small: Make) -> None:
    workspace = small()
    workspace.write("more", "more\n")
    workspace.write("BUILD.toml", GOOD + '[genrule.more]\nouts = ["x"]\ncmd = "echo more > $@"\n')
    workspace.build("//:more")
    blob = workspace.flip("//:more")
    bench = workspace.bench()
    assert cache_honesty.run(bench).status == "passed"
    everything = replace(workspace.bench(), options=Options(everything=True))
    error = named(cache_honesty.run(everything))
    assert str(blob) in error.detail[0]


def test_where_an_action_varies_nothing_is_said_of_the_cache(small: Make) -> None:
    text = GOOD.replace("cat $< $< > $@", "cat /proc/sys/kernel/random/uuid > $@")
    outcome = cache_honesty.run(small(text).bench())
    assert outcome.status == "not-done"
    assert isinstance(outcome.errors[0], HostError)
    assert outcome.errors[0].id == "cache-not-compared"
    assert "not tried" in outcome.notes[0]


def test_sources_that_change_after_the_clean_rebuild_leave_it_undone(small: Make) -> None:
    workspace = small()
    bench = workspace.bench()
    assert twice.run(bench).status == "passed"
    workspace.write("words", "other words\n")
    outcome = cache_honesty.run(bench)
    assert outcome.status == "not-done"
    assert outcome.errors[0].id == "sources-change"


PICK = """\
from unibuild.analysis.api import *
from pydantic import Field


class PickAttributes(Attributes):
    srcs: Sources = Field(description="Files of which the first is read.")
    shell: OneLabel = Field("@unibuild//toolchains/busybox", description="The shell.")


@rule("pick", PickAttributes, provides=(DefaultInfo,), doc="Copies its first source.")
def pick(ctx):
    shell = ctx.dependency("shell", ToolchainInfo)
    made, depfile = ctx.declare_file("picked"), ctx.declare_file("picked.d")
    first, *_ = files = ctx.files("srcs")
    script = f"cat {first.input_path} > {made.output_path}; "
    script += f"echo picked: {first.input_path} > {depfile.output_path}"
    ctx.action(
        "Pick", [*ctx.tool("shell", "sh"), "-c", script], inputs=[shell.tree], prunable=files,
        outputs=[made], depfile=depfile,
    )
    return [DefaultInfo((made,))]
"""


def test_a_planted_record_of_what_an_action_reads_is_named(small: Make) -> None:
    workspace = small('[pick.picked]\nsrcs = ["words", "more"]\n')
    workspace.write("WORKSPACE.toml", 'name = "small"\nrules = ["rules.py"]\n')
    workspace.write("rules.py", PICK)
    workspace.write("more", "more\n")
    bench = workspace.bench("//:picked")
    assert cache_honesty.run(bench).status == "passed"
    action = workspace.logged("//:picked").action
    cache = Cache(str(workspace.cache), "blake3", lambda _: None)
    try:
        stored = cache.actions.get(action)
        assert stored is not None
        planted = cache.content.put_bytes(b"planted\n")
        files = tuple(
            file._replace(digest=planted) if file.path.endswith("picked") else file
            for file in stored.result.files
        )
        cache.actions.put("0" * 64, stored.result._replace(files=files))
        (record,) = (workspace.cache / "blake3" / "inputs").glob("*/*")
        (known,) = depfile.entries(cache.inputs, record.name)
        depfile.remember(cache.inputs, record.name, known._replace(action=Digest("0" * 64, 1)))
    finally:
        cache.close()
    error = named(cache_honesty.run(workspace.bench("//:picked")))
    assert error.cause == (
        "the cache's result of Pick of //:picked has another picked than its sources make"
    )
    assert "0" * 64 in error.hint
