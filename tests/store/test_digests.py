from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from unibuild.model.errors import UserError
from unibuild.store.digests import CHUNK, SMALL, Digest, DigestFunction

# The empty input's hash is in both functions' specifications.
EMPTY = {
    "blake3": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
}


@pytest.mark.parametrize("name", EMPTY)
def test_empty_input_has_the_published_hash(name: str) -> None:
    assert DigestFunction(name).of(b"") == Digest(EMPTY[name], 0)


@pytest.mark.parametrize("name", EMPTY)
@pytest.mark.parametrize(
    "size", [0, 1, SMALL - 1, SMALL, SMALL + 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]
)
def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path, name: str, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(data[:size])
    function = DigestFunction(name)
    assert function.of_file(str(tmp_path / "file")) == function.of(data[:size])


def test_sha256_is_that_of_hashlib() -> None:
    assert DigestFunction("sha256").hash(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_an_unknown_function_is_the_users_mistake() -> None:
    with pytest.raises(UserError) as caught:
        DigestFunction("md5")
    assert caught.value.id == "unknown-digest-function"
    assert "sha256" in caught.value.hint
