"""Which sources include other sources as text, so that their objects hold the others' code too.

musl's ``libc_calloc.c`` includes ``calloc.c``; a kernel component includes a source of lwIP. Read are the
sources of every external package that the link was offered something of, as the lock pins them, and the
folders of all components. Sources are known by their base name: of two with one name either may be meant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.external.archives import entries
from unibuild.external.lock import merge
from unibuild.external.lock import read as read_lock
from unibuild.external.packages import StoredPackages
from unibuild.external.purl import parse, split_file
from unibuild.model.errors import HostError, UnibuildError
from unibuild.store.cache import Cache
from unibuild.verify.materials.bill import EXTERNAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from unibuild.image.manifest import Manifest
    from unibuild.loading.workspace import Workspace

_INCLUDED = re.compile(
    rb'^[ \t]*[#.][ \t]*include(?:_next)?[ \t]*["<]([^">\n]+\.[csS])[">]', re.MULTILINE
)
_COMPUTED = re.compile(rb"^[ \t]*#[ \t]*include(?:_next)?[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_NAMED = re.compile(
    rb'^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+["<]([^">\n]+\.[csS])[">]', re.MULTILINE
)
_READ = (".c", ".s", ".S", ".h", ".inc", ".def")
_LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Inclusions:
    """Base name of a source → base names of the files that include it."""

    includers: Mapping[str, frozenset[str]]

    def of(self, base: str) -> frozenset[str]:
        """Return every file that includes the source ``base``, directly or not, without itself."""
        found: set[str] = set()
        open_ones = [base]
        while open_ones:
            for one in self.includers.get(open_ones.pop(), ()):
                if one not in found:
                    found.add(one)
                    open_ones.append(one)
        return frozenset(found - {base})


def scan(files: Iterable[tuple[str, bytes]]) -> Inclusions:
    """Look for inclusions in files, given by name and content."""
    found: dict[str, set[str]] = defaultdict(set)
    named: dict[bytes, set[str]] = defaultdict(set)  # macro → the sources that it may stand for
    computed: list[tuple[str, bytes]] = []
    for name, content in files:
        base = name.rpartition("/")[2]
        for included in _INCLUDED.findall(content):
            found[_base(included)].add(base)
        for macro, included in _NAMED.findall(content):
            named[macro].add(_base(included))
        computed += [(base, macro) for macro in _COMPUTED.findall(content)]
    for base, macro in computed:
        for included_base in named.get(macro, ()):
            found[included_base].add(base)
    return Inclusions({base: frozenset(names) for base, names in found.items()})


def _base(path: bytes) -> str:
    return path.rpartition(b"/")[2].decode("utf-8", "replace")


def of_image(
    workspace: Workspace, cache_root: Path, manifest: Manifest, note: Callable[[str], None]
) -> Inclusions:
    """Scan all that the image of ``manifest`` is made of.

    Raises ``HostError`` ``sources-missing`` when the sources of a package are not in the cache.
    """
    known = (*manifest["components"], *manifest["left_out"])
    purls = sorted({origin["purl"] for one in known for origin in one["materials"]})
    external = [purl for purl in purls if purl.startswith(EXTERNAL)]
    labels = sorted({one["label"] for one in known})

    def files() -> Iterator[tuple[str, bytes]]:
        yield from _of_packages(workspace, cache_root, external, note)
        for folder in sorted({_folder(workspace, label) for label in labels}):
            yield from _of_folder(folder)

    return scan(files())


def _of_packages(
    workspace: Workspace, cache_root: Path, purls: Iterable[str], note: Callable[[str], None]
) -> Iterator[tuple[str, bytes]]:
    lock = merge(read_lock(path) for path in workspace.lock_paths if path.exists())
    cache = Cache(str(cache_root), workspace.digest_function, note)
    try:
        packages = StoredPackages(cache.content, workspace.digest_function, cache_root)
        for purl in purls:
            path = packages.find(lock.files(parse(split_file(purl)[0]))[0])
            if path is None:
                raise HostError(
                    "sources-missing",
                    f"the sources of {purl} are not in the cache",
                    hint="fetch them: unibuild fetch",
                )
            yield from _of_archive(path)
    finally:
        cache.close()


def _of_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    with entries(path) as found:
        for entry in found:
            if entry.path.endswith(_READ) and not entry.target and entry.size <= _LARGEST:
                with entry.open() as file:
                    yield entry.path, file.read()


def _of_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in _READ and path.is_file() and path.stat().st_size <= _LARGEST:
            yield path.name, path.read_bytes()


def _folder(workspace: Workspace, label: str) -> Path:
    """Return the folder of a component's package; one that cannot be told is the workspace's own."""
    try:
        found = workspace.label(label)
    except UnibuildError:
        return workspace.root
    return workspace.repositories[found.repository] / found.package
