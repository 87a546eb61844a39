"""Sources: the file names and globs of a package into sorted lists of files.

A name is a path below the package's folder. ``*`` matches within one name and ``**`` any number of
folders; neither matches a leading dot. ``!pattern`` takes away from what the globs of the same list
found. Nothing crosses into a folder with a BUILD.toml or WORKSPACE.toml of its own.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from unibuild.loading.directories import BUILD_FILE, WORKSPACE_FILE, Directories, Kind
from unibuild.model.errors import UserError
from unibuild.model.labels import Label, looks_like_label, package_text
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unibuild.loading.package import Package

_EXCLUDE = "!"
_NOT_A_SOURCE = frozenset({BUILD_FILE, WORKSPACE_FILE})


class Fault(NamedTuple):
    """A mistake in element ``item`` of a list of sources; the error has no place yet."""

    item: int
    error: UserError


def resolve_sources(
    package: Package, entries: Sequence[str], directories: Directories
) -> tuple[list[Label | str], list[Fault]]:
    """Return the labels and files that ``entries`` name, in order and each once, and the mistakes.

    Files are paths relative to the package; those of one glob are sorted.
    """
    found: dict[Label | str, None] = {}
    faults: list[Fault] = []
    excluded: list[re.Pattern[str]] | None = None
    for index, entry in enumerate(entries):
        try:
            if looks_like_label(entry):
                found[package.label(entry)] = None
            elif entry.startswith(_EXCLUDE):
                check_path(package, entry.removeprefix(_EXCLUDE))
            elif "*" in entry:
                if excluded is None:
                    excluded = _exclusions(entries)
                check_path(package, entry)
                matches = expand_glob(package, entry, directories, excluded)
                found.update(dict.fromkeys(matches))
            else:
                found[check_file(package, entry, directories)] = None
        except UserError as error:
            faults.append(Fault(index, error))
    return list(found), faults


def check_file(package: Package, entry: str, directories: Directories) -> str:
    """Return the path of the one file ``entry`` of the package, or raise for what is wrong."""
    check_path(package, entry)
    directory = package.directory
    folder, _, name = entry.rpartition("/")
    if folder:
        directory = _descend(package, folder, entry, directories)
    kind = directories.listing(directory, watch=False).get(name)
    if kind is Kind.FILE:
        if f"{directory}/{name}" in directories.links:
            _check_link(package, f"{directory}/{name}", entry)
        return entry
    if kind is None:
        raise _missing(package, entry, directory, name, directories)
    if kind is Kind.LOOP:
        raise UserError("symlink-loop", f"`{entry}` is a symbolic link that leads back to itself")
    if kind is Kind.DIRECTORY:
        hint = f"for the files in it write `{entry}/**`"
        raise UserError("not-a-file", f"`{entry}` is a folder, not a file", hint=hint)
    raise UserError("not-a-file", f"`{entry}` is neither a file nor a link to one")


def folder_files(package: Package, entry: str, directories: Directories) -> list[str]:
    """Return the paths of all files in the folder ``entry`` of the package, hidden ones too."""
    entry = entry.removesuffix("/")
    check_path(package, entry)
    above, _, name = entry.rpartition("/")
    directory = _descend(package, above, entry, directories) if above else package.directory
    kind = directories.listing(directory, watch=False).get(name)
    if kind is Kind.FILE:
        raise UserError("not-a-folder", f"`{entry}` is a file, not a folder")
    if kind is not Kind.DIRECTORY:
        near = did_you_mean(name, directories.listing(directory, watch=False))
        raise UserError("missing-file", f"there is no folder `{entry}` in the package", hint=near)
    directory = _descend(package, entry, entry, directories)
    walk = _Walk(package, directories, depth=None, hidden=True)
    found = list(walk.files(directory, entry))
    if not found:
        raise UserError(
            "empty-folder",
            f"the folder `{entry}` holds no file",
            hint='for an empty directory in the image write dirs = ["/path"]',
        )
    for path in found:
        _check_text(path)
    return sorted(found)


def check_path(package: Package, entry: str) -> None:
    """Raise unless ``entry`` is a plain relative path that stays below the package."""
    if entry.startswith("/") and _inside(entry, package.directory):
        relative = os.path.relpath(entry, package.directory)
        raise UserError(
            "absolute-path", f"`{entry}` is an absolute path", hint=f"write `{relative}`"
        )
    check_path_text(entry)


def check_path_text(entry: str) -> None:
    """Raise unless ``entry`` is a plain relative path in its shortest form."""
    if not entry:
        raise UserError("bad-path", "a file name is empty")
    if entry.startswith("/"):
        raise UserError(
            "absolute-path", f"`{entry}` is an absolute path", hint="name files by a relative path"
        )
    parts = entry.split("/")
    if ".." in parts:
        raise UserError(
            "parent-path",
            f"`{entry}` goes up with `..`",
            hint="a package names only files below its own folder; for files of another package "
            "depend on a target there, such as a filegroup",
        )
    if "" in parts or "." in parts:
        corrected = "/".join(part for part in parts if part not in {"", "."})
        hint = f"write `{corrected}`" if corrected else ""
        raise UserError("bad-path", f"`{entry}` is not in its shortest form", hint=hint)
    if not entry.isprintable():
        raise UserError("bad-path", "a file name holds a character that cannot be printed")


def expand_glob(
    package: Package, pattern: str, directories: Directories, excluded: Sequence[re.Pattern[str]]
) -> list[str]:
    """Return the files that ``pattern`` matches, sorted; none at all is an error."""
    parts = pattern.split("/")
    fixed = 0
    while fixed < len(parts) - 1 and "*" not in parts[fixed]:
        fixed += 1
    base = "/".join(parts[:fixed])
    directory = package.directory
    if base:
        directory = _descend(package, base, pattern, directories)
    walk = _Walk(
        package,
        directories,
        depth=None if "**" in parts else len(parts) - 1,
        hidden=any(part.startswith(".") for part in parts),
    )
    matches = compile_glob(pattern).match
    found = [
        path
        for path in walk.files(directory, base)
        if matches(path) and not any(exclusion.match(path) for exclusion in excluded)
    ]
    if not found:
        raise UserError(
            "empty-glob",
            f"`{pattern}` matches no file in `{package_text(package.repository, package.path)}`",
            hint="a glob that matches nothing is a mistake: correct it or take it away",
        )
    for path in found:
        _check_text(path)
    return sorted(found)


def _check_text(path: str) -> None:
    """Refuse a name from the disk that is no UTF-8, as every name in an action's digest has to be."""
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise UserError(
            "bad-path",
            f"the name of the file `{shown}` is no UTF-8 text",
            hint="rename the file, or leave it out with an entry that begins with `!`",
        ) from None


@lru_cache(maxsize=4096)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """Return the expression that matches whole paths the way ``pattern`` does."""
    parts = pattern.split("/")
    text = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            text += r"(?:(?!\.)[^/]+/)*" + (r"(?!\.)[^/]+" if last else "")
            continue
        if part.startswith("*"):
            text += r"(?!\.)"
        text += "[^/]*".join(re.escape(piece) for piece in re.split(r"\*+", part))
        text += "" if last else "/"
    return re.compile(text + r"\Z", re.DOTALL)


def _exclusions(entries: Sequence[str]) -> list[re.Pattern[str]]:
    """Return the exclusions among ``entries``, compiled."""
    return [compile_glob(entry[1:]) for entry in entries if entry.startswith(_EXCLUDE)]


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk over the folders of a package, at most ``depth`` parts deep.

    Names with a leading dot are passed over unless ``hidden`` is set.
    """

    package: Package
    directories: Directories
    depth: int | None
    hidden: bool

    def files(self, directory: str, base: str, above: tuple[str, ...] = ()) -> Iterator[str]:
        """Yield the files below ``directory``, which is ``base`` from the package.

        ``above`` are the places that the symbolic links on the way here led to.
        """
        prefix = f"{base}/" if base else ""
        level = base.count("/") + 1 if base else 0
        for name, kind in self.directories.listing(directory).items():
            if name in _NOT_A_SOURCE or (name.startswith(".") and not self.hidden):
                continue
            place = f"{directory}/{name}"
            path = prefix + name
            if kind is Kind.FILE:
                if place in self.directories.links:
                    _check_link(self.package, place, path)
                yield path
            elif kind is Kind.LOOP:
                cause = f"`{path}` is a symbolic link that leads back to itself"
                raise UserError("symlink-loop", cause)
            elif kind is Kind.DIRECTORY and (self.depth is None or level < self.depth):
                trail = self._followed(directory, place, path, above)
                if not self.directories.has_package(place):
                    yield from self.files(place, path, trail)

    def _followed(
        self, directory: str, place: str, path: str, above: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return ``above`` with where ``place`` leads, if it is a link; a loop is an error."""
        if place not in self.directories.links:
            return above
        real = _check_link(self.package, place, path)
        if _inside(os.path.realpath(directory), real) or real in above:
            cause = f"the symbolic link `{path}` leads back to a folder above it"
            raise UserError("symlink-loop", cause)
        return (*above, real)


def _descend(package: Package, folder: str, entry: str, directories: Directories) -> str:
    """Return the absolute path of ``folder`` below the package; it must not leave the package."""
    directory = package.directory
    path = package.path
    for name in folder.split("/"):
        kind = directories.listing(directory, watch=False).get(name)
        if kind is Kind.LOOP:
            cause = f"`{name}` in `{entry}` is a symbolic link that leads back to itself"
            raise UserError("symlink-loop", cause)
        if kind is not Kind.DIRECTORY:
            raise _missing(package, entry, directory, name, directories)
        directory = f"{directory}/{name}"
        path = f"{path}/{name}" if path else name
        if directory in directories.links:
            _check_link(package, directory, entry)
        if directories.has_package(directory):
            other = package_text(package.repository, path)
            raise UserError(
                "outside-package",
                f"`{entry}` belongs to another package, `{other}`",
                hint=f"depend on a target of `{other}`, such as a filegroup",
            )
    return directory


def _check_link(package: Package, place: str, entry: str) -> str:
    """Return where the symbolic link at ``place`` leads; it must stay inside the repository."""
    real = os.path.realpath(place)
    root = os.path.realpath(package.root)
    if not _inside(real, root):
        raise UserError(
            "outside-package",
            f"`{entry}` is a symbolic link that leads out of the workspace",
            hint="copy the file into the package, or fetch it with an external_archive",
        )
    return real


def _inside(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _missing(
    package: Package, entry: str, directory: str, name: str, directories: Directories
) -> UserError:
    """Return the error for a file that is not there, with what may have been meant."""
    near = ""
    if name in package.targets:
        near = f"for the target of that name write `:{name}`"
    else:
        near = did_you_mean(name, directories.listing(directory, watch=False))
    return UserError("missing-file", f"there is no file `{entry}` in the package", hint=near)
