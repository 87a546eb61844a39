"""Go modules, by the protocol of module proxies (Go Modules Reference, "GOPROXY protocol").

``pkg:golang/github.com/google/uuid@v1.6.0`` stands for two files: the module's source,
``v1.6.0.zip``, and its requirements, ``v1.6.0.mod``. Of a module whose requirements alone count in the
choice of versions, ``?file_name=go.mod`` names these and leaves the source out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unibuild.external.purl import Purl
    from unibuild.external.registries import Registries

REQUIREMENTS_ONLY = "go.mod"
_UPPER = re.compile(r"[A-Z]")


def module_path(purl: Purl) -> str:
    """Return the path by which Go knows a module: ``github.com/google/uuid``."""
    return f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name


def file_names(purl: Purl) -> tuple[str, ...]:
    """Return the names of the files that a module has here, the main file first."""
    names = (f"{purl.version}.zip", f"{purl.version}.mod")
    return names[1:] if purl.qualifier("file_name") == REQUIREMENTS_ONLY else names


def urls(purl: Purl, name: str, registries: Registries) -> tuple[str, ...]:
    """Return where the file ``name`` of a module may be had, best proxy first."""
    return tuple(f"{base}/{escaped(name)}" for base in _bases(purl, registries))


def _bases(purl: Purl, registries: Registries) -> tuple[str, ...]:
    path = escaped(module_path(purl))
    return tuple(f"{proxy}/{path}/@v" for proxy in registries.module_proxies())


def escaped(path: str) -> str:
    """Return a path as proxies want it: each capital as ``!`` and the small letter."""
    return _UPPER.sub(lambda match: f"!{match[0].lower()}", path)
