"""Put a graph in order: what is needed before what needs it; a cycle is shown whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

N = TypeVar("N", bound="Hashable")


def topological(roots: Iterable[N], edges: Callable[[N], Iterable[N]]) -> tuple[list[N], list[N]]:
    """Return all nodes reachable from ``roots``, dependencies first, and the first cycle found.

    Depth first in the order given, without recursion, so that neither a chain of any length nor a
    cycle is a problem. The cycle begins and ends with the same node; it is empty where there is none.
    """
    done: dict[N, None] = {}
    on_path: dict[N, None] = {}
    for root in roots:
        if root in done:
            continue
        on_path[root] = None
        stack = [(root, iter(edges(root)))]
        while stack:
            node, rest = stack[-1]
            for following in rest:
                if following in on_path:
                    path = list(on_path)
                    return list(done), [*path[path.index(following) :], following]
                if following not in done:
                    on_path[following] = None
                    stack.append((following, iter(edges(following))))
                    break
            else:
                stack.pop()
                del on_path[node]
                done[node] = None
    return list(done), []


def ordered_by_production(
    items: Sequence[N],
    makes: Callable[[N], Iterable[Hashable]],
    reads: Callable[[N], Iterable[Hashable]],
) -> tuple[list[N], list[N]]:
    """Return ``items`` with the maker of something before its readers, else in the given order."""
    maker = {thing: item for item in items for thing in makes(item)}

    def needed(item: N) -> list[N]:
        return [maker[thing] for thing in reads(item) if thing in maker]

    return topological(items, needed)
