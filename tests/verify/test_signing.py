"""Who signed: ``unibuild sign``, ``verify --signed-by``, and keys that stay where they belong."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from securesystemslib.dsse import Envelope as Dsse
from securesystemslib.signer import CryptoSigner
from support.attesting import CI, OTHER_CI, Pair, bench, pair, provenance, signed, write
from support.command import unibuild

from unibuild.model.errors import DifferenceError, ErrorGroup, UserError
from unibuild.verify import signed as check
from unibuild.verify.attestation import keys as key_files
from unibuild.verify.attestation import trust
from unibuild.verify.attestation.provenance import LOCAL_BUILDER, UNSANDBOXED_BUILDER
from unibuild.verify.outcome import Outcome

Keys = tuple[Pair, Pair, Pair]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    return pair(folder, "one"), pair(folder, "two"), pair(folder, "three")


def sign(
    folder: Path, *arguments: str, status: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    done = unibuild(
        "sign", *arguments, cwd=folder, environment={"HOME": str(folder), **environment}
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_key_file_signs_as_securesystemslib_reads_it(tmp_path: Path, keys: Keys) -> None:
    write(tmp_path / "image.provenance.json", provenance())
    done = sign(tmp_path, "image.provenance.json", "--key", str(keys[0].private))
    assert done.stdout == keys[0].text + "\n"
    sealed = json.loads((tmp_path / "image.provenance.json.dsse.json").read_bytes())
    assert sealed["payloadType"] == "application/vnd.in-toto+json"
    theirs = Dsse.from_dict(sealed)
    assert json.loads(theirs.payload) == provenance()
    assert theirs.verify([keys[0].signer.public_key], 1)


def test_others_add_their_signatures_to_one_envelope(tmp_path: Path, keys: Keys) -> None:
    write(tmp_path / "a.json", provenance())
    sign(tmp_path, "a.json", "--key", str(keys[0].private))
    sign(tmp_path, "a.json.dsse.json", "--key", str(keys[1].private))  # who has the envelope only
    once = (tmp_path / "a.json.dsse.json").read_bytes()
    sign(tmp_path, "a.json", "--key", str(keys[1].private))  # again, from the statement
    assert (tmp_path / "a.json.dsse.json").read_bytes() == once
    theirs = Dsse.from_dict(json.loads(once))
    assert theirs.verify([keys[0].signer.public_key, keys[1].signer.public_key], 2)


def test_a_variable_signs_in_ci(tmp_path: Path, keys: Keys) -> None:
    write(tmp_path / "a.json", provenance())
    text = keys[0].private.read_text()
    one = sign(tmp_path, "a.json", "--key-variable", "RELEASE_KEY", RELEASE_KEY=text)
    assert one.stdout == keys[0].text + "\n"
    on_one_line = text.replace("\n", "\\n")
    sign(tmp_path, "a.json", "--key-variable", "RELEASE_KEY", RELEASE_KEY=on_one_line)


def test_the_users_own_key_signs_by_default(tmp_path: Path) -> None:
    write(tmp_path / "a.json", provenance())
    done = sign(tmp_path, "a.json", status=2)
    assert "error[signing-key-unreadable]" in done.stderr
    assert "unibuild cache key" in done.stderr
    own = unibuild("cache", "key", cwd=tmp_path, environment={"HOME": str(tmp_path)})
    assert sign(tmp_path, "a.json").stdout == own.stdout


def test_signatures_of_others_are_not_lost_by_accident(tmp_path: Path, keys: Keys) -> None:
    write(tmp_path / "a.json", provenance())
    sign(tmp_path, "a.json", "--key", str(keys[0].private))
    write(tmp_path / "a.json", provenance(b"a new image"))
    before = (tmp_path / "a.json.dsse.json").read_bytes()
    done = sign(tmp_path, "a.json", "--key", str(keys[1].private), status=2)
    assert "error[other-statement]" in done.stderr
    assert (tmp_path / "a.json.dsse.json").read_bytes() == before
    sign(tmp_path, "a.json", "--key", str(keys[1].private), "--replace")
    sealed = json.loads((tmp_path / "a.json.dsse.json").read_bytes())
    assert [one["keyid"] for one in sealed["signatures"]] == [keys[1].signer.public_key.keyid]


def refused_keys(folder: Path) -> dict[str, tuple[str, str]]:
    """Return key files that cannot sign, with the error's id and a word of its cause."""
    good = pair(folder, "exposed")
    good.private.chmod(0o640)
    elliptic = ec.generate_private_key(ec.SECP256R1())
    pem = elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, content in {
        "ecdsa": pem,
        "noise": b"-----BEGIN PRIVATE KEY-----\n\xff\n-----END PRIVATE KEY-----\n",
        "empty": b"",
        "public": good.public.read_bytes(),
    }.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(content)
    return {
        "exposed.pem": ("signing-key-exposed", "accessible to other users"),
        "ecdsa": ("signing-key-unreadable", "another kind than Ed25519"),
        "noise": ("signing-key-unreadable", "no private key in PEM form"),
        "empty": ("signing-key-unreadable", "no private key in PEM form"),
        "public": ("signing-key-unreadable", "no private key in PEM form"),
        "absent": ("signing-key-unreadable", "no such file"),
    }


def test_a_signature_of_any_length_is_only_wrong(tmp_path: Path, keys: Keys) -> None:
    sealed = signed(provenance(), keys[0])
    for sig in ("", "AA==", "A" * 84 + "AA==", "A" * 16_000):
        wrong = {**sealed, "signatures": [{"keyid": "", "sig": sig}]}
        refused(run(tmp_path, wrong, signed_by=(keys[0].text,)), "key-unknown")


def test_a_bundle_of_sigstore_is_named_as_what_it_is(tmp_path: Path, keys: Keys) -> None:
    bundle = {"mediaType": "any", "dsseEnvelope": signed(provenance(), keys[0])}
    with pytest.raises(UserError) as caught:
        run(tmp_path, bundle, signed_by=(keys[0].text,))
    assert "bundle of sigstore" in caught.value.cause


def test_a_key_that_cannot_sign_is_one_error(tmp_path: Path) -> None:
    write(tmp_path / "a.json", provenance())
    for name, (identifier, word) in refused_keys(tmp_path).items():
        done = sign(tmp_path, "a.json", "--key", name, status=2)
        assert done.stderr.count("error[") == 1
        assert f"error[{identifier}]" in done.stderr
        assert word in done.stderr
    assert not (tmp_path / "a.json.dsse.json").exists()


def test_what_a_key_holds_is_in_no_message(tmp_path: Path) -> None:
    write(tmp_path / "a.json", provenance())
    done = sign(tmp_path, "a.json", "--key-variable", "KEY", status=2, KEY="hunter2-not-a-key")
    assert "hunter2" not in done.stderr + done.stdout


def test_only_statements_are_signed(tmp_path: Path, keys: Keys) -> None:
    sealed = signed(provenance(), keys[0])
    write(tmp_path / "manifest.json", {"format": 1})
    write(tmp_path / "other.json", {**sealed, "payloadType": "application/json"})
    for name in ("manifest.json", "other.json"):
        done = sign(tmp_path, name, "--key", str(keys[0].private), status=2)
        assert "error[bad-attestation]" in done.stderr


def test_without_the_extra_keyless_signing_says_what_is_lacking(tmp_path: Path) -> None:
    write(tmp_path / "a.json", provenance())
    done = sign(tmp_path, "a.json", "--keyless", status=3)
    assert "error[no-sigstore]" in done.stderr
    assert "unibuild[sigstore]" in done.stderr


# --- verify --signed-by ---


def run(folder: Path, *provenances: dict[str, Any], **asked: Any) -> Outcome:
    return check.run(bench(folder, *provenances, **asked))


def refused(outcome: Outcome, reason: str) -> None:
    assert outcome.status == "failed"
    assert outcome.facts["reason"] == reason
    (error,) = outcome.errors
    assert error.id == "signature-refused"
    assert error.exit_code == (4 if reason == "other-image" else 2)


def test_signed_by_a_named_key(tmp_path: Path, keys: Keys) -> None:
    for named in (keys[0].text, str(keys[0].public)):
        outcome = run(tmp_path, signed(provenance(), keys[0]), signed_by=(named,))
        assert outcome.status == "passed", outcome.errors
        assert outcome.facts["threshold"] == 1


def test_the_envelope_beside_the_image_is_found(tmp_path: Path, keys: Keys) -> None:
    asked = bench(tmp_path, signed_by=(keys[0].text,))
    refused(check.run(asked), "no-provenance")
    write(tmp_path / "image.provenance.json", provenance())
    refused(check.run(bench(tmp_path, signed_by=(keys[0].text,))), "unsigned")
    write(tmp_path / "image.provenance.json.dsse.json", signed(provenance(), keys[0]))
    assert check.run(bench(tmp_path, signed_by=(keys[0].text,))).status == "passed"


def test_an_unknown_key(tmp_path: Path, keys: Keys) -> None:
    refused(run(tmp_path, signed(provenance(), keys[0]), signed_by=(keys[1].text,)), "key-unknown")


def test_an_unsigned_provenance(tmp_path: Path, keys: Keys) -> None:
    named = (keys[0].text,)
    refused(run(tmp_path, provenance(), signed_by=named), "unsigned")
    refused(run(tmp_path, signed(provenance()), signed_by=named), "unsigned")
    both = run(tmp_path, signed(provenance(), keys[0]), provenance(), signed_by=named)
    refused(both, "unsigned")


def test_content_that_was_changed_after_signing(tmp_path: Path, keys: Keys) -> None:
    sealed = signed(provenance(), keys[0])
    changed = {**sealed, "payload": signed(provenance(builder=OTHER_CI))["payload"]}
    refused(run(tmp_path, changed, signed_by=(keys[0].text,)), "signature-invalid")


def test_a_tampered_image_and_the_provenance_of_another(tmp_path: Path, keys: Keys) -> None:
    sealed = signed(provenance(), keys[0])
    outcome = run(tmp_path, sealed, image=b"\x7fELF AN image", signed_by=(keys[0].text,))
    refused(outcome, "other-image")
    assert isinstance(outcome.errors[0], DifferenceError)
    two = run(tmp_path, sealed, signed(provenance(b"other"), keys[0]), signed_by=(keys[0].text,))
    refused(two, "other-image")


def test_what_else_a_provenance_names_is_no_image(tmp_path: Path, keys: Keys) -> None:
    made = provenance()
    made["subject"][0]["annotations"]["role"] = "symbols"
    refused(run(tmp_path, signed(made, keys[0]), signed_by=(keys[0].text,)), "other-image")
    del made["subject"][0]["annotations"]  # as other builders write theirs
    assert run(tmp_path, signed(made, keys[0]), signed_by=(keys[0].text,)).status == "passed"


def test_a_threshold_counts_keys_not_signatures(tmp_path: Path, keys: Keys) -> None:
    named = tuple(key.text for key in keys)
    twice = signed(provenance(), keys[0])
    twice["signatures"] = [
        *twice["signatures"], {"keyid": "another", "sig": twice["signatures"][0]["sig"]},
    ]  # fmt: skip
    refused(run(tmp_path, twice, signed_by=named, threshold=2), "threshold-not-met")
    again = (signed(provenance(), keys[0]), signed(provenance(builder=OTHER_CI), keys[0]))
    refused(run(tmp_path, *again, signed_by=named, threshold=2), "threshold-not-met")
    both = signed(provenance(), keys[0], keys[1])
    assert run(tmp_path, both, signed_by=named, threshold=2).status == "passed"
    apart = (signed(provenance(), keys[0]), signed(provenance(builder=OTHER_CI), keys[1]))
    assert run(tmp_path, *apart, signed_by=named, threshold=2).status == "passed"
    refused(run(tmp_path, both, signed_by=named, threshold=3), "threshold-not-met")


def test_a_threshold_that_the_keys_cannot_reach_is_a_mistake(tmp_path: Path, keys: Keys) -> None:
    same = (keys[0].text, str(keys[0].public))
    with pytest.raises(UserError) as caught:
        run(tmp_path, signed(provenance(), keys[0]), signed_by=same, threshold=2)
    assert caught.value.id == "threshold-too-high"


def trust_file(folder: Path, text: str) -> str:
    path = folder / "trust.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_trust_file_names_keys_and_threshold(tmp_path: Path, keys: Keys) -> None:
    (tmp_path / "two.pub").write_bytes(keys[1].public.read_bytes())
    named = trust_file(
        tmp_path,
        f'threshold = 2\n[[key]]\nname = "release"\nkey = "{keys[0].text}"\n'
        f'expires = 2999-01-01\n[[key]]\nname = "review"\nfile = "two.pub"\nbuilders = ["{CI}"]\n',
    )
    outcome = run(tmp_path, signed(provenance(), keys[0], keys[1]), signed_by=(named,))
    assert outcome.status == "passed", outcome.errors
    assert outcome.facts["signers"] == ["release", "review"]
    one = run(tmp_path, signed(provenance(), keys[0]), signed_by=(named,))
    refused(one, "threshold-not-met")


@pytest.mark.parametrize(
    "moment",
    ["2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00+02:00", "2020-01-01 00:00:00"],
)
def test_an_expired_key(tmp_path: Path, keys: Keys, moment: str) -> None:
    named = trust_file(tmp_path, f'[[key]]\nkey = "{keys[0].text}"\nexpires = {moment}\n')
    refused(run(tmp_path, signed(provenance(), keys[0]), signed_by=(named,)), "key-expired")


def test_a_key_expires_at_its_moment(keys: Keys) -> None:
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    key = trust.TrustedKey("k", keys[0].signer.public_key, moment)
    assert not key.expired(moment - dt.timedelta(seconds=1))
    assert key.expired(moment)


def test_a_key_of_another_builder(tmp_path: Path, keys: Keys) -> None:
    named = trust_file(tmp_path, f'[[key]]\nkey = "{keys[0].text}"\nbuilders = ["{OTHER_CI}"]\n')
    refused(
        run(tmp_path, signed(provenance(), keys[0]), signed_by=(named,)), "key-of-another-builder"
    )


MISTAKES = {
    "bad-toml": "[[key]\n",
    "unknown-attribute": '[[key]]\nkye = "ed25519:x"\n',
    "missing-attribute": "threshold = 1\n",
    "wrong-type": "threshold = 1\nkey = 1\n",
    "bad-public-key": '[[key]]\nkey = "ed25519:AAAA"\n',
    "unreadable-file": '[[key]]\nfile = "absent.pub"\n',
    "bad-value": "[[key]]\nname = 'no key'\n",
    "not-utf8": "\udcff",
}


@pytest.mark.parametrize(("identifier", "text"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistake_in_a_trust_file_is_one_error_at_its_place(
    tmp_path: Path, identifier: str, text: str
) -> None:
    path = tmp_path / "trust.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError) as caught:
        trust.of_options([str(path)])
    assert caught.value.id == identifier
    assert caught.value.place is not None
    if identifier == "unknown-attribute":
        assert caught.value.hint == "did you mean `key`?"
        assert (caught.value.place.line, caught.value.place.column) == (2, 1)


def test_the_same_key_with_other_limits_is_a_mistake(tmp_path: Path, keys: Keys) -> None:
    text = f'[[key]]\nkey = "{keys[0].text}"\n[[key]]\nkey = "{keys[0].text}"\nlevel = 3\n'
    with pytest.raises(UserError) as caught:
        trust.of_options([trust_file(tmp_path, text)])
    assert caught.value.id == "key-named-twice"


def test_what_is_no_public_key(tmp_path: Path, keys: Keys) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = weak.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in {"rsa.pub": pem, "noise.pub": b"noise", "cut.pub": pem[:80]}.items():
        (tmp_path / name).write_bytes(content)
    names = [str(tmp_path / name) for name in ("rsa.pub", "noise.pub", "cut.pub")]
    for named in (*names, str(keys[0].private), "ed25519:", "ed25519:é", keys[0].text + "A"):
        with pytest.raises(UserError) as caught:
            trust.of_options([named])
        assert caught.value.id == "bad-public-key"
    with pytest.raises(UserError) as caught:
        trust.of_options([str(tmp_path / "absent.pub")])
    assert caught.value.id == "unreadable-file"


def test_ecdsa_keys_of_other_tools_are_verified(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = tmp_path / "cosign.pub"
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    one = Pair(tmp_path, public, "", CryptoSigner(key))
    sealed = signed(provenance(), one)
    assert run(tmp_path, sealed, signed_by=(str(public),)).status == "passed"


def test_local_builders_never_reach_more_than_level_1(keys: Keys) -> None:
    key = trust.TrustedKey("k", keys[0].signer.public_key, level=3)
    assert key.level_of(CI) == 3
    assert key.level_of(LOCAL_BUILDER) == key.level_of(UNSANDBOXED_BUILDER) == 1


def test_several_mistakes_are_shown_at_once(tmp_path: Path) -> None:
    path = trust_file(tmp_path, "[[key]]\nnmae = 1\n[[key]]\nlevel = 9\n")
    with pytest.raises(ErrorGroup) as caught:
        trust.of_options([path])
    assert [error.id for error in caught.value.errors] == ["unknown-attribute", "bad-value"]


def test_a_mounted_secret_has_whatever_mode_its_owner_gave(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys[2].private.chmod(0o644)
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    assert key_files.signer_of_file(keys[2].private).public_key == keys[2].signer.public_key
