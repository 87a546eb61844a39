"""Who brought each byte of a linked image, and which symbol pulled it in.

An *owner* is whatever the caller wants to group by (a component's label); the map from object or
archive path to owner comes from the caller. Bytes that belong to no owner (the linker's own tables,
filling between sections) stay with the owner ``""``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unibuild.elf.link_map import split_object

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from unibuild.elf.link_map import Extraction, Placement


@dataclass(slots=True)
class Share:
    """What one owner takes: bytes in the file, zeroed bytes in memory only, and its objects."""

    file_bytes: int = 0
    zeroed_bytes: int = 0
    objects: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Object name to its bytes, both kinds together."""


@dataclass(frozen=True, slots=True)
class Step:
    """One link of a chain: ``symbol``, wanted by ``reference``, made the linker take ``object``."""

    reference: str
    symbol: str
    object: str


def owner_of(name: str, owners: Mapping[str, str]) -> str:
    """Return the owner of an object as the linker names it, ``""`` when nobody claims it."""
    return owners.get(split_object(name)[0], "")


def shares(
    placements: Iterable[Placement],
    owners: Mapping[str, str],
    in_memory: Mapping[str, bool],
) -> dict[str, Share]:
    """Sum the placements by owner.

    ``in_memory`` maps the name of every section that takes memory to whether it has bytes in the
    file; placements in other sections (debug data) do not count.
    """
    found: dict[str, Share] = {}
    for placement in placements:
        has_bytes = in_memory.get(placement.output_section)
        if has_bytes is None or not placement.size:
            continue
        share = found.setdefault(owner_of(placement.object, owners), Share())
        if has_bytes:
            share.file_bytes += placement.size
        else:
            share.zeroed_bytes += placement.size
        share.objects[placement.object] += placement.size
    return found


def chain_to(
    owner: str,
    extractions: Iterable[Extraction],
    owners: Mapping[str, str],
    live: Collection[str],
) -> list[Step]:
    """Return the shortest chain from an object that was linked by itself into ``owner``.

    The last step enters the owner. ``live`` are the objects that kept at least one byte: only those
    are worth a reason. Empty when the owner's objects were given to the linker as such.
    """
    pulled = {extraction.object: extraction for extraction in extractions}
    chains = [
        _until_inside(owner, _chain(name, pulled), owners)
        for name in sorted(live)
        if name in pulled and owner_of(name, owners) == owner
    ]
    return min(chains, key=len, default=[])


def _chain(name: str, pulled: Mapping[str, Extraction]) -> list[Step]:
    steps: list[Step] = []
    while (step := pulled.get(name)) is not None and len(steps) < len(pulled):
        steps.append(Step(step.reference, step.symbol, step.object))
        name = step.reference
    return steps[::-1]


def _until_inside(owner: str, steps: list[Step], owners: Mapping[str, str]) -> list[Step]:
    for index, step in enumerate(steps):
        if owner_of(step.object, owners) == owner:
            return steps[: index + 1]
    return steps
