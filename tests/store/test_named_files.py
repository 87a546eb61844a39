from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from unibuild.model.errors import UserError
from unibuild.store.named_files import replace_file


def test_a_file_keeps_its_mode_and_is_replaced_whole(tmp_path: Path) -> None:
    place = tmp_path / "a"
    place.write_bytes(b"before")
    place.chmod(0o640)
    with place.open("rb") as reader:
        replace_file(place, b"after")
        assert reader.read() == b"before"
    assert (place.read_bytes(), place.stat().st_mode & 0o777) == (b"after", 0o640)
    assert os.listdir(tmp_path) == ["a"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to("there/file")
    for data in (b"one", b"two"):
        replace_file(link, data)
        assert link.is_symlink()
        assert (tmp_path / "there" / "file").read_bytes() == data


def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    replace_file(pipe, b"data")
    reader.join(10)
    assert read == [b"data"]
    assert pipe.is_fifo()


def test_nobody_elses_link_is_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"kept")
    (tmp_path / f".a.{os.getpid()}").symlink_to(victim)
    replace_file(tmp_path / "a", b"data")
    assert (victim.read_bytes(), (tmp_path / "a").read_bytes()) == (b"kept", b"data")


@pytest.mark.parametrize("name", ["", "none/a", "file/a"])
def test_where_nothing_can_be_written_is_one_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as caught:
        replace_file(tmp_path / name, b"data")
    assert caught.value.id == "unwritable"
    assert os.listdir(tmp_path) == ["file"]
