"""New entries for the lock, and newer versions of what it holds.

``lock`` is the only place where bytes are trusted for the first time: they are checked against what
the registry's index says (for Debian signed by the archive's keys, where the machine has these),
downloaded into the store, and pinned by both digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.external import deb, golang, pypi
from unibuild.external.debian_version import sort_key
from unibuild.external.download import Expected, download, partial_file
from unibuild.external.lock import Lock, LockedFile
from unibuild.model.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unibuild.external.fetch import PackageStore
    from unibuild.external.purl import Purl
    from unibuild.external.registries import Registries
    from unibuild.external.transport import Progress


@dataclass(frozen=True, slots=True)
class Locked:
    """A new lock with what became of it; of ``unsigned`` Debian packages no signature was checked."""

    lock: Lock
    added: tuple[str, ...]
    removed: tuple[str, ...]
    unsigned: tuple[str, ...]


def lock_packages(
    purls: Iterable[Purl],
    old: Lock,
    registries: Registries,
    store: PackageStore,
    progress: Progress | None = None,
) -> Locked:
    """Return a lock for exactly ``purls``; entries that ``old`` has are kept as they are."""
    wanted = {str(purl): purl for purl in purls}
    packages = {text: old.packages[text] for text in wanted if text in old.packages}
    added, unsigned = [], []
    for text, purl in sorted(wanted.items()):
        if text not in packages:
            packages[text], signed = _resolve(purl, registries, store, progress)
            added.append(text)
            if purl.type == "deb" and not signed:
                unsigned.append(text)
    removed = sorted(set(old.packages) - set(wanted))
    return Locked(Lock(packages), tuple(added), tuple(removed), tuple(unsigned))


def newest(purl: Purl, registries: Registries) -> Purl:
    """Return the package in the newest version that this machine's registries offer."""
    if purl.type == "pypi":
        found = pypi.sorted_versions(purl, pypi.links(purl, registries))
    else:
        offered = list(deb.versions(purl, registries, configured=True))
        found = tuple(sorted({each.version for each in offered}, key=sort_key))
    if not found:
        raise UserError(
            id="no-such-version",
            cause=f"the registries of this machine have no version of {purl.name}",
            hint="look at its name, and at the settings of pip and apt",
        )
    return purl.with_version(found[-1])


def rewrite(text: str, replacements: Mapping[str, str]) -> str:
    """Replace package URLs in the text of a BUILD.toml, where they stand as whole strings."""
    for old, new in replacements.items():
        for quote in ('"', "'"):
            text = text.replace(f"{quote}{old}{quote}", f"{quote}{new}{quote}")
    return text


def _resolve(
    purl: Purl, registries: Registries, store: PackageStore, progress: Progress | None
) -> tuple[tuple[LockedFile, ...], bool]:
    """Download every file of a package; tell whether a signature vouches for them."""
    transport = registries.transport(purl.type)
    offers, signed = _offers(purl, registries)
    files: list[LockedFile] = []
    for expected, location, places in offers:
        path = store.incoming / f"lock-{purl.type}-{expected.name}.part"
        with partial_file(path) as partial:
            content = download(partial, places, expected, transport, progress)
            files.append(
                LockedFile(expected.name, content.size, content.sha256, content.blake3, location)
            )
            store.adopt(path, files[-1])
    return tuple(files), signed


def _offers(
    purl: Purl, registries: Registries
) -> tuple[list[tuple[Expected, str, tuple[str, ...]]], bool]:
    """Return what is known of each file, its location in an archive, and where it may be had."""
    if purl.type == "pypi":
        link = pypi.choose(purl, pypi.links(purl, registries))
        return [(Expected(str(purl), link.name, sha256=link.sha256), "", (link.url,))], False
    if purl.type == "golang":
        names = golang.file_names(purl)
        return [
            (Expected(str(purl), name), "", golang.urls(purl, name, registries)) for name in names
        ], False
    found = deb.find(purl, registries)
    offers = []
    for file in found.files:
        places = deb.urls(file.location, purl.distribution, registries)
        expected = Expected(str(purl), file.name, file.size, file.sha256)
        offers.append((expected, file.location, places))
    return offers, found.signed
