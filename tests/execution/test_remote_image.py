"""The DNS image by way of a team's server: built on remote workers, built here, and only fetched.

All three must be one thing, byte for byte: not the image alone, but what every action made.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support import servers
from support.command import ROOT, unibuild

from unibuild.execution import keep, kept_graph
from unibuild.execution.plan import PACKAGE
from unibuild.execution.values import Value
from unibuild.external import lock
from unibuild.store.cache import Cache
from unibuild.store.digests import DigestFunction

LABEL = "//services/dns:image"
FUNCTION = "sha256"


class Built(NamedTuple):
    """A build of the image: where, what it said, and the values of all artefacts by path."""

    root: Path
    cache: Path
    said: dict[str, Any]
    values: dict[str, Value]
    packages: list[str]


class Team:
    """Machines that share one server, each with a workspace and a cache of its own."""

    def __init__(self, base: Path, url: str) -> None:
        self.base = base
        self.url = url

    def build(self, name: str, *options: str, packages: bool, cache: Path | None = None) -> Built:
        """Build the image on a new machine, which has the external packages or nothing."""
        root = self.base / name / "workspace"
        for part in ("services", "hello"):
            shutil.copytree(ROOT / "examples" / part, root / part)
        settings = f'name = "examples"\ndigest = "{FUNCTION}"\n[cache.remote]\nurl = "{self.url}"\n'
        (root / "WORKSPACE.toml").write_text(settings, encoding="utf-8")
        cache = cache or self.base / name / "cache"
        if packages:
            bring_packages(cache)
        no_registry = {} if packages else {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
        environment = {"UNIBUILD_CACHE": str(cache), **no_registry}
        done = unibuild("build", "--json", LABEL, *options, cwd=root, environment=environment)
        assert done.returncode == 0, done.stderr
        return Built(root, cache, json.loads(done.stdout), *kept_values(root, cache, environment))


def bring_packages(target: Path) -> None:
    """Put what the user's cache has of the lock into a new cache, as a fetch would."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unibuild"
    have = Path(os.environ.get("UNIBUILD_CACHE") or base)
    cache = Cache(str(target), FUNCTION, lambda _: None)
    try:
        for files in lock.read(ROOT / "unibuild.lock").packages.values():
            for file in files:
                blob = have / "blake3" / "blobs" / file.blake3[:2] / file.blake3
                if blob.exists():
                    cache.content.put_copy(str(blob))
    finally:
        cache.close()


def kept_values(
    root: Path, cache: Path, environment: dict[str, str]
) -> tuple[dict[str, Value], list[str]]:
    """Return the values of all artefacts of the kept graph, and the package files among them."""
    (check,) = (root / ".unibuild").glob("check-*")
    found = kept_graph.load_any(str(check))
    assert found is not None
    kept = keep.Store(str(root), found[0], str(cache), DigestFunction(FUNCTION)).load()
    assert kept is not None, environment
    pairs = zip(kept.plan.paths, kept.values, kept.plan.kinds, strict=True)
    values: dict[str, Value] = {}
    packages = []
    for path, value, kind in pairs:
        assert value is not None
        values[path] = value
        if kind == PACKAGE:
            packages.append(value[0])
    return values, packages


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    base = tmp_path_factory.mktemp("team")
    with servers.casd(base / "casd", execution=True) as server:
        yield Team(base, server.url)


@pytest.fixture(scope="module")
def away(team: Team) -> Built:
    """The image built on the server's workers; what has to run here is uploaded."""
    return team.build("away", "--remote-exec", "--upload", packages=True)


def test_remote_workers_did_the_work(away: Built) -> None:
    actions = away.said["actions"]
    assert actions["executed"] == actions["total"]
    assert away.said["transfers"]["executed"] > actions["total"] * 0.8


def test_every_action_makes_the_same_here(away: Built, team: Team) -> None:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unibuild"
    own = Path(os.environ.get("UNIBUILD_CACHE") or base)
    here = team.build("here", "--remote=off", packages=True, cache=own)
    assert here.said["actions"].get("remote", 0) == 0
    different = [path for path, value in here.values.items() if away.values.get(path) != value]
    assert different == []
    assert here.values.keys() == away.values.keys()
    for output in here.said["targets"][0]["outputs"]:
        assert (here.root / output["path"]).read_bytes() == (
            away.root / output["path"]
        ).read_bytes()


def test_a_third_machine_fetches_the_image_and_nothing_else(away: Built, team: Team) -> None:
    third = team.build("third", packages=False)
    actions = third.said["actions"]
    assert (actions["executed"], actions["remote"]) == (0, actions["total"])
    wanted = {output["digest"]: output["size"] for output in third.said["targets"][0]["outputs"]}
    assert third.said["transfers"]["downloaded_bytes"] == sum(wanted.values())
    assert third.said["targets"] == away.said["targets"]
    blobs = {path.name: path for path in (third.cache / FUNCTION / "blobs").glob("??/*")}
    trees = {value[0] for value in third.values.values() if len(value) == 4}
    assert blobs.keys() - trees <= wanted.keys()  # no package, no toolchain, no object
    assert len(third.packages) > 2


def test_a_fourth_machine_edits_and_compiles_just_that(away: Built, team: Team) -> None:
    assert away.said
    fourth = team.build("fourth", packages=False)
    source = fourth.root / "services/dns/answer.c"
    source.write_text(source.read_text(encoding="utf-8") + "\n/* edited */\n", encoding="utf-8")
    done = unibuild(
        "build", "--json", LABEL, cwd=fourth.root, environment={"UNIBUILD_CACHE": str(fourth.cache)}
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert 1 <= said["actions"]["executed"] <= 6
    assert not {
        path.name for path in (fourth.cache / FUNCTION / "blobs").glob("??/*")
    }.intersection(fourth.packages)  # the unpacked compiler came from the team's cache
