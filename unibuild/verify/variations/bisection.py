"""Which variation is guilty of a difference: the guilty action alone, run under fewer and fewer.

The action is first run twice under none: what differs then differs by itself, unless a variation that
draws nothing anew (``steadies``) makes it stay the same. Then halves of the experiment's variations are
tried until the smallest set is left that is needed.

Where the action alone does the same whatever is varied, it may follow what others do meanwhile: then
the whole target is built again under the few variations that change that.
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
Verdict = Literal["varied", "steadied", "each-time", "now-and-then", "elsewhere"]
_GLANCE = 0.05  # seconds between two looks at a log
Result = tuple[object, ...]
"""What a run of the action gave; two are equal when the runs did the same."""


@dataclass(frozen=True, slots=True)
class Guilt:
    """What is behind a difference, and the variations that show it.

    ``varied``: the result follows the ``variations``, and all of them are needed. ``steadied``: it
    differs by itself, and no more under one of the ``variations``. ``each-time``: it differs by
    itself, ``now-and-then``: not always. ``elsewhere``: it always gives the same, which is not what
    the ordinary build has.
    """

    verdict: Verdict
    variations: tuple[Variation, ...] = ()


class Suspect:
    """The action that makes ``output``, in the site of the experiment in which it differed.

    ``expected`` is what the ordinary build has of it, if anything; ``told`` hears what is being tried.
    """

    def __init__(
        self, site: Site, output: str, expected: LoggedAction | None, told: Callable[[str], None]
    ) -> None:
        """Run nothing yet."""
        self._site = site
        self._output = output
        self._expected = _result(expected)
        self._told = told

    def find(self, variations: Sequence[Variation], steadying: Iterable[Variation]) -> Guilt:
        """Find out which of ``variations``, those of the experiment, the action follows."""
        plain = self._alone(())
        if self._alone(()) != plain:
            return self._by_itself(steadying)
        if self._alone(variations) == plain:
            return self._among(variations)
        found = smallest(variations, lambda under: self._alone(under) != plain)
        if self._alone(()) != plain:  # what differs now and then looks like a variation's doing
            return self._by_itself(steadying)
        return Guilt("varied", tuple(found))

    def _by_itself(self, steadying: Iterable[Variation]) -> Guilt:
        found = tuple(each for each in steadying if self._alone((each,)) == self._alone((each,)))
        return Guilt("steadied", found) if found else Guilt("each-time")

    def _among(self, variations: Sequence[Variation]) -> Guilt:
        among = [each for each in variations if each.among]
        if not among or self._meanwhile(()) != self._expected:
            return Guilt("elsewhere")
        found = [each for each in among if self._meanwhile((each,)) != self._expected]
        if not found or self._meanwhile(()) != self._expected:
            return Guilt("now-and-then")
        return Guilt("varied", (found[0],))

    def _alone(self, variations: Sequence[Variation]) -> Result:
        """Return what the action does under ``variations``, its inputs as they are."""
        self._told(_names(variations))
        _, rebuild = self._site.start(variations, only_action=self._output)
        with rebuild:
            try:
                return _result(rebuild.finish().making(self._output))
            except ErrorGroup as group:
                return _failed(group.errors[0])
            except UnibuildError as error:
                return _failed(error)

    def _meanwhile(self, variations: Sequence[Variation]) -> Result:
        """Return what the action does under ``variations`` in a build of everything before it."""
        self._told(f"{_names(variations)}, with all before it")
        _, rebuild = self._site.start(variations, afresh=True)
        with rebuild:
            going = True
            while going:
                rebuild.wait(_GLANCE)
                going = rebuild.running
                for action in rebuild.actions():
                    if any(output.path == self._output for output in action.outputs):
                        return _result(action)
        return _result(None)


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


def _names(variations: Sequence[Variation]) -> str:
    return ", ".join(each.name for each in variations) or "no variation"


def _result(action: LoggedAction | None) -> Result:
    return ("nothing",) if action is None else ("made", action.action, action.outputs)


def _failed(error: UnibuildError) -> Result:
    """Return what a failure is known by; what it says may hold paths and times."""
    return ("failed", error.id, error.label)
