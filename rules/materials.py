"""Where the parts of an image are from, as its manifest says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unibuild.analysis.api import Material


def component_facts(
    kind: str, description: str, materials: Iterable[Material]
) -> dict[str, object]:
    """Return what a rule knows of a component: kind, description, package URL, licence, origins.

    What others made comes first among ``materials`` and gives the component its package URL. The
    licence is that of all its origins together; empty as soon as one of them has none.
    """
    origins = list(dict.fromkeys(materials))
    return {
        "kind": kind,
        "description": description,
        "purl": origins[0].purl if origins else "",
        "license": _joined([one.license for one in origins]),
        "materials": [{"purl": one.purl, "license": one.license} for one in origins],
    }


def tool_facts(tools: Iterable[Material]) -> list[dict[str, str]]:
    """Return the packages of the tools that made the parts, each once, sorted."""
    return [
        {"purl": one.purl, "license": one.license}
        for one in sorted(set(tools), key=lambda one: one.purl)
    ]


def _joined(licenses: list[str]) -> str:
    distinct = list(dict.fromkeys(licenses))
    if not distinct or "" in distinct:
        return ""
    if len(distinct) == 1:
        return distinct[0]
    return " AND ".join(f"({one})" if " OR " in one else one for one in distinct)
