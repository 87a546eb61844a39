"""The interpreter and the shared libraries that a dynamic program needs, by its own headers.

Nothing is run. The order of search is the dynamic loader's (ld.so(8)): RPATH of the file and of those
that brought it, unless the file has a RUNPATH, then RUNPATH, then the directories that the interpreter
has built in: Debian's and Fedora's for glibc, and musl's. Files are named by their path in the image.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from unibuild.elf.dynamic import Dynamic, interpreter, read_dynamic
from unibuild.elf.layout import ElfFile, MalformedElfError
from unibuild.elf.memory import Memory
from unibuild.model.errors import ActionError
from unibuild.model.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ET_DYN: Final = 3
_GLIBC: Final = (
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
)
_MUSL: Final = ("/lib", "/usr/local/lib", "/usr/lib")
_MUSL_NAMES: Final = ("libc.so", "libc.musl-x86_64.so.1")
"""What programs for musl need by name; its interpreter is the library."""
_PACKAGES: Final = {"ld-linux-x86-64.so.2": "libc6", "ld-musl-x86_64.so.1": "musl"}
"""Where Debian keeps the interpreters."""
_MAGIC: Final = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A file that the loader has mapped, and the one that asked for it."""

    path: str
    dynamic: Dynamic
    parent: _Loaded | None


def libraries(program: Path, files: Mapping[str, Path], inside: str = "") -> dict[str, Path]:
    """Return the files of an image that ``program`` can load, by their path, in the loader's order.

    ``files`` are the image's files by absolute path, links under each of their names; ``inside`` is the
    program's own path there. First come the interpreter and what the headers need, then every other
    shared library, since the running program can open it. ``ActionError`` ``missing-interpreter`` or
    ``missing-library`` names what is not there. Empty for a program without an interpreter.
    """
    path = inside or f"/bin/{program.name}"
    elf = ElfFile.parse(program.read_bytes())
    wanted = interpreter(elf)
    if not wanted:
        return {}
    if wanted not in files:
        raise ActionError(
            "missing-interpreter",
            f"{program.name} is started by {wanted}, which is not among the image's files",
            hint=_advice(wanted, files),
        )
    found = dict.fromkeys([wanted])
    found |= dict.fromkeys(needed_files(path, read_dynamic(elf, Memory.of(elf)), wanted, files))
    own = files.get(path)
    for name in sorted(files):
        if name not in found and files[name] != own and _is_library(files[name]):
            found[name] = None
    return {name: files[name] for name in found}


def needed_files(path: str, dynamic: Dynamic, wanted: str, files: Mapping[str, Path]) -> list[str]:
    """Return what the headers of the program at ``path`` need, in the order of symbol search."""
    root = _Loaded(path, dynamic, None)
    musl = "musl" in posixpath.basename(wanted)
    names = {posixpath.basename(wanted): wanted}
    if musl:
        names |= dict.fromkeys(_MUSL_NAMES, wanted)
    order: list[str] = []
    queue = [root]
    while queue:
        one = queue.pop(0)
        for name in one.dynamic.needed:
            if name in names:
                found = names[name]
                if found not in order:
                    order.append(found)
                continue
            found = _find(one, name, files, _MUSL if musl else _GLIBC)
            names[name] = found
            if found in order:
                continue
            order.append(found)
            library = _read(files[found])
            if library.soname:
                names.setdefault(library.soname, found)
            queue.append(_Loaded(found, library, one))
    return order


def _find(one: _Loaded, name: str, files: Mapping[str, Path], built_in: tuple[str, ...]) -> str:
    if "/" in name:
        places = [_expanded(name, one.path)]
    else:
        directories = _directories(one) + list(built_in)
        places = [posixpath.join(directory, name) for directory in directories]
    for place in places:
        if place in files:
            return place
    raise ActionError(
        "missing-library",
        f"{one.path} needs {name}, which is in none of the directories where it is looked for",
        hint=_advice(name, files),
        detail=tuple(dict.fromkeys(f"looked for {place}" for place in places)),
    )


def _directories(one: _Loaded) -> list[str]:
    found = []
    if not one.dynamic.runpath:
        bringing: _Loaded | None = one
        while bringing is not None:
            if not bringing.dynamic.runpath:
                found += _split(bringing.dynamic.rpath, bringing.path)
            bringing = bringing.parent
    return found + _split(one.dynamic.runpath, one.path)


def _split(text: str, path: str) -> list[str]:
    return [_expanded(one, path) for one in text.split(":") if one]


def _expanded(text: str, path: str) -> str:
    origin = posixpath.dirname(path)
    for name, value in (
        ("ORIGIN", origin),
        ("LIB", "lib/x86_64-linux-gnu"),
        ("PLATFORM", "x86_64"),
    ):
        text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return posixpath.normpath(text)


def _advice(name: str, files: Mapping[str, Path]) -> str:
    base = posixpath.basename(name)
    same = sorted(one for one in files if posixpath.basename(one) == base)
    if same:
        return f"the image has it as {same[0]}; give it the path where it is looked for"
    near = did_you_mean(base, {posixpath.basename(one) for one in files})
    package = _PACKAGES.get(base)
    known = f" (Debian's package {package} has it)" if package else ""
    add = f"add {base} to `files` or `dirs` of the image{known}"
    return f"{near} Else {add}" if near else add


def _read(path: Path) -> Dynamic:
    try:
        elf = ElfFile.parse(path.read_bytes())
        return read_dynamic(elf, Memory.of(elf))
    except MalformedElfError as error:
        raise ActionError(
            "damaged-library",
            f"{path.name} is no shared library for x86-64: {error}",
            hint="take the file again from its package",
        ) from error


def _is_library(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return False
    try:
        return ElfFile.parse(path.read_bytes()).type == ET_DYN
    except MalformedElfError:
        return False
