from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.registry import Registry, serve

from unibuild.external.packages import StoredPackages
from unibuild.store.cas import LocalStore
from unibuild.store.digests import DigestFunction
from unibuild.store.layout import Layout, Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serve(Registry()) as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoredPackages]:
    layout = Layout(str(tmp_path / "cache"), "blake3")
    with Session(layout) as session:
        blobs = LocalStore(layout, DigestFunction("blake3"), session, lambda _: None)
        yield StoredPackages(blobs, "blake3", tmp_path / "cache")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
