"""Modules of others in a Go program: those that its go.sum names, each a pinned package.

The modules become a folder in the form of a module proxy, which Go asks instead of a server. It holds
them to the hashes in go.sum, as it does with what it downloads itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unibuild.analysis.api import Artifact, Material, RuleContext, ToolchainInfo

if TYPE_CHECKING:
    from .go_attributes import GoBinaryAttributes

# Words: the folder, then for each file where it goes in it, and where it is.
_SCRIPT = """\
cd=$1
shift
while test $# -gt 0; do
    mkdir -p "$cd/${1%/*}"
    case $1 in
        *.info) printf '%s' "$2" > "$cd/$1" ;;
        *) cp "$2" "$cd/$1" ;;
    esac
    shift 2
done
"""


@dataclass(frozen=True, slots=True)
class Modules:
    """The modules of a program: the folder that Go asks (None without any), and their origins."""

    proxy: Artifact | None
    materials: tuple[Material, ...]


def modules(ctx: RuleContext[GoBinaryAttributes]) -> Modules:
    """Declare the action that lays out the modules of ``go_sum``."""
    found = ctx.modules("go_sum")
    if not found:
        return Modules(None, ())
    proxy = ctx.declare_tree(f"{ctx.label.name}.go/modules")
    shell = ctx.dependency("shell", ToolchainInfo)
    words: list[str | Artifact] = []
    for module in found:
        base = module.proxy_path
        endings = (".zip", ".mod") if module.source else (".mod",)
        for ending in endings:
            name = f"{ctx.label.name}.go/{base}{ending}"
            words += [
                f"{base}{ending}",
                ctx.package_file(f"{module.purl}#{module.version}{ending}", name),
            ]
        words += [f"{base}.info", f'{{"Version":"{module.version}"}}']
    ctx.action(
        "GoModules",
        [*ctx.tool("shell", "sh"), "-e", "-c", _SCRIPT, "sh", proxy, *words],
        inputs=[shell.tree],
        outputs=[proxy],
        description=f"GoModules {ctx.label}",
    )
    origins = tuple(Material(module.purl, "") for module in found if module.source)
    return Modules(proxy, origins)
