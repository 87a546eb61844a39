from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from unibuild.external import deb, pypi, transport
from unibuild.external.apt_settings import AptSettings, Archive
from unibuild.external.debian_version import sort_key
from unibuild.external.lock import Lock, LockedFile
from unibuild.external.packages import StoredPackages
from unibuild.external.pip_settings import PipSettings
from unibuild.external.purl import parse
from unibuild.external.registries import Registries
from unibuild.external.update import lock_packages, newest, rewrite
from unibuild.model.errors import HostError, UserError
from unibuild.store.cas import LocalStore
from unibuild.store.digests import DigestFunction
from unibuild.store.layout import Layout, Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.registry import Registry

JSON = "application/vnd.pypi.simple.v1+json"
ANY = "thing-1.0-py3-none-any.whl"
LINUX = "thing-1.0-py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64.whl"
ARM = "thing-1.0-py3-none-manylinux_2_17_aarch64.whl"
C_WHEEL = "thing-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
SOURCE = "thing-1.0.tar.gz"
MUSL = "pkg:deb/debian/musl@1.2.3-1?arch=source"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Registries, "transport", lambda *_: transport.Transport(pauses=(), timeout=10)
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoredPackages]:
    layout = Layout(str(tmp_path / "cache"), "blake3")
    with Session(layout) as session:
        blobs = LocalStore(layout, DigestFunction("blake3"), session, lambda _: None)
        yield StoredPackages(blobs, "blake3", tmp_path / "cache")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def index(registry: Registry, *names: str, form: str = "json") -> Registries:
    """Put files with these names on an index; each holds its own name."""
    for name in names:
        registry.pages[f"/files/{name}"] = name.encode()
    if form == "json":
        files = [
            {"filename": n, "url": f"../../files/{n}", "hashes": {"sha256": sha256(n.encode())}}
            for n in names
        ]
        registry.pages["/simple/thing/"] = json.dumps({"files": files}).encode()
        registry.types["/simple/thing/"] = JSON
    else:
        links = [f'<a href="../../files/{n}#sha256={sha256(n.encode())}">{n}</a>' for n in names]
        registry.pages["/simple/thing/"] = "<br>".join(links).encode()
    return Registries(pip=PipSettings(indexes=(f"{registry.url}/simple",)))


@pytest.mark.parametrize("form", ["json", "html"])
@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ((ANY, LINUX, SOURCE), ANY),
        ((ARM, LINUX, C_WHEEL, SOURCE), LINUX),
        ((ARM, SOURCE), SOURCE),
    ],
)
def test_the_file_of_a_package_does_not_depend_on_the_python_that_looks(
    registry: Registry, form: str, names: tuple[str, ...], chosen: str
) -> None:
    machine = index(registry, *names, form=form)
    purl = parse("pkg:pypi/thing@1.0")
    link = pypi.choose(purl, pypi.links(purl, machine))
    assert (link.name, link.sha256) == (chosen, sha256(chosen.encode()))
    assert link.url == f"{registry.url}/files/{chosen}"


def test_a_file_can_be_named_and_must_be_when_unclear(registry: Registry) -> None:
    machine = index(registry, ARM, C_WHEEL)
    purl = parse("pkg:pypi/thing@1.0")
    offered = pypi.links(purl, machine)
    with pytest.raises(UserError) as caught:
        pypi.choose(purl, offered)
    assert caught.value.id == "ambiguous-package"
    assert caught.value.detail == (C_WHEEL, ARM)
    named = parse(f"pkg:pypi/thing@1.0?file_name={ARM}")
    assert pypi.choose(named, pypi.links(named, machine)).name == ARM


def test_an_unknown_version_names_the_newest(registry: Registry) -> None:
    machine = index(registry, "thing-1.0.tar.gz", "thing-1.10.tar.gz", "thing-1.9rc1.tar.gz")
    purl = parse("pkg:pypi/thing@2.0")
    with pytest.raises(UserError) as caught:
        pypi.choose(purl, pypi.links(purl, machine))
    assert (caught.value.id, "1.10" in caught.value.hint) == ("no-such-version", True)
    assert newest(purl, machine).version == "1.10"


def test_a_page_that_is_no_index_is_told(registry: Registry) -> None:
    machine = index(registry, ANY)
    registry.pages["/simple/thing/"] = b'{"hello": 1}'
    with pytest.raises(HostError) as caught:
        pypi.links(parse("pkg:pypi/thing@1.0"), machine)
    assert caught.value.id == "bad-registry"


def test_find_links_need_no_index(tmp_path: Path) -> None:
    (tmp_path / ANY).write_bytes(b"wheel")
    settings = PipSettings(no_index=True, find_links=(str(tmp_path),))
    purl = parse("pkg:pypi/thing@1.0")
    link = pypi.choose(purl, pypi.links(purl, Registries(pip=settings)))
    assert link.url == (tmp_path / ANY).as_uri()


def archive(
    registry: Registry, root: Path, stanzas: dict[str, str], *, origin: str = "Debian"
) -> Registries:
    """Serve a Debian archive with the given indices (path below the suite → text)."""
    lines = []
    for path, text in stanzas.items():
        data = text.encode()
        packed = lzma.compress(data) if path.endswith(".xz") else data
        packed = gzip.compress(data) if path.endswith(".gz") else packed
        registry.pages[f"/debian/dists/bookworm/{path}"] = packed
        lines.append(f" {sha256(packed)} {len(packed)} {path}")
    body = f"Origin: {origin}\nSuite: stable\nSHA256:\n" + "\n".join(lines)
    signed = f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{body}\n"
    signed += "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
    registry.pages["/debian/dists/bookworm/InRelease"] = signed.encode()
    keys = (str(root / "none.gpg"),)
    own = Archive(f"{registry.url}/debian", ("bookworm",), ("main",), keys)
    return Registries(apt=AptSettings((own,)), root=root)


def sources(registry: Registry, version: str = "1.2.3-1") -> str:
    lines = []
    for name in (f"musl_{version}.dsc", "musl_1.2.3.orig.tar.gz", "musl.debian.tar.xz"):
        data = name.encode() * 3
        registry.pages[f"/debian/pool/main/m/musl/{name}"] = data
        lines.append(f" {sha256(data)} {len(data)} {name}")
    return (
        "Package: mus\nVersion: 9\n\n"
        f"Package: musl\nVersion: {version}\nDirectory: pool/main/m/musl\n"
        "Checksums-Sha256:\n" + "\n".join(lines) + "\n\nPackage: muslx\nVersion: 8\n"
    )


@pytest.mark.parametrize("compression", [".xz", ".gz", ""])
def test_a_source_package_is_locked_with_its_upstream_archive_first(
    registry: Registry, store: StoredPackages, tmp_path: Path, compression: str
) -> None:
    machine = archive(registry, tmp_path, {f"main/source/Sources{compression}": sources(registry)})
    done = lock_packages([parse(MUSL)], Lock(), machine, store)
    files = done.lock.packages[MUSL]
    assert files[0].name == "musl_1.2.3.orig.tar.gz"
    assert {file.name for file in files} > {"musl_1.2.3-1.dsc"}
    assert files[0].location == "pool/main/m/musl/musl_1.2.3.orig.tar.gz"
    assert store.find(files[0])
    assert (done.added, done.unsigned) == ((MUSL,), (MUSL,))
    asked = len(registry.requests)
    again = lock_packages([parse(MUSL)], done.lock, machine, store)
    assert (again.lock, again.added, len(registry.requests)) == (done.lock, (), asked)
    nothing = lock_packages([], done.lock, machine, store)
    assert (nothing.lock, nothing.removed) == (Lock(), (MUSL,))


def test_a_binary_package_is_found_by_architecture(registry: Registry, tmp_path: Path) -> None:
    text = "Package: box\nVersion: 1:2-3+b1\nFilename: pool/main/b/box/box_2_amd64.deb\nSize: 7\n"
    text += f"SHA256: {sha256(b'x')}\n"
    machine = archive(registry, tmp_path, {"main/binary-amd64/Packages.xz": text})
    found = deb.find(parse("pkg:deb/debian/box@1:2-3+b1?arch=amd64"), machine)
    location = "pool/main/b/box/box_2_amd64.deb"
    assert found.files == (deb.DebFile("box_2_amd64.deb", 7, sha256(b"x"), location),)
    with pytest.raises(UserError) as caught:
        deb.find(parse("pkg:deb/debian/box@1:2-3+b1?arch=arm64"), machine)
    assert caught.value.id == "no-such-version"


def test_a_superseded_version_names_what_there_is(registry: Registry, tmp_path: Path) -> None:
    text = sources(registry, "1.2.4-1")
    machine = archive(registry, tmp_path, {"main/source/Sources.xz": text})
    with pytest.raises(UserError) as caught:
        deb.find(parse(MUSL), machine)
    assert caught.value.id == "no-such-version"
    assert "1.2.4-1" in caught.value.hint
    assert newest(parse(MUSL), machine).version == "1.2.4-1"


def test_a_source_that_no_index_lists_is_found_in_the_pool(
    registry: Registry, tmp_path: Path
) -> None:
    machine = archive(registry, tmp_path, {"main/source/Sources.xz": "Package: x\nVersion: 1\n"})
    dsc = f"Source: musl\nVersion: 1.2.3-1\nChecksums-Sha256:\n {sha256(b'o')} 1 musl.orig.tar.gz\n"
    registry.pages["/debian/pool/main/m/musl/musl_1.2.3-1.dsc"] = dsc.encode()
    found = deb.find(parse(MUSL), machine)
    assert [file.name for file in found.files] == ["musl.orig.tar.gz", "musl_1.2.3-1.dsc"]
    assert not found.signed


def test_another_distributions_archive_is_not_believed(registry: Registry, tmp_path: Path) -> None:
    stanzas = {"main/source/Sources.xz": sources(registry)}
    machine = archive(registry, tmp_path, stanzas, origin="Ubuntu")
    with pytest.raises(UserError) as caught:
        deb.find(parse(MUSL), machine)
    assert caught.value.id == "no-such-version"


def test_an_index_that_is_not_the_one_of_the_release_is_told(
    registry: Registry, tmp_path: Path
) -> None:
    machine = archive(registry, tmp_path, {"main/source/Sources.xz": sources(registry)})
    registry.pages["/debian/dists/bookworm/main/source/Sources.xz"] += b" "
    with pytest.raises(HostError) as caught:
        list(deb.versions(parse(MUSL), machine))
    assert caught.value.id == "bad-registry"


@pytest.mark.skipif(not shutil.which("gpgv"), reason="signatures need gpgv")
def test_a_signature_that_does_not_fit_is_refused(registry: Registry, tmp_path: Path) -> None:
    machine = archive(registry, tmp_path, {"main/source/Sources.xz": sources(registry)})
    (tmp_path / "none.gpg").write_bytes(b"")
    with pytest.raises(HostError) as caught:
        list(deb.versions(parse(MUSL), machine))
    assert caught.value.id == "bad-signature"


VERSIONS = (
    "1.0~rc1-1",
    "1.0-1",
    "1.0-1+b1",
    "1.0-1.1",
    "1.0+x-1",
    "1.0a-1",
    "1.9-1",
    "1.10-1",
    "1:0-1",
)


def test_debian_versions_sort_as_dpkg_sorts_them() -> None:
    if not shutil.which("dpkg"):
        pytest.skip("no dpkg to compare with")
    for one in VERSIONS:
        for other in VERSIONS:
            command = ["dpkg", "--compare-versions", one, "lt", other]
            less = subprocess.run(command, check=False).returncode == 0
            assert (sort_key(one) < sort_key(other)) is less, (one, other)


def test_rewrite_changes_whole_strings_only() -> None:
    text = 'a = "pkg:pypi/x@1"\nb = \'pkg:pypi/x@1\'\nc = "pkg:pypi/x@10"\n'
    assert rewrite(text, {"pkg:pypi/x@1": "pkg:pypi/x@2"}) == (
        'a = "pkg:pypi/x@2"\nb = \'pkg:pypi/x@2\'\nc = "pkg:pypi/x@10"\n'
    )


@pytest.mark.network
def test_the_toolchains_lock_is_what_the_registries_have(tmp_path: Path) -> None:
    from pathlib import Path as RealPath

    from unibuild.external import lock

    pinned = lock.read(RealPath(__file__).parents[2] / "unibuild.lock")
    text = "pkg:deb/debian/musl@1.2.3-1?arch=source"
    found = deb.find(parse(text), Registries(apt=_machine_apt(), root=tmp_path))
    assert found.signed
    assert {(f.name, f.size, f.sha256, f.location) for f in found.files} == {
        (f.name, f.size, f.sha256, f.location) for f in pinned.packages[text]
    }
    assert all(isinstance(f, LockedFile) for files in pinned.packages.values() for f in files)


def _machine_apt() -> AptSettings:
    from unibuild.external.apt_settings import read_apt_settings

    settings = read_apt_settings()
    if not any("debian" in archive.url for archive in settings.archives):
        pytest.skip("this machine's apt knows no Debian archive")
    return settings
