"""Package URLs of a repository's own files, as a bill of materials names them.

    pkg:generic/unibuild@0.4.0?target=mmio#kernel/virtio

The name is the repository's, for that is what is released; the version is known of the standard
repository only; the subpath is the package's folder, and ``target`` says which target when it is not
the one that is named like the folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from unibuild import __version__
from unibuild.analysis.providers import Material
from unibuild.loading.workspace import STANDARD_REPOSITORY

if TYPE_CHECKING:
    from unibuild.loading.package import Package
    from unibuild.model.labels import Label


def own_material(package: Package, label: Label) -> Material:
    """Return where the own files of the target ``label`` of ``package`` are from."""
    name = package.repository or package.workspace.name
    version = f"@{quote(__version__, safe='')}" if name == STANDARD_REPOSITORY else ""
    folder = quote(label.package, safe="/")
    target = f"?target={quote(label.name, safe='')}"
    return Material(
        f"pkg:generic/{quote(name, safe='')}{version}"
        f"{'' if label.name == label.package.rpartition('/')[2] else target}"
        f"{f'#{folder}' if folder else ''}",
        package.license,
    )
