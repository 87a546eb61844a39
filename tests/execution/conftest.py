from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from execution.project import Project
from execution.team import Machine, Make, diamond
from support import servers
from support.command import unibuild


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static shell that the standard repository pins, fetched and unpacked by unibuild."""
    root = tmp_path_factory.mktemp("busybox")
    (root / "WORKSPACE.toml").write_text('name = "busybox"\n', encoding="utf-8")
    done = unibuild("build", "--json", "@unibuild//toolchains/busybox:package", cwd=root)
    assert done.returncode == 0, done.stderr
    (output,) = json.loads(done.stdout)["targets"][0]["outputs"]
    return root / output["path"] / "bin" / "busybox"


@pytest.fixture
def project(tmp_path: Path, busybox: Path) -> Project:
    return Project(tmp_path / "workspace", tmp_path / "cache", busybox)


@pytest.fixture
def another(tmp_path: Path, busybox: Path) -> Callable[[str], Project]:
    """Makes further workspaces that share the cache."""

    def make(name: str) -> Project:
        return Project(tmp_path / name, tmp_path / "cache", busybox)

    return make


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.casd(tmp_path_factory.mktemp("casd")) as started:
        yield started


@pytest.fixture
def machine(
    tmp_path: Path, busybox: Path, server: servers.Server, request: pytest.FixtureRequest
) -> Make:
    """Makes machines; every test has actions of its own, since they share the server."""

    def make(name: str, declare: Callable[[Project], None] = diamond, **team: object) -> Machine:
        def own(project: Project) -> None:
            project.write("unique", f"{tmp_path} {request.node.nodeid}\n")
            declare(project)

        return Machine(tmp_path / name, busybox, server.url, own, **team)

    return make
