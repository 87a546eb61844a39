"""Policies: what is expected passes, everything else is refused with its rule."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st
from support.attesting import CI, OTHER_CI, Pair, bench, pair, provenance, signed, write
from support.command import unibuild

from unibuild.model.errors import ErrorGroup, UserError
from unibuild.verify import policy_check
from unibuild.verify.attestation import policy as policies
from unibuild.verify.attestation import trust
from unibuild.verify.attestation.provenance import BUILD_TYPE, UNSANDBOXED_BUILDER
from unibuild.verify.outcome import Outcome

BASE = f'builders = ["{CI}"]\n'
EXACT = """
[parameters]
label = "//services/dns:image"
[parameters.options]
digestFunction = "blake3"
defaultPlatform = "@unibuild//kernel/platform:qemu-microvm"
sandbox = "required"
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(tmp_path_factory.mktemp("keys"), "one")


def run(folder: Path, policy: str, *provenances: dict[str, Any], **asked: Any) -> Outcome:
    path = folder / "policy.toml"
    path.write_text(policy, encoding="utf-8")
    return policy_check.run(bench(folder, *(provenances or (provenance(),)), policy=path, **asked))


def refused(outcome: Outcome, reason: str, exit_code: int = 2) -> None:
    assert outcome.status == "failed", outcome
    assert outcome.facts["reason"] == reason
    (error,) = outcome.errors
    assert (error.id, error.exit_code) == ("policy-refused", exit_code)


def with_parameter(path: str, value: object) -> dict[str, Any]:
    made = provenance()
    inner = made["predicate"]["buildDefinition"]["externalParameters"]
    *above, last = path.split(".")
    for part in above:
        inner = inner[part]
    inner[last] = value
    return made


GOOD = {
    "builder only": BASE,
    "build type": BASE + f'build_types = ["{BUILD_TYPE}"]\n',
    "source by pattern": BASE + '[source]\nuri = ["git+https://git.example.com/team/*"]\n',
    "source by a wide pattern": BASE + '[source]\nuri = ["git+https://git.example.com/**"]\n',
    "commit": BASE + f'[source]\ncommit = "{"1" * 40}"\npath = ""\n',
    "parameters": BASE + EXACT,
}


@pytest.mark.parametrize("policy", GOOD.values(), ids=GOOD)
def test_what_is_expected_passes(tmp_path: Path, policy: str) -> None:
    outcome = run(tmp_path, policy)
    assert outcome.status == "passed", outcome.errors
    assert "no key was demanded" in outcome.notes[0]
    assert outcome.facts["signed"] is False


BAD = {
    "another builder": ("builder", f'builders = ["{OTHER_CI}"]\n'),
    "a longer builder id": ("builder", f'builders = ["{CI}/x"]\n'),
    "another build type": ("build-type", BASE + 'build_types = ["https://example.com/type"]\n'),
    "another source": ("source", BASE + '[source]\nuri = ["git+https://git.example.com/them/*"]\n'),
    "a part only": ("source", BASE + '[source]\nuri = ["git+https://git.example.com/*"]\n'),
    "a dot is a dot": ("source", BASE + '[source]\nuri = ["git+https://git-example.com/**"]\n'),
    "another commit": ("source", BASE + f'[source]\ncommit = "{"2" * 40}"\n'),
    "another folder": ("source", BASE + '[source]\npath = "services"\n'),
    "another label": ("parameter", BASE + EXACT.replace("dns:image", "dns:other")),
    "an option that is not there": ("parameter", BASE + EXACT + 'jobs = "4"\n'),
    "an option not expected": ("parameter", BASE + EXACT.replace('sandbox = "required"\n', "")),
    "no parameters": ("parameter", BASE + "[parameters]\n"),
}


@pytest.mark.parametrize(("reason", "policy"), BAD.values(), ids=BAD)
def test_what_is_not_expected_is_refused(tmp_path: Path, reason: str, policy: str) -> None:
    refused(run(tmp_path, policy), reason)


@pytest.mark.parametrize("exact", ["", EXACT])
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("color", "red"),
        ("color", {}),
        ("color", None),
        ("options.flags", ["-O3"]),
        ("options.flags", {}),
        ("source.branch", "main"),
        ("source", "git+https://git.example.com/team/dns"),
        ("source", [1]),
        ("label", {"a": "//services/dns:image"}),
    ],
)
def test_unknown_parameters_of_the_provenance_fail(
    tmp_path: Path, path: str, value: object, exact: str
) -> None:
    refused(run(tmp_path, BASE + exact, with_parameter(path, value)), "parameter")


def test_values_are_compared_as_json_does(tmp_path: Path) -> None:
    policy = BASE + EXACT + "jobs = 1\n"
    assert run(tmp_path, policy, with_parameter("options.jobs", 1)).status == "passed"
    for other in (True, "1", 2, [1]):
        refused(run(tmp_path, policy, with_parameter("options.jobs", other)), "parameter")


def test_a_sandbox_is_demanded_unless_said_otherwise(tmp_path: Path) -> None:
    for said in ("none", "", None, 1):
        made = provenance(builder=UNSANDBOXED_BUILDER)
        made["predicate"]["buildDefinition"]["internalParameters"]["sandbox"] = said
        policy = f'builders = ["{UNSANDBOXED_BUILDER}"]\n'
        refused(run(tmp_path, policy, made), "sandbox")
        assert run(tmp_path, policy + "sandbox = false\n", made).status == "passed"


@pytest.mark.parametrize(
    "source", [{}, {"uri": "git+https://git.example.com/team/dns"}, {"commit": ""}]
)
def test_sources_of_no_commit_are_refused_unless_allowed(
    tmp_path: Path, source: dict[str, str]
) -> None:
    made = with_parameter("source", source)
    refused(run(tmp_path, BASE, made), "source-dirty")
    assert run(tmp_path, BASE + "allow_dirty = true\n", made).status == "passed"


def test_a_very_long_source_fits_no_pattern_at_once(tmp_path: Path) -> None:
    made = with_parameter("source.uri", "git+https://git.example.com/team/" + "a" * 3_000_000)
    policy = BASE + '[source]\nuri = ["git+https://git.example.com/team/*a*a*b"]\n'
    refused(run(tmp_path, policy, made), "source")


def test_sources_that_are_not_the_commits_are_refused_unless_allowed(tmp_path: Path) -> None:
    made = with_parameter("source.dirty", ["main.c"])
    refused(run(tmp_path, BASE, made), "source-dirty")
    assert run(tmp_path, BASE + "allow_dirty = true\n", made).status == "passed"


@pytest.mark.parametrize(
    "uri",
    [
        "git+https://git.example.com/team/../them/dns",
        "git+https://git.example.com/team/x/../../y",
        1,
    ],
)
def test_a_source_cannot_climb_out_of_a_pattern(tmp_path: Path, uri: object) -> None:
    policy = BASE + '[source]\nuri = ["git+https://git.example.com/team/**"]\n'
    refused(run(tmp_path, policy, with_parameter("source.uri", uri)), "source")


def test_a_signature_is_required_where_keys_are_named(tmp_path: Path, key: Pair) -> None:
    policy = BASE + f'[signatures]\nkeys = ["{key.text}"]\n'
    refused(run(tmp_path, policy), "unsigned")
    outcome = run(tmp_path, policy, signed(provenance(), key))
    assert outcome.status == "passed", outcome.errors
    assert (outcome.facts["signed"], outcome.notes) == (True, ())
    refused(run(tmp_path, BASE, signed_by=(key.text,)), "unsigned")
    (tmp_path / "release.pub").write_bytes(key.public.read_bytes())
    (tmp_path / "trust.toml").write_text('[[key]]\nfile = "release.pub"\nexpires = 2020-01-01\n')
    beside = BASE + '[signatures]\nkeys = ["release.pub"]\n'
    assert run(tmp_path, beside, signed(provenance(), key)).status == "passed"
    expired = BASE + '[signatures]\ntrust = "trust.toml"\n'
    refused(run(tmp_path, expired, signed(provenance(), key)), "key-expired")


def test_the_signatures_are_looked_at_before_what_was_signed(tmp_path: Path, key: Pair) -> None:
    policy = f'builders = ["{OTHER_CI}"]\n[signatures]\nkeys = ["{key.text}"]\n'
    refused(run(tmp_path, policy, provenance()), "unsigned")
    refused(run(tmp_path, policy, signed(provenance(), key)), "builder")


def test_the_provenance_of_another_image_is_a_difference(tmp_path: Path) -> None:
    refused(run(tmp_path, BASE, provenance(b"other")), "other-image", exit_code=4)


def test_without_a_provenance_nothing_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(BASE)
    refused(policy_check.run(bench(tmp_path, policy=path)), "no-provenance")


def test_every_provenance_keeps_the_policy_and_every_violation_is_told(tmp_path: Path) -> None:
    second = with_parameter("color", "red")
    second["predicate"]["runDetails"]["builder"]["id"] = OTHER_CI
    outcome = run(tmp_path, BASE, provenance(), second)
    refused(outcome, "builder")
    assert [one["rule"] for one in outcome.facts["violations"]] == ["builder", "parameter"]
    assert len(outcome.errors[0].detail) == 2


MISTAKES = {
    "an unknown field": (
        "unknown-attribute",
        "bulders = []\n" + BASE,
        1,
        "did you mean `builders`?",
    ),
    "an unknown field inside": ("unknown-attribute", BASE + '[source]\nurl = "x"\n', 3, "`uri`"),
    "no builders": ("missing-attribute", "sandbox = true\n", 0, ""),
    "an empty list": ("bad-value", "builders = []\n", 1, ""),
    "a wrong type": ("wrong-type", 'builders = "x"\n', 1, 'write `builders = ["x"]`'),
    "source among parameters": ("bad-value", BASE + '[parameters]\nsource = "x"\n', 3, "[source]"),
    "signatures of nobody": ("bad-value", BASE + "[signatures]\nthreshold = 1\n", 2, "keys ="),
    "a key that is none": ("bad-public-key", BASE + '[signatures]\nkeys = ["ed25519:A"]\n', 0, ""),
    "a threshold too high": (
        "threshold-too-high",
        BASE + f'[signatures]\nkeys = ["ed25519:{"A" * 43}="]\nthreshold = 2\n',
        0,
        "",
    ),
    "no TOML": ("bad-toml", "builders = [\n", 0, ""),
    "two tables of one name": ("duplicate-name", BASE + BASE, 2, ""),
}


@pytest.mark.parametrize(("identifier", "text", "line", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_policy_is_one_error_at_its_place(
    tmp_path: Path, identifier: str, text: str, line: int, hint: str
) -> None:
    with pytest.raises(UserError) as caught:
        run(tmp_path, text)
    assert caught.value.id == identifier
    assert hint in caught.value.hint
    if line:
        assert caught.value.place is not None
        assert caught.value.place.line == line


@given(st.text(alphabet="ab/*.?[]", max_size=12), st.text(alphabet="ab/.*", max_size=12))
def test_patterns_are_no_regular_expressions(pattern: str, text: str) -> None:
    if "*" not in pattern:
        assert policies.matches(pattern, text) == (
            pattern == text and "/../" not in f"{text}/" and "/./" not in f"{text}/"
        )
    else:
        policies.matches(pattern, text)


@given(
    st.text(alphabet='abkeysourcbuild[]{}=".1T:-\n \u00e9', max_size=80) | st.binary(max_size=60)
)
def test_no_content_of_a_policy_or_a_trust_file_makes_a_traceback(content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    for model in (policies.Policy, trust.TrustFile):
        with suppress(UserError, ErrorGroup):
            trust.parsed(model, data, "FILE")


def test_a_policy_of_many_stars_is_no_trap() -> None:
    assert not policies.matches("**".join("a" * 12) + "b", "a" * 60)


def test_the_verb_tells_it(tmp_path: Path, key: Pair) -> None:
    asked = bench(tmp_path, signed(provenance(), key))
    write(tmp_path / "0.json", signed(provenance(), key))
    policy = tmp_path / "policy.toml"
    policy.write_text(BASE + f'[signatures]\nkeys = ["{key.text}"]\n')
    assert tomli.loads(policy.read_text())
    arguments = ("verify", "image.elf", "--provenance", "0.json", "--policy", "policy.toml")
    only = ("--only", "policy", "--json")
    done = unibuild(*arguments, *only, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "passed"
    policy.write_text(BASE.replace("ci.", "other."))
    done = unibuild(*arguments, *only, cwd=tmp_path)
    assert done.returncode == 2
    assert "error[policy-refused]" in done.stderr
    assert asked.image.image.write_bytes(b"tampered")
    done = unibuild(*arguments, *only, cwd=tmp_path)
    assert done.returncode == 4
    assert json.loads(done.stdout)["failed"] == 1 << 12
