"""Bad input of ``unibuild verify``: one error each, no traceback, and nothing called verified.

What each kind of file may not be is tried in depth where it is read; here a user hands it over.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import attesting
from verify import releases
from verify.releases import BUILDER, LABEL, POLICY, Release, Verified

pytestmark = [pytest.mark.network]

DIFFERENCE, USER = 4, 2
Spoil = Callable[[Release], None]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return releases.release(tmp_path_factory.mktemp("release"))


@pytest.fixture
def spoilt(released: Release, tmp_path: Path) -> Release:
    return released.copy(tmp_path)


def as_a_consumer(release: Release, *options: str) -> Verified:
    """Check signature and policy of the published files, in no workspace; nothing is rebuilt."""
    return releases.verify(
        release.published, "image.elf", "--provenance", release.provenance.name,
        "--signed-by", "release.pub", "--policy", "policy.toml", "--skip", "artefact", *options,
    )  # fmt: skip


def assert_refused(found: Verified, code: int, *words: str) -> None:
    assert found.code == code, found.errors
    assert "error[" in found.errors
    assert found.errors.count("Traceback") == 0
    assert "verified:" not in found.errors
    if found.report:
        assert found.report["verdict"] != "passed"
        assert found.report["failed"] | found.report["not_done"]
    for word in words:
        assert word in found.errors


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON file; what ``change`` returns is left aside."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def payload(release: Release, change: Callable[[Any], object]) -> None:
    """Change the signed payload, without signing it again."""

    def within(envelope: Any) -> None:
        statement = json.loads(base64.b64decode(envelope["payload"]))
        change(statement)
        envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()

    edit(release.provenance, within)


def resign(release: Release, change: Callable[[Any], object]) -> None:
    """Change the statement, and sign it with the key of the release: a liar with the key."""
    statement = json.loads((release.published / "image.provenance.json").read_text())
    change(statement)
    attesting.write(release.provenance, attesting.signed(statement, release.key))


def truncate(path: Path, part: float = 0.5) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])


def test_the_release_as_it_is_passes(released: Release) -> None:
    found = as_a_consumer(released)
    assert found.code == 0, found.errors
    assert [one["name"] for one in found.report["checks"]] == ["signed", "policy"]


def test_a_tampered_image(spoilt: Release) -> None:
    data = bytearray(spoilt.image.read_bytes())
    data[-1] ^= 1
    spoilt.image.write_bytes(data)
    assert_refused(as_a_consumer(spoilt), DIFFERENCE, "signature-refused", "policy-refused")


def test_a_truncated_image(spoilt: Release) -> None:
    truncate(spoilt.image)
    assert_refused(as_a_consumer(spoilt), DIFFERENCE)


def test_an_empty_image(spoilt: Release) -> None:
    spoilt.image.write_bytes(b"")
    assert_refused(as_a_consumer(spoilt), DIFFERENCE)


def test_the_provenance_of_another_image(spoilt: Release) -> None:
    resign(spoilt, lambda value: value["subject"][0]["digest"].update(sha256="0" * 64))
    assert_refused(as_a_consumer(spoilt), DIFFERENCE)


def test_an_unknown_key(spoilt: Release, tmp_path: Path) -> None:
    stranger = attesting.pair(tmp_path, "stranger")
    (spoilt.published / "release.pub").write_bytes(stranger.public.read_bytes())
    assert_refused(as_a_consumer(spoilt), USER, "signature-refused")


def test_an_expired_key(spoilt: Release) -> None:
    (spoilt.published / "trust.toml").write_text(
        f'[[key]]\nname = "release"\nkey = "{spoilt.key.text}"\nexpires = 2020-01-01T00:00:00Z\n'
    )
    found = as_a_consumer(spoilt, "--signed-by", "trust.toml")
    (spoilt.published / "release.pub").unlink()
    found = releases.verify(
        spoilt.published, "image.elf", "--provenance", spoilt.provenance.name,
        "--signed-by", "trust.toml", "--skip", "artefact",
    )  # fmt: skip
    assert_refused(found, USER, "signature-refused", "expired")


def test_a_threshold_that_is_not_met(released: Release, tmp_path: Path) -> None:
    other = attesting.pair(tmp_path, "other")
    found = as_a_consumer(released, "--signed-by", str(other.public), "--threshold", "2")
    assert_refused(found, USER, "signature-refused")


def test_unsigned_where_a_signature_is_required(released: Release) -> None:
    found = releases.verify(
        released.published, "image.elf", "--provenance", "image.provenance.json",
        "--signed-by", "release.pub", "--skip", "artefact",
    )  # fmt: skip
    assert_refused(found, USER, "signature-refused")


def test_a_payload_that_was_changed_after_it_was_signed(spoilt: Release) -> None:
    payload(spoilt, lambda value: value["predicate"]["runDetails"]["builder"].update(id="urn:x:y"))
    assert_refused(as_a_consumer(spoilt), USER, "signature-refused")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (POLICY + "\n[surprise]\nx = 1\n", "surprise"),
        (POLICY.replace("[source]", "[sources]"), "sources"),
        ("builders = []\n", "builders"),
        ("builders = [", "policy.toml"),
        ("", "builders"),
        (POLICY.replace('label = "{label}"', 'label = "{label}"\nmore = 1'), "more"),
        (POLICY.replace("{label}", "//other:image"), "label"),
        (POLICY.replace("{builder}", "https://other.example.com/"), BUILDER),
    ],
)  # fmt: skip
def test_policies_that_are_none_or_say_something_else(
    spoilt: Release, text: str, word: str
) -> None:
    filled = text.replace("{builder}", BUILDER).replace("{label}", LABEL)
    (spoilt.published / "policy.toml").write_text(filled)
    assert_refused(as_a_consumer(spoilt), USER, word)


def test_a_parameter_that_nobody_knows(spoilt: Release) -> None:
    def add(value: Any) -> None:
        value["predicate"]["buildDefinition"]["externalParameters"]["backdoor"] = "yes"

    resign(spoilt, add)
    assert_refused(as_a_consumer(spoilt), USER, "backdoor")


@pytest.mark.parametrize("part", [0.0, 0.3, 0.999])
@pytest.mark.parametrize("name", ["image.provenance.json.dsse.json", "release.pub", "policy.toml"])
def test_truncated_files(spoilt: Release, name: str, part: float) -> None:
    if not name.endswith(".json") and part == 0.999:
        pytest.skip("without its last line break it is whole")
    truncate(spoilt.published / name, part)
    assert_refused(as_a_consumer(spoilt), USER)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        '{"payload": "!!", "payloadType": "application/vnd.in-toto+json", "signatures": []}',
        '{"payload": 1, "payloadType": [], "signatures": {}}',
        '{"_type": "https://in-toto.io/Statement/v1", "_type": "x"}',
        '{"x": NaN}',
        '{"x": 1e999}',
        "\ufeff{}",
        '{"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicate": null}',
        "\x1b[2J{}",
    ],
    ids=range(12),
)  # fmt: skip
def test_hostile_provenance(spoilt: Release, text: str) -> None:
    spoilt.provenance.write_text(text)
    found = as_a_consumer(spoilt)
    assert_refused(found, USER)
    assert "\x1b" not in found.errors
    assert max(map(len, found.errors.splitlines())) < 1000


@pytest.mark.parametrize("kind", [None, [], {"sha256": 1}, "x" * 100_000, "\x1b[31mred"])
def test_a_hostile_payload_under_a_good_signature(spoilt: Release, kind: object) -> None:
    resign(spoilt, lambda value: value["predicate"].update(buildDefinition=kind))
    found = as_a_consumer(spoilt)
    assert_refused(found, USER)
    assert "\x1b" not in found.errors
    assert max(map(len, found.errors.splitlines())) < 1000


def test_no_provenance_beside_the_image(spoilt: Release) -> None:
    found = releases.verify(
        spoilt.root, LABEL, "--only", "signed", "--signed-by", "../published/release.pub"
    )
    assert found.code == 0, found.errors
    for path in (spoilt.root / "unibuild-out" / "greeter").glob("*.provenance.json*"):
        path.unlink()
    found = releases.verify(
        spoilt.root, LABEL, "--only", "signed", "--signed-by", "../published/release.pub"
    )
    assert_refused(found, USER)


def test_a_folder_where_a_file_is_expected(released: Release) -> None:
    found = releases.verify(
        released.published, "image.elf", "--provenance", ".", "--signed-by", "release.pub"
    )
    assert_refused(found, USER, "missing-file")


def test_a_workspace_without_the_lock_it_needs(spoilt: Release) -> None:
    build = spoilt.root / "greeter" / "BUILD.toml"
    build.write_text(
        build.read_text()
        + '\n[external_archive.more]\npurl = "pkg:pypi/unknown-thing@1"\n'
        + '\n[genrule.copy]\nsrcs = [":more"]\nouts = ["copied"]\ncmd = "cp -r $< $@"\n'
    )
    found = releases.verify(spoilt.root, "//greeter:copy")
    assert_refused(found, USER, "error[not-locked]", "pkg:pypi/unknown-thing@1")
    assert found.report == {}


def test_a_truncated_lock(spoilt: Release) -> None:
    (spoilt.root / "unibuild.lock").write_text("version = 1\n[[package]]\npurl = ")
    found = releases.verify(spoilt.root, LABEL)
    assert_refused(found, USER, "error[bad-lock]")
    assert found.report == {}
