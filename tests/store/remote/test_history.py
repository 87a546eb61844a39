"""Histories of steps in a folder, on casd and on BuildGrid, which looks into stored actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from support import servers
from support.apart import apart

from unibuild.store.digests import Digest, DigestFunction
from unibuild.store.merkle import Entry, input_root
from unibuild.store.reapi import encode_action, encode_command
from unibuild.store.remote import history
from unibuild.store.remote.bucket import BucketContent, BucketResults, Folder
from unibuild.store.remote.capabilities import negotiate
from unibuild.store.remote.channel import Channel
from unibuild.store.remote.content import RemoteContent
from unibuild.store.remote.credentials import Credentials
from unibuild.store.remote.history import Histories
from unibuild.store.remote.redaction import Redactor
from unibuild.store.remote.requests import History
from unibuild.store.remote.results import RemoteResults
from unibuild.store.remote.services import BlobService
from unibuild.store.remote.settings import Connection
from unibuild.store.remote.signatures import Signer

SHA256 = DigestFunction("sha256")
STEP, OTHER = SHA256.hash(b"a step"), SHA256.hash(b"another step")
Work = Callable[[Histories, BlobService], Awaitable[None]]


def action(flag: str) -> tuple[bytes, bytes, tuple[bytes, ...]]:
    """Return an action over a few inputs, one of them a tree: its messages."""
    inputs = [
        Entry("a/b/main.c", SHA256.of(b"main")),
        Entry("a/util.h", SHA256.of(b"util")),
        Entry("tools/clang", SHA256.of(b"the root of a tree"), tree=True),
    ]
    root, directories = input_root(inputs, SHA256)
    command = encode_command(("cc", flag), (), ("out",))
    return encode_action(SHA256.of(command), root), command, tuple(directories.values())


async def publish(blobs: BlobService, flag: str) -> Digest:
    encoded, command, directories = action(flag)
    await blobs.write({SHA256.of(data): data for data in (encoded, command, *directories)})
    return SHA256.of(encoded)


async def keeps_the_last_action(histories: Histories, blobs: BlobService) -> None:
    assert await histories.find(STEP) == History(0, None)
    for flag in ("-O1", "-O2"):
        histories.note(STEP, await publish(blobs, flag))
        await histories.store()
    histories.note(OTHER, await publish(blobs, "-O3"))
    await histories.store()
    for step, flag in ((STEP, "-O2"), (OTHER, "-O3")):
        encoded, command, directories = action(flag)
        found = await histories.find(step, ["tools/clang"])
        assert found[:3] == (0, encoded, command)
        assert set(found.directories) == set(directories)


async def keeps_the_one_before(histories: Histories, blobs: BlobService) -> None:
    first, second = [await publish(blobs, flag) for flag in ("-O1", "-O2")]
    histories.note(STEP, first)
    await histories.store()
    assert (await histories.find(STEP, (), first.hash)).action == action("-O1")[0]
    for _ in range(2):
        histories.note(STEP, second)
        await histories.store()
    assert (await histories.find(STEP, (), first.hash)).action == action("-O2")[0]
    assert (await histories.find(STEP, (), second.hash)).action == action("-O1")[0]


def in_folder(place: Path, work: Work, signer: Signer | None = None) -> None:
    async def main() -> None:
        connection = Connection(f"file://{place}")
        folder = Folder(connection, SHA256, Credentials(connection, Redactor()))
        blobs = BucketContent(folder)
        keys = [signer.public] if signer else []
        results = BucketResults(
            folder, blobs, require_signed=keys, signer=(lambda: signer) if signer else None
        )
        await work(Histories(results, blobs, SHA256), blobs)

    apart(main)


def test_a_folder_keeps_the_last_action_of_a_step(tmp_path: Path) -> None:
    in_folder(tmp_path, keeps_the_last_action)


def test_the_action_before_the_last_is_kept_too(tmp_path: Path) -> None:
    in_folder(tmp_path, keeps_the_one_before)


@pytest.mark.parametrize("server", [servers.casd, servers.buildgrid, servers.bazel_remote])
def test_a_server_keeps_the_last_action_of_a_step(tmp_path: Path, server: object) -> None:
    assert callable(server)
    with server(tmp_path) as running:

        async def main() -> None:
            channel = Channel(Connection(running.url))
            capabilities = await negotiate(channel, "sha256")
            blobs = RemoteContent(channel, capabilities, SHA256, note=lambda _: None)
            results = RemoteResults(channel, SHA256, blobs)
            await keeps_the_last_action(Histories(results, blobs, SHA256), blobs)
            await channel.close()

        apart(main)


def test_who_signed_a_history_is_told(tmp_path: Path) -> None:
    signer = Signer(str(tmp_path / "key.pem"), create=True)

    async def work(histories: Histories, blobs: BlobService) -> None:
        histories.note(STEP, await publish(blobs, "-O1"))
        await histories.store()
        assert (await histories.find(STEP)).signer == signer.public

    in_folder(tmp_path / "bucket", work, signer)


def test_a_record_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAXIMUM_ENTRIES", 3)
    monkeypatch.setattr(history, "_SHARD_DIGITS", 0)
    steps = [SHA256.hash(b"%d" % number) for number in range(5)]

    async def work(histories: Histories, blobs: BlobService) -> None:
        known = await publish(blobs, "-O1")
        for step in (*steps, steps[2]):
            histories.note(step, known)
            await histories.store()
        found = [(await histories.find(step)).action is not None for step in steps]
        assert found == [False, False, True, True, True]

    in_folder(tmp_path, work)


@pytest.mark.parametrize("gone", ["action", "command", "record"])
def test_what_is_gone_is_not_known(tmp_path: Path, gone: str) -> None:
    encoded, command, _ = action("-O1")

    async def work(histories: Histories, blobs: BlobService) -> None:
        histories.note(STEP, await publish(blobs, "-O1"))
        await histories.store()
        for path in (tmp_path / "cas").iterdir():
            is_record = path.read_bytes().startswith(b"unibuild history")
            wanted = {"action": SHA256.hash(encoded), "command": SHA256.hash(command)}.get(gone)
            if path.name == wanted or (is_record and gone == "record"):
                path.unlink()
        assert await histories.find(STEP) == History(0, None)

    in_folder(tmp_path, work)


def test_a_record_that_makes_no_sense_is_begun_anew(tmp_path: Path) -> None:
    async def work(histories: Histories, blobs: BlobService) -> None:
        histories.note(STEP, await publish(blobs, "-O1"))
        await histories.store()
        for path in (tmp_path / "ac").iterdir():
            path.write_bytes(b"\x12\x02\x0a\x00")
        assert await histories.find(STEP) == History(0, None)
        await keeps_the_last_action(histories, blobs)

    in_folder(tmp_path, work)
