"""Results go to real servers and come back, signed or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from store.remote.apart import apart
from store.remote.clients import SHA256, Client, connected, named
from support import servers
from support.servers import Server

from unibuild.store.digests import Digest
from unibuild.store.reapi import (
    ActionResult,
    Directory,
    FileNode,
    OutputDirectory,
    OutputFile,
    encode_action,
    encode_command,
    encode_directory,
    encode_tree,
)
from unibuild.store.remote.signatures import Signer

MAKERS = {
    "casd": servers.casd,
    "buildgrid": servers.buildgrid,
    "bazel-remote": servers.bazel_remote,
    "reference": lambda folder: servers.reference(folder, digest="sha256"),
}


@pytest.fixture(scope="module", params=MAKERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with ExitStack() as stack:
        yield stack.enter_context(MAKERS[request.param](tmp_path_factory.mktemp(request.param)))


async def published(client: Client, name: str) -> tuple[Digest, ActionResult]:
    """Store all that a result of an action called ``name`` refers to."""
    command = encode_command([name], (), ["a", "d"])
    data = name.encode()
    root = encode_directory(Directory((FileNode("f", SHA256.of(data), True),)))
    tree = encode_tree(root, ())
    action = encode_action(SHA256.of(command), SHA256.of(b""))
    await client.content.write(named(command, action, data, root, tree))
    result = ActionResult(
        (OutputFile("a", SHA256.of(data), True),),
        (OutputDirectory("d", SHA256.of(tree), SHA256.of(root)),),
        0,
        b"warning: \xff\n" * 20,
    )
    return SHA256.of(action), result


@apart
async def test_a_result_comes_back_as_it_was(server: Server) -> None:
    async with connected(server.url) as client:
        action, result = await published(client, "plain")
        assert await client.results.get(action) is None
        await client.results.put(action, result)
        assert await client.results.get(action) == (result, "")


@apart
async def test_a_signature_survives_the_server(server: Server, tmp_path: Path) -> None:
    key = str(tmp_path / "key.pem")
    ours = Signer(key, create=True).public
    theirs = Signer(str(tmp_path / "other.pem"), create=True).public
    async with connected(server.url, signer=lambda: Signer(key)) as client:
        action, result = await published(client, "signed")
        await client.results.put(action, result)
        unsigned, other = await published(client, "unsigned")
    async with connected(server.url) as client:
        await client.results.put(unsigned, other)
        assert await client.results.get(action) == (result, "")
    async with connected(server.url, require_signed=(theirs, ours)) as client:
        assert await client.results.get(action) == (result, ours)
        assert await client.results.get(unsigned) is None
    async with connected(server.url, require_signed=(theirs,)) as client:
        assert await client.results.get(action) is None


@apart
async def test_large_standard_output_comes_back(server: Server) -> None:
    async with connected(server.url) as client:
        action, result = await published(client, "loud")
        result = result._replace(stdout=b"0123456789abcdef" * 50_000)
        await client.results.put(action, result)
        assert await client.results.get(action) == (result, "")
