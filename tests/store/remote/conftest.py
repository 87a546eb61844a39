"""Engines with real workers, for the tests of executions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import fault_proxy, servers
from support.fault_proxy import Calls


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    if not servers.have_bubblewrap():
        pytest.skip("bubblewrap is not installed, which casd's workers need")
    with servers.casd(tmp_path_factory.mktemp("casd"), execution=True) as server:
        yield server


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[servers.Server]:
    """An engine that may be killed."""
    if not servers.have_bubblewrap():
        pytest.skip("bubblewrap is not installed, which casd's workers need")
    with servers.casd(tmp_path / "casd", execution=True) as server:
        yield server


@pytest.fixture
def proxy(engine: servers.Server) -> Iterator[Calls]:
    with fault_proxy.calls(engine.url) as calls:
        yield calls
