from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.conftest import Opened

from unibuild.store.digests import Digest
from unibuild.store.layout import FIXED_TIME_NS


def damage(path: str, position: int, bit: int) -> None:
    mode = os.stat(path).st_mode
    os.chmod(path, 0o644)
    data = bytearray(Path(path).read_bytes())
    data[position % len(data)] ^= 1 << bit
    Path(path).write_bytes(data)
    os.chmod(path, stat.S_IMODE(mode))
    os.utime(path, ns=(FIXED_TIME_NS, FIXED_TIME_NS))


def test_bytes_come_back(cache: Opened) -> None:
    digest = cache.content.put_bytes(b"hello")
    assert cache.content.contains(digest)
    assert cache.content.read(digest) == b"hello"
    assert cache.content.put_bytes(b"hello") == digest


def test_a_missing_blob_is_none(cache: Opened) -> None:
    digest = Digest("0" * 64, 5)
    assert not cache.content.contains(digest)
    assert cache.content.read(digest) is None
    assert cache.content.file(digest) is None


@pytest.mark.parametrize("executable", [False, True])
def test_stored_files_have_a_fixed_mode_and_time(cache: Opened, executable: bool) -> None:
    digest = cache.content.put_bytes(b"x")
    path = cache.content.file(digest, executable=executable)
    assert path is not None
    found = os.stat(path)
    assert stat.S_IMODE(found.st_mode) == (0o555 if executable else 0o444)
    assert found.st_mtime_ns == FIXED_TIME_NS


def test_each_mode_is_a_file_of_its_own(cache: Opened) -> None:
    digest = cache.content.put_bytes(b"x")
    plain, executable = cache.content.file(digest), cache.content.file(digest, executable=True)
    assert plain is not None
    assert executable is not None
    assert os.stat(plain).st_ino != os.stat(executable).st_ino


def test_a_copy_has_the_digest_of_what_was_copied(cache: Opened, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"z" * 200_000)
    digest = cache.content.put_copy(str(tmp_path / "source"))
    assert digest == cache.function.of(b"z" * 200_000)
    (tmp_path / "source").write_bytes(b"changed")
    assert cache.content.read(digest) == b"z" * 200_000


def test_adopting_moves_the_file(cache: Opened) -> None:
    place = cache.session.scratch()
    Path(place).write_bytes(b"made")
    digest = cache.function.of(b"made")
    cache.content.adopt(place, digest, executable=True)
    assert not Path(place).exists()
    assert cache.content.read(digest) == b"made"


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.binary(min_size=1, max_size=3000), st.integers(0, 10**6), st.integers(0, 7), st.booleans()
)
def test_a_flipped_bit_is_found_dropped_and_noted(
    tmp_path: Path, data: bytes, position: int, bit: int, executable: bool
) -> None:
    writer = Opened(tmp_path / "cache")
    digest = writer.content.put_bytes(data)
    path = writer.content.file(digest, executable=executable)
    assert path is not None
    writer.close()
    damage(path, position, bit)
    reader = Opened(tmp_path / "cache")
    try:
        found = reader.content.file(digest, executable=executable)
        if executable:  # the other variant of the blob heals it
            assert found is not None
            assert Path(found).read_bytes() == data
        else:
            assert found is None
            assert not Path(path).exists()
        assert any(digest.hash in note and "corrupt" in note for note in reader.notes)
        assert reader.content.put_bytes(data) == digest
        assert reader.content.read(digest) == data
    finally:
        reader.close()


def test_a_cut_blob_is_found(cache: Opened) -> None:
    digest = cache.content.put_bytes(b"some bytes")
    path = cache.content.file(digest)
    assert path is not None
    os.chmod(path, 0o644)
    os.truncate(path, 4)
    assert cache.content.read(digest) is None
    assert not os.path.exists(path)


def test_a_write_after_verification_is_found(cache: Opened) -> None:
    digest = cache.content.put_bytes(b"some bytes")
    path = cache.content.file(digest)
    assert path is not None
    os.chmod(path, 0o644)
    Path(path).write_bytes(b"SOME BYTES")
    assert cache.content.read(digest) is None


def test_two_processes_may_write_one_blob(tmp_path: Path) -> None:
    first, second = Opened(tmp_path / "cache"), Opened(tmp_path / "cache")
    try:
        assert first.content.put_bytes(b"same") == second.content.put_bytes(b"same")
        assert first.content.read(first.function.of(b"same")) == b"same"
    finally:
        first.close()
        second.close()
