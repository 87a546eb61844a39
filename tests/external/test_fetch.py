from __future__ import annotations

import hashlib
import multiprocessing
import random
import threading
import time
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from unibuild.external import transport
from unibuild.external.fetch import Fetcher
from unibuild.external.lock import Lock, LockedFile
from unibuild.external.packages import StoredPackages, digest_of
from unibuild.external.registries import Registries
from unibuild.model.errors import HostError, UserError
from unibuild.store.cas import LocalStore
from unibuild.store.digests import DigestFunction
from unibuild.store.layout import Layout, Session

if TYPE_CHECKING:
    from pathlib import Path

    from support.registry import Registry

PURL = "pkg:deb/debian/thing@1.0-1?arch=source"
LOCATION = "pool/main/t/thing/thing_1.0.orig.tar.gz"
DATA = random.Random(1).randbytes(700_000)


def locked(data: bytes, name: str = "thing_1.0.orig.tar.gz") -> LockedFile:
    sha = hashlib.sha256(data).hexdigest()
    return LockedFile(name, len(data), sha, blake3(data).hexdigest(), LOCATION)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Registries, "transport", lambda *_: transport.Transport(pauses=(0, 0), timeout=10)
    )


def fetcher(store: StoredPackages, *urls: str, file: LockedFile | None = None) -> Fetcher:
    registries = Registries(chosen={"debian": urls}, root=store.cache_root)
    return Fetcher(Lock({PURL: (file or locked(DATA),)}), store, lambda: registries)


def test_a_file_is_fetched_once_and_then_needs_no_registry(
    store: StoredPackages, registry: Registry
) -> None:
    registry.pages[f"/{LOCATION}"] = DATA
    seen: list[tuple[str, int, int]] = []
    first = fetcher(store, registry.url)
    told = Fetcher(first.lock, store, first.registries, lambda *event: seen.append(event))
    assert told.path(PURL).read_bytes() == DATA
    assert seen[-1] == (PURL, len(DATA), len(DATA))

    def never() -> Registries:
        raise AssertionError

    again = Fetcher(first.lock, store, never)
    assert again.path(f"{PURL}#thing_1.0.orig.tar.gz").read_bytes() == DATA
    assert again.everything() == 0
    assert len(registry.requests) == 1
    assert list(store.incoming.iterdir()) == []


def test_a_broken_connection_is_continued(store: StoredPackages, registry: Registry) -> None:
    registry.pages[f"/{LOCATION}"] = DATA
    registry.break_after = [300_000, 200_000]
    assert fetcher(store, registry.url).path(PURL).read_bytes() == DATA
    ranges = [wanted for _, wanted in registry.requests]
    assert ranges == ["", "bytes=300000-", "bytes=500000-"]


def test_a_download_that_was_killed_is_continued_by_the_next_process(
    store: StoredPackages, registry: Registry
) -> None:
    registry.pages[f"/{LOCATION}"] = DATA
    store.incoming.mkdir(parents=True)
    (store.incoming / f"{locked(DATA).sha256}.part").write_bytes(DATA[:400_000])
    assert fetcher(store, registry.url).path(PURL).read_bytes() == DATA
    assert registry.requests == [(f"/{LOCATION}", "bytes=400000-")]


def test_a_server_without_ranges_starts_anew(store: StoredPackages, registry: Registry) -> None:
    registry.pages[f"/{LOCATION}"] = DATA
    registry.ranges = False
    registry.break_after = [300_000]
    assert fetcher(store, registry.url).path(PURL).read_bytes() == DATA


def test_a_wrong_beginning_is_thrown_away(store: StoredPackages, registry: Registry) -> None:
    registry.pages[f"/{LOCATION}"] = DATA
    store.incoming.mkdir(parents=True)
    part = store.incoming / f"{locked(DATA).sha256}.part"
    for rubbish in (b"x" * 1000, b"y" * (len(DATA) + 5), b"z" * len(DATA)):
        part.write_bytes(rubbish)
        found = fetcher(store, registry.url).path(PURL)
        assert found.read_bytes() == DATA
        found.unlink()


def test_a_busy_server_is_asked_again(store: StoredPackages, registry: Registry) -> None:
    registry.pages[f"/{LOCATION}"] = DATA
    registry.fail = 2
    assert fetcher(store, registry.url).path(PURL).read_bytes() == DATA


def test_another_mirror_is_asked_when_one_lacks_the_file(
    store: StoredPackages, registry: Registry
) -> None:
    registry.pages[f"/second/{LOCATION}"] = DATA
    urls = ("http://127.0.0.1:9/none", f"{registry.url}/first", f"{registry.url}/second")
    assert fetcher(store, *urls).path(PURL).read_bytes() == DATA


def test_other_bytes_never_get_a_name(store: StoredPackages, registry: Registry) -> None:
    changed = DATA[:-1] + bytes([DATA[-1] ^ 1])
    registry.pages[f"/{LOCATION}"] = changed
    with pytest.raises(UserError) as caught:
        fetcher(store, registry.url).path(PURL)
    assert caught.value.id == "hash-mismatch"
    assert f"sha256: expected {locked(DATA).sha256}, got {locked(changed).sha256}" in str(
        caught.value.detail
    )
    assert store.find(locked(DATA)) is None
    assert store.find(locked(changed)) is None


def test_a_superseded_version_says_what_to_do(store: StoredPackages, registry: Registry) -> None:
    with pytest.raises(UserError) as caught:
        fetcher(store, registry.url).path(PURL)
    assert caught.value.id == "package-gone"
    assert "unibuild update" in caught.value.hint


def test_no_server_is_a_matter_of_the_host(store: StoredPackages) -> None:
    with pytest.raises(HostError) as caught:
        fetcher(store, "http://127.0.0.1:9").path(PURL)
    assert caught.value.id == "unreachable"
    assert caught.value.cause.startswith(f"cannot fetch {PURL}: cannot read http")


def _fetch_in_a_process(cache: Path, url: str) -> None:
    layout = Layout(str(cache), "blake3")
    with Session(layout) as session:
        blobs = LocalStore(layout, DigestFunction("blake3"), session, lambda _: None)
        found = fetcher(StoredPackages(blobs, "blake3", cache), url).path(PURL)
        assert found.read_bytes() == DATA


def test_processes_that_want_the_same_file_share_one_download(
    tmp_path: Path, registry: Registry
) -> None:
    registry.pages[f"/{LOCATION}"] = DATA
    registry.gate = threading.Event()
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "cache", registry.url)
    processes = [context.Process(target=_fetch_in_a_process, args=arguments) for _ in range(3)]
    for process in processes:
        process.start()
    deadline = time.monotonic() + 20
    while not registry.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    registry.gate.set()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(registry.requests) == 1


def test_a_workspace_with_the_other_digest_function_fetches_nothing_again(
    store: StoredPackages, registry: Registry
) -> None:
    registry.pages[f"/{LOCATION}"] = DATA
    fetcher(store, registry.url).path(PURL)
    layout = Layout(str(store.cache_root), "sha256")
    with Session(layout) as session:
        blobs = LocalStore(layout, DigestFunction("sha256"), session, lambda _: None)
        other = StoredPackages(blobs, "sha256", store.cache_root)
        found = fetcher(other, "http://127.0.0.1:9").path(PURL)
        assert found.name == locked(DATA).sha256
        assert found.read_bytes() == DATA
    assert len(registry.requests) == 1


def test_the_digest_is_known_without_the_file() -> None:
    file = locked(DATA)
    assert digest_of(file, "blake3") == (file.blake3, len(DATA))
    assert digest_of(file, "sha256") == (file.sha256, len(DATA))
