"""The modules of others that a package's go.sum names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unibuild.external import go_sum
from unibuild.loading.toml_file import decode, read_bytes

if TYPE_CHECKING:
    from unibuild.loading.package import Package


def modules_of(package: Package, name: str) -> tuple[go_sum.Module, ...]:
    """Return what the file ``name`` of ``package`` names; errors show the line that is wrong."""
    shown = f"{package.path}/{name}" if package.path else name
    text = decode(read_bytes(f"{package.directory}/{name}", shown), shown)
    return go_sum.parse(text, shown)
