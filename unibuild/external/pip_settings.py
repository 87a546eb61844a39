"""Where this machine's pip looks for packages: its configuration files and ``PIP_*`` variables.

Read as pip reads them (pip's user guide, "Configuration"): global, user and site files, then
``PIP_CONFIG_FILE``, then the environment; sections ``[global]``, then ``[install]`` and
``[download]`` of each file. The default index is the one that the installed pip itself names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEFAULT_TIMEOUT = 15.0
_SECTIONS = ("global", "install", "download")


@dataclass(frozen=True, slots=True)
class PipSettings:
    """Configured indexes (simple API), folders or pages of links, and how to reach them.

    ``no_index`` forbids every index, pip's default one too; ``certificates`` is a PEM file or empty, ``timeout`` in seconds, ``proxy`` a URL or empty.
    """

    indexes: tuple[str, ...] = ()
    extra_indexes: tuple[str, ...] = ()
    no_index: bool = False
    find_links: tuple[str, ...] = ()
    certificates: str = ""
    timeout: float = _DEFAULT_TIMEOUT
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()


def read_pip_settings(environment: Mapping[str, str] | None = None) -> PipSettings:
    """Read the settings that pip would use now."""
    environment = os.environ if environment is None else environment
    options: dict[str, str] = {}
    for path in _files(environment):
        options.update(_read_file(path))
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            options[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return PipSettings(
        indexes=_urls(options.get("index-url", "")),
        extra_indexes=_urls(options.get("extra-index-url", "")),
        no_index=options.get("no-index", "").lower() in {"1", "true", "yes", "on"},
        find_links=tuple(options.get("find-links", "").split()),
        certificates=options.get("cert", ""),
        timeout=_seconds(options.get("timeout") or options.get("default-timeout", "")),
        proxy=options.get("proxy", ""),
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
    )


def default_index() -> str:
    """Return the index that pip uses when none is configured, or nothing when pip is absent."""
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        return ""
    return str(PyPI.simple_url).rstrip("/")


def bundled_certificates() -> str:
    """Return pip's own PEM file of authorities, for a machine that has none, or nothing."""
    try:
        from pip._vendor import certifi
    except ImportError:
        return ""
    path = str(certifi.where())
    return path if Path(path).is_file() else ""


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield the configuration files from the weakest to the strongest."""
    import sys

    special = environment.get("PIP_CONFIG_FILE", "")
    if special == os.devnull:
        return
    home = Path(environment.get("HOME") or "/")
    for folder in reversed(environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")):
        if folder:
            yield Path(folder) / "pip" / "pip.conf"
    yield Path("/etc/pip.conf")
    yield home / ".pip" / "pip.conf"
    yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield Path(environment.get("VIRTUAL_ENV") or sys.prefix) / "pip.conf"
    if special:
        yield Path(special)


def _read_file(path: Path) -> dict[str, str]:
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    options: dict[str, str] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            items = parser.items(section)
            options.update({key.replace("_", "-"): value for key, value in items if value})
    return options


def _urls(text: str) -> tuple[str, ...]:
    return tuple(url.rstrip("/") for url in text.split())


def _seconds(text: str) -> float:
    try:
        return max(float(text), 1.0)
    except ValueError:
        return _DEFAULT_TIMEOUT
