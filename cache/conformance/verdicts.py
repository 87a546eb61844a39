"""What a check finds out about a server, and how it is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Literal

Outcome = Literal["passes", "differs", "fails", "not offered"]
"""``differs``: not what the specification says or allows, but unibuild works with it."""

OUTCOMES: tuple[Outcome, ...] = ("passes", "differs", "fails", "not offered")
NAME_WIDTH = 30

UNSEEN = (
    "Not to be seen from outside: whether the server hashes blobs again when it serves them (most do "
    "not; unibuild hashes every byte and takes a wrong one for a miss), and what its quota removes "
    "first (a result whose blobs are gone is a miss, and its action runs again). The random blobs "
    "that these checks wrote stay until the quota removes them: the protocol cannot delete."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw; ``consequence`` is what unibuild does about a difference.

    ``whole_area``: what it says holds for the checks after it in its area, which are not made.
    """

    outcome: Outcome
    detail: str = ""
    consequence: str = ""
    whole_area: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A finding with the name (``AREA.CHECK``) and the sentence of its check."""

    name: str
    title: str
    outcome: Outcome
    detail: str
    consequence: str
    seconds: float


def passes(detail: str = "") -> Finding:
    """Say that the server does what the specification asks."""
    return Finding("passes", detail)


def differs(detail: str, consequence: str) -> Finding:
    """Say that the server does something else, with which unibuild works."""
    return Finding("differs", detail, consequence)


def fails(detail: str, consequence: str = "") -> Finding:
    """Say that the server does something with which a build is slower, or not safe."""
    return Finding("fails", detail, consequence)


def not_offered(detail: str) -> Finding:
    """Say that the server does not claim to have this, or that it could not be asked."""
    return Finding("not offered", detail)


def service_not_offered(detail: str) -> Finding:
    """Say that there is nothing here of what the area is about."""
    return Finding("not offered", detail, whole_area=True)


def line(verdict: Verdict) -> str:
    """Return a verdict as lines of text: the outcome, the check, and what there is to say."""
    shown = f"{verdict.outcome:<11}  {verdict.name:<{NAME_WIDTH}}  {verdict.title}"
    for text in (verdict.detail, verdict.consequence and f"unibuild: {verdict.consequence}"):
        if text:
            shown += f"\n{'':13}{text}"
    return shown


def summary(verdicts: list[Verdict]) -> str:
    """Return the closing lines: counts, and what no client can find out."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    counted = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
    return f"{len(verdicts)} checks: {counted}\n{UNSEEN}"


def document(url: str, function: str, verdicts: list[Verdict]) -> dict[str, object]:
    """Return what ``--json`` prints."""
    return {
        "server": url,
        "digest_function": function,
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "unseen": UNSEEN,
    }
