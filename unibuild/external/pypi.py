"""Packages of a Python package index: the simple API (PEP 503, 691) and pip's find-links.

The file that a package URL stands for does not depend on the Python that looks: it is the one wheel
for every machine, else the one for x86_64 Linux; anything else is named by ``?file_name=``.
"""

from __future__ import annotations

import html.parser
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from unibuild.external.transport import GoneError
from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unibuild.external.purl import Purl
    from unibuild.external.registries import Registries
    from unibuild.external.transport import Transport

_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2,"
    " text/html;q=0.1"
)
_PLATFORM = re.compile(r"(?:manylinux|linux).*_x86_64")


@dataclass(frozen=True, slots=True)
class Link:
    """One file that an index offers; ``sha256`` is empty when the index does not tell it."""

    name: str
    url: str
    sha256: str = ""
    yanked: bool = False


def links(purl: Purl, registries: Registries) -> tuple[Link, ...]:
    """Return the files of every version that the indexes and find-links offer, best index first."""
    transport = registries.transport("pypi")
    found: list[Link] = []
    problem: HostError | None = None
    for place in registries.pip.find_links:
        found += _find_links(place, transport)
    for index in registries.indexes():
        url = f"{index}/{_normalise(purl.name)}/"
        try:
            found += _page(url, transport)
        except GoneError:
            continue
        except HostError as error:
            problem = error
    own = tuple(link for link in found if _version(link.name, purl.name) is not None)
    if not own and problem:
        raise problem
    return own


def choose(purl: Purl, offered: tuple[Link, ...]) -> Link:
    """Return the file that ``purl`` stands for among those ``offered``."""
    of_version = [link for link in offered if _version(link.name, purl.name) == purl.version]
    if not of_version:
        versions = sorted_versions(purl, offered)
        raise UserError(
            id="no-such-version",
            cause=f"the package indexes of this machine have no {purl}",
            hint=f"the newest they have is {versions[-1]}"
            if versions
            else f"they have no package '{purl.name}': look at its name, and at 'pip config list'",
        )
    wanted = purl.qualifier("file_name")
    if wanted:
        named = [link for link in of_version if link.name == wanted]
        if named:
            return named[0]
        raise _ambiguous(purl, of_version, f"{purl} names a file that is not offered")
    for suits in (_is_universal, _is_for_this_platform, _is_source):
        suiting = {link.name: link for link in reversed(of_version) if suits(link.name)}
        if len(suiting) == 1:
            return next(iter(suiting.values()))
        if suiting:
            raise _ambiguous(purl, list(suiting.values()), f"{purl} stands for several files")
    raise _ambiguous(purl, of_version, f"{purl} has no file for x86_64 Linux")


def sorted_versions(purl: Purl, offered: tuple[Link, ...]) -> tuple[str, ...]:
    """Return the final versions that are offered and not yanked, oldest first."""
    from packaging.version import Version

    versions = {_version(link.name, purl.name) for link in offered if not link.yanked}
    parsed = sorted(Version(version) for version in versions if version)
    return tuple(str(version) for version in parsed if not version.is_prerelease)


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(file_name: str, package: str) -> str | None:
    """Return the version in the name of a wheel or a source archive of ``package``, else None."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    try:
        if file_name.endswith(".whl"):
            name, version, _, _ = parse_wheel_filename(file_name)
        else:
            name, version = parse_sdist_filename(file_name)
    except (InvalidSdistFilename, InvalidWheelFilename):
        return None
    return str(version) if name == _normalise(package) else None


def _is_universal(name: str) -> bool:
    return name.endswith("-none-any.whl")


def _is_for_this_platform(name: str) -> bool:
    if not name.endswith(".whl"):
        return False
    python, abi, platforms = name.removesuffix(".whl").rsplit("-", 3)[1:]
    independent = "py3" in python.split(".") and abi == "none"
    return independent and any(_PLATFORM.fullmatch(tag) for tag in platforms.split("."))


def _is_source(name: str) -> bool:
    return not name.endswith(".whl")


def _page(url: str, transport: Transport) -> Iterator[Link]:
    data, media_type, final = transport.read(url, _ACCEPT)
    if media_type.endswith("+json"):
        return _json_links(data, final)
    return _html_links(data.decode("utf-8", "replace"), final)


def _json_links(data: bytes, base: str) -> Iterator[Link]:
    import json

    try:
        files = json.loads(data)["files"]
        for file in files:
            name, url = str(file["filename"]), urljoin(base, str(file["url"]))
            digest = str(file.get("hashes", {}).get("sha256", ""))
            yield Link(name, url, digest, bool(file.get("yanked")))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HostError(
            id="bad-registry",
            cause=f"{base} is not what the simple API of a package index gives",
            hint="look at index-url in 'pip config list'",
        ) from None


class _Anchors(html.parser.HTMLParser):
    """Collects the links of a page of the simple API in HTML form (PEP 503, 592)."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.links: list[Link] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        target = attributes.get("href")
        if tag == "base" and target:
            self.base = urljoin(self.base, target)
        if tag != "a" or not target:
            return
        url, fragment = urldefrag(urljoin(self.base, target))
        digest = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        self.links.append(Link(name, url, digest, "data-yanked" in attributes))


def _html_links(text: str, base: str) -> Iterator[Link]:
    anchors = _Anchors(base)
    anchors.feed(text)
    anchors.close()
    return iter(anchors.links)


def _find_links(place: str, transport: Transport) -> Iterator[Link]:
    """Return the links of pip's ``--find-links``: a folder, a file, or a page of links."""
    if "://" not in place:
        place = Path(place).absolute().as_uri()
    parts = urlsplit(place)
    if parts.scheme == "file":
        path = Path(unquote(parts.path))
        if path.is_dir():
            return iter([Link(file.name, file.as_uri()) for file in sorted(path.iterdir())])
        if not path.is_file():
            return iter(())
    if parts.path.endswith((".whl", ".tar.gz", ".zip")):
        return iter([Link(unquote(parts.path.rpartition("/")[2]), place)])
    try:
        return iter(list(_page(place, transport)))
    except GoneError:
        return iter(())


def _ambiguous(purl: Purl, offered: list[Link], cause: str) -> UserError:
    return UserError(
        id="ambiguous-package",
        cause=cause,
        hint=f"name one: {purl}?file_name={offered[0].name}",
        detail=tuple(sorted({link.name for link in offered})),
    )
