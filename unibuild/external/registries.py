"""Which servers may be asked for a package, in which order, and how each is reached.

The order: ``UNIBUILD_MIRRORS`` in the environment; what pip, apt or Go has configured on this machine;
the ``[mirrors]`` of WORKSPACE.toml; the default that pip itself names, or that the templates of
python-apt-common name. No address of a registry stands in unibuild.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from unibuild.external import apt_settings, go_settings, pip_settings
from unibuild.external.apt_settings import AptSettings, Archive
from unibuild.external.pip_settings import PipSettings
from unibuild.external.transport import Transport
from unibuild.model.errors import HostError, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIRRORS_VARIABLE = "UNIBUILD_MIRRORS"


@dataclass(frozen=True, slots=True)
class Registries:
    """The registries of this machine; make one with ``of_machine``.

    ``chosen`` (environment) and ``mirrors`` (workspace) map ``pypi``, ``golang`` or a distribution's
    name to URLs: the simple API of an index, a module proxy, or the root of an archive.
    """

    pip: PipSettings = field(default_factory=PipSettings)
    apt: AptSettings = field(default_factory=AptSettings)
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    root: Path = Path("/")
    go: tuple[str, ...] = ()

    def indexes(self) -> tuple[str, ...]:
        """Return the Python package indexes to ask, best first; ``no-registry`` without any."""
        configured = self.pip.indexes + self.pip.extra_indexes
        first = self.chosen.get("pypi", ()) + configured + self.mirrors.get("pypi", ())
        if self.pip.no_index:
            first = self.chosen.get("pypi", ())
        elif not self.pip.indexes and not self.mirrors.get("pypi"):
            default = pip_settings.default_index()
            first = (*first, default) if default else first
        if not first and not self.pip.find_links:
            raise _no_registry("pypi", "pip config set global.index-url URL")
        return tuple(dict.fromkeys(first))

    def module_proxies(self) -> tuple[str, ...]:
        """Return the Go module proxies to ask, best first; ``no-registry`` without any."""
        found = (*self.chosen.get("golang", ()), *self.go, *self.mirrors.get("golang", ()))
        if not found:
            raise _no_registry("golang", "go env -w GOPROXY=URL")
        return tuple(dict.fromkeys(found))

    def archives(self, distribution: str) -> tuple[Archive, ...]:
        """Return the archives to ask for a distribution's packages, best first."""
        own = [a for a in self.apt.archives if distribution in a.url.lower()]
        others = [a for a in self.apt.archives if a not in own]
        found = [
            *(Archive(url) for url in self.chosen.get(distribution, ())),
            *own,
            *(Archive(url) for url in self.mirrors.get(distribution, ())),
            *apt_settings.template_archives(distribution, self.root),
            *others,
        ]
        if not found:
            raise _no_registry(distribution, "an apt source for it")
        known = {archive.url: archive for archive in reversed(found) if archive.suites}
        return tuple(dict.fromkeys(known.get(archive.url, archive) for archive in found))

    def transport(self, kind: str) -> Transport:
        """Return how servers of a purl type are reached."""
        bundled = "" if _machine_has_certificates() else pip_settings.bundled_certificates()
        if kind == "deb":
            return Transport(proxies=dict(self.apt.proxies), certificates=bundled)
        if kind == "golang":
            return Transport(certificates=bundled)
        return Transport(
            proxies=dict.fromkeys(("http", "https"), self.pip.proxy) if self.pip.proxy else {},
            certificates=self.pip.certificates or bundled,
            timeout=self.pip.timeout,
            trusted_hosts=self.pip.trusted_hosts,
        )


def of_machine(mirrors: Mapping[str, Sequence[str]] | None = None) -> Registries:
    """Read the machine's configuration; ``mirrors`` are those of WORKSPACE.toml."""
    return Registries(
        pip=pip_settings.read_pip_settings(),
        apt=apt_settings.read_apt_settings(),
        go=go_settings.module_proxies(),
        chosen=parse_mirrors(os.environ.get(MIRRORS_VARIABLE, "")),
        mirrors={
            name: tuple(url.rstrip("/") for url in urls) for name, urls in (mirrors or {}).items()
        },
    )


def parse_mirrors(text: str) -> dict[str, tuple[str, ...]]:
    """Parse ``pypi=URL debian=URL debian=URL``; ``bad-mirrors`` when it is something else."""
    mirrors: dict[str, tuple[str, ...]] = {}
    for word in text.split():
        name, equals, url = word.partition("=")
        if not equals or "://" not in url:
            raise UserError(
                id="bad-mirrors",
                cause=f"'{word}' in {MIRRORS_VARIABLE} is no NAME=URL",
                hint=f"{MIRRORS_VARIABLE}='pypi=https://HOST/simple debian=https://HOST/debian'",
            )
        mirrors[name] = (*mirrors.get(name, ()), url.rstrip("/"))
    return mirrors


def _machine_has_certificates() -> bool:
    import ssl

    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())))


def _no_registry(name: str, setting: str) -> HostError:
    return HostError(
        id="no-registry",
        cause=f"this machine has no registry configured for '{name}' packages",
        hint=f'configure it ({setting}), or name it in WORKSPACE.toml: [mirrors] {name} = ["URL"]',
    )
