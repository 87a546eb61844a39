"""Unpacked directories by the digest of their Tree message: one bind shows a whole toolchain.

A tree is the very directory that an action made, moved in and never changed again. Hashing it on
every use would cost seconds, so a list of its inodes with their change times is kept beside it:
any write to a file, through whatever name, changes that time, and nothing can set it back. What
does not match the list is hashed against the Tree message; a tree that is wrong is dropped,
reported and treated as missing.
"""

from __future__ import annotations

import marshal
import os
import stat
from typing import TYPE_CHECKING

from unibuild.store.digests import Digest
from unibuild.store.files import READ_ONLY, read_whole, remove, touch, write_new
from unibuild.store.layout import FIXED_TIME_NS, Layout, remove_tree
from unibuild.store.merkle import ScannedTree, UnsupportedEntryError, scan
from unibuild.store.protobuf import MalformedMessageError
from unibuild.store.reapi import decode_tree
from unibuild.store.records import check, checked

if TYPE_CHECKING:
    from collections.abc import Callable

    from unibuild.store.cas import ContentStore
    from unibuild.store.digests import DigestFunction
    from unibuild.store.layout import Session

Stamp = tuple[str, int, int, int, int]  # path, inode, size, modification and change time


class TreeStore:
    """Immutable directories in a cache; any number of processes may use them at once."""

    def __init__(
        self,
        layout: Layout,
        function: DigestFunction,
        session: Session,
        content: ContentStore,
        note: Callable[[str], None],
    ) -> None:
        """Keep trees at ``layout`` and their messages in ``content``."""
        self._base = f"{layout.base}/trees"
        self._function = function
        self._session = session
        self._content = content
        self._note = note
        self._verified: set[str] = set()

    def contains(self, tree: Digest) -> bool:
        """Tell whether the tree is there, without looking into it."""
        return os.path.isdir(self._path(tree))

    def adopt(self, path: str) -> ScannedTree:
        """Move the directory at ``path`` in; raises ``UnsupportedEntryError`` for odd contents."""
        _seal(path)
        scanned = scan(path, self._function)
        self._content.put_bytes(scanned.message)
        self._move_in(path, scanned.tree)
        return scanned

    def keep(self, path: str, message: bytes) -> bool:
        """Move the directory at ``path`` in under the digest of its encoded ``Tree`` message.

        The message may list children in any order, as other writers do. False, with nothing
        changed but modes and times, when it describes another directory.
        """
        _seal(path)
        if not self._is_described(path, message):
            return False
        self._move_in(path, self._content.put_bytes(message))
        return True

    def root(self, tree: Digest) -> Digest | None:
        """Return the digest of the root ``Directory`` of a tree, or nothing when it is unknown."""
        message = self._content.read(tree)
        return None if message is None else _root(message, self._function)

    def _move_in(self, path: str, tree: Digest) -> None:
        final = self._path(tree)
        if self.directory(tree) is not None:
            remove_tree(path)
            return
        try:
            Layout.publish(path, final)
        except OSError:  # another process was faster, or a dropped tree is still being removed
            remove_tree(final)
            os.rename(path, final)
        self._stamp(tree)

    def _is_described(self, path: str, message: bytes) -> bool:
        try:
            return scan(path, self._function).root == _root(message, self._function)
        except (OSError, UnsupportedEntryError):
            return False

    def directory(self, tree: Digest) -> str | None:
        """Return the path of the verified directory, or nothing."""
        path = self._path(tree)
        if path in self._verified:
            return path
        if not os.path.isdir(path):
            return None
        touch_stamps = f"{path}.stamps"
        if not self._unchanged(path):
            if not self._matches(path, tree):
                self._note(f"stored tree {tree.hash} was corrupt; it is dropped and made again")
                remove(touch_stamps)
                self._drop(path)
                return None
            self._stamp(tree)
        touch(touch_stamps)
        self._verified.add(path)
        return path

    def _path(self, tree: Digest) -> str:
        return f"{self._base}/{tree[0][:2]}/{tree[0]}"

    def _drop(self, path: str) -> None:
        aside = self._session.scratch()
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            return
        remove_tree(aside)

    def _matches(self, path: str, tree: Digest) -> bool:
        try:
            _seal(path)
            scanned = scan(path, self._function)
        except (OSError, UnsupportedEntryError):
            return False
        return scanned.tree == tree or scanned.root == self.root(tree)

    def _unchanged(self, path: str) -> bool:
        data = read_whole(f"{path}.stamps")
        body = None if data is None else check(data, self._function)
        if body is None:
            return False
        lstat = os.lstat
        stamps: list[Stamp] = marshal.loads(body)
        try:
            for relative, inode, size, modified, changed in stamps:
                found = lstat(path + relative)
                if (
                    found.st_ctime_ns != changed
                    or found.st_mtime_ns != modified
                    or found.st_ino != inode
                    or found.st_size != size
                ):
                    return False
        except OSError:
            return False
        return True

    def _stamp(self, tree: Digest) -> None:
        path = self._path(tree)
        stamps: list[Stamp] = []
        pending = [""]
        while pending:
            relative = pending.pop()
            # The root's own change time moves when the tree is renamed; its listing is covered
            # by its modification time.
            found = os.lstat(path + relative)
            changed = found.st_ctime_ns
            if relative:
                stamps.append((relative, found.st_ino, found.st_size, found.st_mtime_ns, changed))
            with os.scandir(path + relative) as listing:
                for entry in listing:
                    below = f"{relative}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(below)
                        continue
                    found = entry.stat(follow_symlinks=False)
                    stamps.append(
                        (below, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
                    )
        found = os.lstat(path)
        stamps.append(("", found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
        aside = self._session.scratch()
        write_new(aside, checked(marshal.dumps(stamps), self._function), READ_ONLY)
        os.rename(aside, f"{path}.stamps")
        self._verified.add(path)


def _root(message: bytes, function: DigestFunction) -> Digest | None:
    try:
        return function.of(decode_tree(message)[0])
    except MalformedMessageError:
        return None


def _seal(path: str) -> None:
    """Give every file and directory the fixed time and mode, depth first."""
    times = (FIXED_TIME_NS, FIXED_TIME_NS)
    for directory, names, files in os.walk(path, topdown=False):
        for name in files:
            file = f"{directory}/{name}"
            mode = os.lstat(file).st_mode
            if stat.S_ISREG(mode):
                os.chmod(file, 0o555 if mode & 0o100 else 0o444)
            os.utime(file, ns=times, follow_symlinks=False)
        for name in names:
            if os.path.islink(f"{directory}/{name}"):
                os.utime(f"{directory}/{name}", ns=times, follow_symlinks=False)
        os.chmod(directory, 0o755)  # noqa: S103 - an action of any user id must read it
        os.utime(directory, ns=times)
