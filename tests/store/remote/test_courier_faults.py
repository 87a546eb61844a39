"""What a server does wrong is a miss and one note; what it refuses is told with the setting."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import servers

from unibuild.store.digests import Digest
from unibuild.store.reapi import ActionResult, OutputDirectory, OutputFile, encode_action_result
from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import Blob, Lookup, Noted, Refused
from unibuild.store.remote.settings import Connection, Remote

from .couriers import Local, fetch, linked, local, look_up, scratch_left, upload


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Local]:
    with local(tmp_path / "here") as opened:
        yield opened


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Local]:
    with local(tmp_path / "there") as opened:
        yield opened


def stored(folder: Path, digest: Digest) -> Path:
    """The file in which a server keeps a blob: its name holds the hash, or the rest of it."""
    (found,) = [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.as_posix().replace("/", "").count(digest.hash)
    ]
    return found


def notes(link: Link) -> list[str]:
    return [reply.text for reply in link.replies() if isinstance(reply, Noted)]


def test_wrong_bytes_are_missing_and_said_once(tmp_path: Path, here: Local, there: Local) -> None:
    with servers.casd(tmp_path / "server") as server:
        made = here.publication(
            "x", {"small": b"right", "large": os.urandom(3 << 20), "fine": b"f"}
        )
        upload(server.url, here, made)
        for item in made.result.files[:2]:
            path = stored(tmp_path / "server", item.digest)
            data = bytearray(path.read_bytes())
            data[0] ^= 1
            path.chmod(0o644)
            path.write_bytes(data)
        with linked(server.url, there.root) as link:
            wrong = [item.digest for item in made.result.files[:2]]
            assert sorted(fetch(link, *made.blobs)) == sorted(wrong)
            assert sorted(fetch(link, *made.blobs, token=3)) == sorted(wrong)
            link.finish(lambda _: None)
            (note,) = notes(link)
            assert "wrong bytes" in note
        assert scratch_left(there.root) == [os.path.basename(there.cache.session.path)]


def test_a_blob_that_is_gone_is_missing_without_a_word(
    tmp_path: Path, here: Local, there: Local
) -> None:
    with servers.casd(tmp_path / "server") as server:
        tree = here.tree({"a": b"in a tree", "b/c": b"another"})
        made = here.publication("x", {"gone": b"gone", "stays": b"stays"}, (tree,))
        upload(server.url, here, made)
        stored(tmp_path / "server", made.result.files[0].digest).unlink()
        stored(tmp_path / "server", here.cache.function.of(b"another")).unlink()
        with linked(server.url, there.root) as link:
            missing = fetch(link, *made.blobs)
            assert set(missing) == {made.result.files[0].digest, tree.tree}
            link.finish(lambda _: None)
            assert notes(link) == []
        assert there.cache.trees.directory(tree.tree) is None
        upload(server.url, here, made)
        with linked(server.url, there.root) as link:
            assert fetch(link, *made.blobs) == ()


def test_a_result_whose_blobs_are_not_here_is_never_published(
    tmp_path: Path, here: Local, there: Local
) -> None:
    with servers.casd(tmp_path / "server") as server:
        made = here.publication("whole", {"o": b"whole"})
        nowhere = here.cache.function.of(b"made by nobody")
        broken = [
            ActionResult((OutputFile("o", nowhere),)),
            ActionResult((), (OutputDirectory("d", nowhere, nowhere),)),
            ActionResult((), (), 1),
        ]
        publications = [
            here.publication(str(number), {})._replace(result=result)
            for number, result in enumerate(broken)
        ]
        requests = [
            one.publish._replace(result=encode_action_result(one.result)) for one in publications
        ]
        with linked(server.url, here.root, upload=True) as link:
            for request in (*requests, made.publish):
                link.ask(request)
            assert link.finish(lambda _: None).published == 1
            assert notes(link) == []
        with linked(server.url, there.root) as link:
            assert look_up(link, made).result is not None
            for token, one in enumerate(publications, 10):
                link.ask(Lookup(token, one.action))
                assert getattr(link.wait(token), "result", b"") is None


def test_a_corrupt_local_blob_is_not_uploaded(tmp_path: Path, here: Local) -> None:
    with servers.casd(tmp_path / "server") as server:
        for name, data in (("small", b"small"), ("large", os.urandom(2 << 20))):
            made = here.publication(name, {"o": data})
            path = Path(here.cache.content.path(made.result.files[0].digest))
            path.chmod(0o644)
            path.write_bytes(b"X" + data[1:])
            statistics, replies = upload(server.url, here, made)
            assert statistics.published == 0
            assert [reply for reply in replies if isinstance(reply, Noted | Refused)] == []


def test_who_may_not_write_is_told_once_and_reads_on(
    tmp_path: Path, here: Local, there: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers.buildgrid(tmp_path / "server", tokens=True) as server:
        monkeypatch.setenv("TOKEN", server.token)

        def start(where: Local) -> Link:
            connection = Connection(server.url, token_variable="TOKEN", ca=str(server.ca or ""))  # noqa: S106
            return Link.start(Remote(connection, upload=True), str(where.root), where.function)

        made = here.publication("x", {"o": b"1"})
        link = start(here)
        link.ask(made.publish)
        assert link.finish(lambda _: None).published == 1
        assert notes(link) == []

        monkeypatch.setenv("TOKEN", servers.token_for(server.folder, "dev"))
        link = start(there)
        assert look_up(link, made).result is not None
        assert fetch(link, *made.blobs) == ()
        for number in range(50):
            link.ask(there.publication(f"mine{number}", {"o": b"%d" % number}).publish)
        assert link.finish(lambda _: None).published == 0
        (note,) = notes(link)
        assert "does not let us write" in note
        assert "upload = false in [cache.remote]" in note
        assert server.token not in note


def test_what_cannot_be_written_here_is_missing_and_said_once(
    tmp_path: Path, here: Local, there: Local
) -> None:
    with servers.casd(tmp_path / "server") as server:
        tree = here.tree({"a": os.urandom(2 << 20)})
        made = here.publication("x", {"small": b"1", "large": os.urandom(2 << 20)}, (tree,))
        upload(server.url, here, made)
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limit[1]))  # the courier inherits it
        try:
            link = Link.start(Remote(Connection(server.url)), str(there.root), there.function)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        missing = fetch(link, *made.blobs)
        assert set(missing) == {made.result.files[1].digest, tree.tree}
        link.finish(lambda _: None)
        (note,) = notes(link)
        assert "the local cache cannot be written: File too large" in note
        assert scratch_left(there.root) == [os.path.basename(there.cache.session.path)]


def test_a_blob_of_an_absurd_size_is_missing(tmp_path: Path, there: Local) -> None:
    with servers.casd(tmp_path / "server") as server, linked(server.url, there.root) as link:
        absurd = Digest("ab" * 32, 1 << 61)
        assert fetch(link, Blob(absurd), Blob(absurd, tree=True)) == (absurd, absurd)
