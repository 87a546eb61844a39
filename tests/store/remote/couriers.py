"""What the tests of the courier share: published actions, and links that always end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from unibuild.store.cache import Cache
from unibuild.store.digests import Digest
from unibuild.store.reapi import (
    ActionResult,
    OutputDirectory,
    OutputFile,
    encode_action,
    encode_action_result,
    encode_command,
)
from unibuild.store.remote.link import Link
from unibuild.store.remote.requests import (
    Blob,
    Fetch,
    Fetched,
    Found,
    Lookup,
    Publish,
    Reply,
    Statistics,
)
from unibuild.store.remote.settings import Connection, Remote

FUNCTION = "sha256"


class Local:
    """A machine's own cache, and what is published from it."""

    def __init__(self, root: Path, function: str = FUNCTION) -> None:
        self.root = root
        self.function = function
        self.notes: list[str] = []
        self.cache = Cache(str(root), function, self.notes.append)

    def close(self) -> None:
        self.cache.close()

    def file(self, data: bytes) -> Digest:
        return self.cache.content.put_bytes(data)

    def tree(self, files: dict[str, bytes], links: dict[str, str] | None = None) -> OutputDirectory:
        place = Path(self.cache.session.scratch())
        place.mkdir()
        for name, data in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if name.endswith(".sh"):
                path.chmod(0o755)
        for name, target in (links or {}).items():
            (place / name).symlink_to(target)
        scanned = self.cache.trees.adopt(str(place))
        return OutputDirectory("unibuild-out/tree", scanned.tree, scanned.root)

    def publication(
        self,
        name: str,
        outputs: dict[str, bytes],
        directories: tuple[OutputDirectory, ...] = (),
        printed: bytes = b"",
    ) -> Made:
        files = tuple(
            OutputFile(f"unibuild-out/{path}", self.file(data), path.endswith(".sh"))
            for path, data in outputs.items()
        )
        of = self.cache.function.of
        command = encode_command(["/bin/true", name], (), [f.path for f in files])
        action = encode_action(of(command), of(b""))
        result = ActionResult(files, directories, 0, printed)
        publish = Publish(action, command, encode_action_result(result))
        return Made(of(action), result, publish)


class Made(NamedTuple):
    """An action that ran: its digest, its result, and the request that publishes it."""

    action: Digest
    result: ActionResult
    publish: Publish

    @property
    def blobs(self) -> tuple[Blob, ...]:
        files = tuple(Blob(item.digest, item.executable) for item in self.result.files)
        return files + tuple(
            Blob(item.tree, tree=True, root=item.root) for item in self.result.directories
        )


@contextmanager
def local(root: Path, function: str = FUNCTION) -> Iterator[Local]:
    opened = Local(root, function)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def linked(url: str, root: Path, function: str = FUNCTION, **settings: object) -> Iterator[Link]:
    connection = Connection(url, timeout=int(str(settings.pop("timeout", 20))))
    link = Link.start(Remote(connection, **settings), str(root), function)  # type: ignore[arg-type]
    try:
        yield link
    finally:
        link.close()


def upload(url: str, where: Local, *made: Made) -> tuple[Statistics, list[Reply]]:
    with linked(url, where.root, where.function, upload=True) as link:
        for one in made:
            link.ask(one.publish)
        statistics = link.finish(lambda _: None)
        return statistics, link.replies()


def look_up(link: Link, made: Made, token: int = 1) -> Found:
    link.ask(Lookup(token, made.action))
    reply = link.wait(token)
    assert isinstance(reply, Found)
    return reply


def fetch(link: Link, *blobs: Blob, token: int = 2) -> tuple[Digest, ...]:
    link.ask(Fetch(token, blobs))
    reply = link.wait(token)
    assert isinstance(reply, Fetched)
    return reply.missing


def scratch_left(root: Path) -> list[str]:
    return sorted(os.listdir(root / "sessions"))
