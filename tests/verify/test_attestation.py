"""Files from anybody: read strictly, refused with one error, and never believed by accident."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner
from support.attesting import Pair, pair, provenance, signed, text_of

from unibuild.model.errors import UserError
from unibuild.verify.attestation import envelope, strict_json
from unibuild.verify.attestation import provenance as provenances
from unibuild.verify.attestation.envelope import Envelope, Signature
from unibuild.verify.attestation.statement import PAYLOAD_TYPE

HOSTILE = {
    "empty": b"",
    "blank": b"  \n",
    "truncated": b'{"_type": "https://in-toto.io/Sta',
    "not JSON": b"--- yaml: no\n",
    "invalid UTF-8": b'{"_type": "\xff\xfe"}',
    "UTF-16": '{"_type": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"_type": 1}',
    "nesting": b"[" * 100_000,
    "nesting with ends": b"[" * 500 + b"]" * 500,
    "nested objects": b'{"a":' * 200 + b"1" + b"}" * 200,
    "duplicate names": b'{"_type": 1, "_type": 2}',
    "duplicate names inside": b'{"a": {"b": 1, "b": 1}}',
    "duplicate by escape": b'{"a": 1, "\\u0061": 1}',
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "overflowing number": b'{"a": 1e999}',
    "huge number": b'{"a": ' + b"9" * 400 + b"}",
    "number of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "number beyond 2^53": b'{"a": 9007199254740993}',
    "half a surrogate": b'{"a": "\\ud800"}',
    "half a surrogate in a name": b'{"\\udfff": 1}',
    "millions of values": b"[" + b"[]," * 2_000_000 + b"1]",
    "null": b"null",
    "number": b"1",
    "list": b"[]",
    "string": b'"payload"',
    "empty object": b"{}",
}


def reading(data: bytes) -> object:
    value = strict_json.parse(data, "FILE")
    return provenances.Provenance(envelope.statement_in(value, "FILE"), "FILE")


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_one_error(data: bytes) -> None:
    with pytest.raises(UserError) as caught:
        reading(data)
    assert caught.value.id == "bad-attestation"
    assert caught.value.place is not None
    assert len(caught.value.cause) < 300


HIDDEN = {
    "duplicate names": '{"b": 1, "b": 1}',
    "duplicate by escape": '{"b": 1, "\\u0062": 1}',
    "NaN": "[NaN]",
    "infinity": "Infinity",
    "overflowing number": "1e999",
    "number beyond 2^53": "-9007199254740993",
    "number of 5000 digits": "9" * 5000,
    "half a surrogate": '"\\ud800"',
    "half a surrogate in a name": '{"\\udfff": 1}',
    "nesting": "[" * 60 + "]" * 60,
    "deep nesting": "[" * 100_000 + "]" * 100_000,
    "millions of values": "[" + "1," * 2_000_000 + "1]",
}


@pytest.mark.parametrize("value", HIDDEN.values(), ids=HIDDEN)
def test_what_is_refused_is_refused_where_nobody_would_read_it(value: str) -> None:
    text = text_of(provenance())
    reading(text.replace("{", '{"vendor_field": 9007199254740991, ', 1).encode())
    with pytest.raises(UserError) as caught:
        reading(text.replace("{", f'{{"vendor_field": {value}, ', 1).encode())
    assert caught.value.id == "bad-attestation"


def changed(value: Any, path: str, new: object) -> Any:
    """Return a deep copy of ``value`` with what is at a dotted path replaced."""
    copied = json.loads(json.dumps(value))
    *above, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner = copied
    for part in above:
        inner = inner[part]
    inner[last] = new
    return copied


def test_names_are_spelt_as_the_standard_has_them() -> None:
    """Else one reader would see a predicate type where another sees none."""
    made = provenance()
    made["predicate_type"] = made.pop("predicateType")
    with pytest.raises(UserError, match="lacks"):
        reading(text_of(made).encode())


WRONG = [
    ("_type", "https://in-toto.io/Statement/v0.1"),
    ("_type", None),
    ("subject", []),
    ("subject", {}),
    ("subject", [1]),
    ("subject.0.digest", "sha256"),
    ("subject.0.digest", {"sha256": "AB" * 32}),
    ("subject.0.digest", {"sha256": "ab"}),
    ("subject.0.digest", {"sha256": 1}),
    ("predicateType", "https://slsa.dev/provenance/v0.2"),
    ("predicateType", ""),
    ("predicate", []),
    ("predicate", None),
    ("predicate.buildDefinition", None),
    ("predicate.buildDefinition.buildType", 1),
    ("predicate.buildDefinition.buildType", ""),
    ("predicate.buildDefinition.buildType", "no uri"),
    ("predicate.buildDefinition.externalParameters", []),
    ("predicate.buildDefinition.externalParameters", None),
    ("predicate.buildDefinition.resolvedDependencies", {}),
    ("predicate.buildDefinition.resolvedDependencies", [{"digest": {"sha256": True}}]),
    ("predicate.runDetails", None),
    ("predicate.runDetails.builder", "https://ci.example.com"),
    ("predicate.runDetails.builder.id", ""),
    ("predicate.runDetails.builder.id", ["https://ci.example.com"]),
    ("predicate.runDetails.metadata", "today"),
]


@pytest.mark.parametrize(("path", "new"), WRONG)
def test_wrong_types_are_one_error(path: str, new: object) -> None:
    reading(text_of(provenance()).encode())
    with pytest.raises(UserError) as caught:
        reading(text_of(changed(provenance(), path, new)).encode())
    assert caught.value.id == "bad-attestation"


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("label", ""),
        ("label", 1),
        ("color", "red"),
        ("source", None),
        ("source.branch", "main"),
        ("source.dirty", "no"),
        ("options", {}),
        ("options.jobs", "4"),
    ],
)
def test_parameters_of_our_build_type_are_closed(path: str, new: object) -> None:
    value = provenance()
    read = provenances.Provenance(envelope.statement_in(value, "FILE"), "FILE")
    assert read.parameters.label == "//services/dns:image"
    value = changed(value, f"predicate.buildDefinition.externalParameters.{path}", new)
    with pytest.raises(UserError) as caught:
        _ = provenances.Provenance(envelope.statement_in(value, "FILE"), "FILE").parameters
    assert caught.value.id == "bad-attestation"


def test_unknown_fields_are_ignored_where_in_toto_says_so_and_null_is_absent() -> None:
    value = provenance()
    value["predicate"]["runDetails"]["metadata"] = None
    value["predicate"]["runDetails"]["builder"]["builderDependencies"] = None
    value["predicate"]["vendor_field"] = {"any": [1, None]}
    read = provenances.Provenance(envelope.statement_in(value, "FILE"), "FILE")
    assert read.predicate.run_details.metadata.invocation_id == ""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    folder = tmp_path_factory.mktemp("keys")
    return pair(folder, "one"), pair(folder, "two")


ENVELOPES: list[tuple[str, object]] = [
    ("payload", None),
    ("payload", 1),
    ("payload", "%%%"),
    ("payload", "e30"),  # base64 without its padding
    ("payload", base64.b64encode(b"\xff\xfe").decode()),
    ("payload", base64.b64encode(b"[" * 100_000).decode()),
    ("payload", base64.b64encode(b'{"a": 1, "a": 2}').decode()),
    ("payloadType", None),
    ("payloadType", 1),
    ("payloadType", ""),
    ("payloadType", "application/json"),
    ("payloadType", "application/vnd.in-toto+json "),
    ("payloadType", "application/vnd.in-toto+JSON"),
    ("signatures", {}),
    ("signatures", "none"),
    ("signatures", [1]),
    ("signatures", [{"sig": None}]),
    ("signatures", [{"sig": "%"}]),
    ("signatures", [{"sig": "AAAA", "keyid": 1}]),
    ("signatures", [{"sig": "A" * 20_000}]),
    ("signatures", [{"sig": "AAAA"}] * 1000),
    ("_type", "https://in-toto.io/Statement/v1"),
]


@pytest.mark.parametrize(("name", "new"), ENVELOPES)
def test_wrong_envelopes_are_one_error(keys: tuple[Pair, Pair], name: str, new: object) -> None:
    sealed = signed(provenance(), keys[0])
    reading(text_of(sealed).encode())
    with pytest.raises(UserError) as caught:
        reading(text_of({**sealed, name: new}).encode())
    assert caught.value.id == "bad-attestation"


def test_what_is_signed_is_the_pre_authentication_encoding(keys: tuple[Pair, Pair]) -> None:
    # The example of the DSSE protocol's text.
    example = Envelope(b"hello world", "http://example.com/HelloWorld", (), "FILE")
    assert example._signed() == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    made = example.signed_by(keys[0].signer)
    assert made.signatures[0].sig == keys[0].signer._private_key.sign(example._signed())  # type: ignore[call-arg]


def parsed(value: object) -> Envelope:
    found = envelope.parse(value, "FILE")
    assert found is not None
    return found


def test_a_signature_holds_for_its_payload_and_its_type_only(keys: tuple[Pair, Pair]) -> None:
    key = keys[0].signer.public_key
    sealed = parsed(signed(provenance(), keys[0]))
    assert sealed.signers([key]) == (key,)
    other = parsed(signed(provenance(b"another"), keys[0]))
    assert Envelope(other.payload, PAYLOAD_TYPE, sealed.signatures, "FILE").signers([key]) == ()
    confused = Envelope(sealed.payload, "application/json", (), "FILE").signed_by(keys[0].signer)
    assert confused.signers([key]) == (key,)
    moved = Envelope(sealed.payload, PAYLOAD_TYPE, confused.signatures, "FILE")
    assert moved.signers([key]) == ()


def test_key_ids_are_hints_that_decide_nothing(keys: tuple[Pair, Pair]) -> None:
    one, two = (each.signer.public_key for each in keys)
    sealed = parsed(signed(provenance(), keys[0]))
    (real,) = sealed.signatures
    for keyid in ("", "whatever", two.keyid):
        renamed = Envelope(sealed.payload, PAYLOAD_TYPE, (Signature(keyid, real.sig),), "FILE")
        assert renamed.signers([one, two]) == (one,)
    forged = Envelope(sealed.payload, PAYLOAD_TYPE, (Signature(one.keyid, bytes(64)),), "FILE")
    assert forged.signers([one, two]) == ()


def test_a_key_counts_once_however_often_it_signed(keys: tuple[Pair, Pair]) -> None:
    one, two = (each.signer.public_key for each in keys)
    (real,) = parsed(signed(provenance(), keys[0])).signatures
    many = tuple(Signature(f"key {number}", real.sig) for number in range(5))
    sealed = Envelope(parsed(signed(provenance())).payload, PAYLOAD_TYPE, many, "FILE")
    assert sealed.signers([one, two]) == (one,)


def test_base64_may_be_url_safe(keys: tuple[Pair, Pair]) -> None:
    sealed = signed(provenance(), keys[0])
    swap = str.maketrans("+/", "-_")
    safe = {
        **sealed,
        "payload": sealed["payload"].translate(swap),
        "signatures": [{"sig": sealed["signatures"][0]["sig"].translate(swap)}],
    }
    assert parsed(safe).signers([keys[0].signer.public_key])


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    for path in (large, Path("/dev/zero")):
        with pytest.raises(UserError) as caught:
            provenances.read(path)
        assert "larger than 16 MiB" in caught.value.cause


def test_a_file_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.json"):
        with pytest.raises(UserError) as caught:
            provenances.read(path)
        assert caught.value.id == "unreadable-file"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["_type", "payload", "payloadType", "signatures", "sig", "a"]), inner
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300)
def test_no_content_makes_a_traceback(data: bytes) -> None:
    with pytest.raises(UserError) as caught:
        reading(data)
    assert caught.value.id == "bad-attestation"


@given(st.data())
@settings(max_examples=300)
def test_no_change_of_an_envelope_keeps_a_signature_on_other_content(data: st.DataObject) -> None:
    signer = CryptoSigner.generate_ed25519()
    sealed = envelope.of_statement(provenance(), "FILE").signed_by(signer)
    text = bytearray(text_of(sealed.document()).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text) - 1))
        cut = data.draw(st.integers(0, 3))
        text[place : place + cut] = data.draw(st.binary(max_size=3))
    try:
        found = envelope.parse(strict_json.parse(bytes(text), "FILE"), "FILE")
    except UserError:
        return
    if found is not None and found.signers([signer.public_key]):
        assert (found.payload, found.payload_type) == (sealed.payload, sealed.payload_type)


@given(st.data())
@settings(max_examples=300)
def test_no_change_of_a_provenance_makes_a_traceback(data: st.DataObject) -> None:
    value: Any = provenance()
    above, key = value, "predicate"
    while isinstance(above[key], dict | list) and above[key] and data.draw(st.integers(0, 3)):
        above = above[key]
        names = list(above) if isinstance(above, dict) else range(len(above))
        key = data.draw(st.sampled_from(names))
    above[key] = data.draw(JSON)
    found = "bad-attestation"
    try:
        read = reading(json.dumps(value).encode())
        _ = read.parameters, read.sandbox, read.subject("image"), read.of_kind("package")  # type: ignore[attr-defined]
    except UserError as error:
        found = error.id
    assert found == "bad-attestation"
