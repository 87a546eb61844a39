"""The built-in actions that take a Linux program and its libraries, checked, before it is scanned.

linux-program      one executable out of a file or a folder, refused when Linux could not start it
linux-libraries    the interpreter and the shared libraries among an image's files, as a folder
"""

from __future__ import annotations

import posixpath
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.model.artifacts import GENERATED_PREFIX
from unibuild.model.errors import ActionError, UserError
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from unibuild.execution.request import BuiltinCall

WHOLE = "-"
"""The path of a program that is the whole input, not a file in it."""
EXEC_MAPPINGS = "exec-mappings"
"""The setting of an image that sets ``allow_exec_mappings``."""
_MOST_LINKS = 8
"""Links that lead to links: more in a row are not followed."""


def take(call: BuiltinCall) -> None:
    """Run ``linux-program``: the version, the file or folder, a path in it or ``-``, the output."""
    from unibuild.elf.validation import validate

    _version, source, path, made = call.arguments
    given = call.inputs[source]
    place, name = (given, source) if path == WHOLE else (_inside(given, path), path)
    with _mistakes():
        validate(Path(name).name, place.read_bytes(), allow_exec_mappings=True)
    if not place.stat().st_mode & stat.S_IXUSR:
        raise UserError(
            "not-executable",
            f"{Path(name).name} is a program, but nobody may execute it",
            hint="make it so where it is made: chmod +x in the command"
            if source.startswith(f"{GENERATED_PREFIX}/")
            else f"chmod +x {name}",
        )
    shutil.copyfile(place, call.outputs[made])
    call.outputs[made].chmod(0o555)


def find_libraries(call: BuiltinCall) -> None:
    """Run ``linux-libraries``: version, setting, program, output, pairs of path and input.

    The setting is ``exec-mappings`` where the program may have memory that is writable and executable,
    else ``-``: only the image knows that.
    """
    from unibuild.elf.libraries import libraries
    from unibuild.elf.validation import validate

    _version, setting, program, made, *pairs = call.arguments
    content = call.inputs[program].read_bytes()
    entries: dict[str, Path] = {}
    for path, source in zip(pairs[::2], pairs[1::2], strict=True):
        entries.update(_files(path, call.inputs[source]))
    folder = call.outputs[made]
    folder.mkdir(exist_ok=True)
    with _mistakes(), named(call.inputs[program], program) as place:
        validate(place.name, content, allow_exec_mappings=setting == EXEC_MAPPINGS)
        found = libraries(place, _followed(entries))
    for path, place in found.items():
        copy = folder / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place, copy)


@contextmanager
def named(place: Path, path: str) -> Iterator[Path]:
    """Give the file at ``place`` the name that ``path`` ends in: the store's says nothing to people."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, path.rpartition("/")[2])
        link.symlink_to(place)
        yield link


def library_files(folder: Path) -> dict[str, Path]:
    """Return what ``linux-libraries`` found, by path in the image."""
    return dict(_files("", folder))


@contextmanager
def _mistakes() -> Iterator[None]:
    """Make what is wrong with a file the mistake of whoever named it, which has a place."""
    try:
        yield
    except ActionError as error:
        raise UserError(error.id, error.cause, hint=error.hint, detail=error.detail) from error


def _inside(folder: Path, path: str) -> Path:
    """Return the file ``path`` of ``folder``, links followed as long as they stay there."""
    place = folder / path
    if place.is_file() and place.resolve().is_relative_to(folder.resolve()):
        return place
    there = [name.lstrip("/") for name, _ in _files("", folder)]
    name = path.rpartition("/")[2]
    same = [one for one in there if one.rpartition("/")[2] == name]
    raise UserError(
        "missing-program",
        f"there is no file `{path}` in the folder",
        hint=f'write path = "{same[0]}"' if same else did_you_mean(path, there),
    )


def _files(path: str, place: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files at or below ``place`` by path in the image, symbolic links unfollowed."""
    if place.is_dir() and not place.is_symlink():
        for child in sorted(place.iterdir()):
            yield from _files(f"{path.rstrip('/')}/{child.name}", child)
    else:
        yield path, place


def _followed(entries: Mapping[str, Path]) -> dict[str, Path]:
    """Return the regular files by every path that leads to one, links followed as the image has them."""
    files = {path: place for path, place in entries.items() if not place.is_symlink()}
    links = {
        path: posixpath.normpath(posixpath.join(posixpath.dirname(path), place.readlink()))
        for path, place in entries.items()
        if place.is_symlink()
    }
    for _ in range(_MOST_LINKS):
        more: dict[str, Path] = {}
        for path, target in links.items():
            inside = f"{target.rstrip('/')}/"
            for known, place in files.items():
                if known == target:
                    more[path] = place
                elif known.startswith(inside):
                    more[f"{path}/{known.removeprefix(inside)}"] = place
        if more.keys() <= files.keys():
            break
        files = more | files
    return files
