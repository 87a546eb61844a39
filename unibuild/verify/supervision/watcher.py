"""What an action looks at: its system calls become observations, counted, with paths resolved.

Watching begins when the action's own program is executed: what bubblewrap does to set the sandbox up
is not the action's. A file below ``/build`` is noted when it is there and the call is made, anything
else when the call succeeds. In a sandbox its outputs and temporary files are its own affair. Without
one the directory in which the action starts is called ``/build`` too, and so is every directory to
which a link among its inputs leads.
"""

from __future__ import annotations

import os
from struct import Struct

from unibuild.verify.supervision import calls, linux
from unibuild.verify.supervision.paths import Resolver

BUILD = b"/build"
OUTPUTS = b"unibuild-out"
_CREATE, _ACCESS_MODE, _WRITE_ONLY, _NO_FOLLOW_OPEN, _NO_FOLLOW = 0x40, 3, 1, 0x20000, 0x100
_IN_ROOT = 0x10  # RESOLVE_IN_ROOT: the directory of the call is the root of the path
_IN_MEMORY = b"/memfd:"  # what is in such a file, the action has written
_FAMILIES = {1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET"}
_NEW_RELEASE, _NEW_VERSION = b"3.10.0-other", b"#1 SMP Sat Jan 1 00:00:00 UTC 2000"

Key = tuple[str, str, str]  # kind, what, program


class Watcher:
    """The observations of one action, ``seen``: kind, what and program, with how often."""

    def __init__(self, memory: linux.Memory, *, sandboxed: bool, vary: bool) -> None:
        """Begin at the second program when ``sandboxed``; ``vary`` tells other facts of the host."""
        self.seen: dict[Key, list[int]] = {}
        self.links: dict[bytes, bytes] = {}
        self._memory = memory
        self._sandboxed = sandboxed
        self._vary = vary
        self._awaited = 2 if sandboxed else 1
        self._programs: dict[int, bytes] = {}  # of the processes that are watched
        self._inside = BUILD
        self._changing: tuple[bytes, ...] = ()
        self._resolver = Resolver(None, ())
        self._made: set[bytes] = set()
        self._linked = False  # whether the action made links of its own
        self._directories: dict[int, bytes] = {}
        self._known: dict[tuple[object, ...], list[int]] = {}
        self._ending: dict[int, tuple[str, bytes, bool] | tuple[int, int]] = {}
        self._executing: dict[int, bytes] = {}

    def forked(self, parent: int, child: int) -> None:
        """Take note of a new process or thread."""
        if parent in self._programs:
            self._programs[child] = self._programs[parent]

    def ended(self, pid: int) -> None:
        """Forget a process or thread."""
        for known in (self._programs, self._directories, self._ending, self._executing):
            known.pop(pid, None)

    def executed(self, pid: int, former: int) -> None:
        """Take note that ``pid`` (then numbered ``former``) runs another program from now on."""
        asked = self._executing.pop(former, b"")
        for known in (self._directories, self._ending):
            known.pop(former, None)
        self._awaited -= self._awaited > 0
        if pid not in self._programs:
            if self._awaited:
                return
            self._begin(pid)
        loaded = [os.readlink(b"/proc/%d/exe" % pid), *_loader(pid)]
        self._programs[pid] = self._name(loaded[0])
        for path in dict.fromkeys([*([asked] if asked else []), *map(self._name, loaded)]):
            if not path.startswith(_IN_MEMORY):
                self._note("execute", os.fsdecode(path), pid)
        if not self._memory.read(pid, linux.stack_pointer(pid), 1):
            self._note("unseen", "memory that cannot be read", pid)

    def _begin(self, pid: int) -> None:
        self._programs[pid] = b""
        own = None
        if not self._sandboxed:
            self._inside, own = os.readlink(b"/proc/%d/cwd" % pid), self._programs
        outputs = b"%s/%s" % (self._inside, OUTPUTS)
        self._changing = (outputs + b"/", b"/tmp/") if self._sandboxed else (self._inside, b"/tmp")
        self._resolver = Resolver(own, self._changing)
        if not self._sandboxed:
            self._learn_links()

    def _learn_links(self) -> None:
        """Learn what the links among the inputs of an action without a sandbox lead to."""
        below = [self._inside]
        while below:
            for entry in os.scandir(below.pop()):
                if entry.is_symlink():
                    name = entry.path[len(self._inside) + 1 :]
                    self.links[os.path.realpath(entry.path)] = name
                elif entry.is_dir():
                    below.append(entry.path)

    def missed(self, pid: int) -> None:
        """Take note that a call could not be looked at."""
        if pid in self._programs:
            self._note("unseen", "a call that cannot be looked at", pid)

    def called(self, pid: int, architecture: int, number: int, arguments: tuple[int, ...]) -> bool:
        """Take note of a call about to be made; tell whether ``returned`` has to hear of its end."""
        if pid not in self._programs:
            return False
        if architecture != calls.ARCHITECTURE or number >= calls.FOREIGN_BIT:
            self._note("unseen", "system calls of another architecture", pid)
        elif number in calls.PATHS:
            return self._path(pid, number, arguments)
        elif number in calls.FACTS:
            self._note(*calls.FACTS[number], pid)
            if self._vary and number in {calls.UNAME, calls.SYSINFO, calls.SCHED_GETAFFINITY}:
                at = 2 if number == calls.SCHED_GETAFFINITY else 0
                self._ending[pid] = (number, arguments[at])
                return True
        elif number == calls.CLOCK_GETTIME:
            which = calls.CLOCKS.get(arguments[0] & 0xFFFFFFFF, calls.OTHER_CLOCK)
            self._note("clock", which, pid)
        elif number in {calls.CHDIR, calls.FCHDIR}:
            self._directories.clear()  # threads share theirs
            # Until the call is made the old one still holds: ask anew when it is over.
            self._ending[pid] = (number, 0)
            return True
        elif number in {calls.SYMLINK, calls.SYMLINKAT}:
            self._linked = True
        else:
            self._socket(pid, number, arguments)
        return False

    def returned(self, pid: int) -> None:
        """Take note of how a call ended."""
        ending = self._ending.pop(pid, None)
        value = linux.left(pid)
        if ending is None or value < 0:
            return
        if len(ending) == 2:  # noqa: PLR2004 - a number and an address
            if ending[0] in {calls.CHDIR, calls.FCHDIR}:
                self._directories.clear()
            else:
                self._alter(pid, *ending, value)
            return
        how, path, new = ending
        if new:
            self._made.add(path)
        elif not self._is_own(path):
            self._note(how, os.fsdecode(self._name(path)), pid)

    def _path(self, pid: int, number: int, arguments: tuple[int, ...]) -> bool:
        how, directory_at, path_at, flags_at = calls.PATHS[number]
        path = self._memory.text(pid, arguments[path_at])
        if not path:  # a descriptor is meant, or nothing
            return False
        flags = arguments[flags_at] if flags_at >= 0 else 0
        if number == calls.OPENAT2:  # struct open_how: flags, mode, resolve
            how_opened = self._memory.read(pid, flags, 24)
            flags = int.from_bytes(how_opened[:8], "little")
            if int.from_bytes(how_opened[16:], "little") & _IN_ROOT:
                path = path.lstrip(b"/") or b"."
        base = b""
        if not path.startswith(b"/"):
            base = self._base(pid, arguments[directory_at] if directory_at >= 0 else -1)
        if self._sandboxed and not self._linked and self._is_plainly_own(base, path):
            return False
        key = (number, base, path, flags, self._programs[pid])
        known = self._known.get(key)
        if known is not None:
            known[0] += 1
            return False
        return self._use(pid, key, *_manner(how, flags))

    def _use(
        self, pid: int, key: tuple[int, bytes, bytes, int, bytes], how: str, follow: bool
    ) -> bool:
        _, base, path, flags, _ = key
        real, there = self._resolver.resolve(pid, base, path, follow=follow)
        if how == "execute":
            self._executing[pid] = self._name(real)
            return False
        if not self._is_inside(real):
            if how == "look" and _below(self._inside, real):
                return False  # a folder on the way to its own
            self._ending[pid] = (how, real, not there and (how == "make" or bool(flags & _CREATE)))
            return True
        counted = self._note(how, os.fsdecode(self._name(real)), pid) if there else [0]
        if not real.startswith(self._changing):
            self._known[key] = counted
        return False

    def _base(self, pid: int, descriptor: int) -> bytes:
        descriptor &= 0xFFFFFFFF
        if descriptor < 0x80000000:  # noqa: PLR2004 - a sign
            return self._resolver.directory(pid, descriptor)
        base = self._directories.get(pid)
        if base is None:
            base = self._directories[pid] = self._resolver.directory(pid, -1)
        return base

    def _is_plainly_own(self, base: bytes, path: bytes) -> bool:
        """Tell whether a path stays where the action may write, with no link to lead elsewhere."""
        whole = b"%s/%s" % (base, path) if base else path
        return whole.startswith(self._changing) and b".." not in path

    def _is_inside(self, path: bytes) -> bool:
        if self._sandboxed and _below(path, b"/tmp"):
            return True
        return _below(path, self._inside) or any(_below(path, tree) for tree in self.links)

    def _is_own(self, path: bytes) -> bool:
        return path in self._made or any(_below(path, made) for made in self._made)

    def _name(self, path: bytes) -> bytes:
        """Return the path as it is called in a sandbox."""
        if self._sandboxed:
            return path
        if _below(path, self._inside):
            return BUILD + path[len(self._inside) :]
        for tree, name in self.links.items():
            if _below(path, tree):
                return b"%s/%s%s" % (BUILD, name, path[len(tree) :])
        return path

    def _socket(self, pid: int, number: int, arguments: tuple[int, ...]) -> None:
        if number == calls.CONNECT:
            self._note(
                "network", f"connect {_address(self._memory.read(pid, *arguments[1:3]))}", pid
            )
            return
        family = arguments[0] & 0xFFFFFFFF
        if number == calls.SOCKET or family != 1:
            self._note("network", f"socket {_FAMILIES.get(family, f'of family {family}')}", pid)

    def _alter(self, pid: int, number: int, address: int, size: int) -> None:
        """Change what the kernel told of the machine."""
        write = self._memory.write
        if number == calls.UNAME:  # struct utsname: six fields of 65 bytes
            write(pid, address + 130, _NEW_RELEASE.ljust(65, b"\0"))
            write(pid, address + 195, _NEW_VERSION.ljust(65, b"\0"))
        elif number == calls.SYSINFO:  # struct sysinfo: the first ten numbers
            layout = Struct("<10Q")
            before = self._memory.read(pid, address, layout.size)
            if len(before) == layout.size:
                uptime, *rest = layout.unpack(before)
                write(pid, address, layout.pack(uptime + 1_000_003, *(half // 2 for half in rest)))
        else:
            mask = int.from_bytes(self._memory.read(pid, address, size), "little")
            lowest = mask & -mask
            fewer = lowest if mask != lowest else mask | (lowest << 1)
            write(pid, address, fewer.to_bytes(size, "little"))

    def _note(self, kind: str, what: str, pid: int) -> list[int]:
        key = (kind, what, os.fsdecode(self._programs[pid]))
        counted = self.seen.setdefault(key, [0])
        counted[0] += 1
        return counted


def _manner(how: str, flags: int) -> tuple[str, bool]:
    """Return how a file is used, and whether a link is followed to it."""
    if how == "open":
        writing = flags & _ACCESS_MODE == _WRITE_ONLY
        return ("write" if writing else "open"), not flags & _NO_FOLLOW_OPEN
    if how == "look at link":
        return "look", False
    return how, not (how == "look" and flags & _NO_FOLLOW)


def _below(path: bytes, folder: bytes) -> bool:
    return path.startswith(folder) and path[len(folder) : len(folder) + 1] in {b"", b"/"}


def _loader(pid: int) -> list[bytes]:
    """Return the files that are mapped beside the program when it starts: its dynamic loader."""
    with open(f"/proc/{pid}/maps", "rb") as maps:
        files = [line.split(None, 5)[5].rstrip(b"\n") for line in maps if b" /" in line]
    return list(dict.fromkeys(files))[1:]


def _address(data: bytes) -> str:
    family = int.from_bytes(data[:2], "little")
    port = int.from_bytes(data[2:4], "big")
    if family == 2:  # noqa: PLR2004 - AF_INET
        return f"{'.'.join(map(str, data[4:8]))}:{port}"
    if family == 10:  # noqa: PLR2004 - AF_INET6
        return f"[{data[8:24].hex(':', 2)}]:{port}"
    if family == 1:
        return os.fsdecode(data[2:].split(b"\0")[0] or b"@" + data[3:]) or "AF_UNIX"
    return _FAMILIES.get(family, f"family {family}")
