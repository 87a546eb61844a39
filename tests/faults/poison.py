"""Results and trees that no honest server gives, each by what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from faults.raw import digest_of

from unibuild.store.digests import Digest
from unibuild.store.protobuf import message, number, string
from unibuild.store.reapi import (
    ActionResult,
    DirectoryNode,
    FileNode,
    OutputDirectory,
    OutputFile,
    SymlinkNode,
    decode_action_result,
    encode_action_result,
    encode_digest,
    encode_directory_node,
    encode_file_node,
    encode_symlink_node,
    encode_tree,
)

Poison = Callable[[bytes], bytes]

BAD_HASHES = (
    "../" * 20 + "tmp/escape",
    "ab/" + "c" * 61,
    "/" * 64,
    "." * 64,
    "",
    "A" * 64,
    "g" * 64,
    "a" * 63,
    "a" * 65,
    "a" * 63 + "\0",
    "\N{GREEK SMALL LETTER ALPHA}" * 64,
    "٣" * 64,  # digits, but not ours
)
BAD_SIZES = (2**62, 2**63, 2**64 - 1, 2**40)
BAD_PATHS = (
    "../escape",
    "/tmp/escape",  # noqa: S108 - nothing is ever written there
    "unibuild-out/../../../escape",
    "unibuild-out//escape",
    "",
    ".",
    "..",
    "a\0b",
    "x" * 100_000,
)


def _changed(change: Callable[[ActionResult], ActionResult]) -> Poison:
    return lambda data: encode_action_result(change(decode_action_result(data)))


def _each_digest(change: Callable[[Digest], Digest]) -> Poison:
    def changed(result: ActionResult) -> ActionResult:
        files = tuple(item._replace(digest=change(item.digest)) for item in result.files)
        directories = tuple(item._replace(tree=change(item.tree)) for item in result.directories)
        return result._replace(files=files, directories=directories)

    return _changed(changed)


def _each_path(change: Callable[[str], str]) -> Poison:
    def changed(result: ActionResult) -> ActionResult:
        files = tuple(item._replace(path=change(item.path)) for item in result.files)
        directories = tuple(item._replace(path=change(item.path)) for item in result.directories)
        return result._replace(files=files, directories=directories)

    return _changed(changed)


def _swapped(result: ActionResult) -> ActionResult:
    return result._replace(
        files=tuple(OutputFile(item.path, item.tree) for item in result.directories),
        directories=tuple(
            OutputDirectory(item.path, item.digest, item.digest) for item in result.files
        ),
    )


def _twice(result: ActionResult) -> ActionResult:
    other = tuple(item._replace(digest=digest_of(b"other")) for item in result.files)
    trees = tuple(item._replace(tree=digest_of(b"other")) for item in result.directories)
    return result._replace(files=result.files + other, directories=result.directories + trees)


def _with_another(path: str) -> Poison:
    def changed(result: ActionResult) -> ActionResult:
        more = OutputFile(path, digest_of(b"text\n"), executable=True)
        return result._replace(files=(more, *result.files))

    return _changed(changed)


def _symlinks(field: int, target: str) -> Poison:
    """Outputs come as links; 10 and 11 are the old fields, 12 is ``output_symlinks``."""

    def changed(data: bytes) -> bytes:
        result = decode_action_result(data)
        paths = [item.path for item in (*result.files, *result.directories)]
        return b"".join(message(field, string(1, path) + string(2, target)) for path in paths)

    return changed


def results() -> dict[str, Poison]:
    """Return all that can be wrong with a result, by a name for each."""
    found: dict[str, Poison] = {
        "no outputs": _changed(lambda result: result._replace(files=(), directories=())),
        "wrong kinds": _changed(_swapped),
        "paths twice": _changed(_twice),
        "failed": _changed(lambda result: result._replace(exit_code=1)),
        "killed": _changed(lambda result: result._replace(exit_code=2**64 - 9)),
        "empty message": lambda _data: b"",
        "cut short": lambda data: data[: len(data) // 2],
        "one byte more": lambda data: data + b"\x0a",
        "endless number": lambda data: data + b"\x20" + b"\xff" * 12,
        "no field": lambda data: data + b"\x00\x00",
        "group": lambda data: data + b"\x0b\x0c",
        "text that is none": lambda data: data + message(2, b"\x0a\x02\xff\xfe"),
        "numbers as text": lambda data: data + number(2, 7) + number(3, 7) + number(5, 7),
        "many outputs": lambda data: data + message(2, string(1, "more/output")) * 50_000,
        "endless output": lambda data: data + message(6, encode_digest(Digest("ab" * 32, 2**61))),
        "output elsewhere": lambda data: data + message(6, string(1, "../../x") + number(2, 5)),
        "absent blobs": _each_digest(lambda digest: Digest("0" * 64, digest.size)),
        "no size": _each_digest(lambda digest: digest._replace(size=0)),
        "a byte less": _each_digest(lambda digest: digest._replace(size=max(0, digest.size - 1))),
        "a byte more": _each_digest(lambda digest: digest._replace(size=digest.size + 1)),
        "root that lies": _changed(
            lambda result: result._replace(
                directories=tuple(
                    item._replace(root=digest_of(b"lie")) for item in result.directories
                ),
                files=(),
            )
        ),
    }
    for field in (10, 11, 12):
        found[f"links {field}"] = _symlinks(field, "/etc/passwd")
    found["links inside"] = _symlinks(12, "../../../../etc/passwd")
    for value in BAD_HASHES:
        found[f"hash {value[:8]!r} of {len(value)}"] = _each_digest(
            lambda digest, value=value: digest._replace(hash=value)  # type: ignore[misc]
        )
    for size in BAD_SIZES:
        found[f"size {size}"] = _each_digest(
            lambda digest, size=size: digest._replace(size=size)  # type: ignore[misc]
        )
    for path in BAD_PATHS:
        found[f"path {path[:20]!r}"] = _each_path(lambda _old, path=path: path)  # type: ignore[misc]
        found[f"also {path[:20]!r}"] = _with_another(path)
    return found


GOOD = digest_of(b"text\n")


def _file(name: str, digest: Digest = GOOD) -> bytes:
    return encode_file_node(*FileNode(name, digest))


def _link(name: str, target: str) -> bytes:
    return encode_symlink_node(*SymlinkNode(name, target))


def _below(name: str, directory: bytes) -> bytes:
    return encode_directory_node(*DirectoryNode(name, digest_of(directory)))


def _deep(levels: int) -> tuple[bytes, list[bytes]]:
    directory = _file("end")
    found = []
    for _ in range(levels):
        found.append(directory)
        directory = _below("d", directory)
    return directory, found


def _wide(levels: int) -> tuple[bytes, list[bytes]]:
    """A small message that says 3 to the power of ``levels`` files."""
    directory = _file("end")
    found = []
    for _ in range(levels):
        found.append(directory)
        directory = b"".join(_below(name, directory) for name in "abc")
    return directory, found


def trees() -> dict[str, bytes]:
    """Return encoded ``Tree``s that must never become a directory, by what is wrong with each."""
    plain = _file("a")
    roots: dict[str, tuple[bytes, Sequence[bytes]]] = {
        "child missing": (_below("d", plain), ()),
        "child that lies": (_below("d", plain), (_file("b"),)),
        "deeper than paths go": _deep(5000),
        "wider than disks": _wide(25),
        "absolute link": (_link("l", "/etc/passwd"), ()),
        "link that leaves": (_link("l", "../../../etc/passwd"), ()),
        "link that leaves below": (_below("d", _link("l", "../../x")), (_link("l", "../../x"),)),
        "link without target": (_link("l", ""), ()),
        "through a link": (_link("d", "/tmp") + _below("d", plain), (plain,)),  # noqa: S108
        "a file twice": (_file("a") + _file("a", digest_of(b"other")), ()),
        "file and link": (_file("a") + _link("a", "b"), ()),
        "file and directory": (_file("d") + _below("d", plain), (plain,)),
        "no message": (b"\xff" * 9, ()),
        "absent file": (_file("a", Digest("0" * 64, 7)), ()),
        "huge file": (_file("a", Digest("0" * 64, 2**62)), ()),
        "lying size": (_file("a", GOOD._replace(size=4)), ()),
    }
    for name in ("", ".", "..", "../../escape", "a/b", "/escape", "a\0b", "n" * 300):
        shown = repr(name[:9])
        roots[f"file {shown}"] = (_file(name), ())
        roots[f"link {shown}"] = (_link(name, "a"), ())
        roots[f"directory {shown}"] = (_below(name, plain), (plain,))
    for value in BAD_HASHES[:5]:
        roots[f"hash {value[:8]!r}"] = (_file("a", Digest(value, 5)), ())
    found = {name: encode_tree(root, children) for name, (root, children) in roots.items()}
    found["no tree"] = b"\x0a\xff\xff"
    return found


def with_tree(tree: bytes) -> Poison:
    """Return what makes a result name ``tree`` as each of its directories."""
    root = tree[:0]

    def changed(result: ActionResult) -> ActionResult:
        directories = tuple(
            item._replace(tree=digest_of(tree), root=_root_of(tree) or digest_of(root))
            for item in result.directories
        )
        return result._replace(directories=directories)

    return _changed(changed)


def _root_of(tree: bytes) -> Digest | None:
    from unibuild.store.protobuf import MalformedMessageError
    from unibuild.store.reapi import decode_tree

    try:
        return digest_of(decode_tree(tree)[0])
    except MalformedMessageError:
        return None
