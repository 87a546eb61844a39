from __future__ import annotations

import multiprocessing
import os
import stat
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from unibuild.model.errors import UserError
from unibuild.store.digests import Digest
from unibuild.store.protobuf import blob, fields, number, string
from unibuild.store.reapi import (
    ActionResult,
    OutputDirectory,
    OutputFile,
    decode_action_result,
    encode_action_result,
)
from unibuild.store.remote.signatures import (
    TYPE_URL,
    Signer,
    check_public_key,
    default_key_path,
    signed_by,
    verify,
)

ACTION = Digest("ab" * 32, 140)
OTHER = Digest("cd" * 32, 140)
RESULT = ActionResult(
    (OutputFile("unibuild-out/a.o", Digest("01" * 32, 7)),),
    (OutputDirectory("unibuild-out/tree", Digest("02" * 32, 8), Digest("03" * 32, 9)),),
    0,
    b"warning: x\n",
)
DATA = encode_action_result(RESULT)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(str(tmp_path / "key.pem"), create=True)


def test_a_signature_names_its_key(signer: Signer) -> None:
    carried = signer.sign("blake3", ACTION, DATA)
    assert verify("blake3", ACTION, DATA, carried) == signer.public
    check_public_key(signer.public, "require_signed")


def test_another_action_or_function_is_not_what_was_signed(signer: Signer) -> None:
    carried = signer.sign("sha256", ACTION, DATA)
    assert verify("sha256", OTHER, DATA, carried) == ""
    assert verify("sha256", Digest(ACTION.hash, ACTION.size + 1), DATA, carried) == ""
    assert verify("blake3", ACTION, DATA, carried) == ""


def test_bytes_cannot_move_between_what_is_signed(signer: Signer) -> None:
    carried = signer.sign("sha256", Digest("ab", 1), b"1\0x")
    assert verify("sha256", Digest("ab", 11), b"\0x", carried) == ""
    assert verify("sha256", Digest("ab", 1), b"1\0x", carried) == signer.public


ITEM, DIRECTORY = RESULT.files[0], RESULT.directories[0]
WRONG = Digest("09" * 32, 7)


@pytest.mark.parametrize(
    "changed",
    [
        RESULT._replace(exit_code=1),
        RESULT._replace(stdout=b""),
        RESULT._replace(files=()),
        RESULT._replace(directories=()),
        RESULT._replace(files=(ITEM, ITEM._replace(path="unibuild-out/b.o"))),
        RESULT._replace(files=(ITEM._replace(path="unibuild-out/b.o"),)),
        RESULT._replace(files=(ITEM._replace(digest=WRONG),)),
        RESULT._replace(files=(ITEM._replace(digest=Digest(ITEM.digest.hash, 8)),)),
        RESULT._replace(files=(ITEM._replace(executable=True),)),
        RESULT._replace(directories=(DIRECTORY._replace(path="x"),)),
        RESULT._replace(directories=(DIRECTORY._replace(tree=WRONG),)),
        RESULT._replace(directories=(DIRECTORY._replace(root=WRONG),)),
    ],
)
def test_a_change_of_any_field_is_seen(signer: Signer, changed: ActionResult) -> None:
    carried = signer.sign("blake3", ACTION, DATA)
    assert verify("blake3", ACTION, encode_action_result(changed), carried) == ""


def test_every_flipped_bit_of_what_is_carried_is_seen(signer: Signer) -> None:
    carried = signer.sign("blake3", ACTION, DATA)
    for position in range(len(carried)):
        wrong = bytearray(carried)
        wrong[position] ^= 1 << (position % 8)
        assert verify("blake3", ACTION, DATA, bytes(wrong)) == ""


def test_a_foreign_key_in_the_place_of_ours_does_not_fit(signer: Signer, tmp_path: Path) -> None:
    other = Signer(str(tmp_path / "other.pem"), create=True)
    ours = signer.sign("blake3", ACTION, DATA)
    theirs = other.sign("blake3", ACTION, DATA)
    keys = [dict(fields(dict(fields(data))[2])) for data in (ours, theirs)]  # type: ignore[arg-type]
    mixed = blob(1, bytes(keys[0][1])) + blob(2, bytes(keys[1][2]))
    assert verify("blake3", ACTION, DATA, string(1, TYPE_URL) + blob(2, mixed)) == ""


@pytest.mark.parametrize(
    "carried",
    [
        b"",
        b"\xff",
        string(1, TYPE_URL),
        string(1, TYPE_URL) + number(2, 7),
        string(1, TYPE_URL) + blob(2, b"\xff\xff"),
        string(1, TYPE_URL) + blob(2, number(1, 5) + number(2, 5)),
        string(1, TYPE_URL) + blob(2, blob(1, b"short") + blob(2, b"s" * 64)),
        string(1, TYPE_URL) + blob(2, blob(1, b"k" * 32) + blob(2, b"short")),
        string(1, "type.googleapis.com/google.rpc.Status") + blob(2, b"x"),
    ],
)
def test_what_is_no_signature_names_nobody(carried: bytes) -> None:
    assert verify("blake3", ACTION, DATA, carried) == ""


def test_one_of_the_demanded_keys_must_have_signed(signer: Signer, tmp_path: Path) -> None:
    other = Signer(str(tmp_path / "other.pem"), create=True)
    both = [other.sign("blake3", ACTION, DATA), signer.sign("blake3", ACTION, DATA)]
    assert signed_by("blake3", ACTION, DATA, both, [signer.public]) == signer.public
    assert signed_by("blake3", ACTION, DATA, both[:1], [signer.public]) == ""
    assert signed_by("blake3", ACTION, DATA, [], [signer.public]) == ""
    assert signed_by("blake3", OTHER, DATA, both, [signer.public, other.public]) == ""


def test_a_result_that_a_server_encoded_anew_still_fits(signer: Signer) -> None:
    carried = signer.sign("blake3", ACTION, DATA)
    metadata = blob(9, string(1, "worker-7") + blob(11, carried))
    served = blob(5, RESULT.stdout) + DATA.replace(blob(5, RESULT.stdout), b"") + metadata
    canonical = encode_action_result(decode_action_result(served))
    assert verify("blake3", ACTION, canonical, carried) == signer.public


def test_the_users_own_key_is_made_once_and_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = Path(default_key_path())
    assert path == tmp_path / "config/unibuild/signing-key.pem"
    first = Signer()
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Signer().public == first.public
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_the_place_of_the_users_own_key() -> None:
    assert default_key_path({"HOME": "/h"}) == "/h/.config/unibuild/signing-key.pem"
    relative = {"HOME": "/h", "XDG_CONFIG_HOME": "here"}
    assert default_key_path(relative) == "/h/.config/unibuild/signing-key.pem"


def make_key(path: str, start: Barrier, answers: multiprocessing.Queue[str]) -> None:
    start.wait()
    answers.put(Signer(path, create=True).public)


def test_processes_that_make_the_key_at_once_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = context.Queue()
    path, start = str(tmp_path / "key.pem"), context.Barrier(6)
    processes = [context.Process(target=make_key, args=(path, start, answers)) for _ in range(6)]
    for process in processes:
        process.start()
    keys = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert keys == {Signer(path).public}
    assert os.listdir(tmp_path) == ["key.pem"]


def test_a_named_key_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        Signer(str(tmp_path / "none.pem"))
    assert raised.value.id == "signing-key-unreadable"
    assert "unibuild cache key" in raised.value.hint
    assert os.listdir(tmp_path) == []


def elliptic() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\0" * 4096, elliptic()])
def test_a_file_that_is_no_ed25519_key_is_an_error_and_is_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UserError) as raised:
        Signer(str(path), create=True)
    assert raised.value.id == "signing-key-unreadable"
    assert str(path) in raised.value.cause
    assert path.read_bytes() == content


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    Signer(str(path), create=True)
    path.chmod(0o640)
    with pytest.raises(UserError) as raised:
        Signer(str(path))
    assert raised.value.id == "signing-key-exposed"
    assert f"chmod 600 {path}" in raised.value.hint


def test_a_place_where_no_key_can_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as raised:
        Signer(str(tmp_path / "file/key.pem"), create=True)
    assert raised.value.id == "signing-key-unwritable"


@pytest.mark.parametrize(
    "text", ["", "ed25519:", "ed25519:AAAA", "rsa:" + "A" * 43 + "=", "ed25519:" + "A" * 44, "é"]
)
def test_what_is_no_public_key_is_an_error(text: str) -> None:
    with pytest.raises(UserError) as raised:
        check_public_key(text, "cache.remote.require_signed")
    assert raised.value.id == "bad-public-key"
    assert "cache.remote.require_signed" in raised.value.cause
