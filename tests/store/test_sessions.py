from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from store.conftest import Opened

from unibuild.model.errors import HostError
from unibuild.store.digests import DigestFunction
from unibuild.store.layout import Layout, Session, living_sessions


def test_scratch_goes_with_the_session(tmp_path: Path) -> None:
    layout = Layout(str(tmp_path), "blake3")
    with Session(layout) as session:
        Path(session.scratch()).mkdir()
        assert [path for path, _ in living_sessions(layout)] == [session.path]
    assert os.listdir(layout.sessions) == []


def test_a_killed_owner_is_noticed_and_cleaned_up(tmp_path: Path) -> None:
    layout = Layout(str(tmp_path), "blake3")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        session = Session(layout)
        Path(session.scratch()).mkdir()
        os.write(writing, b"x")
        signal.pause()
    os.read(reading, 1)
    assert len(living_sessions(layout)) == 1
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    assert living_sessions(layout) == []
    with Session(layout) as session:
        assert os.listdir(layout.sessions) == [os.path.basename(session.path)]


def test_a_cache_that_cannot_be_made_is_the_hosts_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostError) as caught:
        Session(Layout(str(tmp_path / "file" / "cache"), "blake3"))
    assert caught.value.id == "cache-not-writable"


def _write_until_killed(root: Path) -> None:
    cache = Opened(root)
    number = 0
    while True:
        number += 1
        data = str(number).encode() * 2000
        digest = cache.content.put_bytes(data)
        cache.content.file(digest, executable=True)
        place = Path(cache.session.scratch())
        place.mkdir()
        (place / "file").write_bytes(data)
        cache.trees.adopt(str(place))
        cache.inputs.put(digest.hash, data)


@pytest.mark.parametrize("milliseconds", [5, 20, 30, 45, 70, 110, 150])
def test_kill_at_any_instant_leaves_only_whole_entries(tmp_path: Path, milliseconds: int) -> None:
    from time import sleep

    from unibuild.store import gc

    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            try:
                _write_until_killed(tmp_path / "cache")
            finally:
                os._exit(1)
        children.append(child)
    sleep(milliseconds / 1000)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    reader = Opened(tmp_path / "cache")
    assert gc.verify(str(tmp_path / "cache")) == ()
    living = living_sessions(Layout(str(tmp_path / "cache"), "blake3"))
    # For a moment, a session that was killed before it had its lease may be one just being opened.
    assert [path for path, _ in living if Path(path, "lease").exists()] == [reader.session.path]
    assert DigestFunction("blake3").of(b"x") == reader.content.put_bytes(b"x")
    reader.close()
