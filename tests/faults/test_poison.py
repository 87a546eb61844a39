"""Results and trees that were made to do harm: each is a miss, and nothing appears outside."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import poison
from faults.conftest import Join
from faults.poison import Poison
from faults.raw import raw
from faults.teamwork import Client, is_right, left_behind
from support import servers
from support.fault_proxy import Calls, Fault, calls

from unibuild.store.reapi import decode_action_result

SHARE = 12
"""Poisons of one build: as many as it has actions."""

RESULTS = poison.results()
SHARES = [
    [name for _, name in share]
    for _, share in itertools.groupby(enumerate(RESULTS), lambda item: item[0] // SHARE)
]
TREES = poison.trees()


@pytest.fixture(scope="module")
def proxy(filled: servers.Server) -> Iterator[Calls]:
    with calls(filled.url) as proxy:
        yield proxy


def everything_near(client: Client) -> set[Path]:
    """Return the names of all that is beside and in the workspace, but for its own places."""
    own = {client.cache, client.root / "unibuild-out", client.root / ".unibuild"}
    return {
        path
        for path in client.root.parent.rglob("*")
        if not own.intersection((path, *path.parents))
    }


@pytest.mark.parametrize("names", SHARES, ids=lambda names: names[0])
def test_a_poisoned_result_is_a_miss(proxy: Calls, join: Join, names: list[str]) -> None:
    client = join()
    client.configure(proxy.url)
    before = everything_near(client)
    left = itertools.cycle(names)
    used: list[str] = []

    def poisoned(reply: bytes) -> bytes:
        used.append(next(left))
        return RESULTS[used[-1]](reply)

    proxy.faults = {"GetActionResult": Fault(rewrite=poisoned)}
    is_right(client, client.build(), warnings=None)
    assert everything_near(client) == before
    assert set(used) == set(names)


def folders(count: int) -> dict[str, str]:
    """Return a package of ``count`` actions that each make the same folder in another way."""
    build = "\n".join(
        f'[genrule.tree{number}]\nouts = ["tree{number}/"]\n'
        f'cmd = "mkdir $@; echo {number} > $@/a"\n'
        for number in range(count)
    )
    labels = ", ".join(f'"//:tree{number}"' for number in range(count))
    return {"BUILD.toml": f"{build}\n[filegroup.whole]\nsrcs = [{labels}]\n"}


@pytest.fixture(scope="module")
def forest(join: Join, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server that has a folder for each poisoned tree, and the poisoned trees."""
    with servers.casd(tmp_path_factory.mktemp("casd")) as server:
        client = join()
        client.write(folders(len(TREES)))
        client.configure(server.url, upload=True)
        done = client.build()
        assert done.code == 0, done.err
        with raw(server.url) as client_of_its_own:
            client_of_its_own.store(b"text\n", *TREES.values())
        yield server


def test_a_poisoned_tree_never_becomes_a_folder(forest: servers.Server, join: Join) -> None:
    client = join()
    client.write(folders(len(TREES)))
    before = everything_near(client)
    poisons = [poison.with_tree(tree) for tree in TREES.values()]

    def poisoned(reply: bytes) -> bytes:
        """Give each folder the poisoned tree of its own number."""
        for item in decode_action_result(reply).directories:
            return poisons[int(item.path.rpartition("tree")[2])](reply)
        return reply

    with calls(forest.url) as proxy:
        client.configure(proxy.url)
        proxy.faults["GetActionResult"] = Fault(rewrite=poisoned)
        done = client.build()
    assert done.code == 0, done.err
    assert len(done.warnings) <= 1, done.err
    wrong = [
        name
        for number, name in enumerate(TREES)
        if (client.root / f"unibuild-out/tree{number}/a").read_text(encoding="ascii")
        != f"{number}\n"
    ]
    assert wrong == []
    made = sorted(path.name for path in client.root.glob("unibuild-out/tree*/*"))
    assert made == ["a"] * len(TREES)
    assert everything_near(client) == before
    assert left_behind(client) == []


def swapped_names(reply: bytes) -> bytes:
    """Return a result whose folder is named as root what is no root of its tree."""
    poisoned: Poison = RESULTS["root that lies"]
    return poisoned(reply)


def test_a_root_that_is_not_its_trees_reaches_no_action(filled: servers.Server, join: Join) -> None:
    client = join()
    with calls(filled.url) as proxy:
        client.configure(proxy.url)
        proxy.faults["GetActionResult"] = Fault(rewrite=swapped_names)
        is_right(client, client.build(), warnings=None)
    honest = join()
    honest.configure()
    is_right(honest, honest.build(), warnings=0)
    # What the lie would have named never became an action of its own.
    assert set(client.actions()) == set(honest.actions())
