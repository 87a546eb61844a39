from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unibuild.external import lock
from unibuild.external.lock import Lock, LockedFile
from unibuild.external.purl import parse
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "0123456789abcdef" * 4
ZIG = "pkg:pypi/ziglang@0.17.1"
MUSL = "pkg:deb/debian/musl@1.2.3-1?arch=source"
FILE = LockedFile("a.whl", 3, DIGEST, DIGEST)
ORIGINAL = LockedFile("musl_1.2.3.orig.tar.gz", 1, DIGEST, DIGEST, "pool/main/m/musl/musl.tar.gz")
LOCK = Lock({ZIG: (FILE,), MUSL: (ORIGINAL, LockedFile("musl.dsc", 2, DIGEST, DIGEST))})

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~:!-]{0,20}", fullmatch=True)
files = st.builds(LockedFile, names, st.integers(0, 1 << 40), digests, digests, st.just("") | names)
purls = st.sampled_from([ZIG, MUSL, "pkg:pypi/a@1", "pkg:deb/ubuntu/b@1:2+c?arch=amd64"])


@given(st.dictionaries(purls, st.lists(files, min_size=1, max_size=3).map(tuple)))
def test_what_is_written_is_read_and_order_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, packages: dict[str, tuple[LockedFile, ...]]
) -> None:
    path = tmp_path_factory.mktemp("lock") / "unibuild.lock"
    assert lock.write(path, Lock(packages))
    assert lock.read(path).packages == packages
    assert not lock.write(path, Lock(dict(reversed(packages.items()))))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_lock_or_a_user_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("lock") / "unibuild.lock"
    path.write_bytes(data)
    with pytest.raises(UserError) as caught:
        lock.read(path)
    assert caught.value.id == "bad-lock"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f'sha256 = "{DIGEST}"', 'sha256 = "12"'),
        ("size = 3", "size = -3"),
        ("size = 3", "size = true"),
        ('name = "a.whl"', 'name = "../a.whl"'),
        ('location = "pool', 'location = "/pool'),
        ('location = "pool', 'location = "../pool'),
        ("version = 1", "version = 2"),
        (f'purl = "{ZIG}"', 'purl = "pkg:what"'),
        ("[[package.file]]", "[[package.other]]"),
    ],
)
def test_damage_is_told_with_its_place(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "unibuild.lock"
    text = lock.render(LOCK)
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError) as caught:
        lock.read(path)
    assert caught.value.id in {"bad-lock", "bad-purl"}
    assert caught.value.place
    assert caught.value.hint


def test_no_toml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "unibuild.lock"
    path.write_text("version = 1\nfiles = {{\n")
    with pytest.raises(UserError) as caught:
        lock.read(path)
    assert caught.value.place
    assert (caught.value.place.line, caught.value.place.text) == (2, "files = {{")


def test_an_absent_lock_is_empty(tmp_path: Path) -> None:
    assert lock.read(tmp_path / "unibuild.lock") == Lock()


def test_find_gives_the_main_file_or_the_named_one() -> None:
    assert LOCK.find(MUSL) == ORIGINAL
    assert LOCK.find(MUSL + "#musl.dsc").size == 2
    with pytest.raises(UserError) as caught:
        LOCK.find(MUSL + "#nothing")
    assert caught.value.id == "no-such-package-file"


def test_a_package_that_is_not_locked_names_the_version_that_is() -> None:
    with pytest.raises(UserError) as caught:
        LOCK.files(parse("pkg:pypi/ziglang@0.18.0"))
    assert caught.value.id == "not-locked"
    assert caught.value.detail == (f"locked is {ZIG}",)


def test_the_first_lock_holds_when_merged() -> None:
    other = LockedFile("b.whl", 4, DIGEST, DIGEST)
    merged = lock.merge([Lock({ZIG: (other,)}), LOCK])
    assert merged.find(ZIG) == other
    assert merged.find(MUSL) == ORIGINAL
