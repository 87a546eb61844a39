"""The published image: compared by digest or by bytes, and a difference is explained."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support.attesting import IMAGE, bench

from unibuild.model.errors import UserError
from unibuild.verify import reference

SHA256 = hashlib.sha256(IMAGE).hexdigest()


@pytest.mark.parametrize("named", [f"sha256:{SHA256}", SHA256, SHA256.upper()])
def test_the_same_digest(tmp_path: Path, named: str) -> None:
    outcome = reference.run(bench(tmp_path, reference=named))
    assert outcome.status == "passed"
    assert outcome.facts == {"expected": f"sha256:{SHA256}", "found": f"sha256:{SHA256}"}


def test_another_digest_is_a_difference(tmp_path: Path) -> None:
    outcome = reference.run(bench(tmp_path, reference="sha256:" + "0" * 64))
    assert outcome.status == "failed"
    (error,) = outcome.errors
    assert (error.id, error.exit_code) == ("reference-differs", 4)
    assert error.detail == (f"expected sha256:{'0' * 64}", f"found    sha256:{SHA256}")


def test_a_file_is_compared_and_a_difference_explained(tmp_path: Path) -> None:
    published = tmp_path / "published.elf"
    published.write_bytes(IMAGE)
    assert reference.run(bench(tmp_path, reference=str(published))).status == "passed"
    published.write_bytes(IMAGE.replace(b"image", b"IMAGE"))
    outcome = reference.run(bench(tmp_path, reference=str(published)))
    (error,) = outcome.errors
    assert error.exit_code == 4
    assert error.detail[-1].startswith("first cause: ")
    assert outcome.facts["difference"]


@pytest.mark.parametrize(
    ("named", "identifier"),
    [
        ("sha256:12", "bad-reference"),
        ("sha512:" + "0" * 128, "bad-reference"),
        ("0" * 63, "bad-reference"),
        ("absent.elf", "missing-file"),
        (".", "missing-file"),
    ],
)
def test_what_cannot_be_compared_is_one_error(tmp_path: Path, named: str, identifier: str) -> None:
    with pytest.raises(UserError) as caught:
        reference.run(bench(tmp_path, reference=named))
    assert caught.value.id == identifier
