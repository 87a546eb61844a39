"""Which file a traced process means: a path is followed link by link, as the kernel would do for it.

``/proc/self`` stands for every process of the action; what it only leads to (``root``, ``cwd``,
``exe``, an open descriptor) is followed. Paths are bytes, as the kernel has them.
"""

from __future__ import annotations

import errno
import os

_MOST_LINKS = 40
_SELF = b"/proc/self"


class Resolver:
    """Follows paths; ``own`` holds the traced processes by the numbers that /proc shows to them.

    ``own`` is None where /proc shows no others, as in a sandbox with processes of its own. Links
    below ``changing`` may become other ones at any time; all the others are looked at once.
    """

    def __init__(self, own: dict[int, bytes] | None, changing: tuple[bytes, ...]) -> None:
        """Start knowing no link."""
        self._own = own
        self._changing = changing
        self._links: dict[bytes, bytes] = {}

    def directory(self, pid: int, descriptor: int) -> bytes:
        """Return the path of an open directory, or of the working directory for a negative number."""
        name = b"cwd" if descriptor < 0 else b"fd/%d" % descriptor
        return os.readlink(b"/proc/%d/%s" % (pid, name))

    def resolve(self, pid: int, base: bytes, path: bytes, *, follow: bool) -> tuple[bytes, bool]:
        """Return what ``path``, seen from the directory ``base``, leads to, and whether it is there.

        ``follow`` says whether a link at its very end is followed.
        """
        root = b"/proc/%d/root" % pid
        todo = [part for part in path.split(b"/") if part not in {b"", b"."}][::-1]
        done = b"" if path.startswith(b"/") else base.rstrip(b"/")
        links = 0
        while todo:
            part = todo.pop()
            if part == b"..":
                done = done.rpartition(b"/")[0]
                continue
            if done == b"/proc" and self._is_own(part):
                led = self._through_process(pid, todo, follow=follow)
                if led is None:
                    return b"/".join([_SELF, *todo[::-1]]), True
                done = led
                continue
            here = done + b"/" + part
            target = self._target(root, here)
            if target is None or links == _MOST_LINKS:
                return b"/".join([here, *todo[::-1]]), False
            if not target or (not todo and not follow):
                done = here
                continue
            links += 1
            if target.startswith(b"/"):
                done = b""
            todo += [part for part in target.split(b"/") if part not in {b"", b"."}][::-1]
        return done or b"/", True

    def _is_own(self, part: bytes) -> bool:
        if part in {b"self", b"thread-self"}:
            return True
        return part.isdigit() and (self._own is None or int(part) in self._own)

    def _through_process(self, pid: int, todo: list[bytes], *, follow: bool) -> bytes | None:
        """Follow what /proc/self/… leads to and shorten ``todo``; None when it stays there."""
        if not todo or todo[-1] not in {b"root", b"cwd", b"exe", b"fd"}:
            return None
        length = 2 if todo[-1] == b"fd" else 1
        if len(todo) < length or (len(todo) == length and not follow):
            return None
        name = b"/".join(todo[: -length - 1 : -1])
        try:
            target = os.readlink(b"/proc/%d/%s" % (pid, name))
        except OSError:
            return None
        if not target.startswith(b"/"):  # a pipe, a file in memory
            return None
        del todo[-length:]
        return target.rstrip(b"/")

    def _target(self, root: bytes, path: bytes) -> bytes | None:
        """Return where the link at ``path`` leads, nothing for no link, None where nothing is."""
        known = self._links.get(path)
        if known is not None:
            return known
        try:
            target = os.readlink(root + path)
        except OSError as error:
            if error.errno != errno.EINVAL:
                return None
            target = b""
        if not path.startswith(self._changing):
            self._links[path] = target
        return target
