"""The built-in action ``extract``: an archive becomes a tree.

    @builtin/extract VERSION ARCHIVE TREE [--strip-prefix P] [--include GLOB]… [--exclude GLOB]…

ARCHIVE and TREE are an input and an output path of the action. ``P`` is the leading folders to take
away, its parts may hold ``*``; what does not lie there is left out. A glob (``*``, ``?``, ``**``)
is held against the path after that, and fits a file also when it fits a folder above it. Files get
mode 0644, or 0755 where the archive has them executable; links that stay inside are kept; empty
folders are left out. The same archive and arguments give the same tree.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from unibuild.external.archives import Entry, bad_archive, entries
from unibuild.model.errors import ActionError, InternalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

VERSION = "1"
_CHUNK = 1 << 20


class Call(Protocol):
    """What this needs of ``unibuild.execution.request.BuiltinCall``, a room above."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments after ``@builtin/extract``."""

    @property
    def inputs(self) -> Mapping[str, Path]:
        """Where each input is."""

    @property
    def outputs(self) -> Mapping[str, Path]:
        """Where each output is to be made."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries of an archive are wanted, and what is taken off their paths."""

    strip_prefix: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def extract(call: Call) -> None:
    """Run the action."""
    archive, tree, selection = _parse(call.arguments)
    unpack(call.inputs[archive], call.outputs[tree], selection)


def unpack(archive: Path, tree: Path, selection: Selection) -> None:
    """Write the selected entries of ``archive`` below ``tree``, which is made."""
    tree.mkdir(parents=True, exist_ok=True)
    with entries(archive) as found:
        wanted = select(found, selection)
        for folder in sorted({entry.path.rpartition("/")[0] for entry in wanted}):
            (tree / folder).mkdir(parents=True, exist_ok=True)
        for entry in wanted:
            if entry.target:
                (tree / entry.path).symlink_to(entry.target)
            else:
                _write(entry, tree / entry.path)


def select(found: Sequence[Entry], selection: Selection) -> list[Entry]:
    """Return the entries that are wanted, under their paths in the tree."""
    stripped = list(_strip(found, selection.strip_prefix))
    if not stripped:
        tops = sorted({entry.path.partition("/")[0] for entry in found})
        raise ActionError(
            id="no-such-prefix",
            cause=f"the archive has nothing below strip_prefix '{selection.strip_prefix}'",
            hint=f"at its top are: {', '.join(tops[:10]) or 'no entries at all'}",
        )
    include = [(glob, pattern(glob)) for glob in selection.include]
    exclude = [pattern(glob) for glob in selection.exclude]
    for glob, compiled in include:
        if not any(compiled.fullmatch(entry.path) for entry in stripped):
            raise ActionError(
                id="empty-include",
                cause=f"include pattern '{glob}' fits nothing in the archive",
                hint="it is held against the path after strip_prefix, for example "
                f"'{stripped[0].path}'",
            )
    return [
        entry
        for entry in stripped
        if (not include or any(compiled.fullmatch(entry.path) for _, compiled in include))
        and not any(compiled.fullmatch(entry.path) for compiled in exclude)
    ]


def pattern(glob: str) -> re.Pattern[str]:
    """Compile a glob; it fits a path, or any path below a folder that it fits."""
    pieces = []
    for part in re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", glob.strip("/")):
        match part:
            case "**/":
                pieces.append("(?:[^/]+/)*")
            case "/**":
                pieces.append("/.+")
            case "**":
                pieces.append(".*")
            case "*":
                pieces.append("[^/]*")
            case "?":
                pieces.append("[^/]")
            case _:
                pieces.append(re.escape(part))
    return re.compile("".join(pieces) + "(?:/.*)?", re.DOTALL)


def _strip(found: Iterable[Entry], prefix: str) -> Iterable[Entry]:
    if not prefix.strip("/"):
        return found
    parts = [re.escape(part).replace(r"\*", "[^/]*") for part in prefix.strip("/").split("/")]
    compiled = re.compile("/".join(parts) + "/")
    stripped = []
    for entry in found:
        match = compiled.match(entry.path)
        if match:
            _check_target(entry, match[0])
            stripped.append(replace(entry, path=entry.path[match.end() :]))
    if len({entry.path for entry in stripped}) != len(stripped):
        raise bad_archive(f"two folders of the archive fit strip_prefix '{prefix}' and clash")
    return stripped


def _check_target(entry: Entry, prefix: str) -> None:
    """Refuse a link that was inside the archive but leads out of what is left of it."""
    ups = entry.target.split("/").count("..") if entry.target else 0
    if ups > entry.path.count("/") - prefix.count("/"):
        raise bad_archive(
            f"a link leads out of strip_prefix '{prefix}': {entry.path} -> {entry.target}"
        )


def _write(entry: Entry, path: Path) -> None:
    mode = 0o755 if entry.executable else 0o644
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, mode)
    with os.fdopen(descriptor, "wb") as target, entry.open() as source:
        os.fchmod(descriptor, mode)
        written = 0
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            target.write(chunk)
    # A hard link in a tar claims no size of its own; everything else must hold what it claims.
    if entry.size and written != entry.size:
        raise bad_archive(f"{entry.path} has {written} bytes where {entry.size} are claimed")


def _parse(arguments: Sequence[str]) -> tuple[str, str, Selection]:
    """Split the arguments of the action; they are made by a rule, so a mistake is ours."""
    words = arguments
    if len(words) < 3 or words[0] != VERSION or len(words) % 2 == 0:  # noqa: PLR2004
        raise InternalError(id="bad-builtin-call", cause=f"extract called with {arguments!r}")
    _, archive, tree, *options = words
    values: dict[str, list[str]] = {"--strip-prefix": [], "--include": [], "--exclude": []}
    for option, value in zip(options[::2], options[1::2], strict=True):
        if option not in values:
            raise InternalError(id="bad-builtin-call", cause=f"extract knows no option {option}")
        values[option].append(value)
    return (
        archive,
        tree,
        Selection(
            strip_prefix="".join(values["--strip-prefix"]),
            include=tuple(values["--include"]),
            exclude=tuple(values["--exclude"]),
        ),
    )
