"""What every comparison of parts is given: the surroundings, and the files that stand beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from unibuild.verify.difference.beside import Beside

if TYPE_CHECKING:
    from unibuild.verify.difference.surroundings import Surroundings
    from unibuild.verify.difference.tree import Difference

DEEPEST = 8
"""How many containers inside one another are opened; what lies deeper is compared as bytes."""


class Compare(Protocol):
    """Compares two contents under a name; None when they are equal."""

    def __call__(
        self, name: str, expected: bytes, found: bytes, context: Context, /
    ) -> Difference | None:
        """Return the tree of what differs."""


class DamagedError(ValueError):
    """The bytes claim a format and break its rules; the text says how, ``side`` which of both."""

    side = ""


Read = TypeVar("Read")


def read_both(read: Callable[[bytes], Read], expected: bytes, found: bytes) -> tuple[Read, Read]:
    """Read both sides; a ``DamagedError`` of ``read`` learns on which side it happened."""
    sides = []
    for side, data in (("expected", expected), ("found", found)):
        try:
            sides.append(read(data))
        except DamagedError as error:
            error.side = side
            raise
    return sides[0], sides[1]


@dataclass(frozen=True, slots=True)
class Context:
    """``compare`` is the way back to the dispatcher, for what lies inside a container."""

    surroundings: Surroundings
    compare: Compare
    expected: Beside = field(default_factory=Beside)
    found: Beside = field(default_factory=Beside)
    depth: int = 0

    def inside(self, name: str, expected: bytes, found: bytes) -> Difference | None:
        """Compare two contents that lie in a container."""
        deeper = replace(self, depth=self.depth + 1, expected=Beside(), found=Beside())
        return self.compare(name, expected, found, deeper)
