"""Where a workspace is from: its Git repository, the commit, and which files are not the commit's.

A file counts as the commit's when its bytes give the commit's blob, as they are or after the filters
that the repository's attributes ask for. Neither the index nor its flags are believed, so that no
``assume-unchanged`` can hide a change. A file in a submodule or outside the repository is named by its
own digest only.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from unibuild.model.errors import HostError
from unibuild.verify.attestation.provenance import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NOT_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
_ALGORITHMS = {40: "sha1", 64: "sha256"}
_LINK = "120000"


def source_of(root: str, files: Mapping[str, str], folders: Iterable[str]) -> Source:
    """Return where the workspace at ``root`` is from.

    ``files`` are the names and absolute paths of all files that were read; ``folders`` the absolute
    paths of folders whose listing mattered. Raises ``HostError`` when there is a repository that Git
    cannot read.
    """
    if not _in_repository(root):
        return Source()
    top = _git(root, "rev-parse", "--show-toplevel").removesuffix("\n")
    commit = _git(root, "rev-parse", "--verify", "HEAD^{commit}").strip()
    return Source(
        uri=_remote(root, top),
        commit=commit,
        path="" if os.path.samefile(root, top) else os.path.relpath(os.path.realpath(root), top),
        dirty=tuple(sorted(map(_plain, _dirty(top, commit, files, folders)))),
    )


def without_credentials(url: str, top: str) -> str:
    """Return a remote as a URL that names nobody's password: ``git+https://HOST/PATH``.

    The user of an SSH remote stays, since it is part of the address; a token in an HTTP one goes, and
    so do query and fragment. A path of this machine, from ``top``, becomes a ``file`` URL.
    """
    if "://" not in url:
        host, colon, path = url.partition(":")
        if colon and "/" not in host:
            return without_credentials(f"ssh://{host}/{path.lstrip('/')}", top)
        return without_credentials("file://" + os.path.normpath(os.path.join(top, url)), top)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if ":" in host:
        host = f"[{host}]"
    user = f"{parts.username}@" if parts.scheme == "ssh" and parts.username else ""
    plain = urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, "", ""))
    return "git+" + "".join(c if "!" <= c <= "~" else _escaped(c) for c in plain)


def _plain(name: str) -> str:
    """Return a file's name as text that JSON can hold, whatever its bytes are."""
    return os.fsencode(name).decode(errors="replace")


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogateescape"))


def _in_repository(root: str) -> bool:
    folder = os.path.realpath(root)
    while not os.path.lexists(f"{folder}/.git"):
        if folder == "/":
            return False
        folder = os.path.dirname(folder)
    return True


def _remote(root: str, top: str) -> str:
    """Return the remote ``origin``, else the first of the others by name."""
    listed = _git(root, "config", "--null", "--get-regexp", r"^remote\..*\.url$", fine=(1,))
    urls = dict(entry.split("\n", 1) for entry in listed.split("\0") if "\n" in entry)
    if not urls:
        return ""
    chosen = urls.get("remote.origin.url") or urls[min(urls)]
    return without_credentials(chosen, top)


def _dirty(
    top: str, commit: str, files: Mapping[str, str], folders: Iterable[str]
) -> Iterable[str]:
    tree = _tree(top, commit)
    here = {os.path.realpath(folder) for folder in folders}
    gone = [
        path
        for path in tree
        if os.path.dirname(f"{top}/{path}") in here and not os.path.lexists(f"{top}/{path}")
    ]
    shown = {os.path.realpath(path): name for name, path in files.items()}
    yield from (shown.get(f"{top}/{path}", path) for path in gone)
    doubtful: dict[str, str] = {}
    for name, path in files.items():
        real = os.path.realpath(path)
        relative = os.path.relpath(real, top)
        if relative.startswith("../") or not os.path.lexists(path):
            continue
        entry = tree.get(relative)
        if entry is None or _link_changed(top, path, tree, len(commit)):
            yield name
        elif _blob(_content(real), len(commit)) != entry[1]:
            doubtful[relative] = name
    filtered = _filtered(top, list(doubtful))
    for relative, name in doubtful.items():
        if filtered.get(relative) != tree[relative][1]:
            yield name


def _link_changed(top: str, path: str, tree: Mapping[str, tuple[str, str]], length: int) -> bool:
    """Tell whether ``path`` is a link below ``top`` that the commit does not have as it is."""
    if not os.path.islink(path):
        return False
    folder = os.path.realpath(os.path.dirname(path))
    mode, blob = tree.get(os.path.relpath(f"{folder}/{os.path.basename(path)}", top), ("", ""))
    return mode != _LINK or blob != _blob(os.fsencode(os.readlink(path)), length)


def _tree(top: str, commit: str) -> dict[str, tuple[str, str]]:
    """Return mode and blob of every file of the commit by its path."""
    tree: dict[str, tuple[str, str]] = {}
    for entry in _git(top, "ls-tree", "-r", "-z", "--full-tree", commit).split("\0"):
        about, tab, path = entry.partition("\t")
        if tab:
            mode, _, blob = about.split(" ")
            tree[path] = (mode, blob)
    return tree


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _blob(content: bytes, length: int) -> str:
    hasher = hashlib.new(_ALGORITHMS[length], usedforsecurity=False)
    hasher.update(b"blob %d\0" % len(content))
    hasher.update(content)
    return hasher.hexdigest()


def _filtered(top: str, paths: list[str]) -> dict[str, str]:
    """Return the blobs that Git would make of files of the work tree, after its filters."""
    plain = [path for path in paths if "\n" not in path and not path.startswith('"')]
    if not plain:
        return {}
    told = "".join(f"{path}\n" for path in plain)
    made = _git(top, "hash-object", "--stdin-paths", told=told).split("\n")
    return dict(zip(plain, made, strict=False))


def _git(folder: str, *arguments: str, told: str = "", fine: tuple[int, ...] = ()) -> str:
    import subprocess

    environment = {name: text for name, text in os.environ.items() if name not in _NOT_INHERITED}
    environment["LC_ALL"] = "C"
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            env=environment,
            input=os.fsencode(told),
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise _unusable(folder, f"git cannot be run: {error.strerror}") from error
    if done.returncode and done.returncode not in fine:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise _unusable(folder, words[0] if words else f"git ended with {done.returncode}")
    return os.fsdecode(done.stdout)


def _unusable(folder: str, why: str) -> HostError:
    return HostError(
        id="no-source-history",
        cause=f"the commit of {folder} cannot be told, which the provenance has to name: {why}",
        hint="install git, let it read this repository (safe.directory), and make a first commit",
    )
