"""Packages of a Debian archive: signed indices while locking, plain paths ever after.

``InRelease`` (checked with gpgv and the archive's keys where the machine has both) names the digest
of each ``Sources`` and ``Packages`` index, the index those of each file (Debian's repository
format, https://wiki.debian.org/DebianRepository/Format). The lock keeps each file's path below the
archive's root, so that fetching needs no index.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.external.apt_settings import Archive, paragraphs
from unibuild.external.transport import GoneError
from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.external.purl import Purl
    from unibuild.external.registries import Registries
    from unibuild.external.transport import Transport

_SUITES = ("stable", "oldstable", "oldoldstable", "testing", "unstable")
_COMPONENTS = ("main",)
_KEYRINGS = Path("/usr/share/keyrings")
_COMPRESSIONS = (".xz", ".gz", "")


@dataclass(frozen=True, slots=True)
class DebFile:
    """One file of a package: name, size, SHA-256 and path below the archive's root."""

    name: str
    size: int
    sha256: str
    location: str


@dataclass(frozen=True, slots=True)
class Found:
    """One version of a package in one archive, the main file first; ``signed``: keys vouch."""

    version: str
    files: tuple[DebFile, ...]
    signed: bool


def find(purl: Purl, registries: Registries) -> Found:
    """Return the files of exactly this version; ``no-such-version`` with those there are."""
    others: dict[str, None] = {}
    problem: HostError | None = None
    try:
        for found in versions(purl, registries):
            if found.version == purl.version:
                return found
            others[found.version] = None
    except HostError as error:
        problem = error
    if purl.qualifier("arch") == "source":
        in_pool = _from_pool(purl, registries)
        if in_pool:
            return in_pool
    if problem:
        raise problem
    raise UserError(
        id="no-such-version",
        cause=f"the archives of this machine have no {purl}",
        hint=f"they have {', '.join(others)}; mirrors drop a version once it is superseded, so name"
        " one of these or an archive that keeps old versions ([mirrors] in WORKSPACE.toml)"
        if others
        else "look at its name and architecture, or name its release with '&distro=CODENAME'",
    )


def versions(purl: Purl, registries: Registries, *, configured: bool = False) -> Iterator[Found]:
    """Yield what the indices of the archives hold of a package, in the order they are asked.

    ``configured``: look only into suites that apt is set up for, where there are any.
    """
    transport = registries.transport("deb")
    distribution = purl.distribution
    reached = False
    problem: HostError | None = None
    archives = registries.archives(distribution)
    if configured and any(archive.suites for archive in archives):
        archives = tuple(archive for archive in archives if archive.suites)
    for archive in archives:
        wanted = purl.qualifier("distro")
        for suite in (wanted,) if wanted else archive.suites or _SUITES:
            try:
                release, signed = _release(archive, suite, distribution, transport)
            except GoneError:
                continue
            except HostError as error:
                problem = error
                break
            reached = True
            if release.get("origin", "").lower() != distribution:
                continue
            for component in archive.components or _COMPONENTS:
                index = _index(archive, suite, component, purl, release, transport)
                for stanza in _stanzas(index, purl.name):
                    yield _found(purl, stanza, signed=signed)
    if not reached and problem:
        raise problem


def urls(location: str, distribution: str, registries: Registries) -> tuple[str, ...]:
    """Return where a file of the lock may be, best first."""
    from urllib.parse import quote

    path = quote(location, safe="/+~:")
    return tuple(f"{archive.url}/{path}" for archive in registries.archives(distribution))


def _release(
    archive: Archive, suite: str, distribution: str, transport: Transport
) -> tuple[dict[str, str], bool]:
    if suite.endswith("/"):
        raise GoneError(f"{archive.url} {suite} is a flat repository")
    data, _, _ = transport.read(f"{archive.url}/dists/{suite}/InRelease")
    signed = _verify(data, archive, distribution)
    text = data.decode("utf-8", "replace")
    body = text.partition("\n\n")[2].partition("\n-----BEGIN PGP SIGNATURE-----")[0]
    return next(paragraphs(body), {}), signed


def _verify(data: bytes, archive: Archive, distribution: str) -> bool:
    """Check the signature of an InRelease file; false when keys or gpgv are absent."""
    import shutil

    gpgv = shutil.which("gpgv")
    names = archive.keys or tuple(
        str(path) for path in sorted(_KEYRINGS.glob(f"{distribution}-archive-keyring.*g*"))
    )
    keyrings = [name for name in names if Path(name).is_file() and not name.endswith(".asc")]
    if not gpgv or not keyrings:
        return False
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        options = [option for name in keyrings for option in ("--keyring", name)]
        done = subprocess.run([gpgv, *options, file.name], capture_output=True, check=False)
    if done.returncode:
        raise HostError(
            id="bad-signature",
            cause=f"the signature of {archive.url} does not fit this machine's keys",
            hint="look at the archive's keys ('apt-get update' says more), or at your network",
            detail=tuple(done.stderr.decode("utf-8", "replace").splitlines()[-5:]),
        )
    return True


def _index(
    archive: Archive,
    suite: str,
    component: str,
    purl: Purl,
    release: dict[str, str],
    transport: Transport,
) -> bytes:
    """Return the index of a component for the package's architecture; empty when it has none."""
    digests = {}
    for line in release.get("sha256", "").splitlines():
        words = line.split()
        if len(words) == 3:  # noqa: PLR2004 - digest, size, path
            digests[words[2]] = words[0]
    arch = purl.qualifier("arch")
    base = "source/Sources" if arch == "source" else f"binary-{arch}/Packages"
    for compression in _COMPRESSIONS:
        path = f"{component}/{base}{compression}"
        if path not in digests:
            continue
        data, _, _ = transport.read(f"{archive.url}/dists/{suite}/{path}")
        if hashlib.sha256(data).hexdigest() != digests[path]:
            raise HostError(
                id="bad-registry",
                cause=f"{path} of {archive.url} {suite} is not the one its release file names",
                hint="the mirror may be in the middle of an update: try again in some minutes",
            )
        return _decompress(data, compression)
    return b""


def _decompress(data: bytes, compression: str) -> bytes:
    import gzip
    import lzma

    if compression == ".xz":
        return lzma.decompress(data)
    return gzip.decompress(data) if compression == ".gz" else data


def _stanzas(index: bytes, name: str) -> Iterator[dict[str, str]]:
    """Yield the paragraphs of a package without parsing the others (an index has some 50 MB)."""
    for match in re.finditer(rb"(?m)^Package: " + re.escape(name.encode()) + rb"$", index):
        start = index.rfind(b"\n\n", 0, match.start()) + 1
        end = index.find(b"\n\n", match.end())
        text = index[start : end if end >= 0 else len(index)].decode("utf-8", "replace")
        yield from paragraphs(text)


def _found(purl: Purl, stanza: dict[str, str], *, signed: bool) -> Found:
    version = stanza.get("version", "")
    if purl.qualifier("arch") == "source":
        return Found(version, _source_files(stanza, stanza.get("directory", "")), signed)
    location = stanza.get("filename", "")
    name = location.rpartition("/")[2]
    file = DebFile(name, int(stanza.get("size", "0")), stanza.get("sha256", ""), location)
    return Found(version, (file,), signed)


def _source_files(stanza: dict[str, str], directory: str) -> tuple[DebFile, ...]:
    """Return the files of a .dsc or Sources paragraph, the upstream archive first."""
    files = []
    for line in stanza.get("checksums-sha256", "").splitlines():
        words = line.split()
        if len(words) == 3 and not words[2].endswith(".asc"):  # noqa: PLR2004 - digest, size, name
            files.append(DebFile(words[2], int(words[1]), words[0], f"{directory}/{words[2]}"))

    def rank(file: DebFile) -> tuple[int, str]:
        if ".orig.tar." in file.name:
            return 0, file.name
        is_archive = ".tar." in file.name and ".debian.tar." not in file.name
        return 1 if is_archive else 2, file.name

    return tuple(sorted(files, key=rank))


def _from_pool(purl: Purl, registries: Registries) -> Found | None:
    """Look for a source package that no index lists any more but whose .dsc is still there."""
    transport = registries.transport("deb")
    prefix = purl.name[:4] if purl.name.startswith("lib") else purl.name[:1]
    version = purl.version.partition(":")[2] or purl.version
    for archive in registries.archives(purl.distribution):
        for component in archive.components or _COMPONENTS:
            directory = f"pool/{component}/{prefix}/{purl.name}"
            name = f"{purl.name}_{version}.dsc"
            try:
                data, _, _ = transport.read(f"{archive.url}/{directory}/{name}")
            except (GoneError, HostError):
                continue
            text = data.decode("utf-8", "replace")
            if text.startswith("-----BEGIN PGP"):
                text = text.partition("\n\n")[2]
            body = text.partition("\n-----BEGIN PGP SIGNATURE-----")[0]
            stanza = next(paragraphs(body), {})
            if stanza.get("source") != purl.name or stanza.get("version") != purl.version:
                continue
            own = DebFile(name, len(data), hashlib.sha256(data).hexdigest(), f"{directory}/{name}")
            return Found(purl.version, (*_source_files(stanza, directory), own), signed=False)
    return None
