"""Reproduced by others: independent builders are counted, and what is summed up is true."""

from __future__ import annotations

import hashlib
import json
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from support.attesting import CI, IMAGE, OTHER_CI, Pair, bench, pair, provenance, signed
from support.command import unibuild

from unibuild.model.errors import UserError
from unibuild.verify import reproduced
from unibuild.verify.attestation.evidence import Weight
from unibuild.verify.attestation.provenance import LOCAL_BUILDER
from unibuild.verify.attestation.trust import TrustedKey
from unibuild.verify.outcome import Outcome

Keys = tuple[Pair, Pair, Pair]
THIRD = "https://third.example.com/builder"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    return pair(folder, "one"), pair(folder, "two"), pair(folder, "three")


def run(folder: Path, keys: Keys, *provenances: dict[str, Any], **asked: Any) -> Outcome:
    named = {"signed_by": tuple(key.text for key in keys), "reproduced": 2, **asked}
    return reproduced.run(bench(folder, *provenances, **named))


def by(builder: str, *pairs: Pair, image: bytes = IMAGE) -> dict[str, Any]:
    return signed(provenance(image, builder=builder), *pairs)


def too_few(outcome: Outcome, counted: int) -> None:
    assert outcome.status == "failed"
    assert (outcome.facts["reason"], outcome.facts["counted"]) == ("too-few", counted)
    (error,) = outcome.errors
    assert (error.id, error.exit_code) == ("not-reproduced", 2)


def test_two_builders_with_two_keys(tmp_path: Path, keys: Keys) -> None:
    outcome = run(tmp_path, keys, by(CI, keys[0]), by(OTHER_CI, keys[1]))
    assert outcome.status == "passed", outcome.errors
    assert outcome.facts["builders"] == [
        {"builder": CI, "key": keys[0].text}, {"builder": OTHER_CI, "key": keys[1].text},
    ]  # fmt: skip


def test_what_is_not_independent(tmp_path: Path, keys: Keys) -> None:
    one, two, _ = keys
    too_few(run(tmp_path, keys, by(CI, one)), 1)
    too_few(run(tmp_path, keys, by(CI, one), by(CI, two)), 1)  # one builder, two keys
    too_few(run(tmp_path, keys, by(CI, one), by(OTHER_CI, one)), 1)  # two builders, one key
    too_few(run(tmp_path, keys, by(CI, one, two)), 1)  # two signatures on one provenance
    too_few(run(tmp_path, keys, by(CI, one), by(CI, one)), 1)  # one provenance twice
    too_few(run(tmp_path, keys, by(CI, one), provenance(builder=OTHER_CI)), 1)  # unsigned
    too_few(run(tmp_path, keys, provenance(), provenance(builder=OTHER_CI)), 0)


def test_an_unknown_key_counts_for_nothing(tmp_path: Path, keys: Keys) -> None:
    known = (keys[0].text,)
    outcome = run(tmp_path, keys, by(CI, keys[0]), by(OTHER_CI, keys[1]), signed_by=known)
    too_few(outcome, 1)
    assert "none of its signatures is of a key that was named" in outcome.errors[0].detail[-1]


def test_as_many_as_possible_are_counted(tmp_path: Path, keys: Keys) -> None:
    one, two, three = keys
    shared = (by(CI, one, two), by(OTHER_CI, one), by(THIRD, two, three))
    assert run(tmp_path, keys, *shared, reproduced=3).status == "passed"
    too_few(
        run(tmp_path, keys, by(CI, one, two), by(OTHER_CI, one), by(THIRD, two), reproduced=3), 2
    )


@given(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4))))
def test_the_count_is_the_largest_that_there_is(pairs: set[tuple[int, int]]) -> None:
    weights = [
        Weight(
            SimpleNamespace(provenance=SimpleNamespace(builder_id=f"b:{builder}")),  # type: ignore[arg-type]
            (TrustedKey(f"{key}", SimpleNamespace(keyid=f"{key}")),),  # type: ignore[arg-type]
        )
        for builder, key in sorted(pairs)
    ]
    chosen = reproduced.independent(weights)
    assert len({key.party for key in chosen.values()}) == len(chosen)
    assert all((int(builder[2:]), int(key.name)) in pairs for builder, key in chosen.items())
    best = max(
        sum((builder, key) in pairs for builder, key in enumerate(order))
        for order in permutations(range(5))
    )
    assert len(chosen) == best


def test_keys_of_one_operator_are_one_party(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "trust.toml"
    both = (by(CI, keys[0]), by(OTHER_CI, keys[1]))
    entry = '[[key]]\nkey = "{}"\noperator = "{}"\n'
    path.write_text(entry.format(keys[0].text, "team A") + entry.format(keys[1].text, "team A"))
    too_few(run(tmp_path, keys, *both, signed_by=(str(path),)), 1)
    path.write_text(entry.format(keys[0].text, "team A") + entry.format(keys[1].text, "team B"))
    assert run(tmp_path, keys, *both, signed_by=(str(path),)).status == "passed"


def test_a_key_counts_for_its_builders_only(tmp_path: Path, keys: Keys) -> None:
    path = tmp_path / "trust.toml"
    path.write_text(
        f'[[key]]\nkey = "{keys[0].text}"\nbuilders = ["{CI}"]\n'
        f'[[key]]\nkey = "{keys[1].text}"\nbuilders = ["{CI}"]\n'
    )
    too_few(run(tmp_path, keys, by(CI, keys[0]), by(OTHER_CI, keys[1]), signed_by=(str(path),)), 1)


def test_a_provenance_without_inputs_reproduces_nothing(tmp_path: Path, keys: Keys) -> None:
    hollow = provenance(builder=OTHER_CI)
    hollow["predicate"]["buildDefinition"]["resolvedDependencies"] = []
    too_few(run(tmp_path, keys, by(CI, keys[0]), signed(hollow, keys[1])), 1)


def test_another_image_is_a_difference(tmp_path: Path, keys: Keys) -> None:
    outcome = run(tmp_path, keys, by(CI, keys[0]), by(OTHER_CI, keys[1], image=b"other"))
    assert (outcome.status, outcome.facts["reason"]) == ("failed", "other-image")
    assert outcome.errors[0].exit_code == 4


@pytest.mark.parametrize("asked", [{"reproduced": 1}, {"signed_by": ()}])
def test_what_would_show_nothing_is_a_mistake(
    tmp_path: Path, keys: Keys, asked: dict[str, Any]
) -> None:
    with pytest.raises(UserError) as caught:
        run(tmp_path, keys, by(CI, keys[0]), by(OTHER_CI, keys[1]), **asked)
    assert caught.value.id == "bad-usage"


def test_the_summary_is_slsas(tmp_path: Path, keys: Keys) -> None:
    vsa = tmp_path / "image.vsa.json"
    run(tmp_path, keys, by(CI, keys[0]), by(OTHER_CI, keys[1]), vsa=vsa)
    made = json.loads(vsa.read_bytes())
    assert made["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert made["subject"] == [
        {"name": "image.elf", "digest": {"sha256": hashlib.sha256(IMAGE).hexdigest()}}
    ]
    predicate = made["predicate"]
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["SLSA_BUILD_LEVEL_1", "SLSA_BUILD_REPRODUCED"]
    assert predicate["resourceUri"] == "urn:unibuild:image://services/dns:image"
    inputs = [hashlib.sha256((tmp_path / f"{n}.json").read_bytes()).hexdigest() for n in (0, 1)]
    assert predicate["inputAttestations"] == [{"digest": {"sha256": one}} for one in inputs]
    # The published library knows this predicate without the verifier's version, which came in 1.1, and
    # takes verifiedLevels for one string, which SLSA says is a list.
    del predicate["verifier"]["version"], predicate["verifiedLevels"]
    assert json_format.ParseDict(predicate, vsa_pb2.VerificationSummary()).slsa_version == "1.2"


def test_a_level_is_what_the_verifier_grants_and_never_more_for_a_local_builder(
    tmp_path: Path, keys: Keys
) -> None:
    path, vsa = tmp_path / "trust.toml", tmp_path / "image.vsa.json"
    entry = '[[key]]\nkey = "{}"\nlevel = {}\n'
    path.write_text(entry.format(keys[0].text, 3) + entry.format(keys[1].text, 1))
    for builder, level in ((CI, 3), (LOCAL_BUILDER, 1)):
        both = (by(builder, keys[0]), by(OTHER_CI, keys[1]))
        outcome = run(tmp_path, keys, *both, signed_by=(str(path),), vsa=vsa)
        assert outcome.facts["level"] == level
        levels = json.loads(vsa.read_bytes())["predicate"]["verifiedLevels"]
        assert levels == [f"SLSA_BUILD_LEVEL_{level}", "SLSA_BUILD_REPRODUCED"]


def test_nothing_is_written_unless_it_passed(tmp_path: Path, keys: Keys) -> None:
    vsa = tmp_path / "image.vsa.json"
    too_few(run(tmp_path, keys, by(CI, keys[0]), vsa=vsa), 1)
    assert not vsa.exists()
    with pytest.raises(UserError) as caught:
        run(tmp_path, keys, by(CI, keys[0]), by(OTHER_CI, keys[1]), vsa=tmp_path / "no" / "folder")
    assert caught.value.id == "unwritable"


def test_the_summary_can_be_signed(tmp_path: Path, keys: Keys) -> None:
    bench(tmp_path, by(CI, keys[0]), by(OTHER_CI, keys[1]))
    done = unibuild(
        "verify", "image.elf", "--only", "reproduced", "--reproduced", "2", "--vsa", "image.vsa.json",
        "--provenance", "0.json", "--provenance", "1.json",
        "--signed-by", keys[0].text, "--signed-by", str(keys[1].public), cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = unibuild("sign", "image.vsa.json", "--key", str(keys[2].private), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "verification_summary/v1 of image.elf, 1 signature" in done.stderr
