from __future__ import annotations

import os
import time
from pathlib import Path

from store.conftest import Opened

from unibuild.store import gc
from unibuild.store.digests import Digest
from unibuild.store.layout import FIXED_TIME_NS, TOUCH_INTERVAL
from unibuild.store.reapi import ActionResult

DAY = 86400


def aged(cache: Opened, data: bytes, days: float) -> Digest:
    digest = cache.content.put_bytes(data)
    path = cache.content.path(digest)
    os.utime(path, ns=(time.time_ns() - int(days * DAY * 10**9), FIXED_TIME_NS))
    return digest


def test_usage_counts_entries_by_kind(cache: Opened) -> None:
    cache.content.put_bytes(b"a" * 5000)
    cache.actions.put("12" * 32, ActionResult())
    usage = {row.kind: row for row in gc.info(str(cache.root))}
    assert (usage["blobs"].entries, usage["actions"].entries, usage["trees"].entries) == (1, 1, 0)
    assert usage["blobs"].size >= 5000
    assert usage["blobs"].function == "blake3"


def test_age_limit_takes_what_is_older(cache: Opened) -> None:
    old, young = aged(cache, b"old", 40), aged(cache, b"young", 10)
    cache.close()
    done = gc.collect(str(cache.root), max_age=30 * DAY)
    assert (done.removed, done.kept) == (1, 1)
    reader = Opened(cache.root)
    assert (reader.content.contains(old), reader.content.contains(young)) == (False, True)
    reader.close()


def test_size_limit_takes_the_least_recently_used_first(cache: Opened) -> None:
    blobs = [aged(cache, bytes([n]) * 100_000, 10 - n) for n in range(5)]
    cache.close()
    done = gc.collect(str(cache.root), max_size=250_000)
    assert done.kept_size <= 250_000
    reader = Opened(cache.root)
    assert [reader.content.contains(blob) for blob in blobs] == [False, False, False, True, True]
    reader.close()


def test_nothing_that_a_running_build_uses_is_taken(cache: Opened) -> None:
    used, unused = aged(cache, b"used", 40), aged(cache, b"unused", 40)
    build = Opened(cache.root)
    assert build.content.file(used) is not None  # marks it as used
    assert gc.collect(str(cache.root), max_size=0).removed == 1
    assert (build.content.contains(used), build.content.contains(unused)) == (True, False)
    build.close()
    cache.close()
    gc.collect(str(cache.root), max_size=0, now=time.time() + 1)
    assert not os.path.exists(cache.content.path(used))


def test_trees_are_collected_whole(cache: Opened) -> None:
    place = Path(cache.session.scratch())
    place.mkdir()
    (place / "file").write_bytes(b"x")
    made = cache.trees.adopt(str(place))
    cache.close()
    gc.collect(str(cache.root), max_size=0, now=time.time() + 2 * TOUCH_INTERVAL)
    reader = Opened(cache.root)
    assert reader.trees.directory(made.tree) is None
    assert reader.notes == []
    assert sum(row.entries for row in gc.info(str(cache.root))) == 0
    reader.close()


def test_verify_names_what_is_wrong_and_repairs_it(cache: Opened) -> None:
    digest = cache.content.put_bytes(b"blob")
    cache.actions.put("12" * 32, ActionResult())
    assert gc.verify(str(cache.root)) == ()
    for path in (cache.content.path(digest), f"{cache.root}/blake3/actions/12/{'12' * 32}"):
        os.chmod(path, 0o644)
        Path(path).write_bytes(b"BLOB")
    problems = gc.verify(str(cache.root))
    assert {problem.kind for problem in problems} == {"blobs", "actions"}
    assert gc.verify(str(cache.root), repair=True) == problems
    assert gc.verify(str(cache.root)) == ()
