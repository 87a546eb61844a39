"""What a server says about an action is believed only as far as it can be checked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.protobuf import blob, message, number, string
from unibuild.store.reapi import (
    ActionResult,
    Directory,
    DirectoryNode,
    OutputDirectory,
    OutputFile,
    encode_action_result,
    encode_digest,
    encode_directory,
    encode_tree,
)
from unibuild.store.remote import trust
from unibuild.store.remote.signatures import Signer

FUNCTION = DigestFunction("sha256")
ACTION = FUNCTION.of(b"action")
GOOD = FUNCTION.of(b"good")
RESULT = ActionResult((OutputFile("unibuild-out/a", GOOD),), (), 0, b"a warning\n")


class Blobs:
    """A blob service of what is given; nothing else is asked of it here."""

    def __init__(self, *blobs: bytes) -> None:
        self.blobs = {FUNCTION.of(data): data for data in blobs}

    async def read(self, digests: Iterable[Digest]) -> Mapping[Digest, bytes]:
        return {digest: self.blobs[digest] for digest in digests if digest in self.blobs}


def accepted(
    encoded: bytes, *blobs: bytes, demanded: tuple[str, ...] = (), any_exit: bool = False
) -> tuple[ActionResult, str] | None:
    service: object = Blobs(*blobs)
    return asyncio.run(
        trust.accept(encoded, ACTION, FUNCTION, demanded, service, any_exit=any_exit)  # type: ignore[arg-type]
    )


def test_a_good_result_is_taken_as_it_is() -> None:
    assert accepted(encode_action_result(RESULT)) == (RESULT, "")


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "..", "a/../../b", "./a", "a//b", "a/", "a\0b", "."]
)
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    file = RESULT._replace(files=(OutputFile(path, GOOD),))
    directory = RESULT._replace(directories=(OutputDirectory(path, GOOD, GOOD),))
    assert accepted(encode_action_result(file)) is None
    assert accepted(encode_action_result(directory)) is None


def test_a_path_is_named_once() -> None:
    twice = (OutputFile("a", GOOD), OutputFile("a", ACTION))
    assert accepted(encode_action_result(ActionResult(twice))) is None
    both = ActionResult((OutputFile("a", GOOD),), (OutputDirectory("a", GOOD, GOOD),))
    assert accepted(encode_action_result(both)) is None


@pytest.mark.parametrize(
    "digest",
    [
        Digest("../../x", 3),
        Digest("", 0),
        Digest("A" * 64, 3),
        Digest("a" * 63, 3),
        Digest("a" * 64 + "\n", 3),
        Digest("٣" * 64, 3),
        Digest("a" * 64, 1 << 63),
        Digest("a" * 64, (1 << 64) - 1),
    ],
)
def test_digests_that_name_no_blob_are_refused(digest: Digest) -> None:
    file = ActionResult((OutputFile("a", digest),))
    assert accepted(encode_action_result(file)) is None
    directory = ActionResult((), (OutputDirectory("a", digest, GOOD),))
    assert accepted(encode_action_result(directory)) is None
    stdout = message(6, encode_digest(digest))
    assert accepted(stdout) == (None if digest.hash else (ActionResult(), ""))


@pytest.mark.parametrize("field", [10, 11, 12])
def test_symbolic_links_are_no_outputs_of_ours(field: int) -> None:
    link = message(field, string(1, "l") + string(2, "/etc/passwd"))
    assert accepted(encode_action_result(RESULT) + link) is None


@pytest.mark.parametrize("code", [1, -1, 255])
def test_a_failure_is_no_result_unless_it_is_asked_for(code: int) -> None:
    failed = number(4, code % (1 << 64))
    assert accepted(failed) is None
    assert accepted(failed, any_exit=True) == (ActionResult(exit_code=code), "")


@pytest.mark.parametrize("data", [b"\xff", b"\x12\x05ab", b"\x12\x04\x0a\x02\xff\xfe", b"\x0b"])
def test_malformed_results_are_misses(data: bytes) -> None:
    assert accepted(data) is None


def test_standard_streams_are_brought_together() -> None:
    out, err = b"out" * 100, b"err" * 100
    named = message(6, encode_digest(FUNCTION.of(out))) + message(
        8, encode_digest(FUNCTION.of(err))
    )
    found = accepted(named, out, err)
    assert found is not None
    assert found[0].stdout == out + err
    assert accepted(named, out) is None
    inline = blob(5, out) + message(6, encode_digest(FUNCTION.of(out))) + blob(7, err)
    assert accepted(inline) == (ActionResult(stdout=out + err), "")
    empty = message(6, encode_digest(FUNCTION.of(b"")))
    assert accepted(empty) == (ActionResult(), "")
    endless = message(6, encode_digest(Digest("a" * 64, 1 << 40)))
    assert accepted(endless) is None


def test_the_root_of_a_directory_is_filled_in() -> None:
    child = encode_directory(Directory())
    root = encode_directory(Directory((), (DirectoryNode("d", FUNCTION.of(child)),)))
    tree = encode_tree(root, (child,))
    without = ActionResult((), (OutputDirectory("t", FUNCTION.of(tree), Digest("", 0)),))
    encoded = message(3, string(1, "t") + message(3, encode_digest(FUNCTION.of(tree))))
    whole = without._replace(
        directories=(OutputDirectory("t", FUNCTION.of(tree), FUNCTION.of(root)),)
    )
    assert accepted(encoded, tree) == (whole, "")
    assert accepted(encoded) is None


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer(str(tmp_path / "key.pem"), create=True)


def test_a_demanded_signature_is_found(signer: Signer, tmp_path: Path) -> None:
    other = Signer(str(tmp_path / "other.pem"), create=True)
    sealed = trust.seal("sha256", ACTION, RESULT, signer)
    assert accepted(sealed, demanded=(other.public, signer.public)) == (RESULT, signer.public)
    assert accepted(sealed) == (RESULT, "")
    assert accepted(sealed, demanded=(other.public,)) is None
    assert accepted(encode_action_result(RESULT), demanded=(signer.public,)) is None


def test_a_signature_fits_one_result_of_one_action(signer: Signer) -> None:
    changed = RESULT._replace(stdout=b"another warning\n")
    elsewhere = trust.seal("sha256", GOOD, RESULT, signer)
    function = trust.seal("blake3", ACTION, RESULT, signer)
    metadata = trust.seal("sha256", ACTION, RESULT, signer)[len(encode_action_result(RESULT)) :]
    for sealed in (elsewhere, function, encode_action_result(changed) + metadata):
        assert accepted(sealed, demanded=(signer.public,)) is None


def test_a_signature_covers_what_a_server_moved_to_a_blob(signer: Signer) -> None:
    quiet = encode_action_result(RESULT._replace(stdout=b""))
    sealed = trust.seal("sha256", ACTION, RESULT, signer)
    moved = (
        quiet
        + message(6, encode_digest(FUNCTION.of(RESULT.stdout)))
        + sealed[len(encode_action_result(RESULT)) :]
    )
    assert accepted(moved, RESULT.stdout, demanded=(signer.public,)) == (RESULT, signer.public)


def test_without_a_signer_nothing_is_signed() -> None:
    assert trust.seal("sha256", ACTION, RESULT, None) == encode_action_result(RESULT)
