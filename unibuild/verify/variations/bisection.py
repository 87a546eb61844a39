"""Which variation is guilty of a difference: the guilty action alone, run under fewer and fewer.

The action is first run twice under none: what differs then differs by itself, unless a variation that
draws nothing anew (``steadies``) makes it stay the same. Then halves of the experiment's variations are
tried until the smallest set is left that is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from unibuild.model.errors import ErrorGroup, UnibuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from unibuild.execution.execution_log import LoggedAction
    from unibuild.verify.variations.site import Site
    from unibuild.verify.variations.variation import Variation

Element = TypeVar("Element")
Verdict = Literal["varied", "steadied", "each-time", "elsewhere"]
Result = tuple[object, ...]
"""What a run of the action gave; two are equal when the runs did the same."""


@dataclass(frozen=True, slots=True)
class Guilt:
    """What is behind a difference, and the variations that show it.

    ``varied``: the result follows the ``variations``, and all of them are needed. ``steadied``: it
    differs by itself, and no more under one of the ``variations``. ``each-time``: it differs by
    itself. ``elsewhere``: alone it always gives the same, which is not what the ordinary build has.
    """

    verdict: Verdict
    variations: tuple[Variation, ...] = ()


def find(
    site: Site,
    output: str,
    variations: Sequence[Variation],
    steadying: Iterable[Variation],
    told: Callable[[str], None],
) -> Guilt:
    """Find out which of ``variations`` the action that makes ``output`` follows.

    ``told`` hears what is being tried.
    """

    def run(under: Sequence[Variation]) -> Result:
        told(", ".join(each.name for each in under) or "no variation")
        return result_of(site, output, under)

    plain = run(())
    if run(()) != plain:
        return _by_itself(run, steadying)
    if run(variations) == plain:
        return Guilt("elsewhere")
    found = smallest(variations, lambda under: run(under) != plain)
    if run(()) != plain:  # what differs only now and then looks like a variation's doing
        return _by_itself(run, steadying)
    return Guilt("varied", tuple(found))


def _by_itself(
    run: Callable[[Sequence[Variation]], Result], steadying: Iterable[Variation]
) -> Guilt:
    steadied = tuple(each for each in steadying if run((each,)) == run((each,)))
    return Guilt("steadied", steadied) if steadied else Guilt("each-time")


def smallest(
    elements: Sequence[Element], differs: Callable[[Sequence[Element]], bool]
) -> list[Element]:
    """Return some of ``elements`` that differ together and no more when one is left out.

    All together differ, and none does not. Of n elements, one of which is guilty, about log2(n) sets
    are tried.
    """
    needed: list[Element] = []
    pool = list(elements)
    while True:
        low, high = 0, len(pool)  # with the first `low` it does not differ, with `high` it does
        while high - low > 1:
            middle = (low + high) // 2
            if differs([*needed, *pool[:middle]]):
                high = middle
            else:
                low = middle
        needed.append(pool[high - 1])
        del pool[high - 1 :]
        if not pool or differs(needed):
            return sorted(needed, key=list(elements).index)


def result_of(site: Site, output: str, variations: Sequence[Variation]) -> Result:
    """Return what the action that makes ``output`` does under ``variations``, its inputs as they are."""
    _, rebuild = site.start(variations, only_action=output)
    with rebuild:
        try:
            log = rebuild.finish()
        except ErrorGroup as group:
            return _failed(group.errors[0])
        except UnibuildError as error:
            return _failed(error)
    made = log.making(output)
    return ("nothing",) if made is None else _made(made)


def _made(action: LoggedAction) -> Result:
    return ("made", action.action, action.outputs)


def _failed(error: UnibuildError) -> Result:
    """Return what a failure is known by; what it says may hold paths and times."""
    return ("failed", error.id, error.label)
