"""What a comparison found: a tree from the whole to its parts, with the evidence at its leaves.

A node without children is a leaf: it holds the differing bytes (a window of them), where they are and,
where the bytes tell it, why they differ. Nodes that only follow from others (a symbol that moved
because something before it grew) say so with ``follows``, and are never the first cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

WINDOW = 64
"""How many differing bytes a leaf keeps of each side."""
MOST_CHILDREN = 1000
"""How many children a node keeps; the rest is counted in ``left_out``."""

_EVIDENT = frozenset(
    ("date", "time-zone", "path", "host", "user", "locale", "line-ends", "order", "umask", "uuid",
     "address", "process-id")
)  # fmt: skip
_LIKELY = frozenset(("random", "zeros"))


@dataclass(frozen=True, slots=True)
class Cause:
    """Why bytes differ: ``id`` is one of the words that ``docs`` and JSON use, ``words`` a phrase.

    The ids: ``date``, ``time-zone``, ``path``, ``host``, ``user``, ``locale``, ``line-ends``,
    ``order``, ``umask``, ``uuid``, ``address`` (of memory), ``process-id``, ``random`` (high
    entropy), ``zeros`` (on one side only); and what may follow from something else: ``number``, ``digest``,
    ``build-id``.
    """

    id: str
    words: str
    sure: bool = True
    """False for what chance may have made look so, such as a number that could be a time."""

    @property
    def rank(self) -> int:
        """Return 0 for what is evident, 1 for what is likely, 2 for what may follow from another."""
        if self.id in _EVIDENT:
            return 0 if self.sure else 1
        return 1 if self.id in _LIKELY else 2


@dataclass(frozen=True, slots=True)
class Difference:
    """One node.

    ``name`` is what the part is called where it is (``.text``, ``main+0x12``, ``line 3``, a file's
    name), ``kind`` what it is (``file``, ``folder``, ``elf``, ``section``, ``segment``, ``symbol``,
    ``archive``, ``member``, ``json``, ``text``, ``bytes``, ``only-expected``, ``only-found``, …;
    ``equal`` for a tree without a difference), ``words`` how it differs, and ``origin`` who brought it
    (``main.c.o of //services/dns:dns``). ``offset`` counts bytes from the start of the expected file
    or, inside an archive, of its member; None where there is no such place. ``expected`` and ``found``
    are at most ``WINDOW`` of the differing bytes. ``damaged`` are pairs of a side
    (``expected``, ``found``) and how its content breaks the rules of the format that it claims.
    """

    name: str
    kind: str
    words: str = ""
    offset: int | None = None
    expected: bytes = b""
    found: bytes = b""
    cause: Cause | None = None
    children: tuple[Difference, ...] = ()
    origin: str = ""
    follows: bool = False
    left_out: int = 0
    damaged: tuple[tuple[str, str], ...] = ()

    @property
    def equal(self) -> bool:
        """Tell whether nothing differs."""
        return self.kind == "equal"

    @property
    def first_cause(self) -> str:
        """Say in one phrase why this differs first; where nothing tells it, where it differs first."""
        if self.equal:
            return ""
        leaf, known = self._decisive()
        cause = leaf.node.cause
        if known and cause is not None:
            return printable(_sentence(leaf, cause.words))
        words = _sentence(leaf, leaf.node.words or "differs", unknown=True)
        return f"not known: {printable(words)}"

    @property
    def cause_id(self) -> str:
        """Return the id of the first cause, ``unknown`` when nothing tells it, ``""`` when equal."""
        if self.equal:
            return ""
        leaf, known = self._decisive()
        return leaf.node.cause.id if known and leaf.node.cause else "unknown"

    def _decisive(self) -> tuple[_Leaf, bool]:
        """Return the leaf that explains most, and whether its cause is the one to name.

        What is evident comes first; then the first difference that does not follow from another,
        whether a likely cause is known for it or none, a few bytes of code after all others; what
        may follow (a digest) last.
        """
        leaves = list(_walk(self, ()))
        evident = [leaf for leaf in leaves if leaf.rank == 0]
        own = [leaf for leaf in leaves if not leaf.follows]
        likely = [leaf for leaf in own if leaf.node.cause is None or leaf.rank < _UNSURE]
        telling = [leaf for leaf in likely if not leaf.may_refer]
        ranked = sorted(leaves, key=lambda leaf: leaf.rank)
        leaf = (evident or telling or likely or own or ranked)[0]
        return leaf, leaf.node.cause is not None

    def named(self, name: str) -> Difference:
        """Return the same under another name."""
        return replace(self, name=name)

    def document(self) -> dict[str, object]:
        """Return the tree as JSON values: bytes in hexadecimal, empty fields left out."""
        fields: dict[str, object] = {
            "name": self.name,
            "kind": self.kind,
            "words": self.words,
            "offset": self.offset,
            "expected": self.expected.hex(),
            "found": self.found.hex(),
            "cause": {"id": self.cause.id, "words": self.cause.words} if self.cause else None,
            "origin": self.origin,
            "follows": self.follows,
            "left_out": self.left_out,
            "children": [child.document() for child in self.children],
        }
        return {
            key: value for key, value in fields.items() if value or (value == 0 and key == "offset")
        }


@dataclass(frozen=True, slots=True)
class _Leaf:
    node: Difference
    way: tuple[Difference, ...]
    """The nodes above it, the root first."""

    @property
    def follows(self) -> bool:
        """Tell whether it, or something that it is part of, follows from another difference."""
        return any(node.follows for node in (self.node, *self.way))

    @property
    def may_refer(self) -> bool:
        """Tell whether it may be code that only refers to something that differs elsewhere."""
        size = max(len(self.node.expected), len(self.node.found))
        in_code = any(node.name.startswith(_CODE) for node in self.way)
        return in_code and self.node.cause is None and 0 < size <= _REFERENCE

    @property
    def rank(self) -> int:
        """Return the rank of its cause, worse for what only follows from another difference."""
        return (self.node.cause.rank if self.node.cause else _UNSURE) + 3 * self.follows


_UNSURE = 2
_CODE = ".text"
_REFERENCE = 8  # bytes of an address or of a distance to one


def _walk(node: Difference, way: tuple[Difference, ...]) -> Iterator[_Leaf]:
    if node.cause is not None or not node.children:
        yield _Leaf(node, way)
    for child in node.children:
        yield from _walk(child, (*way, node))


def _sentence(leaf: _Leaf, words: str, *, unknown: bool = False) -> str:
    """``words`` with the place, the nearest part first: ``…, in main+0x12 in .text, from main.c.o``."""
    steps = [node.name for node in leaf.way[1:]]
    if leaf.way:
        steps.append(leaf.node.name)
    origin = next((node.origin for node in (leaf.node, *reversed(leaf.way)) if node.origin), "")
    outer = [
        name
        for name, inner in zip(steps, [*steps[1:], ""], strict=False)
        if name and inner != name and not inner.startswith(f"{name}+")
    ]
    place = " in ".join(reversed(outer))
    from_whom = f", from {origin}" if origin else ""
    if not place:
        return words + from_whom
    return f"{place}: {words}{from_whom}" if unknown else f"{words}, in {place}{from_whom}"


def printable(text: str) -> str:
    """Return text from outside with a dot for each character that would move a terminal's cursor."""
    return "".join(character if character.isprintable() else "·" for character in text)


Leaf = Callable[[], Difference]
"""Makes a leaf when it is wanted: telling a cause costs more than finding a difference."""


def first(leaves: Iterable[Leaf]) -> tuple[list[Difference], int]:
    """Make the first ``MOST_CHILDREN`` leaves; return them and how many more there are."""
    made: list[Difference] = []
    left_out = 0
    for leaf in leaves:
        if len(made) < MOST_CHILDREN:
            made.append(leaf())
        else:
            left_out += 1
    return made, left_out


def node(
    name: str,
    kind: str,
    children: list[Difference],
    words: str = "",
    *,
    left_out: int = 0,
    **more: object,
) -> Difference:
    """Return an inner node that keeps no more than ``MOST_CHILDREN`` of ``children``."""
    kept = tuple(children[:MOST_CHILDREN])
    left_out += len(children) - len(kept)
    whole = Difference(name, kind, words, children=kept, left_out=left_out)
    return replace(whole, **more) if more else whole  # type: ignore[arg-type]


EQUAL = Difference("", "equal")
