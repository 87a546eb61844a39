"""All variations, the user's choice of them, and which are combined in one experiment.

The first fourteen are those of reprotest (B1 of the reference), the others have each bitten some
builder of images. Variations that exclude one another have different turns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unibuild.model.errors import HostError, UserError
from unibuild.model.suggestions import did_you_mean
from unibuild.verify.variations.engine import Jobs, Order, Staging, Time
from unibuild.verify.variations.environment import (
    Environment,
    HashSeed,
    Home,
    Locales,
    SearchPath,
    TemporaryFolder,
    TimeZone,
)
from unibuild.verify.variations.folders import (
    BuildPath,
    CacheFolder,
    FileOrdering,
    FileSystem,
    GitCheckout,
)
from unibuild.verify.variations.process import (
    AddressRandomisation,
    Host,
    Kernel,
    Mask,
    Processors,
    Terminal,
    User,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unibuild.verify.variations.variation import Variation
    from unibuild.verify.workbench import Workbench

ALL: tuple[Variation, ...] = (
    Environment(),
    BuildPath(),
    Kernel(),
    AddressRandomisation(),
    Processors(),
    Time(),
    User(),
    FileOrdering(),
    Host(),
    Home(),
    Locales(),
    SearchPath(),
    TimeZone(),
    Mask(),
    Jobs(),
    Order(),
    HashSeed(),
    TemporaryFolder(),
    CacheFolder(),
    GitCheckout(),
    FileSystem(),
    Staging(),
    Terminal(),
)
BY_NAME = {variation.name: variation for variation in ALL}
EVERYTHING = "all"
TURNS = (0, 1)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen and can be done here, and why the ``lacking`` ones (by name) cannot."""

    variations: tuple[Variation, ...]
    lacking: Mapping[str, str] = field(default_factory=dict)

    def turns(self) -> dict[int, tuple[Variation, ...]]:
        """Return the variations of each experiment that there is something to vary in."""
        found = {
            turn: tuple(each for each in self.variations if turn in each.turns) for turn in TURNS
        }
        return {turn: variations for turn, variations in found.items() if variations}


def check_names(names: Iterable[str]) -> None:
    """Raise a ``UserError`` for the first of ``names`` that is no variation."""
    for name in names:
        if name not in BY_NAME and name != EVERYTHING:
            near = did_you_mean(name, (*BY_NAME, EVERYTHING))
            raise UserError(
                id="unknown-variation",
                cause=f"there is no variation {name!r}",
                hint=near or f"--vary takes {EVERYTHING} or some of {', '.join(BY_NAME)}",
            )


def choose(bench: Workbench) -> Choice:
    """Return what the user chose, all without a choice.

    Raises a ``UserError`` for unknown names, and a ``HostError`` when a variation that was asked for
    by its name cannot be done on this machine.
    """
    names = bench.options.vary
    check_names(names)
    by_name = bool(names) and EVERYTHING not in names
    asked = [each for each in ALL if not by_name or each.name in names]
    lacking = {each.name: why for each in asked if (why := each.lacking(bench))}
    if by_name and lacking:
        raise HostError(
            id="variation-not-possible",
            cause="; ".join(
                f"{name} cannot be varied here: {why}" for name, why in lacking.items()
            ),
            hint="--vary without it, or a machine that can",
        )
    return Choice(tuple(each for each in asked if each.name not in lacking), lacking)
