"""Where this machine's apt looks for packages: its source lists, proxies and keys.

Both forms of sources.list(5) are read, one-line and deb822, from the places apt-config names. An
archive is the root of a repository (the folder that holds ``dists/`` and ``pool/``). On a machine
whose apt knows no archive of a distribution, the templates of python-apt-common name one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ONE_LINE = re.compile(r"deb(?:-src)?\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<rest>\S.*)")
_DEFAULT_PLACES = {
    "Dir::Etc::sourcelist": "/etc/apt/sources.list",
    "Dir::Etc::sourceparts": "/etc/apt/sources.list.d",
}
_TEMPLATES = Path("usr/share/python-apt/templates")


@dataclass(frozen=True, slots=True)
class Archive:
    """A repository: its root URL without a final slash, suites, components and key files."""

    url: str
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ("main",)
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AptSettings:
    """The configured archives in order, and ``proxies`` by scheme (``http``, ``https``)."""

    archives: tuple[Archive, ...] = ()
    proxies: Mapping[str, str] = field(default_factory=dict)


def read_apt_settings(root: Path = Path("/")) -> AptSettings:
    """Read apt's configuration below ``root`` (another root than ``/`` is for tests)."""
    options = _apt_options() if root == Path("/") else {}
    places = {key: options.get(key, default) for key, default in _DEFAULT_PLACES.items()}
    files = [root / places["Dir::Etc::sourcelist"].lstrip("/")]
    parts = root / places["Dir::Etc::sourceparts"].lstrip("/")
    if parts.is_dir():
        files += sorted(path for path in parts.iterdir() if path.suffix in {".list", ".sources"})
    archives: list[Archive] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        archives += _deb822(text) if file.suffix == ".sources" else _one_line(text)
    proxies = {
        scheme: options[f"Acquire::{scheme}::Proxy"]
        for scheme in ("http", "https")
        if options.get(f"Acquire::{scheme}::Proxy", "DIRECT") != "DIRECT"
    }
    return AptSettings(tuple(_expand_mirrors(archives, root)), proxies)


def template_archives(distribution: str, root: Path = Path("/")) -> tuple[Archive, ...]:
    """Return the archives that a distribution's template names, one for each root URL."""
    path = root / _TEMPLATES / f"{distribution.capitalize()}.info"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    urls = re.findall(r"^BaseURI:\s*(\S+)", text, re.MULTILINE)
    return tuple(Archive(url.rstrip("/")) for url in dict.fromkeys(urls))


def _apt_options() -> dict[str, str]:
    """Return apt's own options, as ``apt-config dump`` prints them; none without apt."""
    import subprocess

    command = ["apt-config", "dump", "--format", "%f %v%n"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    options = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(" ")
        options[key] = value
    base = options.get("Dir::Etc", "etc/apt")
    for key in _DEFAULT_PLACES:
        if options.get(key):
            options[key] = str(Path("/") / base / options[key])
        else:
            options.pop(key, None)
    return options


def _one_line(text: str) -> Iterator[Archive]:
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if not match:
            continue
        url, *words = match["rest"].split()
        options = dict(
            option.split("=", 1) for option in (match["options"] or "").split() if "=" in option
        )
        keys = tuple(options.get("signed-by", "").split(",")) if "signed-by" in options else ()
        yield Archive(url.rstrip("/"), tuple(words[:1]), tuple(words[1:]), keys)


def _deb822(text: str) -> Iterator[Archive]:
    for paragraph in paragraphs(text):
        if paragraph.get("enabled", "yes").lower() in {"no", "false", "0"}:
            continue
        if not {"deb", "deb-src"} & set(paragraph.get("types", "").split()):
            continue
        signed_by = paragraph.get("signed-by", "")
        keys = tuple(signed_by.split()) if signed_by.startswith("/") else ()
        for url in paragraph.get("uris", "").split():
            yield Archive(
                url.rstrip("/"),
                tuple(paragraph.get("suites", "").split()),
                tuple(paragraph.get("components", "").split()),
                keys,
            )


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yield the paragraphs of a deb822 text with lower-case keys; continuation lines are kept."""
    paragraph: dict[str, str] = {}
    key = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if paragraph:
                yield paragraph
            paragraph, key = {}, ""
        elif line[0] in " \t":
            if key:
                paragraph[key] += "\n" + line.strip()
        elif ":" in line:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            paragraph[key] = value.strip()


def _expand_mirrors(archives: list[Archive], root: Path) -> Iterator[Archive]:
    """Replace ``mirror+file:`` lists (apt-transport-mirror(1)) by the URLs in them."""
    for archive in archives:
        if not archive.url.startswith(("mirror+file:", "mirror:file:")):
            yield archive
            continue
        path = root / archive.url.split("file:", 1)[1].lstrip("/")
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            words = line.partition("#")[0].split()
            if words:
                url = words[0].rstrip("/")
                yield Archive(url, archive.suites, archive.components, archive.keys)
